// Two mappers with one PostgreSQL, all of them real, under load: mappers and server are killed,
// connections are cut and lead to the one mapper or the other, as a Service's do. In the end both
// answer with everything that was reported exactly once, and as one mapper does that got it all and
// keeps it in SQLite.
#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include <gmock/gmock.h>

#include "common/report/report_client.h"
#include "tests/integration/ledger_load.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/postgres_server.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kWholeMap =
    "{intents(server:null){client{name namespace} server{name namespace} type awsActions "
    "evidence{collector strength count ports firstSeen lastSeen}}}";

// A collector that reaches the mappers through a relay.
struct ConnectedCollector {
  ConnectedCollector(uint16_t mapper_port, std::function<size_t()> budget)
      : proxy(mapper_port, std::move(budget)) {
    ReportClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(proxy.Port());
    options.minimum_backoff = 10ms;
    options.maximum_backoff = 50ms;
    auto made = ReportClient::Create(options, metrics);
    EXPECT_THAT(made, IsOk());
    client = *std::move(made);
  }

  CuttingProxy proxy;
  MetricsRegistry metrics;
  std::unique_ptr<ReportClient> client;
};

TEST(MapperReplicas, ShareOneMap) {
  constexpr int kKills = 6;
  PostgresServer server;
  std::mt19937 random(LedgerSeed());
  std::uniform_int_distribution<int> life_ms(300, 1000);
  std::string url = server.Url();
  url.replace(url.find('@'), 1, ":s3cret@");
  std::array<MapperProcess, 2> mappers = {MapperProcess({"--store=" + url}),
                                          MapperProcess({}, {"OTTERIZE_STORE=" + url})};
  for (MapperProcess& mapper : mappers) {
    ASSERT_TRUE(mapper.Start()) << mapper.Log();
  }
  const auto budget = [bytes = std::minstd_rand(LedgerSeed())]() mutable {
    return size_t{5'000} + bytes() % 95'000;
  };
  ConnectedCollector even(mappers[0].ReportPort(), budget);
  ConnectedCollector odd(mappers[1].ReportPort(), budget);
  LedgerLoad even_load(*even.client, LedgerSeed(), 0, 2);
  LedgerLoad odd_load(*odd.client, LedgerSeed() + 1, 1, 2);

  for (int kill = 0; kill < kKills; ++kill) {
    std::this_thread::sleep_for(milliseconds(life_ms(random)));
    MapperProcess& victim = mappers.at(static_cast<size_t>(kill % 2));
    MapperProcess& other = mappers.at(static_cast<size_t>(1 - kill % 2));
    victim.Kill();
    even.proxy.TurnTo(other.ReportPort());
    odd.proxy.TurnTo(other.ReportPort());
    if (kill == kKills / 2) {
      std::this_thread::sleep_for(200ms);
      server.Crash();
      std::this_thread::sleep_for(500ms);
      server.Start();
    }
    std::this_thread::sleep_for(300ms);
    ASSERT_TRUE(victim.Start()) << victim.Log();
    (kill % 2 == 0 ? even : odd).proxy.TurnTo(victim.ReportPort());
  }
  std::this_thread::sleep_for(500ms);
  const uint64_t evens = even_load.Stop();
  const uint64_t odds = odd_load.Stop();
  for (ConnectedCollector* collector : {&even, &odd}) {
    ASSERT_TRUE(collector->client->Flush(steady_clock::now() + 30s))
        << collector->client->State().last_error;
    EXPECT_EQ(collector->client->State().dropped_observations, 0U);
    EXPECT_GT(collector->client->State().resent_batches, 0U);
  }
  const uint64_t end = std::max(2 * evens, 2 * odds + 1);
  for (const MapperProcess& mapper : mappers) {
    const std::vector<int> counts = LedgerCounts(mapper, end);
    for (uint64_t entry = 0; entry < end; ++entry) {
      const bool was_sent = entry % 2 == 0 ? entry / 2 < evens : entry / 2 < odds;
      ASSERT_EQ(counts[entry], was_sent ? 1 : 0) << "entry " << entry << " of " << end;
    }
  }

  for (const MapperProcess& mapper : mappers) {
    EXPECT_THAT(mapper.Log(), testing::Not(testing::HasSubstr("s3cret")));
  }

  TemporaryDirectory directory;
  MapperProcess alone({"--store=sqlite:" + (directory.Path() / "map.db").string()});
  ASSERT_TRUE(alone.Start()) << alone.Log();
  ConnectedCollector everything(alone.ReportPort(), [] { return SIZE_MAX; });
  for (uint64_t entry = 0; entry < end;) {
    std::vector<Observation> entries;
    for (; entries.size() < 1000 && entry < end; ++entry) {
      if (entry % 2 == 0 ? entry / 2 < evens : entry / 2 < odds) {
        entries.push_back(LedgerEntry(entry));
      }
    }
    everything.client->Report(entries, {});
    ASSERT_TRUE(everything.client->Flush(steady_clock::now() + 30s));
  }
  const nlohmann::json expected = alone.Query(std::string(kWholeMap));
  ASSERT_EQ(expected["intents"].size(), evens + odds);
  EXPECT_EQ(mappers[0].Query(std::string(kWholeMap)), expected);
  EXPECT_EQ(mappers[1].Query(std::string(kWholeMap)), expected);
  std::printf("%lu entries, %d cuts, %lu batches resent, the mappers had got %.0f of them twice\n",
              evens + odds, even.proxy.Cuts() + odd.proxy.Cuts(),
              even.client->State().resent_batches + odd.client->State().resent_batches,
              mappers[0].Metric("network_mapper_intents_batches_duplicate_total") +
                  mappers[1].Metric("network_mapper_intents_batches_duplicate_total"));
}

}  // namespace
}  // namespace network_mapper
