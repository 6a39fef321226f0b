// The Istio watcher with inventory, pipeline and a durable map, and a mesh of stand-ins for
// proxies, in a process of their own, over real connections: what reading them costs. Usage:
// istio_mesh [PROXIES [SERIES [SECONDS [ROUNDS]]]]; each proxy is read every SECONDS. Prints one
// line a figure: name, figure, goal and whether it was met, separated by tabs. Fails when the map
// is not complete.
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "common/net/tcp_listener.h"
#include "mapper/app/istio_collector.h"
#include "mapper/ingest/observation_pipeline.h"
#include "mapper/intents/sqlite_database.h"
#include "mapper/resolve/resolver.h"

namespace network_mapper {
namespace {

constexpr size_t kServers = 20;
constexpr size_t kValueDigits = 12;

struct Scale {
  size_t proxies = 2000;
  size_t series = 500;
  size_t seconds = 30;
  size_t rounds = 4;
};

// Labels and lengths as those of a sidecar of Istio 1.20. Series differ in path and response code.
std::string Dump(const Scale& scale, std::vector<size_t>& values) {
  std::string body = "# TYPE istio_requests_total counter\n";
  for (size_t i = 0; i < scale.series; ++i) {
    const std::string cart = fmt::format("cart-{}", i % kServers);
    body += fmt::format(
        "istio_requests_total{{reporter=\"source\",source_workload=\"web-@@@@@\",source_canonical_"
        "service=\"web\",source_canonical_revision=\"latest\",source_workload_namespace=\"shop\","
        "source_principal=\"spiffe://cluster.local/ns/shop/sa/web\",source_app=\"web\","
        "source_version=\"v1\",source_cluster=\"Kubernetes\",destination_workload=\"{0}\","
        "destination_workload_namespace=\"shop\",destination_principal=\"spiffe://cluster.local/ns/"
        "shop/sa/"
        "{0}\",destination_app=\"{0}\",destination_version=\"v2\",destination_service=\"{0}."
        "shop.svc.cluster.local\",destination_canonical_service=\"{0}\",destination_canonical_"
        "revision=\"v2\",destination_service_name=\"{0}\",destination_service_namespace=\"shop\","
        "destination_cluster=\"Kubernetes\",request_protocol=\"http\",response_code=\"{1}\",grpc_"
        "response_status=\"\",response_flags=\"-\",connection_security_policy=\"unknown\",request_"
        "method=\"GET\",request_path=\"/api/v1/items/{2}\"}} ",
        cart, 200 + i / 100 % 10, i % 100);
    values.push_back(body.size());
    body += std::string(kValueDigits, '0') + "\n";
  }
  return body;
}

// Answers on all loopback addresses, one request a connection. One series in ten has grown each
// time.
void ServeProxies(int listener, const Scale& scale) {
  std::vector<size_t> values;
  std::string body = Dump(scale, values);
  std::vector<size_t> names;
  for (size_t at = body.find("@@@@@"); at != std::string::npos; at = body.find("@@@@@", at + 1)) {
    names.push_back(at);
  }
  const std::string head = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.size());
  uint64_t answers = 0;
  while (true) {
    pollfd ready{listener, POLLIN, 0};
    poll(&ready, 1, -1);
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      continue;
    }
    getsockname(connection, reinterpret_cast<sockaddr*>(&address), &size);
    std::array<char, 4096> request{};
    if (recv(connection, request.data(), request.size(), 0) > 0) {
      const std::string name = fmt::format("{:05}", ntohl(address.sin_addr.s_addr) & 0xFFFFU);
      for (size_t at : names) {
        body.replace(at, name.size(), name);
      }
      ++answers;
      for (size_t i = answers % 10; i < values.size(); i += 10) {
        body.replace(values[i], kValueDigits, fmt::format("{:012}", answers));
      }
      iovec parts[] = {{const_cast<char*>(head.data()), head.size()}, {body.data(), body.size()}};
      for (const iovec& part : parts) {
        size_t sent = 0;
        while (sent < part.iov_len) {
          const ssize_t more = send(connection, static_cast<char*>(part.iov_base) + sent,
                                    part.iov_len - sent, MSG_NOSIGNAL);
          if (more <= 0) {
            break;
          }
          sent += static_cast<size_t>(more);
        }
      }
    }
    close(connection);
  }
}

ObjectUid UidOf(size_t number) {
  ObjectUid uid;
  for (size_t i = 0; i < sizeof(number); ++i) {
    uid.bytes.at(15 - i) = static_cast<uint8_t>(number >> (8 * i));
  }
  return uid;
}

PodRecord PodNamed(size_t number, std::string name) {
  PodRecord pod;
  pod.name = std::move(name);
  pod.name_space = "shop";
  pod.uid = UidOf(number);
  pod.phase = PodPhase::kRunning;
  pod.has_live_container = true;
  return pod;
}

void FillInventory(Inventory& inventory, const Scale& scale, uint16_t port) {
  const Time now = Clock::System().Now();
  for (size_t i = 0; i < kServers; ++i) {
    inventory.Upsert(PodNamed(1'000'000 + i, fmt::format("cart-{}", i)), now);
  }
  for (size_t i = 1; i <= scale.proxies; ++i) {
    PodRecord pod = PodNamed(i, fmt::format("web-{:05}", i));
    pod.ips = {*IpAddress::Parse(fmt::format("127.1.{}.{}", i / 256, i % 256))};
    pod.mesh_proxy =
        MeshProxy{.is_ready = true, .started = Time(std::chrono::seconds(1)), .merged_port = port};
    inventory.Upsert(pod, now);
  }
}

double MemoryOf(const std::string& field) {
  std::ifstream status("/proc/self/status");
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

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void PrintFigure(const std::string& name, double figure, double goal, const std::string& unit) {
  fmt::print("{}\t{:.3g} {}\tat most {:g} {}\t{}\n", name, figure, unit, goal, unit,
             figure <= goal ? "met" : "missed");
}

// Whether the map has all edges.
bool Measure(const Scale& scale, uint16_t port, const std::string& map) {
  Inventory inventory;
  FillInventory(inventory, scale, port);
  MetricsRegistry registry;
  IntentStoreMetrics store_metrics(registry);
  PipelineMetrics pipeline_metrics(registry);
  IntentStore store(IntentLimits{}, store_metrics);
  auto database = OpenSqliteDatabase(map, Clock::System().Now());
  if (!database.ok() || !store.Recover(*std::move(database), SteadyTime()).ok()) {
    return false;
  }
  const Resolver resolver{ResolveOptions{}};
  ObservationPipeline pipeline(
      PipelineOptions{},
      PipelineParts{.store = store,
                    .resolver = resolver,
                    .inventory = {.read = [&](const auto& use) { inventory.Read(use); },
                                  .version = [] { return uint64_t{1}; },
                                  .synced = [] { return true; }},
                    .clock = Clock::System(),
                    .metrics = pipeline_metrics});
  IstioCollectorOptions options;
  options.metrics_port = port;
  options.watch.schedule.interval = std::chrono::seconds(scale.seconds);
  options.watch.schedule.pause = options.watch.schedule.interval / 2;
  IstioCollector collector(options, {.inventory = inventory,
                                     .synced = [] { return true; },
                                     .sink = pipeline,
                                     .store = store,
                                     .metrics = registry,
                                     .clock = Clock::System(),
                                     .writer = "bench"});
  const double memory = MemoryOf("VmRSS");
  std::jthread thread([&](const std::stop_token& stop) { collector.Run(stop); });
  const std::chrono::seconds round(scale.seconds);
  // The first round is the baseline, and is quick.
  std::this_thread::sleep_for(round);
  const double processor = ProcessorSeconds();
  std::this_thread::sleep_for(round * static_cast<int64_t>(scale.rounds));
  const double used = ProcessorSeconds() - processor;
  const double seconds = static_cast<double>(scale.seconds * scale.rounds);
  PrintFigure(fmt::format("{} Istio proxies with {} series each, every {} s, of a core",
                          scale.proxies, scale.series, scale.seconds),
              100 * used / seconds, 25, "%");
  PrintFigure("the same, more memory at its peak, with the map's intents",
              MemoryOf("VmHWM") - memory, 100, "MiB");
  fmt::print("the same, memory in the end\t{:.3g} MiB more\t\t\n", MemoryOf("VmRSS") - memory);
  thread = {};
  const double read = registry.AddCounter("network_mapper_istio_series_read_total", "").Value();
  fmt::print("series read\t{:.3g} million\t\t\n", read / 1e6);
  return store.Size() == scale.proxies * std::min(kServers, scale.series) &&
         collector.Health().ok();
}

int Main(const std::vector<std::string_view>& arguments) {
  Scale scale;
  const std::array<size_t*, 4> fields = {&scale.proxies, &scale.series, &scale.seconds,
                                         &scale.rounds};
  for (size_t i = 0; i < std::min(arguments.size(), fields.size()); ++i) {
    std::from_chars(arguments[i].data(), arguments[i].data() + arguments[i].size(), *fields.at(i));
  }
  const auto listener = ListenOnTcp("0.0.0.0", 0);
  if (!listener.ok()) {
    fmt::print(stderr, "{}\n", StatusMessage(listener.status()));
    return 1;
  }
  const pid_t mesh = fork();
  if (mesh == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ServeProxies(listener->fd, scale);
  }
  close(listener->fd);
  std::string folder = "/tmp/istio_mesh.XXXXXX";
  const bool is_complete =
      mkdtemp(folder.data()) != nullptr && Measure(scale, listener->port, folder + "/map.db");
  std::filesystem::remove_all(folder);
  kill(mesh, SIGKILL);
  waitpid(mesh, nullptr, 0);
  if (!is_complete) {
    fmt::print(stderr, "the map is not complete\n");
  }
  return is_complete ? 0 : 1;
}

}  // namespace
}  // namespace network_mapper

int main(int argc, char** argv) {
  return network_mapper::Main({argv + 1, argv + argc});
}
