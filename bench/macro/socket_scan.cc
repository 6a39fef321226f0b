// What the scan of a node's sockets costs, with real network namespaces, processes and connections:
// NAMESPACES namespaces of one process each, then of PROCESSES each. Usage, as root:
// socket_scan [NAMESPACES PROCESSES ROUNDS]. Everything happens in namespaces of its own and is
// gone at the end. Prints rows of scripts/bench's table, in milliseconds of processor time a scan,
// the median of the rounds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime and CLOCK_THREAD_CPUTIME_ID are POSIX
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sniffer/procfs/namespace_scanner.h"
#include "sniffer/procfs/socket_scanner.h"
#include "tests/support/isolation.h"

namespace network_mapper::sniffer {
namespace {

constexpr double kLargestRatio = 2;

struct Sizes {
  size_t namespaces = 50;
  size_t processes = 40;
  size_t rounds = 41;
};

// Median milliseconds of one scan.
struct Cost {
  // Of namespaces and addresses, processes being known.
  double namespaces = 0;
  // Of sockets, when no connection was opened or closed.
  double unchanged = 0;
  // Of sockets, when every table has to be read.
  double all_tables = 0;

  double Total() const { return namespaces + all_tables; }
};

void Fail(const std::string& what) {
  std::fprintf(stderr, "socket_scan: %s\n", what.c_str());
  std::exit(1);  // NOLINT(concurrency-mt-unsafe): the only thread
}

// Holds both ends of a connection of the namespace with itself, and the listener.
void ConnectInside(const WaitingProcess& process) {
  RunOrDie(fmt::format("nsenter -n -t {} ip addr add 10.88.0.1/32 dev lo", process.Pid()));
  InNetworkNamespaceOf inside(process.Pid());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8080);
  inet_pton(AF_INET, "10.88.0.1", &address.sin_addr);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, generic, sizeof(address)) != 0 || listen(listener, 5) != 0 ||
      connect(client, generic, sizeof(address)) != 0) {
    Fail("cannot make a connection");
  }
}

template <typename Work>
double MedianMilliseconds(size_t rounds, Work work) {
  std::vector<double> times;
  for (size_t i = 0; i < rounds; ++i) {
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    work();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    times.push_back(static_cast<double>(after.tv_sec - before.tv_sec) * 1e3 +
                    static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e6);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(rounds / 2),
                   times.end());
  return times[rounds / 2];
}

// As on a node that has been up for a while: no process is young.
NamespaceScannerOptions Settled() {
  return {.settling_time = std::chrono::nanoseconds(0), .boot_time = {}};
}

Cost Measure(const Sizes& sizes, size_t expected_processes) {
  ProcFs proc_fs = ProcFs::Open("/proc").value();
  NamespaceScanner namespaces(proc_fs, Clock::System(), Settled());
  SocketScanner quiet(proc_fs, Clock::System(), {.round_budget = std::chrono::hours(1)});
  SocketScanner busy(
      proc_fs, Clock::System(),
      {.reread_interval = std::chrono::nanoseconds(0), .round_budget = std::chrono::hours(1)});
  NamespaceSnapshot snapshot = namespaces.Scan().value();
  if (snapshot.processes != expected_processes) {
    Fail(fmt::format("{} processes were seen, {} are there", snapshot.processes,
                     expected_processes));
  }
  (void)quiet.Scan(snapshot);
  Cost cost;
  cost.namespaces = MedianMilliseconds(sizes.rounds, [&] { snapshot = namespaces.Scan().value(); });
  cost.unchanged = MedianMilliseconds(sizes.rounds, [&] {
    if (quiet.Scan(snapshot).unchanged != sizes.namespaces + 1) {
      Fail("a table was read although nothing had changed");
    }
  });
  cost.all_tables = MedianMilliseconds(sizes.rounds, [&] {
    // The host's has no connections.
    if (busy.Scan(snapshot).tables_read != sizes.namespaces) {
      Fail("not every namespace was read once");
    }
  });
  size_t clients = 0;
  for (const NetworkNamespace& one : snapshot.namespaces) {
    clients += busy.SocketsOf(one.id).clients.size();
  }
  if (clients != sizes.namespaces) {
    Fail(fmt::format("{} connections were seen, {} are there", clients, sizes.namespaces));
  }
  return cost;
}

// What, figure, goal, whether it was met.
void PrintRow(const std::string& name, double milliseconds) {
  std::printf("%s\t%.2f ms\t-\t-\n", name.c_str(), milliseconds);
}

void Print(const Sizes& sizes, size_t processes, const Cost& cost) {
  PrintRow(fmt::format("sockets of {} network namespaces x {} processes scanned, every table read",
                       sizes.namespaces, processes),
           cost.Total());
  PrintRow("the same, no connection opened or closed since", cost.namespaces + cost.unchanged);
}

int Run(const Sizes& sizes) {
  std::vector<WaitingProcess> firsts;
  std::vector<WaitingProcess> others;
  firsts.reserve(sizes.namespaces);
  for (size_t i = 0; i < sizes.namespaces; ++i) {
    firsts.push_back(WaitingProcess::InNewNamespace());
    ConnectInside(firsts.back());
  }
  Cost one = Measure(sizes, 1 + sizes.namespaces);
  Print(sizes, 1, one);
  for (const WaitingProcess& first : firsts) {
    for (size_t i = 1; i < sizes.processes; ++i) {
      others.push_back(WaitingProcess::InNamespaceOf(first));
    }
  }
  Cost many = Measure(sizes, 1 + sizes.namespaces * sizes.processes);
  Print(sizes, sizes.processes, many);
  double ratio = many.Total() / one.Total();
  std::printf(
      "the scan of x %zu processes against x 1, every table read\t%.2f times\tat most %.0f "
      "times\t%s\n",
      sizes.processes, ratio, kLargestRatio, ratio <= kLargestRatio ? "met" : "missed");
  return 0;
}

bool ParseNumber(std::string_view text, size_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

}  // namespace
}  // namespace network_mapper::sniffer

int main(int argc, char** argv) {
  network_mapper::sniffer::Sizes sizes;
  if (argc != 1 && (argc != 4 || !network_mapper::sniffer::ParseNumber(argv[1], sizes.namespaces) ||
                    !network_mapper::sniffer::ParseNumber(argv[2], sizes.processes) ||
                    !network_mapper::sniffer::ParseNumber(argv[3], sizes.rounds))) {
    std::fprintf(stderr, "Usage: socket_scan [NAMESPACES PROCESSES ROUNDS]\n");
    return 2;
  }
  return network_mapper::RunIsolated([&sizes] { return network_mapper::sniffer::Run(sizes); });
}
