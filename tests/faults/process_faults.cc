// Programs that are killed or stopped.
#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/faults/collector_process.h"
#include "tests/faults/faults.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int kKills = 4;

void KillAndRestartMapper(Stage& stage) {
  stage.KillMapper();
  stage.Pass(0ms, 300ms);
  stage.StartMapper();
  stage.WaitForProgress();
}

void KillMapper(Stage& stage) {
  for (int kill = 0; kill < kKills; ++kill) {
    stage.Pass(0ms, 800ms);
    KillAndRestartMapper(stage);
  }
  stage.Remark("{} kills, {} batches resent", kKills, stage.TheLoad().State().resent);
}

// The database is a library in the mapper's process: it dies while it writes.
void KillDatabase(Stage& stage) {
  const std::filesystem::path log = stage.StoreDirectory() / "map.db-wal";
  int while_writing = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    stage.Pass(0ms, 500ms);
    const auto written = std::filesystem::last_write_time(log);
    const auto deadline = steady_clock::now() + 2s;
    while (std::filesystem::last_write_time(log) == written && steady_clock::now() < deadline) {
    }
    while_writing += steady_clock::now() < deadline ? 1 : 0;
    KillAndRestartMapper(stage);
  }
  stage.Require(while_writing > 0, "the database was never seen to write");
  stage.Remark("{} kills, {} just after a page was written, {} batches resent", kKills,
               while_writing, stage.TheLoad().State().resent);
}

// And the mapper, whose copy of the map ends with it.
void CrashPostgres(Stage& stage) {
  constexpr int kCrashes = 3;
  for (int crash = 0; crash < kCrashes; ++crash) {
    stage.Pass(100ms, 800ms);
    stage.Database().Crash();
    stage.Pass(0ms, 1000ms);
    stage.Database().Start();
    stage.WaitForProgress();
  }
  KillAndRestartMapper(stage);
  stage.Remark("{} crashes, {} batches resent", kCrashes, stage.TheLoad().State().resent);
}

void StopMapperByTurns(Stage& stage) {
  int stops = 0;
  steady_clock::duration stopped{};
  const auto begun = steady_clock::now();
  for (; steady_clock::now() < begun + stage.Played().length; ++stops) {
    const auto stop = steady_clock::now();
    kill(stage.Mapper().Id(), SIGSTOP);
    stage.Pass(200ms, 1000ms);
    kill(stage.Mapper().Id(), SIGCONT);
    stopped += steady_clock::now() - stop;
    stage.Pass(20ms, 100ms);
  }
  stage.Remark("stopped {} times, {} % of the time", stops,
               100 * stopped / (steady_clock::now() - begun));
}

// The mapper sees that a stream has ended; how much had not been sent, nobody is left to say.
void KillCollectors(Stage& stage) {
  // Beyond the numbers of the load.
  constexpr uint64_t kNumbersEach = 1'000'000;
  const std::string kEnds = "network_mapper_report_server_closed_streams_total";
  const double ends = stage.Mapper().Metric(kEnds, "reason=\"client\"");
  uint64_t acknowledged = 0;
  for (int kill = 1; kill <= kKills; ++kill) {
    const uint64_t first = kNumbersEach * static_cast<uint64_t>(kill);
    CollectorProcess collector(stage.Mapper().ReportPort(), first,
                               stage.Directory() / fmt::format("collector-{}", kill));
    stage.Require(Eventually([&] { return collector.Record().acknowledged > 0; }, 20s),
                  "nothing is acknowledged to a collector");
    stage.Pass(0ms, 500ms);
    collector.Kill();
    for (uint64_t number = 0; number < collector.Record().reported; ++number) {
      stage.TheLedger().Named(first + number, Time());
    }
    acknowledged += collector.Record().acknowledged;
    stage.CountEndedCollector(collector.Record().reported, collector.Record().acknowledged);
  }
  stage.Require(
      Eventually([&] { return stage.Mapper().Metric(kEnds, "reason=\"client\"") == ends + kKills; },
                 20s),
      "the mapper did not count the streams that ended");
  stage.Remark(
      "{} collectors killed after {} acknowledged observations; the mapper counts the "
      "streams that ended, not what was lost",
      kKills, acknowledged);
}

void KillApiServer(Stage& stage) {
  stage.KillableCluster().Kill();
  stage.PassLength();
  stage.WaitForProgress();
  stage.Require(stage.KillableCluster().Start(), "the API server does not come back");
  stage.Remark("away for {} ms", stage.Played().length.count());
  // Pods that have come since then are known again.
  stage.Pass(1500ms, 2000ms);
}

}  // namespace

std::vector<Fault> ProcessFaults() {
  return {
      {.name = "mapper-killed", .what = "the mapper is killed (-9)", .play = KillMapper},
      {.name = "database-killed",
       .what = "the mapper is killed (-9) while its database writes",
       .play = KillDatabase},
      {.name = "postgres-crashed",
       .what = "the PostgreSQL server crashes and comes back, and the mapper is killed (-9)",
       .stage = {.postgres = true},
       .play = CrashPostgres},
      {.name = "collector-killed", .what = "collectors are killed (-9)", .play = KillCollectors},
      {.name = "api-server-killed",
       .what = "the API server is killed (-9) and comes back",
       .stage = {.killable_api_server = true},
       .play = KillApiServer},
      {.name = "mapper-slow",
       .what = "the mapper is stopped most of the time",
       .play = StopMapperByTurns}};
}

}  // namespace network_mapper::faults
