// What following the logs of Kafka brokers costs: an API server in another process serves the logs
// of BROKERS pods, each of which writes RATE lines a second, one in ten an authorizer's, for
// SECONDS. Usage: kafka_logs [BROKERS RATE SECONDS]. Prints rows of scripts/bench's table; fails
// when a line was missed. The figures are those of the log source alone, without the sending of
// reports.
#include <httplib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "common/time/time_text.h"
#include "kafka-watcher/log/pod_log_source.h"
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

std::string PodJson(uint64_t number) {
  return fmt::format(
      R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"broker-{0}","namespace":"kafka","uid":"u-{0}",
          "resourceVersion":"1","creationTimestamp":"2020-01-01T00:00:00Z"}},
          "spec":{{"containers":[{{"name":"kafka"}}]}},
          "status":{{"containerStatuses":[{{"name":"kafka","restartCount":0,"state":{{"running":{{}}}}}}]}}}})",
      number);
}

std::string PodList(const Load& load) {
  std::string items;
  for (uint64_t i = 0; i < load.brokers; ++i) {
    items += (i > 0 ? "," : "") + PodJson(i);
  }
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[)" +
         items + "]}";
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
    response.set_content(PodList(load), "application/json");
  } else {
    const size_t number = request.path.rfind('-');
    response.set_content(PodJson(std::stoul(request.path.substr(number + 1))), "application/json");
  }
}

// The API server's process: tells its port and serves until it is killed.
[[noreturn]] void RunServer(const Load& load, int port_out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto server =
      HttpTestServer::Start({.threads = load.brokers + 8}, [&load](httplib::Server& routes) {
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

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Outcome {
  uint64_t lines = 0;
  uint64_t accesses = 0;
  uint64_t gaps = 0;
  uint64_t observed = 0;
};

void Add(LogSource& source, Outcome& outcome) {
  for (const Harvest& harvest : source.Take()) {
    for (const Observation& observation : harvest.observations) {
      outcome.observed += observation.count;
    }
  }
  outcome.lines = outcome.accesses = outcome.gaps = 0;
  for (const LogState& state : source.States()) {
    outcome.lines += state.counts.lines;
    outcome.accesses += state.counts.accesses;
    outcome.gaps += state.counts.gaps;
  }
}

int Measure(const Load& load, int port) {
  std::shared_ptr<kube::Client> client =
      kube::Client::Create(kube::ServerUrlAccess(fmt::format("http://127.0.0.1:{}", port)).value())
          .value();
  MetricsRegistry metrics;
  PodLogOptions options;
  options.selectors = {{.labels = "strimzi.io/kind=Kafka"}};
  const auto source = MakePodLogSource(options, {}, client, metrics).value();
  const uint64_t wanted = load.brokers * load.Lines();
  const Time end = load.begin + std::chrono::seconds(load.seconds);
  Outcome outcome;
  double most_late = 0;
  while (outcome.lines < wanted &&
         std::chrono::system_clock::now() < end + std::chrono::seconds(30)) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    for (const LogState& state : source->States()) {
      most_late = std::max(most_late, state.lag);
    }
    Add(*source, outcome);
  }
  Add(*source, outcome);
  const double mebibytes = static_cast<double>(MostResidentKib(getpid())) / 1024;
  std::printf(
      "logs of %llu Kafka brokers followed, %llu lines/s each: resident\t%.1f MiB\tat most %.0f "
      "MiB\t%s\n",
      static_cast<unsigned long long>(load.brokers), static_cast<unsigned long long>(load.rate),
      mebibytes, kMostMebibytes, mebibytes <= kMostMebibytes ? "met" : "missed");
  std::printf("the same: of one processor\t%.0f %%\t-\t-\n",
              100 * ProcessorSeconds() / static_cast<double>(load.seconds));
  std::printf("the same: longest delay of a line\t%.2f s\t-\t-\n", most_late);
  const uint64_t audit = load.brokers * ((load.Lines() + kAuditInLines - 1) / kAuditInLines);
  if (outcome.lines != wanted || outcome.accesses != audit || outcome.observed != audit ||
      outcome.gaps != 0) {
    std::fprintf(
        stderr,
        "kafka_logs: %llu lines of %llu, %llu accesses and %llu observed of %llu, %llu gaps\n",
        static_cast<unsigned long long>(outcome.lines), static_cast<unsigned long long>(wanted),
        static_cast<unsigned long long>(outcome.accesses),
        static_cast<unsigned long long>(outcome.observed), static_cast<unsigned long long>(audit),
        static_cast<unsigned long long>(outcome.gaps));
    return 1;
  }
  return 0;
}

int Run(Load load) {
  // Later than the source's begin.
  load.begin = std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now()) +
               std::chrono::seconds(1);
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
  const int result = listens ? Measure(load, port) : 1;
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace network_mapper::kafka

int main(int argc, char** argv) {
  network_mapper::kafka::Load load;
  uint64_t* const sizes[] = {&load.brokers, &load.rate, &load.seconds};
  for (int i = 1; i < argc && i <= 3; ++i) {
    const std::string_view text(argv[i]);
    std::from_chars(text.data(), text.data() + text.size(), *sizes[i - 1]);
  }
  return network_mapper::kafka::Run(load);
}
