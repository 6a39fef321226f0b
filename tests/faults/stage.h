// Where a fault is played: the mapper's real binary with its map in an SQLite file, a cluster, and
// collectors that report through links that can be parted.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/faults/cluster.h"
#include "tests/faults/ledger.h"
#include "tests/faults/load.h"
#include "tests/faults/row.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/postgres_server.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/test_paths.h"

namespace network_mapper::faults {

struct Settings {
  uint32_t seed = 1;
  // How long a fault lasts.
  std::chrono::milliseconds length{3000};
  std::chrono::milliseconds partition_length{3000};
  // At a time.
  size_t pods = 10'000;
  // That say nothing.
  size_t connections = 10'000;
};

struct StageOptions {
  LoadOptions load = {};
  // Of the mapper, beside those that every stage needs.
  std::vector<std::string> mapper_options = {};
  // The mapper's clock can be set: libfaketime.
  bool own_clock = false;
  // The store on a small file system of its own; needs root.
  bool small_disk = false;
  // The store in a PostgreSQL server.
  bool postgres = false;
  // An API server that can be killed.
  bool killable_api_server = false;
};

class Stage {
 public:
  // The mapper is ready, and there is load.
  Stage(const Settings& settings, const StageOptions& options);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  const Settings& Played() const { return settings_; }

  std::mt19937& Random() { return random_; }

  MapperProcess& Mapper() { return *mapper_; }

  Cluster& TheCluster() { return *cluster_; }

  // With `killable_api_server` only.
  ProcessCluster& KillableCluster() { return *killable_cluster_; }

  Load& TheLoad() { return *load_; }

  Ledger& TheLedger() { return ledger_; }

  // With `postgres` only.
  PostgresServer& Database() { return *database_; }

  // Where the store is.
  const std::filesystem::path& StoreDirectory() const { return store_directory_; }

  // Not the store's.
  const std::filesystem::path& Directory() const { return directory_.Path(); }

  // With `own_clock` only: the mapper's clock is wrong by so much from now on.
  void SetMapperClock(std::chrono::seconds ahead);

  // Parts the collectors from the mapper, or joins them again.
  void Part(bool part);

  // The load goes on for a random time between these.
  void Pass(std::chrono::milliseconds least, std::chrono::milliseconds most);

  // As long as the fault is to last.
  void PassLength() { Pass(settings_.length, settings_.length); }

  // Until more is acknowledged than is now.
  void WaitForProgress();

  // Kills the mapper, having looked at what it counted, or brings it back.
  void KillMapper();
  void StartMapper();

  // A collector beside the load's has ended: what it reported was made by TheLedger too.
  void CountEndedCollector(uint64_t reported, uint64_t acknowledged);

  // What the reader of the table should know beside the figures.
  template <typename... Values>
  void Remark(fmt::format_string<Values...> text, Values&&... values) {
    row_.remarks.push_back(fmt::format(text, std::forward<Values>(values)...));
  }

  // A fault that did not do what it should, or a promise that did not hold.
  void Require(bool holds, const std::string& what);

  // Ends the load, waits until the figures balance or no more is to be expected, and tells.
  Row Finish(std::string name);

 private:
  void Measure();
  double Refused() const;
  uint64_t Counted() const;

  const Settings settings_;
  std::mt19937 random_;
  TemporaryDirectory directory_;
  ShiftedClock clock_;
  std::filesystem::path store_directory_;
  bool mounted_ = false;
  Ledger ledger_;
  std::unique_ptr<PostgresServer> database_;
  std::optional<MapperProcess> mapper_;
  std::unique_ptr<Cluster> cluster_;
  ProcessCluster* killable_cluster_ = nullptr;
  std::vector<std::unique_ptr<CuttingProxy>> links_;
  std::optional<Load> load_;
  uint64_t acknowledged_to_ended_ = 0;
  // Refusals that mappers counted before they were killed.
  double refused_before_ = 0;
  Row row_;
};

// Looks every few milliseconds.
bool Eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace network_mapper::faults
