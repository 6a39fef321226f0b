// The Kafka watcher's real binary follows a file while the watcher and the mapper are killed (-9)
// again and again: each line that was written counts on the map exactly once.
#include <fstream>
#include <functional>
#include <random>

#include <gmock/gmock.h>

#include "tests/integration/ledger_load.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kKills = 12;
constexpr int kTopics = 40;

// Appends lines of an authorizer, and rotates the file now and then.
class BrokerLog {
 public:
  explicit BrokerLog(std::filesystem::path path)
      : path_(std::move(path)), worker_([this](const std::stop_token& stop) { Write(stop); }) {}

  // How many lines were written in all.
  uint64_t Stop() {
    worker_.request_stop();
    worker_.join();
    return lines_;
  }

 private:
  void Write(const std::stop_token& stop) {
    std::minstd_rand random(LedgerSeed());
    std::uniform_int_distribution<int> burst(1, 60);
    std::uniform_int_distribution<int> topic(0, kTopics - 1);
    std::ofstream file(path_, std::ios::app);
    int rotation = 0;
    for (int turn = 0; !stop.stop_requested(); ++turn) {
      for (int i = burst(random); i > 0; --i) {
        file << "[2026-01-01 00:00:00,000] DEBUG Principal = User:a is Allowed operation = READ "
                "from host = 10.244.0.7 on resource = Topic:LITERAL:topic-"
             << topic(random)
             << " for request = Fetch with resourceRefCount = 1 based on rule DefaultAllow "
                "(kafka.authorizer.logger)\n";
        ++lines_;
      }
      file.flush();
      if (turn % 150 == 149) {
        file.close();
        std::filesystem::rename(path_, path_.string() + "." + std::to_string(rotation++));
        file.open(path_, std::ios::app);
      }
      std::this_thread::sleep_for(5ms);
    }
  }

  const std::filesystem::path path_;
  std::atomic<uint64_t> lines_{0};
  std::jthread worker_;
};

constexpr char kPods[] = R"([
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "broker-0", "namespace": "kafka", "uid": "00000000-0000-4000-8000-000000000001",
                "creationTimestamp": "2025-01-01T00:00:00Z"},
   "spec": {"nodeName": "node-1", "containers": [{"name": "kafka"}]},
   "status": {"phase": "Running", "podIP": "10.244.0.6", "podIPs": [{"ip": "10.244.0.6"}],
              "startTime": "2025-01-01T00:00:00Z"}},
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "client", "namespace": "shop", "uid": "00000000-0000-4000-8000-000000000002",
                "creationTimestamp": "2025-01-01T00:00:00Z"},
   "spec": {"nodeName": "node-2", "containers": [{"name": "client"}]},
   "status": {"phase": "Running", "podIP": "10.244.0.7", "podIPs": [{"ip": "10.244.0.7"}],
              "startTime": "2025-01-01T00:00:00Z"}}
])";

class KilledKafkaWatcher : public ::testing::Test {
 protected:
  void StartWatcher() {
    watcher_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{
            (BuildDirectory() / "bin/network-mapper-kafka-watcher").string(),
            "--kafka-log-read-mode=file-logs", "--kafka-authz-log-path=" + LogPath().string(),
            "--pod=broker-0", "--namespace=kafka", "--kafka-report-interval=100ms",
            "--state-file=" + (folder_.Path() / "state.json").string(),
            "--mapper-address=127.0.0.1:" + std::to_string(mapper_.ReportPort()),
            "--listen-address=127.0.0.1", "--metrics-port=" + std::to_string(metrics_port_),
            "--health-probes-port=" + std::to_string(health_port_)},
        folder_.Path() / "watcher.log");
  }

  std::filesystem::path LogPath() const { return folder_.Path() / "kafka-authorizer.log"; }

  std::string WatcherLog() const { return ReadFileOrDie(folder_.Path() / "watcher.log"); }

  bool WaitForWatcher() {
    return Eventually([this] {
      httplib::Client client("127.0.0.1", health_port_);
      httplib::Result answer = client.Get("/readyz");
      return answer && answer->status == 200 &&
             answer->body.find("degraded: ") == std::string::npos;
    });
  }

  // Events of kafka/broker-0 by the client, over all evidence.
  uint64_t OnTheMap() const {
    nlohmann::json data =
        mapper_.Query("{intents{client{name} server{name} evidence{collector count}}}");
    uint64_t count = 0;
    for (const auto& intent : data["intents"]) {
      for (const auto& evidence : intent["evidence"]) {
        if (evidence["collector"] == "kafka") {
          count += evidence["count"].get<uint64_t>();
        }
      }
    }
    return count;
  }

  TemporaryDirectory folder_;
  MapperProcess mapper_{{"--store=sqlite:" + (folder_.Path() / "map.db").string()}};
  uint16_t metrics_port_ = FreePort();
  uint16_t health_port_ = FreePort();
  std::unique_ptr<ChildProcess> watcher_;
};

TEST_F(KilledKafkaWatcher, CountsEachLineOnce) {
  for (const auto& pod : nlohmann::json::parse(kPods)) {
    ASSERT_THAT(mapper_.ApiServer().Objects().Apply(pod.dump()), IsOk());
  }
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  std::ofstream(LogPath(), std::ios::app).flush();
  StartWatcher();
  ASSERT_TRUE(WaitForWatcher()) << WatcherLog();
  std::mt19937 random(LedgerSeed());
  std::uniform_int_distribution<int> life_ms(20, 900);
  BrokerLog log(LogPath());
  for (int kill = 0; kill < kKills; ++kill) {
    std::this_thread::sleep_for(milliseconds(life_ms(random)));
    watcher_->End(SIGKILL);
    if (kill % 3 == 1) {
      mapper_.Kill();
      ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
    }
    StartWatcher();
    if (kill % 3 == 2) {
      std::this_thread::sleep_for(milliseconds(life_ms(random)));
      mapper_.Kill();
      ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
    }
  }
  const uint64_t lines = log.Stop();
  EXPECT_TRUE(Eventually([&] { return OnTheMap() >= lines; }, 30s)) << WatcherLog();
  watcher_->End(SIGTERM);
  EXPECT_EQ(OnTheMap(), lines);
  std::printf("%lu lines on the map, %d kills of the watcher, %d of the mapper\n", lines, kKills,
              2 * kKills / 3);
}

}  // namespace

}  // namespace network_mapper
