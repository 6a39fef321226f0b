// What following the logs of Kafka brokers costs: an API server in another process serves the logs
// of BROKERS pods, each of which writes RATE lines a second, one in ten an authorizer's, for
// SECONDS; the Kafka watcher's real binary follows them and reports to the mapper's. Usage:
// kafka_logs DIRECTORY_OF_BINARIES [BROKERS RATE SECONDS]. Prints rows of scripts/bench's table;
// fails when an access is not on the map, or twice.
#include <httplib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/time/time_text.h"
#include "tests/support/child_process.h"
#include "tests/support/http_test_server.h"
#include "tests/support/process_memory.h"

namespace network_mapper::kafka {
namespace {

constexpr double kMostMebibytes = 20;
constexpr uint64_t kAuditInLines = 10;
// Different accesses of a broker: their least common multiple.
constexpr uint64_t kClients = 50;
constexpr uint64_t kTopics = 40;

struct Load {
  uint64_t brokers = 10;
  uint64_t rate = 20'000;
  uint64_t seconds = 30;
  Time begin{};

  uint64_t Lines() const { return rate * seconds; }

  uint64_t LineAt(Time at) const {
    return static_cast<uint64_t>(std::chrono::nanoseconds(at - begin).count()) * rate /
           1'000'000'000;
  }

  Time StampOf(uint64_t line) const {
    return begin + std::chrono::nanoseconds(line * 1'000'000'000 / rate);
  }
};

// What line `line` says after its stamp.
std::string TextOf(uint64_t line) {
  std::string out;
  if (line % kAuditInLines == 0) {
    const uint64_t access = line / kAuditInLines;
    fmt::format_to(
        std::back_inserter(out),
        "2026-11-26 04:00:01 DEBUG [data-plane-kafka-request-handler-5] logger:172 - Principal = "
        "User:CN=client-{0},O=shop is Allowed Operation = Read from host = 10.244.0.{0} on "
        "resource = "
        "Topic:LITERAL:topic-{1} for request = Fetch with resourceRefCount = 1\n",
        1 + access % kClients, access % kTopics);
  } else {
    fmt::format_to(
        std::back_inserter(out),
        "2026-11-26 04:00:01 INFO  [data-plane-kafka-request-handler-5] UnifiedLog:66 - "
        "[UnifiedLog "
        "partition=topic-{}-{}, dir=/var/lib/kafka/data-0/kafka-log0] Rolled new log segment\n",
        line % kTopics, line % 12);
  }
  return out;
}

// After so many lines the texts come again.
constexpr uint64_t kPeriod = 6000;

// Made once, so that the server is no bottleneck.
const std::vector<std::string>& Texts() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> made;
    made.reserve(kPeriod);
    for (uint64_t line = 0; line < kPeriod; ++line) {
      made.push_back(TextOf(line));
    }
    return made;
  }();
  return texts;
}

void AppendLine(const Load& load, uint64_t line, std::string& second_text, Time& second,
                std::string& out) {
  const Time at = load.StampOf(line);
  if (at < second || at >= second + std::chrono::seconds(1)) {
    second = std::chrono::floor<std::chrono::seconds>(at);
    second_text = FormatRfc3339(second);
    second_text.back() = '.';
  }
  std::string fraction =
      std::to_string(1'000'000'000 + std::chrono::nanoseconds(at - second).count());
  fraction.front() = '.';
  out.append(second_text, 0, second_text.size() - 1).append(fraction).append("Z ");
  out.append(Texts()[line % kPeriod]);
}

std::string PodJson(std::string_view kind, uint64_t number) {
  return fmt::format(
      R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{0}-{1}","namespace":"kafka","uid":"00000000-0000-0000-{2:04}-{1:012}",
          "resourceVersion":"1","creationTimestamp":"2020-01-01T00:00:00Z"}},
          "spec":{{"containers":[{{"name":"kafka"}}]}},
          "status":{{"phase":"Running","startTime":"2020-01-01T00:00:00Z","podIP":"10.244.{2}.{1}",
          "podIPs":[{{"ip":"10.244.{2}.{1}"}}],
          "containerStatuses":[{{"name":"kafka","restartCount":0,"state":{{"running":{{}}}}}}]}}}})",
      kind, number, kind == "client" ? 0 : 1);
}

std::string List(std::string_view items) {
  return fmt::format(
      R"({{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{}]}})",
      items);
}

// Of the brokers alone where labels are asked for, which the clients do not have.
std::string PodList(const Load& load, bool labels) {
  std::string items;
  for (uint64_t i = 1; i <= load.brokers; ++i) {
    items += (items.empty() ? "" : ",") + PodJson("broker", i);
  }
  for (uint64_t i = 1; i <= kClients && !labels; ++i) {
    items += "," + PodJson("client", i);
  }
  return List(items);
}

// What is due of the log, from `next` on; waits a little when nothing is.
bool SendDue(const Load& load, uint64_t& next, httplib::DataSink& sink) {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::system_clock::now() - load.begin).count();
  const uint64_t due = std::min(
      load.Lines(), static_cast<uint64_t>(std::max(0.0, elapsed) * static_cast<double>(load.rate)));
  std::string bytes;
  std::string second_text;
  Time second{};
  for (const uint64_t end = std::min(due, next + 1000); next < end; ++next) {
    AppendLine(load, next, second_text, second, bytes);
  }
  if (bytes.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return sink.is_writable();
  }
  return sink.write(bytes.data(), bytes.size());
}

void Serve(const Load& load, const httplib::Request& request, httplib::Response& response) {
  const bool log = request.path.ends_with("/log");
  if (log && request.has_param("previous")) {
    response.status = 400;
  } else if (log || request.get_param_value("watch") == "1") {
    uint64_t next = log ? 0 : load.Lines();
    if (const auto since = ParseRfc3339(request.get_param_value("sinceTime"));
        since && *since > load.begin) {
      next = load.LineAt(*since);
    }
    response.set_chunked_content_provider("application/octet-stream",
                                          [&load, next](size_t, httplib::DataSink& sink) mutable {
                                            return SendDue(load, next, sink);
                                          });
  } else if (request.path == "/api/v1/pods") {
    response.set_content(PodList(load, request.has_param("labelSelector")), "application/json");
  } else if (request.path.find("/pods/broker-") != std::string::npos) {
    const size_t number = request.path.rfind('-');
    response.set_content(PodJson("broker", std::stoul(request.path.substr(number + 1))),
                         "application/json");
  } else {
    response.set_content(List(""), "application/json");
  }
}

// The API server's process: tells its port and serves until it is killed.
[[noreturn]] void RunServer(const Load& load, int port_out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto server =
      HttpTestServer::Start({.threads = load.brokers + 40}, [&load](httplib::Server& routes) {
        routes.Get(".*", [&load](const httplib::Request& request, httplib::Response& response) {
          Serve(load, request, response);
        });
      });
  const int port = server.ok() ? (*server)->Port() : 0;
  if (write(port_out, &port, sizeof(port)) == sizeof(port)) {
    pause();
  }
  _exit(1);
}

double ProcessorSeconds(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int i = 0; i < 11; ++i) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Of the watcher's metrics; 0 where there is none.
double MetricOf(const std::string& page, const std::string& name) {
  const size_t found = page.find("\n" + name + " ");
  return found == std::string::npos ? 0
                                    : std::strtod(page.c_str() + found + name.size() + 2, nullptr);
}

std::string Page(uint16_t port, const char* path) {
  const httplib::Result result = httplib::Client("127.0.0.1", port).Get(path);
  return result ? result->body : "";
}

// How many accesses the map's evidence counts; absent while the mapper does not answer.
uint64_t AccessesOnMap(uint16_t mapper_port) {
  httplib::Client client("127.0.0.1", mapper_port);
  client.set_read_timeout(std::chrono::seconds(30));
  const httplib::Result result = client.Post(
      "/query", R"({"query":"{intents{evidence{collector count}}}"})", "application/json");
  uint64_t sum = 0;
  if (result && result->status == 200) {
    const nlohmann::json answer = nlohmann::json::parse(result->body);
    for (const auto& intent : answer.at("data").at("intents")) {
      for (const auto& evidence : intent.at("evidence")) {
        sum += evidence.at("count").get<uint64_t>();
      }
    }
  }
  return sum;
}

template <typename Condition>
bool WaitUntil(std::chrono::seconds patience, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return true;
}

int Measure(const Load& load, const std::string& binaries, int api_port) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("kafka_logs.{}", getpid());
  std::filesystem::create_directories(folder);
  const std::string api = fmt::format("http://127.0.0.1:{}", api_port);
  const uint16_t query = FreePort();
  const uint16_t report = FreePort();
  const uint16_t metrics = FreePort();
  const uint16_t health = FreePort();
  ChildProcess mapper(
      {binaries + "/network-mapper-mapper", "--kube-api-url=" + api, "--store=memory",
       fmt::format("--port={}", query), fmt::format("--report-port={}", report),
       fmt::format("--metrics-port={}", FreePort())},
      folder / "mapper.log");
  ChildProcess watcher(
      {binaries + "/network-mapper-kafka-watcher", "--kube-api-url=" + api,
       "--kafka-selector=strimzi.io/kind=Kafka",
       fmt::format("--mapper-address=127.0.0.1:{}", report),
       fmt::format("--state-file={}", (folder / "state").string()),
       fmt::format("--metrics-port={}", metrics), fmt::format("--health-probes-port={}", health)},
      folder / "watcher.log");
  const uint64_t audit = load.brokers * ((load.Lines() + kAuditInLines - 1) / kAuditInLines);
  const Time end = load.begin + std::chrono::seconds(load.seconds);
  double most_late = 0;
  double processor = 0;
  const bool complete = WaitUntil(std::chrono::seconds(load.seconds + 60), [&] {
    most_late = std::max(
        most_late, MetricOf(Page(metrics, "/metrics"), "network_mapper_kafka_watcher_largest_lag"));
    if (std::chrono::system_clock::now() <= end) {
      processor = ProcessorSeconds(watcher.Id());
    }
    return std::chrono::system_clock::now() > end && AccessesOnMap(query) >= audit;
  });
  const uint64_t on_map = AccessesOnMap(query);
  const double gaps =
      MetricOf(Page(metrics, "/metrics"), "network_mapper_kafka_watcher_gaps_total");
  const double mebibytes = static_cast<double>(MostResidentKib(watcher.Id())) / 1024;
  std::printf(
      "logs of %llu Kafka brokers followed, %llu lines/s each: resident\t%.1f MiB\tat most %.0f "
      "MiB\t%s\n",
      static_cast<unsigned long long>(load.brokers), static_cast<unsigned long long>(load.rate),
      mebibytes, kMostMebibytes, mebibytes <= kMostMebibytes ? "met" : "missed");
  std::printf("the same: of one processor\t%.0f %%\t-\t-\n",
              100 * processor / static_cast<double>(load.seconds));
  std::printf("the same: longest delay of a line\t%.2f s\t-\t-\n", most_late);
  if (!complete || on_map != audit || gaps != 0) {
    std::fprintf(stderr,
                 "kafka_logs: %llu accesses on the map of %llu, %.0f gaps; logs are in %s\n",
                 static_cast<unsigned long long>(on_map), static_cast<unsigned long long>(audit),
                 gaps, folder.c_str());
    return 1;
  }
  watcher.End(SIGKILL);
  mapper.End(SIGKILL);
  std::filesystem::remove_all(folder);
  return 0;
}

int Run(Load load, const std::string& binaries) {
  // Later than the watcher's begin.
  load.begin = std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now()) +
               std::chrono::seconds(4);
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t server = fork();
  if (server == 0) {
    RunServer(load, ends[1]);
  }
  int port = 0;
  const bool listens = read(ends[0], &port, sizeof(port)) == sizeof(port) && port != 0;
  const int result = listens ? Measure(load, binaries, port) : 1;
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace network_mapper::kafka

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("Usage: kafka_logs DIRECTORY_OF_BINARIES [BROKERS RATE SECONDS]\n", stderr);
    return 2;
  }
  network_mapper::kafka::Load load;
  uint64_t* const sizes[] = {&load.brokers, &load.rate, &load.seconds};
  for (int i = 2; i < argc && i <= 4; ++i) {
    const std::string_view text(argv[i]);
    std::from_chars(text.data(), text.data() + text.size(), *sizes[i - 2]);
  }
  return network_mapper::kafka::Run(load, argv[1]);
}
