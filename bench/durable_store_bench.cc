// The pipeline with an SQLite store: acknowledged observations per second, time to open a store,
// its size per intent. Files are in the build directory, since a temporary file system need not be
// on a disk.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "common/concurrency/waitable.h"
#include "mapper/ingest/observation_pipeline.h"
#include "mapper/intents/sqlite_database.h"
#include "tests/support/fake_inventory_view.h"

namespace network_mapper {
namespace {

constexpr int kWorkloads = 1'000;
constexpr size_t kBatch = 1'000;

std::string AddressOf(int workload) {
  return fmt::format("10.0.{}.{}", workload / 250, workload % 250);
}

FakeInventoryView MakeCluster() {
  FakeInventoryView view;
  for (int i = 0; i < kWorkloads; ++i) {
    PodFacts facts;
    facts.name = fmt::format("service-number-{}-6f7d8c9b5-x2x4x", i);
    facts.name_space = fmt::format("team-{}", i % 50);
    facts.uid = FakeInventoryView::UidOf(facts.name);
    const Workload named =
        FakeInventoryView::MakeWorkload(facts.name_space, fmt::format("service-number-{}", i));
    facts.workload = {named.identity, std::make_shared<const Labels>(Labels{
                                          {"app.kubernetes.io/component", "server"},
                                          {"app.kubernetes.io/instance", named.identity->name},
                                          {"app.kubernetes.io/name", named.identity->name},
                                          {"app.kubernetes.io/version", "1.2.3"},
                                          {"pod-template-hash", "6f7d8c9b5"}})};
    view.AddPod(std::move(facts), {AddressOf(i)});
  }
  return view;
}

// One for each of so many edges.
std::vector<Observation> MakeObservations(int edges) {
  std::vector<Observation> observations;
  const Time now = std::chrono::system_clock::now();
  for (int i = 0; i < edges; ++i) {
    const int client = i % kWorkloads;
    const int server = (client + 1 + i / kWorkloads) % kWorkloads;
    Observation& observation = observations.emplace_back();
    observation.collector = Collector::kTcpSyn;
    observation.first_seen = observation.last_seen = now;
    observation.client.ip = FakeInventoryView::Ip(AddressOf(client));
    observation.target = AddressTarget{
        .address = FakeInventoryView::Ip(AddressOf(server)), .port = uint16_t{8080}, .answered = 1};
  }
  return observations;
}

// A mapper without its network: store, resolver and pipeline.
class DurableMapper {
 public:
  explicit DurableMapper(const std::string& path) {
    auto database = OpenSqliteDatabase(path, std::chrono::system_clock::now());
    failed_ = !database.ok() || !store_.Recover(*std::move(database), SteadyTime()).ok();
    InventoryAccess access{
        .read = [this](const std::function<void(const InventoryView&)>& use) { use(cluster_); },
        .version = [] { return uint64_t{1}; },
        .synced = [] { return true; }};
    pipeline_ = std::make_unique<ObservationPipeline>(
        PipelineOptions(),
        PipelineParts{store_, resolver_, std::move(access), Clock::System(), pipeline_metrics_});
  }

  bool Failed() const { return failed_; }

  const IntentStore& Store() const { return store_; }

  // Until all are acknowledged.
  void Report(const std::vector<Observation>& observations, size_t rounds) {
    const uint64_t wanted = rounds * observations.size() / kBatch;
    Waitable<uint64_t> acknowledged;
    const auto count = [&acknowledged] { acknowledged.Change([](uint64_t& all) { ++all; }); };
    Waitable<bool> resumed;
    for (size_t round = 0; round < rounds; ++round) {
      for (size_t first = 0; first < observations.size(); first += kBatch) {
        ObservationBatch batch;
        batch.instance_id = "bench";
        batch.sequence = ++sequence_;
        batch.observations.assign(observations.begin() + static_cast<ptrdiff_t>(first),
                                  observations.begin() + static_cast<ptrdiff_t>(first + kBatch));
        resumed.Change([](bool& now) { now = false; });
        const bool more = pipeline_->Submit(
            std::move(batch), count, [&resumed] { resumed.Change([](bool& now) { now = true; }); });
        if (!more) {
          resumed.WaitFor(std::chrono::minutes(5), [](bool now) { return now; });
        }
      }
    }
    acknowledged.WaitFor(std::chrono::minutes(5), [wanted](uint64_t all) { return all >= wanted; });
  }

 private:
  FakeInventoryView cluster_ = MakeCluster();
  MetricsRegistry registry_;
  IntentStoreMetrics store_metrics_{registry_};
  PipelineMetrics pipeline_metrics_{registry_};
  IntentStore store_{IntentLimits{}, store_metrics_};
  const Resolver resolver_{ResolveOptions{}};
  bool failed_ = false;
  uint64_t sequence_ = 0;
  std::unique_ptr<ObservationPipeline> pipeline_;
};

class StoreFile {
 public:
  StoreFile() { std::filesystem::create_directory(folder_); }

  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;

  ~StoreFile() { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ / "map.db"; }

  // When it is closed.
  double Bytes() const { return static_cast<double>(std::filesystem::file_size(Path())); }

 private:
  std::filesystem::path folder_ = std::filesystem::current_path() / "durable_store_bench.tmp";
};

void AcknowledgeWithSqlite(benchmark::State& state) {
  constexpr size_t kRounds = 10;
  const StoreFile file;
  DurableMapper mapper(file.Path());
  if (mapper.Failed()) {
    state.SkipWithError("the store cannot be opened");
    return;
  }
  const std::vector<Observation> observations = MakeObservations(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    mapper.Report(observations, kRounds);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRounds) *
                          static_cast<int64_t>(observations.size()));
  state.counters["intents"] = static_cast<double>(mapper.Store().Size());
}

BENCHMARK(AcknowledgeWithSqlite)->Arg(50'000)->Unit(benchmark::kMillisecond)->UseRealTime();

void OpenStore(benchmark::State& state) {
  const StoreFile file;
  const auto intents = static_cast<int>(state.range(0));
  DurableMapper(file.Path()).Report(MakeObservations(intents), 3);
  for (auto _ : state) {
    const DurableMapper mapper(file.Path());
    if (mapper.Failed() || mapper.Store().Size() != static_cast<size_t>(intents)) {
      state.SkipWithError("the store does not hold what was put into it");
      return;
    }
  }
  state.counters["bytes_per_intent"] = file.Bytes() / intents;
}

BENCHMARK(OpenStore)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace network_mapper
