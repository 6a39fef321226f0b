// From a proxy's metrics port to the map, over restarts of the mapper and changes of the leader:
// every call once.
#include "mapper/app/istio_collector.h"

#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/client.h"
#include "mapper/app/proxy_exec.h"
#include "mapper/ingest/observation_pipeline.h"
#include "mapper/intents/postgres_connection.h"
#include "mapper/intents/postgres_database.h"
#include "mapper/intents/sqlite_database.h"
#include "mapper/resolve/resolver.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/common/kube/scripted_web_socket.h"
#include "tests/istio-watcher/scrape/proxy_dump.h"
#include "tests/mapper/inventory/inventory_builders.h"
#include "tests/support/postgres_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The parts of a mapper that the watcher meets.
struct MapperLife {
  MapperLife(const Inventory& inventory, std::unique_ptr<IntentDatabase> database)
      : store(IntentLimits{}, store_metrics) {
    if (database != nullptr) {
      EXPECT_THAT(store.Recover(std::move(database), SteadyTime()), IsOk());
    }
    pipeline.emplace(
        PipelineOptions{.group_time = std::chrono::milliseconds(5)},
        PipelineParts{.store = store,
                      .resolver = resolver,
                      .inventory = {.read = [&inventory](const auto& use) { inventory.Read(use); },
                                    .version = [] { return uint64_t{1}; },
                                    .synced = [] { return true; }},
                      .clock = Clock::System(),
                      .metrics = pipeline_metrics});
  }

  MetricsRegistry registry;
  IntentStoreMetrics store_metrics{registry};
  PipelineMetrics pipeline_metrics{registry};
  IntentStore store;
  Resolver resolver{ResolveOptions{}};
  std::optional<ObservationPipeline> pipeline;
};

uint64_t CallsTo(const IntentStore& store, const std::string& path) {
  uint64_t calls = 0;
  store.Visit({}, [&](const Intent& intent) {
    const bool has_path =
        path.empty() || (intent.details != nullptr && !intent.details->http_resources.empty() &&
                         intent.details->http_resources[0].path == path);
    calls += intent.type == IntentType::kHttp && has_path ? intent.Count() : 0;
    return true;
  });
  return calls;
}

class IstioCollectorTest : public ::testing::Test {
 protected:
  IstioCollectorTest() {
    PodRecord web = PodWithIp(1, "web", "127.0.0.1", 0);
    web.mesh_proxy = MeshProxy{.is_ready = true, .started = At(0)};
    inventory_.Upsert(web, At(1));
    inventory_.Upsert(PodWithIp(2, "cart", "10.0.0.2", 0), At(1));
    options_.metrics_port = istio::PortOf(server_);
    options_.watch.schedule = {.interval = std::chrono::milliseconds(20),
                               .pause = std::chrono::milliseconds(10)};
  }

  void Collect(MapperLife& life) {
    collector_ = std::make_unique<IstioCollector>(
        options_, IstioCollector::Parts{.inventory = inventory_,
                                        .synced = [] { return true; },
                                        .sink = *life.pipeline,
                                        .store = life.store,
                                        .metrics = life.registry,
                                        .clock = Clock::System(),
                                        .writer = "mapper",
                                        .command = command_});
    thread_ = std::jthread([this](const std::stop_token& stop) { collector_->Run(stop); });
  }

  void StopCollecting() {
    thread_ = {};
    collector_.reset();
  }

  // Two more readings: one may have been under way.
  void AwaitReadings() {
    const size_t before = server_.Calls().size();
    ASSERT_TRUE(Eventually([&] { return server_.Calls().size() >= before + 3; }));
  }

  TemporaryDirectory directory_;
  Inventory inventory_;
  std::atomic<uint64_t> calls_ = 1000;
  std::atomic<bool> has_labels_ = true;

  std::string Dump() const {
    return istio::Line(
        {.path = "/orders", .value = calls_.load(), .has_labels = has_labels_.load()});
  }

  std::atomic<bool> forbid_ = false;
  ScriptedServer server_{[this](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(forbid_ ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
                     : istio::Answer(Dump()));
    wire.Close();
  }};
  istio::ProxyCommand* command_ = nullptr;
  IstioCollectorOptions options_;
  std::unique_ptr<IstioCollector> collector_;
  std::jthread thread_;
};

TEST_F(IstioCollectorTest, CallsAreOnTheMapWithMethodAndPath) {
  MapperLife life(inventory_, nullptr);
  Collect(life);
  AwaitReadings();
  EXPECT_EQ(life.store.Size(), 0U);
  calls_ += 7;
  ASSERT_TRUE(Eventually([&] { return CallsTo(life.store, "/orders") == 7; }));
  life.store.Visit({}, [](const Intent& intent) {
    EXPECT_EQ(intent.client.identity->name, "web");
    EXPECT_EQ(intent.server.identity->name, "cart");
    EXPECT_THAT(intent.details->http_resources.at(0).methods, ElementsAre(HttpMethod::kGet));
    return true;
  });
  const auto collectors = life.pipeline->Collectors();
  ASSERT_THAT(collectors, SizeIs(1));
  EXPECT_EQ(collectors[0].name.component, "istio-watcher");
  EXPECT_EQ(collectors[0].open_streams, 1);
  EXPECT_THAT(collectors[0].totals.notices, IsEmpty());
  EXPECT_EQ(collector_->Note(), "1 proxy");
  EXPECT_THAT(collector_->Health(), IsOk());
  StopCollecting();
  EXPECT_EQ(life.pipeline->Collectors().at(0).open_streams, 0);
}

TEST_F(IstioCollectorTest, CallsOfAProxyThatIsForbiddenComeByExec) {
  forbid_ = true;
  ScriptedServer api_server([this](const ScriptedCall& call, ScriptedWire& wire) {
    EXPECT_THAT(call.target, HasSubstr("/pods/web/exec?container=istio-proxy"));
    const std::string status = R"({"metadata":{},"status":"Success"})";
    wire.Raw(WebSocketAcceptance(call) + ServerFrame(0x82, "\1" + Dump()) +
             ServerFrame(0x82, "\3" + status));
    wire.Close();
  });
  kube::ClusterAccess access;
  access.server = api_server.Url();
  const auto client = *kube::Client::Create(std::move(access));
  ProxyExec exec(*client, 2);
  command_ = &exec;
  options_.watch.command_interval = std::chrono::milliseconds(50);
  MapperLife life(inventory_, nullptr);
  Collect(life);
  const auto has_read = [&](size_t times) {
    const size_t before = api_server.Calls().size();
    return Eventually([&] { return api_server.Calls().size() >= before + times; });
  };
  ASSERT_TRUE(has_read(3));
  EXPECT_EQ(life.store.Size(), 0U);
  calls_ += 7;
  ASSERT_TRUE(Eventually([&] { return CallsTo(life.store, "/orders") == 7; }));
  ASSERT_TRUE(has_read(3));
  EXPECT_EQ(CallsTo(life.store, "/orders"), 7U);
  EXPECT_THAT(collector_->Health(), IsOk());
  StopCollecting();
}

TEST_F(IstioCollectorTest, AMeshThatTellsNoPathsIsNoticed) {
  has_labels_ = false;
  MapperLife life(inventory_, nullptr);
  Collect(life);
  ASSERT_TRUE(Eventually([&] { return !collector_->Health().ok(); }));
  EXPECT_THAT(StatusMessage(collector_->Health()), HasSubstr("docs/istio.md"));
  ASSERT_TRUE(Eventually([&] {
    const auto collectors = life.pipeline->Collectors();
    return collectors.size() == 1 && collectors[0].totals.notices.size() == 1;
  }));
  StopCollecting();
}

TEST_F(IstioCollectorTest, WithoutAMeshThereIsNoSuchCollector) {
  PodRecord web = PodWithIp(1, "web", "127.0.0.1", 0);
  inventory_.Upsert(web, At(2));
  MapperLife life(inventory_, nullptr);
  Collect(life);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  StopCollecting();
  EXPECT_THAT(life.pipeline->Collectors(), IsEmpty());
  EXPECT_THAT(server_.Calls(), IsEmpty());
}

TEST_F(IstioCollectorTest, OnlyOfTheNamespaceThatWasAskedFor) {
  options_.name_space = "lab";
  MapperLife life(inventory_, nullptr);
  Collect(life);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  StopCollecting();
  EXPECT_THAT(server_.Calls(), IsEmpty());
}

// Calls go on all the time; the mapper ends and starts again at any moment.
TEST_F(IstioCollectorTest, RestartsOfTheMapperLoseNothingAndDoubleNothing) {
  const std::string path = directory_.Path() / "map.db";
  const auto open = [&] { return *OpenSqliteDatabase(path, At(0)); };
  {
    MapperLife life(inventory_, open());
    Collect(life);
    AwaitReadings();
    StopCollecting();
  }
  const uint64_t baseline = calls_;
  std::jthread traffic([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ++calls_;
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  std::minstd_rand random(11);
  for (int life_number = 0; life_number < 12; ++life_number) {
    MapperLife life(inventory_, open());
    Collect(life);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution(1, 90)(random)));
    StopCollecting();
  }
  traffic = {};
  MapperLife life(inventory_, open());
  Collect(life);
  EXPECT_TRUE(Eventually([&] { return CallsTo(life.store, "/orders") == calls_ - baseline; }));
  AwaitReadings();
  StopCollecting();
  EXPECT_EQ(CallsTo(life.store, "/orders"), calls_ - baseline);
}

Observation Call(uint64_t count) {
  Observation observation;
  observation.collector = Collector::kIstio;
  observation.count = count;
  HttpTarget target;
  target.client_workload = "web";
  target.client_namespace = "shop";
  target.server_workload = "cart";
  target.server_namespace = "shop";
  target.path = "/orders";
  target.methods = {HttpMethod::kGet};
  observation.target = target;
  return observation;
}

TEST_F(IstioCollectorTest, WhatAFormerLeaderWritesLateDoesNotCount) {
  const PostgresServer server;
  MapperLife one(inventory_, *OpenPostgresDatabase(server.Url(), At(0)));
  MapperLife two(inventory_, *OpenPostgresDatabase(server.Url(), At(0)));
  PipelineJournal former(*one.pipeline, one.store, "one");
  PipelineJournal present(*two.pipeline, two.store, "two");
  const std::stop_token never;
  const auto write = [&never](PipelineJournal& journal, uint64_t count) {
    return journal.Write({{Call(count)}, {{"istio/proxy/a", std::to_string(count)}}, {}}, never);
  };
  EXPECT_THAT(former.Begin(never), IsOk());
  EXPECT_THAT(write(former, 1), IsOk());
  const auto saved = present.Begin(never);
  ASSERT_THAT(saved, IsOk());
  EXPECT_THAT(*saved, ::testing::Contains(::testing::Pair("istio/proxy/a", "1")));
  EXPECT_THAT(write(former, 10), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("another")));
  EXPECT_THAT(write(present, 100), IsOk());
  EXPECT_EQ(CallsTo(two.store, "/orders"), 101U);
  // It leads again.
  EXPECT_THAT(former.Begin(never), IsOk());
  EXPECT_THAT(write(former, 1000), IsOk());
  EXPECT_THAT(write(present, 10'000),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("another")));
  EXPECT_EQ(CallsTo(one.store, "/orders"), 1101U);
}

}  // namespace
}  // namespace network_mapper
