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
#include "mapper/intents/intent_store.h"
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
  std::this_thread::sleep_for(IntentStore::kRefreshInterval);
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

bool Leads(const MapperProcess& mapper) {
  return mapper.Metric("network_mapper_lease_is_leader") == 1;
}

// What one of several says and shows of its leader.
nlohmann::json LeaderCheck(const MapperProcess& mapper) {
  httplib::Client client("127.0.0.1", mapper.ApiPort());
  const httplib::Result answer = client.Get("/readyz");
  return answer ? nlohmann::json::parse(answer->body)["checks"]["leader"] : nlohmann::json();
}

void WaitUntilLeads(const MapperProcess& mapper, std::chrono::seconds limit) {
  const auto end = steady_clock::now() + limit;
  while (!Leads(mapper) && steady_clock::now() < end) {
    std::this_thread::sleep_for(20ms);
  }
  ASSERT_TRUE(Leads(mapper)) << mapper.Log();
}

TEST(MapperReplicas, OneLeads) {
  PostgresServer server;
  auto kubernetes = stand_in::KubeStandIn::Start({});
  ASSERT_THAT(kubernetes, IsOk());
  // That there is one already saves the wait for a former leader.
  ASSERT_THAT((*kubernetes)->Objects().Apply(R"({"apiVersion":"coordination.k8s.io/v1",
    "kind":"Lease","metadata":{"namespace":"default","name":"mappers"},"spec":{}})"),
              IsOk());
  const std::vector<std::string> options = {"--store=" + server.Url(), "--lease-name=mappers"};
  std::array<MapperProcess, 2> mappers = {MapperProcess(options), MapperProcess(options)};
  for (MapperProcess& mapper : mappers) {
    mapper.UseApiServer((*kubernetes)->Url());
  }
  ASSERT_TRUE(mappers[0].Start()) << mappers[0].Log();
  WaitUntilLeads(mappers[0], 10s);
  ASSERT_TRUE(mappers[1].Start()) << mappers[1].Log();
  std::this_thread::sleep_for(1s);
  EXPECT_FALSE(Leads(mappers[1]));
  EXPECT_THAT(LeaderCheck(mappers[1]),
              testing::ResultOf([](const nlohmann::json& text) { return text.get<std::string>(); },
                                testing::MatchesRegex("ok, .*_[0-9a-f]* leads")));
  EXPECT_EQ(LeaderCheck(mappers[0]), LeaderCheck(mappers[1]));

  // Who ends gives way at once.
  auto before = steady_clock::now();
  kill(mappers[0].Id(), SIGTERM);
  EXPECT_EQ(mappers[0].WaitForExit(), 0);
  WaitUntilLeads(mappers[1], 10s);
  const auto after_end = steady_clock::now() - before;

  // Who is killed is missed.
  ASSERT_TRUE(mappers[0].Start()) << mappers[0].Log();
  before = steady_clock::now();
  mappers[1].Kill();
  WaitUntilLeads(mappers[0], 30s);
  const auto after_kill = steady_clock::now() - before;
  EXPECT_LT(after_kill, 20s);
  std::printf("followed %.1f s after its end, %.1f s after it was killed\n",
              std::chrono::duration<double>(after_end).count(),
              std::chrono::duration<double>(after_kill).count());
}

int Readiness(const MapperProcess& mapper) {
  httplib::Client client("127.0.0.1", mapper.ApiPort());
  const httplib::Result answer = client.Get("/readyz");
  return answer ? answer->status : 0;
}

bool BecomesReady(const MapperProcess& mapper, int code, std::chrono::seconds limit) {
  const auto end = steady_clock::now() + limit;
  while (Readiness(mapper) != code && steady_clock::now() < end) {
    std::this_thread::sleep_for(50ms);
  }
  return Readiness(mapper) == code;
}

// A Service leads on to a mapper only while that is ready.
TEST(MapperReplicas, WhoAloneHasLostTheDatabaseIsNotReady) {
  PostgresServer server;
  CuttingProxy proxy(server.Port(), [] { return SIZE_MAX; });
  std::string cut_url = server.Url();
  const std::string port = ":" + std::to_string(server.Port());
  ASSERT_NE(cut_url.find(port), std::string::npos) << cut_url;
  cut_url.replace(cut_url.find(port), port.size(), ":" + std::to_string(proxy.Port()));
  auto kubernetes = stand_in::KubeStandIn::Start({});
  ASSERT_THAT(kubernetes, IsOk());
  ASSERT_THAT((*kubernetes)->Objects().Apply(R"({"apiVersion":"coordination.k8s.io/v1",
    "kind":"Lease","metadata":{"namespace":"default","name":"otterize-network-mapper"}})"),
              IsOk());
  std::array<MapperProcess, 2> mappers = {MapperProcess({"--store=" + cut_url}),
                                          MapperProcess({"--store=" + server.Url()})};
  for (MapperProcess& mapper : mappers) {
    mapper.UseApiServer((*kubernetes)->Url());
    ASSERT_TRUE(mapper.Start()) << mapper.Log();
    WaitUntilLeads(mappers[0], 10s);
  }
  proxy.Hold(true);
  ASSERT_TRUE(BecomesReady(mappers[0], 503, 90s)) << mappers[0].Log();
  EXPECT_TRUE(Leads(mappers[1]));
  EXPECT_FALSE(Leads(mappers[0]));
  EXPECT_EQ(Readiness(mappers[1]), 200);
  httplib::Client client("127.0.0.1", mappers[0].ApiPort());
  EXPECT_THAT(client.Get("/readyz")->body,
              testing::HasSubstr("only this mapper has lost the store"));

  // When the other one has lost it, too, both answer with what they know.
  server.Crash();
  EXPECT_TRUE(BecomesReady(mappers[0], 200, 90s)) << mappers[0].Log();
  EXPECT_EQ(Readiness(mappers[1]), 200);
  EXPECT_FALSE(Leads(mappers[1]));

  server.Start();
  proxy.Hold(false);
  const auto end = steady_clock::now() + 60s;
  while (!Leads(mappers[0]) && !Leads(mappers[1]) && steady_clock::now() < end) {
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_NE(Leads(mappers[0]), Leads(mappers[1]));
  EXPECT_EQ(Readiness(mappers[0]), 200);
  EXPECT_EQ(Readiness(mappers[1]), 200);
}

// A mapper that needs no other one asks for no Lease.
TEST(MapperReplicas, OneAloneNeedsNoLease) {
  MapperProcess alone;
  ASSERT_TRUE(alone.Start()) << alone.Log();
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(LeaderCheck(alone).is_null());
  const auto& objects = alone.ApiServer().Objects();
  const auto type = objects.TypeByPath("coordination.k8s.io", "v1", "leases");
  EXPECT_TRUE(objects.List(*type, "").objects.empty());
}

}  // namespace
}  // namespace network_mapper
