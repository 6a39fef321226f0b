// A command in a pod, by a server whose every frame is the test's.
#include "common/kube/pod_command.h"

#include <atomic>
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

constexpr milliseconds kLongEnough{20'000};
constexpr std::string_view kSuccess = R"({"metadata":{},"status":"Success"})";

// A message as a node sends it.
std::string Sent(char channel, std::string_view text) {
  return ServerFrame(0x82, std::string(1, channel) + std::string(text));
}

std::string Failure(std::string_view code) {
  return R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code",)"
         R"("reason":"NonZeroExitCode","details":{"causes":[{"reason":"Other"},{"reason":)"
         R"("ExitCode","message":")" +
         std::string(code) + R"("}]}})";
}

class PodCommandTest : public ::testing::Test {
 protected:
  using Script = std::function<void(const ScriptedWire&)>;

  // The client must be gone before the server.
  void TearDown() override { client_.reset(); }

  Status Run(ScriptedServer& server, milliseconds timeout = kLongEnough,
             const std::stop_token& stop = {}) {
    ClusterAccess access;
    access.server = server.Url() + "/prefix";
    client_ = *Client::Create(std::move(access));
    output_.clear();
    return RunInPod(
        *client_,
        {.name_space = "shop",
         .pod = "web-1",
         .container = "istio-proxy",
         .words = {"pilot-agent", "GET", "stats?filter=a&b c"}},
        timeout,
        [this](std::string_view bytes) {
          output_ += bytes;
          return output_.size() > largest_output_ ? ResourceExhausted("too long") : OkStatus();
        },
        stop);
  }

  // With a server that does this after it has accepted.
  Status RunScript(const Script& script, milliseconds timeout = kLongEnough) {
    ScriptedServer server([&script](const ScriptedCall& call, ScriptedWire& wire) {
      wire.Raw(WebSocketAcceptance(call));
      script(wire);
      wire.Close();
    });
    return Run(server, timeout);
  }

  Status RunFrames(const std::string& frames) {
    return RunScript([&frames](const ScriptedWire& wire) { wire.Raw(frames); });
  }

  std::unique_ptr<Client> client_;
  std::string output_;
  size_t largest_output_ = 1'000'000;
};

TEST_F(PodCommandTest, HandsOutputOnUntilTheCommandHasEnded) {
  ScriptedServer server([](const ScriptedCall& call, ScriptedWire& wire) {
    // As containerd does: an empty message on each channel, then what comes, in pieces of any size.
    wire.Raw(WebSocketAcceptance(call) + Sent(1, "") + Sent(2, "") + Sent(3, ""));
    wire.Raw(Sent(1, "istio_") + Sent(2, "a warning\n") + ServerFrame(0x89, "are you there"));
    wire.Raw(ServerFrame(0x02, "\1requests") + ServerFrame(0x80, "_total"));
    wire.Raw(Sent(1, std::string(70'000, 'x')) + Sent(3, kSuccess));
    // Whether or not the connection ends.
    wire.HoldUntilHangUp();
  });
  EXPECT_THAT(Run(server), IsOk());
  EXPECT_EQ(output_, "istio_requests_total" + std::string(70'000, 'x'));
  const ScriptedCall call = server.Calls().front();
  EXPECT_EQ(call.method, "GET");
  EXPECT_EQ(
      call.target,
      "/prefix/api/v1/namespaces/shop/pods/web-1/exec?container=istio-proxy&stdout=true&stderr=true"
      "&command=pilot-agent&command=GET&command=stats%3Ffilter%3Da%26b%20c");
  EXPECT_EQ(call.Header("sec-websocket-protocol"), "v4.channel.k8s.io");
}

TEST_F(PodCommandTest, TellsHowTheCommandFailed) {
  EXPECT_THAT(
      RunFrames(Sent(2, "Error: connection\x1b[31m refused\n") + Sent(3, Failure("3"))),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("code 3: Error: connection [31m refused"), Not(HasSubstr("\n")))));
  EXPECT_THAT(
      RunFrames(Sent(1, "half of it") +
                Sent(3, R"({"status":"Failure","message":"container istio-proxy not found"})")),
      StatusIs(StatusCode::kFailedPrecondition,
               HasSubstr("cannot run the command: container istio-proxy not found")));
}

TEST_F(PodCommandTest, TellsWhyTheServerRefuses) {
  ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(403, R"({"kind":"Status","message":"cannot create resource \"pods/exec\""})");
  });
  const Status status = Run(server);
  EXPECT_THAT(status, StatusIs(StatusCode::kPermissionDenied,
                               AllOf(HasSubstr("GET /api/v1/namespaces/shop/pods/web-1/exec:"),
                                     HasSubstr("pods/exec"))));
  EXPECT_THAT(StatusMessage(status), Not(HasSubstr("pilot-agent")));
  EXPECT_EQ(HttpCode(status), 403);
}

TEST_F(PodCommandTest, HasNotSucceededWithoutTheNodeSayingSo) {
  const std::pair<const char*, std::string> cases[] = {
      {"closed", Sent(1, "all of it") + ServerFrame(0x88, "")},
      {"cut", Sent(1, "all of it")},
      {"cut in a frame", Sent(1, "all of it").substr(0, 6)},
      {"no JSON", Sent(3, "Success")},
      {"no object", Sent(3, "[1]")},
      {"no text", Sent(3, R"({"status":1})")},
      {"another outcome", Sent(3, R"({"status":"Unknown"})")},
      {"causes of another shape", Sent(3, R"({"status":"Failure","details":{"causes":7}})")},
      {"no UTF-8", Sent(3, "{\"status\":\"Success\",\"message\":\"\xff\"}")},
      {"far too long", Sent(3, std::string(70'000, ' ') + std::string(kSuccess))},
      {"deep", Sent(3, std::string(60'000, '['))},
      {"another channel", Sent(1, "a") + Sent(7, "what") + Sent(3, kSuccess)},
      {"standard input", Sent(0, "what") + Sent(3, kSuccess)},
      {"masked", std::string("\x82\x81", 2) + "aaaab"},
      {"reserved bits", ServerFrame(0xF2, "\1a")},
      {"a rest of nothing", ServerFrame(0x80, "\1a")},
      {"17 MiB in a frame", std::string("\x82\x7f\0\0\0\0\x01\x10\0\0", 10)},
  };
  for (const auto& [name, frames] : cases) {
    EXPECT_THAT(RunFrames(frames), Not(IsOk())) << name;
  }
}

TEST_F(PodCommandTest, OutputWithoutEndEndsWhereItsTakerSays) {
  largest_output_ = 100'000;
  EXPECT_THAT(RunScript([](const ScriptedWire& wire) {
                for (int i = 0; i < 1000; ++i) {
                  wire.Raw(Sent(1, std::string(1000, '#')));
                }
              }),
              StatusIs(StatusCode::kResourceExhausted, "too long"));
  EXPECT_LE(output_.size(), 102'000U);
}

TEST_F(PodCommandTest, ComplaintsWithoutEndAreCutOff) {
  const Status status = RunScript([](const ScriptedWire& wire) {
    for (int i = 0; i < 2000; ++i) {
      wire.Raw(Sent(2, std::string(1000, 'e')));
    }
    wire.HoldUntilHangUp();
  });
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition, HasSubstr("without an end")));
  EXPECT_LT(StatusMessage(status).size(), 400U);
}

TEST_F(PodCommandTest, DoesNotWaitForever) {
  EXPECT_THAT(RunScript([](const ScriptedWire& wire) { wire.HoldUntilHangUp(); }, milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("did not answer in time")));
  ScriptedServer silent([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  EXPECT_THAT(Run(silent, milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("GET /api/v1/namespaces/shop")));
}

TEST_F(PodCommandTest, AServerThatNeverPausesEndsInTimeToo) {
  std::atomic<bool> is_over = false;
  ScriptedServer server([&is_over](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call));
    while (!is_over) {
      wire.Raw(ServerFrame(0x8A, "pong") + Sent(1, "x"));
    }
    wire.Close();
  });
  EXPECT_THAT(Run(server, milliseconds(200)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("did not answer in time")));
  is_over = true;
}

TEST_F(PodCommandTest, CanBeStopped) {
  std::stop_source stop;
  ScriptedServer server([&stop](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call) + Sent(1, "a"));
    stop.request_stop();
    wire.HoldUntilHangUp();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Run(server, kLongEnough, stop.get_token()),
              StatusIs(StatusCode::kCancelled, HasSubstr("stopped")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
}

}  // namespace
}  // namespace network_mapper::kube
