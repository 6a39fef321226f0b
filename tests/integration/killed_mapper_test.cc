// The ledger of the report stream: under load, the mapper's real binary is killed (-9) and the
// connection cut again and again. A map in memory ends with its mapper, and with it what that has
// acknowledged; a durable one keeps it. Everything else is on the last mapper's map exactly once.
#include <random>

#include <gmock/gmock.h>

#include "common/report/report_client.h"
#include "tests/integration/ledger_load.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kKills = 5;
constexpr int kLeastCuts = 10;

// Waits until no connection that was begun before is alive.
bool WaitForLoss(const ReportClient& client) {
  uint64_t failures = client.State().failed_connections;
  return Eventually([&] { return client.State().failed_connections >= failures + 2; });
}

class KilledMapper : public ::testing::TestWithParam<bool> {};

// docs/regressions.md P7, docs/regressions.md P8
TEST_P(KilledMapper, HasWhatItMustHoldOnItsMapExactlyOnce) {
  const bool durable = GetParam();
  TemporaryDirectory directory;
  std::mt19937 random(LedgerSeed());
  std::uniform_int_distribution<int> life_ms(300, 1500);
  std::uniform_int_distribution<size_t> budget(5'000, 100'000);
  MapperProcess mapper(
      {durable ? "--store=sqlite:" + (directory.Path() / "map.db").string() : "--store=memory"});
  ASSERT_TRUE(mapper.Start()) << mapper.Log();
  CuttingProxy proxy(mapper.ReportPort(), [&] { return budget(random); });
  MetricsRegistry metrics;
  ReportClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(proxy.Port());
  options.minimum_backoff = 10ms;
  options.maximum_backoff = 50ms;
  auto client = ReportClient::Create(options, metrics);
  ASSERT_THAT(client, IsOk());
  LedgerLoad load(**client, LedgerSeed());

  // Entries are acknowledged in their order, so a number says which.
  std::vector<uint64_t> acknowledged_by_then;
  for (int kill = 0; kill < kKills; ++kill) {
    std::this_thread::sleep_for(milliseconds(life_ms(random)));
    mapper.Kill();
    ASSERT_TRUE(WaitForLoss(**client));
    acknowledged_by_then.push_back((*client)->State().acknowledged_observations);
    ASSERT_TRUE(mapper.Start()) << mapper.Log();
  }
  int cuts_before = proxy.Cuts();
  ASSERT_TRUE(Eventually([&] { return proxy.Cuts() >= cuts_before + kLeastCuts; }));
  uint64_t entries = load.Stop();
  ASSERT_TRUE((*client)->Flush(steady_clock::now() + 20s)) << (*client)->State().last_error;

  ReportClientState state = (*client)->State();
  EXPECT_EQ(state.dropped_observations, 0U);
  EXPECT_EQ(state.acknowledged_observations, entries);
  EXPECT_GT(state.resent_batches, 0U);
  // Otherwise this run has shown nothing.
  EXPECT_GT(acknowledged_by_then.front(), 0U);
  EXPECT_GT(entries, acknowledged_by_then.back());
  uint64_t forgotten = durable ? 0 : acknowledged_by_then.back();
  std::vector<int> counts = LedgerCounts(mapper, entries);
  for (uint64_t entry = 0; entry < entries; ++entry) {
    ASSERT_EQ(counts[entry], entry < forgotten ? 0 : 1) << "entry " << entry << " of " << entries;
  }
  std::printf(
      "%lu entries: %s acknowledged by mappers that were killed, %lu on the last map; "
      "%d cuts, %lu batches resent; the last mapper had applied %.0f batches that came again\n",
      entries, ::testing::PrintToString(acknowledged_by_then).c_str(), entries - forgotten,
      proxy.Cuts(), state.resent_batches,
      mapper.Metric("network_mapper_report_server_duplicate_batches_total"));
}

INSTANTIATE_TEST_SUITE_P(Stores, KilledMapper, ::testing::Bool(),
                         [](const auto& durable) { return durable.param ? "sqlite" : "memory"; });

}  // namespace

}  // namespace network_mapper
