// Commands by an API server whose every frame is the test's.
#include "mapper/app/proxy_exec.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/concurrency/guarded.h"
#include "common/kube/client.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/common/kube/scripted_web_socket.h"

namespace network_mapper {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kEnough{20};

std::string FromNode(char channel, std::string_view text) {
  return ServerFrame(0x82, std::string(1, channel) + std::string(text));
}

class ProxyExecTest : public ::testing::Test {
 protected:
  ~ProxyExecTest() override {
    is_over_ = true;
    exec_.reset();
  }

  std::unique_ptr<istio::CommandRun> Start(std::chrono::nanoseconds timeout = kEnough) {
    return exec_->Start({"shop", "web-1"}, {"pilot-agent", "request"}, timeout);
  }

  // To its end.
  static std::string Output(const istio::CommandRun& run) {
    std::string output;
    while (true) {
      pollfd waiting{run.Descriptor(), POLLIN, 0};
      poll(&waiting, 1, -1);
      char buffer[10'000];
      const ssize_t got = read(run.Descriptor(), buffer, sizeof(buffer));
      if (got <= 0) {
        return output;
      }
      output.append(buffer, static_cast<size_t>(got));
    }
  }

  static std::string FailureOf(const istio::CommandRun& run) {
    Output(run);
    const auto failure = run.Failure();
    return failure ? std::string(istio::ScrapeFailureName(*failure)) : "";
  }

  static std::unique_ptr<kube::Client> ClientOf(const ScriptedServer& server) {
    kube::ClusterAccess access;
    access.server = server.Url();
    return *kube::Client::Create(std::move(access));
  }

  using Script = std::function<void(const ScriptedCall&, ScriptedWire&)>;

  // From the next request on.
  void Serve(Script script) {
    script_.With([&](Script& current) { current = std::move(script); });
  }

  // What scripts use outlives them.
  std::atomic<size_t> sent_ = 0;
  std::atomic<int> open_ = 0;
  std::atomic<bool> is_over_ = false;
  Guarded<Script> script_;
  ScriptedServer server_{[this](const ScriptedCall& call, ScriptedWire& wire) {
    script_.With([](const Script& script) { return script; })(call, wire);
  }};
  std::unique_ptr<kube::Client> client_ = ClientOf(server_);
  std::optional<ProxyExec> exec_{std::in_place, *client_, 2};
};

TEST_F(ProxyExecTest, OutputComesThroughHoweverLongItIs) {
  Serve([](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call));
    for (int i = 0; i < 100; ++i) {
      wire.Raw(FromNode(1, std::string(30'000, static_cast<char>('a' + i % 26))));
    }
    wire.Raw(FromNode(3, R"({"status":"Success"})"));
    wire.Close();
  });
  const auto run = Start();
  const std::string output = Output(*run);
  EXPECT_EQ(output.size(), 3'000'000U);
  EXPECT_EQ(output.substr(29'999, 2), "ab");
  EXPECT_FALSE(run->Failure().has_value());
  EXPECT_THAT(server_.Calls().at(0).target,
              HasSubstr("/api/v1/namespaces/shop/pods/web-1/exec?container=istio-proxy&"));
}

TEST_F(ProxyExecTest, EachFailureHasItsReason) {
  Serve([](const ScriptedCall&, ScriptedWire& wire) { wire.Json(403, "{}"); });
  EXPECT_EQ(FailureOf(*Start()), "exec_forbidden");
  for (const int code : {400, 401, 404, 500}) {
    Serve([code](const ScriptedCall&, ScriptedWire& wire) { wire.Json(code, "{}"); });
    EXPECT_EQ(FailureOf(*Start()), "exec_failed") << code;
  }
  Serve([](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call) + FromNode(1, "all of it"));
    wire.Close();
  });
  EXPECT_EQ(FailureOf(*Start()), "exec_failed");
  Serve([](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call));
    wire.HoldUntilHangUp();
  });
  EXPECT_EQ(FailureOf(*Start(milliseconds(200))), "timeout");
}

TEST_F(ProxyExecTest, NobodyWaitsForThoseWhoAreGivenUp) {
  Serve([this](const ScriptedCall& call, ScriptedWire& wire) {
    ++open_;
    wire.Raw(WebSocketAcceptance(call) + FromNode(1, "a"));
    wire.HoldUntilHangUp();
    --open_;
  });
  auto first = Start();
  auto second = Start();
  ASSERT_TRUE(Eventually([&] { return open_ == 2; }));
  // Its turn comes once another one is given up.
  const auto third = Start();
  const auto begin = std::chrono::steady_clock::now();
  first.reset();
  ASSERT_TRUE(Eventually([&] { return server_.Calls().size() == 3; }));
  second.reset();
  ASSERT_TRUE(Eventually([&] { return open_ == 1; }));
  exec_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(FailureOf(*third), "exec_failed");
}

TEST_F(ProxyExecTest, WhoDoesNotReadHoldsTheNodeUpAndNothingElse) {
  Serve([this](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Raw(WebSocketAcceptance(call));
    while (!is_over_) {
      wire.Raw(FromNode(1, std::string(60'000, '#')));
      sent_ += 60'000;
    }
    wire.Close();
  });
  auto run = Start();
  size_t sent = 0;
  // Nothing more is taken.
  ASSERT_TRUE(Eventually([&] {
    sent = sent_;
    std::this_thread::sleep_for(milliseconds(200));
    return sent > 0 && sent == sent_;
  }));
  // What sockets hold, and one message.
  EXPECT_LT(sent, 20'000'000U);
  run = Start(milliseconds(300));
  EXPECT_TRUE(Eventually([&] { return run->Failure() == istio::ScrapeFailure::kTimeout; }));
}

}  // namespace
}  // namespace network_mapper
