// The real mapper in a large made-up cluster: how long until it is ready, how much memory it takes,
// how fast it answers. Usage: mapper_at_scale BIN_DIR [PODS [SERVICES [INTENTS]]], where BIN_DIR
// holds network-mapper-mapper, network-mapper and kube_stand_in. Prints one line a figure: name,
// figure, goal and whether it was met, separated by tabs. Fails when the map is not complete.
#include <fcntl.h>
#include <httplib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/net/ip_address.h"
#include "common/report/report_client.h"

namespace network_mapper {
namespace {

using Seconds = std::chrono::duration<double>;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};
constexpr size_t kBatch = 1000;

struct Scale {
  int pods = 10'000;
  int services = 2'000;
  int intents = 50'000;
};

double SecondsSince(steady_clock::time_point begun) {
  return Seconds(steady_clock::now() - begun).count();
}

// A program whose standard output and error are read through one pipe.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      return;
    }
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
      pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      execv(pointers[0], pointers.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ~Child() {
    kill(pid_, SIGTERM);
    Wait();
    std::fclose(output_);
  }

  pid_t Pid() const { return pid_; }

  // What follows `text` in the first line that has it; empty when the program ends before.
  std::string After(std::string_view text) {
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), output_) != nullptr) {
      const std::string_view read(line.data());
      if (const size_t at = read.find(text); at != std::string_view::npos) {
        std::string rest(read.substr(at + text.size()));
        rest.erase(rest.find_last_not_of('\n') + 1);
        return rest;
      }
    }
    return "";
  }

  // All that it prints until its end.
  std::string Rest() {
    std::string text;
    std::array<char, 65536> buffer{};
    size_t got = 0;
    while ((got = std::fread(buffer.data(), 1, buffer.size(), output_)) > 0) {
      text.append(buffer.data(), got);
    }
    return text;
  }

 private:
  void Wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
  }

  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

// "VmRSS" or "VmHWM", in MiB.
double Memory(pid_t pid, const std::string& field) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  std::string word;
  double kibibytes = 0;
  while (status >> word) {
    if (word == field + ":") {
      status >> kibibytes;
      break;
    }
  }
  return kibibytes / 1024;
}

void PrintFigure(const std::string& name, double figure, double goal, const std::string& unit) {
  fmt::print("{}\t{:.3g} {}\tat most {:g} {}\t{}\n", name, figure, unit, goal, unit,
             figure <= goal ? "met" : "missed");
}

// Without a goal.
void PrintFigure(const std::string& name, const std::string& figure) {
  fmt::print("{}\t{}\t-\t-\n", name, figure);
}

// As the generator numbers them (tests/support/kube_stand_in/cluster_generator.h).
IpAddress Numbered(uint32_t first, int number) {
  const uint32_t value = first + static_cast<uint32_t>(number);
  return *IpAddress::Parse(fmt::format("{}.{}.{}.{}", value >> 24U, (value >> 16U) & 255U,
                                       (value >> 8U) & 255U, value & 255U));
}

// Every workload's first pod reaches for equally many services: one intent each.
std::vector<Observation> MakeObservations(const Scale& scale) {
  std::vector<Observation> observations;
  const Time now = std::chrono::system_clock::now();
  for (int i = 0; i < scale.intents; ++i) {
    const int client = i % scale.services;
    const int server = (client + 1 + i / scale.services) % scale.services;
    const auto first_pod = static_cast<int>(int64_t{scale.pods} * client / scale.services);
    Observation observation;
    observation.collector = Collector::kTcpSyn;
    observation.first_seen = observation.last_seen = now;
    observation.client.ip = Numbered(0x0A800002, first_pod);
    observation.target =
        AddressTarget{.address = Numbered(0x0A60000A, server), .port = uint16_t{80}, .answered = 1};
    observations.push_back(std::move(observation));
  }
  return observations;
}

bool ReportAll(const std::string& address, const std::vector<Observation>& observations) {
  ReportClientOptions options;
  options.address = address;
  options.component = "mapper_at_scale";
  options.spool_observations = observations.size();
  options.spool_bytes = size_t{64} << 20U;
  MetricsRegistry metrics;
  auto client = ReportClient::Create(options, metrics);
  if (!client.ok()) {
    return false;
  }
  for (size_t first = 0; first < observations.size(); first += kBatch) {
    const auto begin = observations.begin() + static_cast<ptrdiff_t>(first);
    const auto end = begin + static_cast<ptrdiff_t>(std::min(kBatch, observations.size() - first));
    (*client)->Report({begin, end}, {});
  }
  return (*client)->Flush(steady_clock::now() + kPatience) &&
         (*client)->State().acknowledged_observations == observations.size();
}

// The command line's question.
constexpr const char* kQuery = R"({"query":"query Intents { intents {
  client { ...Identity } server { ...Identity } type kafkaTopics { name operations }
  httpResources { path methods } } }
  fragment Identity on OtterizeServiceIdentity {
    name namespace labels { key value } podOwnerKind { group version kind } kubernetesService }"})";

int Fail(const std::string& what) {
  fmt::print(stderr, "mapper_at_scale: {}\n", what);
  return 1;
}

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int Run(const std::string& bin, const Scale& scale) {
  Child api({bin + "/kube_stand_in", "--generate",
             fmt::format("pods={},services={}", scale.pods, scale.services)});
  const std::string url = api.After("serving on ");
  if (url.empty()) {
    return Fail("the API stand-in does not start");
  }
  const std::string store = fmt::format("mapper_at_scale.{}.db", getpid());
  const std::vector<std::string> command = {bin + "/network-mapper-mapper",
                                            "--kube-api-url",
                                            url,
                                            "--listen-address",
                                            "127.0.0.1",
                                            "--port",
                                            "0",
                                            "--report-port",
                                            "0",
                                            "--metrics-port",
                                            "0",
                                            "--store",
                                            "sqlite:" + store};
  const auto begun = steady_clock::now();
  std::optional<Child> running(std::in_place, command);
  Child& mapper = *running;
  const nlohmann::json started =
      nlohmann::json::parse("{" + mapper.After("\"msg\":\"mapper started\","), nullptr, false);
  if (!started.is_object()) {
    return Fail("the mapper does not start");
  }
  const int port = started.at("api_port").get<int>();
  httplib::Client http("127.0.0.1", port);
  http.set_read_timeout(kPatience);
  while (true) {
    const auto ready = http.Get("/readyz");
    if (ready && ready->status == 200) {
      break;
    }
    if (SecondsSince(begun) > Seconds(kPatience).count()) {
      return Fail("the mapper does not become ready");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  PrintFigure("mapper: start to ready", SecondsSince(begun), 3, "s");
  PrintFigure("mapper: resident set when ready",
              fmt::format("{:.1f} MiB", Memory(mapper.Pid(), "VmRSS")));
  const std::vector<Observation> observations = MakeObservations(scale);
  const auto report_begun = steady_clock::now();
  if (!ReportAll(fmt::format("127.0.0.1:{}", started.at("report_port").get<int>()), observations)) {
    return Fail("not every observation was acknowledged");
  }
  PrintFigure("mapper: intents reported and acknowledged",
              fmt::format("{:.0f}/s", scale.intents / SecondsSince(report_begun)));
  PrintFigure("mapper: resident set with all intents", Memory(mapper.Pid(), "VmRSS"), 80, "MiB");
  std::vector<double> times;
  std::string body;
  for (int i = 0; i < 5; ++i) {
    const auto asked = steady_clock::now();
    const auto answer = http.Post("/query", OneLine(kQuery), "application/json");
    times.push_back(SecondsSince(asked) * 1000);
    if (!answer || answer->status != 200) {
      return Fail("the query fails: " + (answer ? answer->body.substr(0, 300) : ""));
    }
    body = answer->body;
  }
  const nlohmann::json answer = nlohmann::json::parse(body, nullptr, false);
  const size_t listed = answer.at("data").at("intents").size();
  if (listed != static_cast<size_t>(scale.intents)) {
    return Fail(fmt::format("{} of {} intents are on the map", listed, scale.intents));
  }
  std::sort(times.begin(), times.end());
  PrintFigure("mapper: query of all intents, median of 5", times[times.size() / 2], 250, "ms");
  PrintFigure("mapper: size of that answer",
              fmt::format("{:.1f} MiB", static_cast<double>(body.size()) / (1 << 20)));
  const auto list_begun = steady_clock::now();
  Child list({bin + "/network-mapper", "list", "--quiet", "--mapper-url",
              fmt::format("http://127.0.0.1:{}", port)});
  const std::string text = list.Rest();
  PrintFigure("command line: list of all intents",
              fmt::format("{:.0f} ms", SecondsSince(list_begun) * 1000));
  const auto lines = std::count(text.begin(), text.end(), '\n');
  if (lines != scale.intents + scale.services) {
    return Fail(fmt::format("the command line lists {} lines", lines));
  }
  PrintFigure("mapper: largest resident set",
              fmt::format("{:.1f} MiB", Memory(mapper.Pid(), "VmHWM")));
  running.reset();
  const auto restarted = steady_clock::now();
  running.emplace(command);
  const nlohmann::json again =
      nlohmann::json::parse("{" + running->After("\"msg\":\"mapper started\","), nullptr, false);
  const auto first = httplib::Client("127.0.0.1", again.value("api_port", 0))
                         .Post("/query", OneLine(kQuery), "application/json");
  const double answered = SecondsSince(restarted);
  if (!first || nlohmann::json::parse(first->body).at("data").at("intents").size() != listed) {
    return Fail("the map is not whole after a restart");
  }
  PrintFigure("mapper: restart to the first answer, all intents", answered, 2, "s");
  running.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::remove((store + suffix).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace network_mapper

int main(int argc, char** argv) {
  network_mapper::Scale scale;
  int* const fields[] = {&scale.pods, &scale.services, &scale.intents};
  if (argc < 2 || argc > 5) {
    fmt::print(stderr, "usage: mapper_at_scale BIN_DIR [PODS [SERVICES [INTENTS]]]\n");
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    const std::string_view text(argv[i]);
    int& field = *fields[i - 2];
    if (std::from_chars(text.data(), text.data() + text.size(), field).ec != std::errc() ||
        field <= 0) {
      fmt::print(stderr, "mapper_at_scale: '{}' is no positive number\n", text);
      return 2;
    }
  }
  return network_mapper::Run(argv[1], scale);
}
