// Plays faults against the mapper's real binary under load and prints what became of every
// observation. Exit code 1 when a row does not balance.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/faults/collector_process.h"
#include "tests/faults/faults.h"
#include "tests/faults/row.h"
#include "tests/support/isolation.h"

namespace network_mapper::faults {

namespace {

struct Arguments {
  Settings settings;
  double seconds = 3;
  double partition_seconds = 3;
  std::vector<std::string> names;
  bool list = false;
};

std::vector<Fault> AllFaults() {
  std::vector<Fault> all;
  for (const auto& some : {ProcessFaults(), DiskFaults(), ClockFaults(), NetworkFaults(),
                           ApiServerFaults(), HostileFaults()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

// Empty when it can be played.
std::string WhatIsMissing(const Fault& fault) {
  if (fault.stage.small_disk && geteuid() != 0) {
    return "needs root";
  }
  if (fault.stage.own_clock && !std::filesystem::exists(ShiftedClock::kLibrary)) {
    return "needs libfaketime";
  }
  return "";
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int PlayAll(const std::vector<Fault>& faults, const Settings& settings) {
  fmt::print("seed {}, faults of {} ms\n\n", settings.seed, settings.length.count());
  PrintHead();
  bool all_balance = true;
  std::string left_out;
  for (const Fault& fault : faults) {
    if (const std::string missing = WhatIsMissing(fault); !missing.empty()) {
      left_out += fmt::format("left out: {} ({})\n", fault.name, missing);
      continue;
    }
    Stage stage(settings, fault.stage);
    fault.play(stage);
    const Row row = stage.Finish(fault.name);
    Print(row);
    all_balance = all_balance && row.Balances();
  }
  fmt::print("\n{}{}\n", left_out, all_balance ? "Every row balances." : "NOT every row balances.");
  return all_balance ? 0 : 1;
}

int Main(const Arguments& arguments) {
  std::vector<Fault> chosen;
  for (const Fault& fault : AllFaults()) {
    const auto& names = arguments.names;
    if (names.empty() || std::find(names.begin(), names.end(), fault.name) != names.end()) {
      chosen.push_back(fault);
    }
  }
  if (!arguments.names.empty() && chosen.size() != arguments.names.size()) {
    fmt::print(stderr, "fault_suite: a fault is not known or named twice; --list names all\n");
    return 2;
  }
  if (arguments.list) {
    for (const Fault& fault : chosen) {
      fmt::print("{:<24} {}\n", fault.name, fault.what);
    }
    return 0;
  }
  RaiseDescriptorLimit();
  const auto play = [&] { return PlayAll(chosen, arguments.settings); };
  // As root, nobody else's ports are in the way, and nothing is left over.
  return geteuid() == 0 ? RunIsolated(play) : play();
}

}  // namespace

}  // namespace network_mapper::faults

namespace {

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

}  // namespace

int main(int argc, char** argv) {
  // A collector that this program has started.
  if (argc == 5 && std::string_view(argv[1]) == network_mapper::faults::kCollectOption) {
    network_mapper::faults::CollectAsChild(static_cast<uint16_t>(std::stoul(argv[2])),
                                           std::stoull(argv[3]), argv[4]);
  }
  network_mapper::faults::Arguments arguments;
  CLI::App app("Plays faults against the mapper under load; all of them, or those that are named.");
  app.add_option("fault", arguments.names, "names of faults");
  app.add_option("--seed", arguments.settings.seed, "of all that is random")->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "how long a fault lasts")->capture_default_str();
  app.add_option("--partition-seconds", arguments.partition_seconds, "how long a partition lasts")
      ->capture_default_str();
  app.add_option("--pods", arguments.settings.pods, "pods at a time that come and go")
      ->capture_default_str();
  app.add_option("--connections", arguments.settings.connections, "idle connections")
      ->capture_default_str();
  app.add_flag("--list", arguments.list, "name the faults and end");
  CLI11_PARSE(app, argc, argv);
  arguments.settings.length = Milliseconds(arguments.seconds);
  arguments.settings.partition_length = Milliseconds(arguments.partition_seconds);
  std::signal(SIGPIPE, SIG_IGN);
  return network_mapper::faults::Main(arguments);
}
