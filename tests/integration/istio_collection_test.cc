// The mapper's real binary and a proxy's metrics port: traffic is on the map once, with path and
// method, as the command line shows and exports it, although the mapper is killed again and again
// while calls go on.
#include <atomic>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/mapper_process.h"
#include "tests/istio-watcher/scrape/proxy_dump.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPods[] = {
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop",
        "uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21"},
        "spec":{"containers":[{"name":"web"},{"name":"istio-proxy"}]},
        "status":{"phase":"Running","podIP":"127.0.0.1","containerStatuses":[{"name":"istio-proxy","ready":true,
        "state":{"running":{"startedAt":"2026-01-01T00:00:05Z"}}}]}})",
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"cart","namespace":"shop",
        "uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a22"},"spec":{"containers":[{"name":"cart"}]},
        "status":{"phase":"Running","podIP":"10.0.0.2"}})",
};

class IstioCollectionTest : public ::testing::Test {
 protected:
  // What the proxy has counted.
  std::atomic<uint64_t> calls_ = 1'000'000;
  std::atomic<bool> has_labels_ = true;
  ScriptedServer proxy_{[this](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(istio::Answer(istio::Line(
        {.path = "/orders", .value = calls_.load(), .has_labels = has_labels_.load()})));
    wire.Close();
  }};
  TemporaryDirectory directory_;
  MapperProcess mapper_{{"--store=sqlite:" + (directory_.Path() / "map.db").string(),
                         "--istio-metrics-port=" + std::to_string(istio::PortOf(proxy_)),
                         "--istio-report-interval=1s", "--istio-cooldown-interval=900ms"}};

  void SetUp() override {
    for (std::string_view pod : kPods) {
      ASSERT_THAT(mapper_.Kubernetes().Objects().Apply(pod), IsOk());
    }
    ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  }

  void AwaitReadings(size_t readings) {
    const size_t before = proxy_.Calls().size();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (proxy_.Calls().size() < before + readings) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << mapper_.Log();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::string CommandLine(const std::vector<std::string>& words) {
    std::vector<std::string> command = {(BuildDirectory() / "bin/network-mapper").string()};
    command.insert(command.end(), words.begin(), words.end());
    command.push_back("--mapper-url=http://127.0.0.1:" + std::to_string(mapper_.ApiPort()));
    const auto log = directory_.Path() / "cli.log";
    ChildProcess cli(command, log);
    cli.WaitForExit();
    return ReadFileOrDie(log);
  }

  uint64_t CallsOnTheMap() {
    const nlohmann::json data = mapper_.Query("{ intents { evidence { collector count } } }");
    uint64_t calls = 0;
    for (const auto& intent : data.value("intents", nlohmann::json::array())) {
      for (const auto& evidence : intent.value("evidence", nlohmann::json::array())) {
        calls += evidence.value("count", uint64_t{0});
      }
    }
    return calls;
  }
};

TEST_F(IstioCollectionTest, CallsAreOnTheMapOnceThoughTheMapperIsKilled) {
  AwaitReadings(3);
  EXPECT_THAT(CommandLine({"list"}), ::testing::Not(HasSubstr("cart")));
  const uint64_t baseline = calls_;
  std::jthread traffic([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ++calls_;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int milliseconds : {2100, 700, 1300}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    mapper_.Kill();
    ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  }
  traffic = {};
  EXPECT_TRUE(Eventually([&] { return CallsOnTheMap() == calls_ - baseline; }));
  AwaitReadings(2);
  EXPECT_EQ(CallsOnTheMap(), calls_ - baseline) << mapper_.Log();

  EXPECT_THAT(CommandLine({"list"}), HasSubstr("/orders"));
  const std::string exported = CommandLine({"export"});
  EXPECT_THAT(exported, HasSubstr("/orders"));
  EXPECT_THAT(exported, HasSubstr("GET"));
  EXPECT_THAT(CommandLine({"explain", "web.shop", "cart.shop"}), HasSubstr("istio"));
  EXPECT_THAT(CommandLine({"status"}), HasSubstr("istio-watcher"));
}

TEST_F(IstioCollectionTest, TheStatusNamesTheTelemetryThatIsMissing) {
  has_labels_ = false;
  AwaitReadings(4);
  EXPECT_TRUE(Eventually([&] {
    return CommandLine({"status"}).find("Telemetry resource") != std::string::npos;
  })) << CommandLine({"status"});
  httplib::Client client("127.0.0.1", mapper_.ApiPort());
  const httplib::Result ready = client.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 200);
  EXPECT_THAT(ready->body, HasSubstr("degraded: Istio counts requests without their paths"));
  EXPECT_THAT(mapper_.Log(), HasSubstr("docs/istio.md"));
}

}  // namespace
}  // namespace network_mapper
