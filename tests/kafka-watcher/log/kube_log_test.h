// A source of pod logs against the API server stand-in: what pods and containers do, in one line
// each. Used by the tests of PodLogSource.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/time_text.h"
#include "kafka-watcher/log/pod_log_source.h"
#include "tests/kafka-watcher/log/line_ledger.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kafka {

class KubeLogTest : public ::testing::Test {
 protected:
  struct PodShape {
    std::string uid = "u1";
    int restarts = 0;
    bool running = true;
    // Long ago, unless said otherwise.
    std::string created = "2020-01-01T00:00:00Z";
  };

  void SetUp() override {
    auto server = stand_in::KubeStandIn::Start({});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  stand_in::PodLogs& Logs() { return server_->Logs(); }

  static stand_in::ContainerKey Key(const std::string& pod) { return {"kafka", pod, "kafka"}; }

  void Apply(const std::string& name, const PodShape& shape) {
    const std::string json = fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}","namespace":"kafka","uid":"{}",
             "creationTimestamp":"{}","labels":{{"strimzi.io/kind":"Kafka"}}}},
             "spec":{{"containers":[{{"name":"kafka","image":"kafka:4.1"}}]}},
             "status":{{"containerStatuses":[{{"name":"kafka","restartCount":{},
             "state":{{"{}":{{}}}}}}]}}}})",
        name, shape.uid, shape.created, shape.restarts, shape.running ? "running" : "waiting");
    ASSERT_THAT(server_->Objects().Apply(json), IsOk());
  }

  static PodShape Young(const std::string& uid) {
    return {.uid = uid,
            .created = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(
                std::chrono::system_clock::now() + std::chrono::seconds(1)))};
  }

  void DeletePod(const std::string& name) {
    const auto pods = server_->Objects().TypeByPath("", "v1", "pods");
    ASSERT_THAT(server_->Objects().Delete(*pods, {"kafka", name}), IsOk());
  }

  // Stamps are those of this machine, and differ.
  Time Stamp() {
    last_stamp_ =
        std::max(std::chrono::system_clock::now(), last_stamp_ + std::chrono::nanoseconds(1));
    return last_stamp_;
  }

  void Write(const std::string& pod, const std::string& topic) {
    Logs().Write(Key(pod), Stamp(), AuditLine(topic));
  }

  static PodLogOptions Options() {
    PodLogOptions options;
    options.selectors = {{.labels = "strimzi.io/kind=Kafka"}};
    options.first_back_off = std::chrono::milliseconds(5);
    options.longest_back_off = std::chrono::milliseconds(20);
    options.longest_silence = std::chrono::milliseconds(2000);
    options.farewell = std::chrono::milliseconds(500);
    return options;
  }

  void Start(const PodLogOptions& options = Options()) {
    client_ = *kube::Client::Create(*kube::ServerUrlAccess(server_->Url()));
    auto source = MakePodLogSource(options, ledger_.positions, client_, metrics_);
    ASSERT_THAT(source, IsOk());
    source_ = *std::move(source);
  }

  // As Start, for logs that are read from now on.
  void StartAndWait(size_t logs = 1, const PodLogOptions& options = Options()) {
    Start(options);
    ASSERT_TRUE(Eventually([&] {
      const auto states = source_->States();
      return states.size() == logs &&
             std::all_of(states.begin(), states.end(),
                         [](const LogState& state) { return state.reading; });
    }));
  }

  bool Read(const std::string& topic) { return ledger_.TakeUntilRead(*source_, topic); }

  Time last_stamp_;
  std::unique_ptr<stand_in::KubeStandIn> server_;
  std::shared_ptr<kube::Client> client_;
  MetricsRegistry metrics_;
  LineLedger ledger_;
  std::unique_ptr<LogSource> source_;
};

}  // namespace network_mapper::kafka
