// A port forwarded by a server whose every frame is the test's.
#include "common/kube/forwarded_port.h"

#include <functional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/api_error.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/common/kube/scripted_web_socket.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr milliseconds kLong{20'000};
constexpr uint8_t kBinary = 0x82;

std::string OnChannel(char channel, std::string_view text) {
  return ServerFrame(kBinary, std::string(1, channel) + std::string(text));
}

// What comes first on either channel: port 9090, little-endian.
std::string Beginning() {
  return OnChannel(0, "\x82\x23") + OnChannel(1, "\x82\x23");
}

class ForwardedPortTest : public ::testing::Test {
 protected:
  using Script = std::function<void(const ScriptedWire&)>;

  // The client must be gone before the server.
  void TearDown() override { client_.reset(); }

  StatusOr<std::unique_ptr<ForwardedPort>> Open(ScriptedServer& server,
                                                milliseconds timeout = kLong) {
    ClusterAccess access;
    access.server = server.Url() + "/prefix";
    client_ = *Client::Create(std::move(access));
    return ForwardedPort::Open(*client_, {.name_space = "maps", .pod = "mapper-1", .port = 9090},
                               timeout);
  }

  // What is read from a server that does this after it has accepted; "end" at the end.
  StatusOr<std::string> ReadFrom(const Script& script, milliseconds timeout = kLong) {
    ScriptedServer server([&script](const ScriptedCall& call, ScriptedWire& wire) {
      wire.Raw(WebSocketAcceptance(call));
      script(wire);
      wire.Close();
    });
    ASSIGN_OR_RETURN(const auto port, Open(server, timeout));
    ASSIGN_OR_RETURN(std::string text, port->Read());
    return text.empty() ? "end" : text;
  }

  std::unique_ptr<Client> client_;
};

TEST_F(ForwardedPortTest, CarriesBytesBothWaysAndAnswersPings) {
  std::string written;
  std::string pong;
  ScriptedServer server([&](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call) + Beginning());
    ClientFrames frames(wire);
    written = frames.Next().value_or(ClientFrame{}).payload;
    wire.Raw(ServerFrame(0x02, std::string("\0Hel", 4)) + ServerFrame(0x89, "are you there") +
             ServerFrame(0x80, "lo"));
    const ClientFrame answer = frames.Next().value_or(ClientFrame{});
    pong = answer.first == 0x8A ? answer.payload : "no pong";
    wire.Raw(OnChannel(0, std::string(70'000, 'x')) + ServerFrame(0x88, ""));
    wire.Close();
  });
  const auto port = Open(server);
  ASSERT_THAT(port, IsOk());
  ASSERT_THAT((*port)->Write(std::string(300, 'q')), IsOk());
  EXPECT_EQ(*(*port)->Read(), "Hello");
  EXPECT_EQ(*(*port)->Read(), std::string(70'000, 'x'));
  EXPECT_EQ(*(*port)->Read(), "");
  const ScriptedCall call = server.Calls().front();
  EXPECT_EQ(call.method, "GET");
  EXPECT_EQ(call.target, "/prefix/api/v1/namespaces/maps/pods/mapper-1/portforward?ports=9090");
  EXPECT_EQ(call.Header("upgrade"), "websocket");
  EXPECT_EQ(call.Header("sec-websocket-version"), "13");
  EXPECT_EQ(written, std::string(1, '\0') + std::string(300, 'q'));
  EXPECT_EQ(pong, "are you there");
}

TEST_F(ForwardedPortTest, TellsWhyTheServerRefuses) {
  ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(403, R"({"kind":"Status","message":"cannot get resource \"pods/portforward\""})");
  });
  const auto port = Open(server);
  EXPECT_THAT(port,
              StatusIs(StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("GET /api/v1/namespaces/maps/pods/mapper-1/portforward"),
                             HasSubstr("cannot get resource"))));
  EXPECT_EQ(HttpCode(port.status()), 403);
}

TEST_F(ForwardedPortTest, TellsWhatTheNodeSays) {
  EXPECT_THAT(ReadFrom([](const ScriptedWire& wire) {
                wire.Raw(Beginning() + OnChannel(1, "connection refused"));
              }),
              StatusIs(StatusCode::kUnavailable, HasSubstr("connection refused")));
  EXPECT_THAT(ReadFrom([](const ScriptedWire& wire) { wire.Raw(OnChannel(7, "what")); }),
              StatusIs(StatusCode::kUnavailable, HasSubstr("nobody asked for")));
}

TEST_F(ForwardedPortTest, EndsWithTheConnection) {
  EXPECT_EQ(*ReadFrom([](const ScriptedWire& wire) { wire.Raw(Beginning()); }), "end");
  EXPECT_EQ(*ReadFrom([](const ScriptedWire& wire) { wire.Raw(ServerFrame(0x88, "")); }), "end");
}

TEST_F(ForwardedPortTest, RefusesAServerThatDoesNotSpeakTheProtocol) {
  for (const char* answer :
       {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "SSH-2.0\r\n\r\n", ""}) {
    ScriptedServer server([answer](const ScriptedCall&, ScriptedWire& wire) {
      wire.Raw(answer);
      wire.Close();
    });
    EXPECT_THAT(Open(server), Not(IsOk())) << answer;
  }
}

TEST_F(ForwardedPortTest, DoesNotWaitForever) {
  EXPECT_THAT(ReadFrom([](const ScriptedWire& wire) { wire.HoldUntilHangUp(); }, milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("did not answer in time")));
  ScriptedServer silent([](const ScriptedCall&, ScriptedWire& wire) {
    wire.HoldUntilHangUp();
    wire.Close();
  });
  EXPECT_THAT(Open(silent, milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("GET /api/v1/namespaces/maps")));
}

}  // namespace
}  // namespace network_mapper::kube
