// The Kafka watcher's real binary follows a file, or a pod by the Kubernetes log API, while the
// watcher and the mapper are killed (-9) again and again: each line that was written counts on the
// map exactly once.
#include <algorithm>
#include <fstream>
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

std::string AuthorizerLine(int topic) {
  return "[2026-01-01 00:00:00,000] DEBUG Principal = User:a is Allowed operation = READ from host "
         "= 10.244.0.7 on resource = Topic:LITERAL:topic-" +
         std::to_string(topic) +
         " for request = Fetch with resourceRefCount = 1 based on rule DefaultAllow "
         "(kafka.authorizer.logger)";
}

// Where a broker writes its lines; a few at a time.
class BrokerOutput {
 public:
  virtual ~BrokerOutput() = default;
  virtual void Write(const std::vector<std::string>& lines) = 0;
};

// Rotates now and then.
class FileOutput final : public BrokerOutput {
 public:
  explicit FileOutput(std::filesystem::path path)
      : path_(std::move(path)), file_(path_, std::ios::app) {}

  void Write(const std::vector<std::string>& lines) override {
    for (const std::string& line : lines) {
      file_ << line << '\n';
    }
    file_.flush();
    if (++writes_ % 150 == 0) {
      file_.close();
      std::filesystem::rename(path_, path_.string() + "." + std::to_string(writes_));
      file_.open(path_, std::ios::app);
    }
  }

 private:
  const std::filesystem::path path_;
  std::ofstream file_;
  int writes_ = 0;
};

// Lines of the same nanosecond among them; streams break now and then.
class PodOutput final : public BrokerOutput {
 public:
  explicit PodOutput(stand_in::PodLogs& logs) : logs_(logs) {}

  void Write(const std::vector<std::string>& lines) override {
    const Time now = Clock::System().Now();
    for (size_t i = 0; i < lines.size(); ++i) {
      logs_.Write({"kafka", "broker-0", "kafka"}, now + std::chrono::nanoseconds(i / 3), lines[i]);
    }
    if (++writes_ % 100 == 0) {
      logs_.BreakStreams();
    }
  }

 private:
  stand_in::PodLogs& logs_;
  int writes_ = 0;
};

class Broker {
 public:
  explicit Broker(BrokerOutput& output)
      : worker_([this, &output](const std::stop_token& stop) { Work(output, stop); }) {}

  // How many lines were written in all.
  uint64_t Stop() {
    worker_.request_stop();
    worker_.join();
    return lines_;
  }

 private:
  void Work(BrokerOutput& output, const std::stop_token& stop) {
    std::minstd_rand random(LedgerSeed());
    std::uniform_int_distribution<size_t> burst(1, 60);
    std::uniform_int_distribution<int> topic(0, kTopics - 1);
    while (!stop.stop_requested()) {
      std::vector<std::string> lines(burst(random));
      std::generate(lines.begin(), lines.end(), [&] { return AuthorizerLine(topic(random)); });
      output.Write(lines);
      lines_ += lines.size();
      std::this_thread::sleep_for(5ms);
    }
  }

  std::atomic<uint64_t> lines_{0};
  std::jthread worker_;
};

constexpr char kObjects[] = R"([
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "broker-0", "namespace": "kafka", "uid": "00000000-0000-4000-8000-000000000001",
                "creationTimestamp": "2025-01-01T00:00:00Z"},
   "spec": {"nodeName": "node-1", "containers": [{"name": "kafka", "image": "apache/kafka:4.1.0"}]},
   "status": {"phase": "Running",
              "containerStatuses": [{"name": "kafka", "restartCount": 0, "image": "apache/kafka:4.1.0",
                                     "state": {"running": {"startedAt": "2025-01-01T00:00:00Z"}}}], "podIP": "10.244.0.6", "podIPs": [{"ip": "10.244.0.6"}],
              "startTime": "2025-01-01T00:00:00Z"}},
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "client", "namespace": "shop", "uid": "00000000-0000-4000-8000-000000000002",
                "creationTimestamp": "2025-01-01T00:00:00Z"},
   "spec": {"nodeName": "node-2", "containers": [{"name": "client"}]},
   "status": {"phase": "Running", "podIP": "10.244.0.7", "podIPs": [{"ip": "10.244.0.7"}],
              "startTime": "2025-01-01T00:00:00Z"}},
  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kafka-state", "namespace": "default"}}
])";

class KilledKafkaWatcher : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& object : nlohmann::json::parse(kObjects)) {
      ASSERT_THAT(mapper_.ApiServer().Objects().Apply(object.dump()), IsOk());
    }
    ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  }

  void StartWatcher() {
    std::vector<std::string> command = {
        (BuildDirectory() / "bin/network-mapper-kafka-watcher").string(),
        "--kafka-report-interval=100ms",
        "--mapper-address=127.0.0.1:" + std::to_string(mapper_.ReportPort()),
        "--kube-api-url=" + mapper_.ApiServer().Url(),
        "--listen-address=127.0.0.1",
        "--metrics-port=" + std::to_string(metrics_port_),
        "--health-probes-port=" + std::to_string(health_port_)};
    command.insert(command.end(), options_.begin(), options_.end());
    watcher_ = std::make_unique<ChildProcess>(command, folder_.Path() / "watcher.log");
  }

  std::string WatcherLog() const { return ReadFileOrDie(folder_.Path() / "watcher.log"); }

  // All that a watcher has, of which /readyz names what is not well.
  bool WaitUntilAllIsWell() {
    return Eventually([this] {
      httplib::Client client("127.0.0.1", health_port_);
      httplib::Result answer = client.Get("/readyz");
      return answer && answer->status == 200 &&
             answer->body.find("degraded: ") == std::string::npos;
    });
  }

  double Saves() {
    httplib::Client client("127.0.0.1", metrics_port_);
    httplib::Result answer = client.Get("/metrics");
    const std::string name = "\nnetwork_mapper_kafka_watcher_saves_total ";
    const size_t at = answer ? answer->body.find(name) : std::string::npos;
    return at == std::string::npos ? -1 : std::stod(answer->body.substr(at + name.size()));
  }

  // Accesses to topics, of whomever.
  uint64_t OnTheMap() const {
    nlohmann::json data = mapper_.Query("{intents{evidence{collector count}}}");
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

  void KillAgainAndAgain(BrokerOutput& output) {
    StartWatcher();
    ASSERT_TRUE(WaitUntilAllIsWell()) << WatcherLog();
    // From its first position on, nothing is missed.
    ASSERT_TRUE(Eventually([this] { return Saves() >= 1; })) << WatcherLog();
    std::mt19937 random(LedgerSeed());
    std::uniform_int_distribution<int> life_ms(20, 900);
    Broker broker(output);
    int mapper_kills = 0;
    const auto replace_mapper = [&] {
      mapper_.Kill();
      ++mapper_kills;
      ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
    };
    for (int kill = 0; kill < kKills; ++kill) {
      std::this_thread::sleep_for(milliseconds(life_ms(random)));
      watcher_->End(SIGKILL);
      if (kill % 3 == 1) {
        replace_mapper();
      }
      StartWatcher();
      if (kill % 3 == 2) {
        std::this_thread::sleep_for(milliseconds(life_ms(random)));
        replace_mapper();
      }
    }
    const uint64_t lines = broker.Stop();
    EXPECT_TRUE(Eventually([&] { return OnTheMap() >= lines; }, 30s)) << WatcherLog();
    watcher_->End(SIGTERM);
    EXPECT_EQ(OnTheMap(), lines) << WatcherLog();
    std::printf("%lu lines on the map, %d kills of the watcher, %d of the mapper\n", lines, kKills,
                mapper_kills);
  }

  TemporaryDirectory folder_;
  MapperProcess mapper_{{"--store=sqlite:" + (folder_.Path() / "map.db").string()}};
  std::vector<std::string> options_;
  uint16_t metrics_port_ = FreePort();
  uint16_t health_port_ = FreePort();
  std::unique_ptr<ChildProcess> watcher_;
};

TEST_F(KilledKafkaWatcher, CountsEachLineOfAFileOnce) {
  const std::filesystem::path path = folder_.Path() / "kafka-authorizer.log";
  options_ = {"--kafka-log-read-mode=file-logs", "--kafka-authz-log-path=" + path.string(),
              "--pod=broker-0", "--namespace=kafka",
              "--state-file=" + (folder_.Path() / "state.json").string()};
  FileOutput output(path);
  KillAgainAndAgain(output);
}

TEST_F(KilledKafkaWatcher, CountsEachLineOfAPodOnce) {
  options_ = {"--kafka-servers=broker-0.kafka", "--state-config-map=kafka-state"};
  PodOutput output(mapper_.ApiServer().Logs());
  output.Write({"INFO started"});
  KillAgainAndAgain(output);
}

}  // namespace

}  // namespace network_mapper
