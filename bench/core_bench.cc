// Resolver and intent store over a cluster of 10,000 pods: observations per second on one core,
// memory of 50,000 intents with evidence, time of a visit.

#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "mapper/intents/intent_store.h"
#include "mapper/resolve/resolver.h"
#include "tests/support/fake_inventory_view.h"

namespace network_mapper {
namespace {

constexpr size_t kPods = 10'000;
constexpr size_t kWorkloads = 1'000;
constexpr size_t kServices = 500;

std::string Address(unsigned first, size_t number) {
  return std::to_string(first) + "." + std::to_string(number / 65'536 % 256) + "." +
         std::to_string(number / 256 % 256) + "." + std::to_string(number % 256);
}

std::string WorkloadName(size_t number) {
  return "service-number-" + std::to_string(number);
}

std::string PodName(size_t number) {
  return WorkloadName(number % kWorkloads) + "-6f7d8c9b5-" + std::to_string(10'000 + number);
}

std::unique_ptr<FakeInventoryView> MakeCluster() {
  auto view = std::make_unique<FakeInventoryView>();
  std::vector<Workload> workloads;
  for (size_t i = 0; i < kWorkloads; ++i) {
    workloads.push_back(
        FakeInventoryView::MakeWorkload("team-" + std::to_string(i % 50), WorkloadName(i)));
  }
  for (size_t i = 0; i < kPods; ++i) {
    PodFacts facts;
    facts.name = PodName(i);
    facts.name_space = workloads[i % kWorkloads].identity->name_space;
    facts.uid = FakeInventoryView::UidOf(facts.name);
    facts.workload = workloads[i % kWorkloads];
    view->AddPod(std::move(facts), {Address(10, i)});
  }
  for (size_t i = 0; i < kServices; ++i) {
    view->AddService(workloads[i].identity->name_space, "svc-" + std::to_string(i),
                     Address(172, (16U << 16U) + i), {workloads[i]});
  }
  view->AddControlPlane("172.31.0.1", 443);
  return view;
}

// 30 % names, 50 % SYNs to services and pods, 10 % SYNs and 10 % sockets to the outside; half with
// a pod UID. A workload calls ten services and five peers.
std::vector<Observation> MakeObservations(size_t count) {
  std::mt19937 random(1);
  const auto below = [&random](size_t limit) { return random() % limit; };
  std::vector<Observation> observations(count);
  Time seen{std::chrono::hours(500'000)};
  for (Observation& observation : observations) {
    // 500,000 a second.
    seen += std::chrono::microseconds(2);
    observation.first_seen = seen;
    observation.last_seen = seen;
    const size_t client = below(kPods);
    const size_t workload = client % kWorkloads;
    const size_t service = (workload * 7 + below(10)) % kServices;
    const size_t peer = (workload * 13 + below(5)) % kWorkloads + below(10) * kWorkloads;
    observation.client.ip = FakeInventoryView::Ip(Address(10, client));
    if (below(2) == 0) {
      observation.client.pod_uid = FakeInventoryView::UidOf(PodName(client));
    }
    const size_t kind = below(10);
    if (kind < 3) {
      observation.collector = Collector::kDns;
      observation.target = NameTarget{"svc-" + std::to_string(service) + ".team-" +
                                          std::to_string(service % 50) + ".svc.cluster.local",
                                      {FakeInventoryView::Ip("10.96.0.1")},
                                      std::nullopt};
      continue;
    }
    observation.collector = kind < 9 ? Collector::kTcpSyn : Collector::kSocketScan;
    AddressTarget target;
    target.port = static_cast<uint16_t>(8000 + below(4));
    target.answered = 1;
    target.address = FakeInventoryView::Ip(kind < 6   ? Address(172, (16U << 16U) + service)
                                           : kind < 8 ? Address(10, peer)
                                                      : Address(203, below(1000)));
    observation.target = target;
  }
  return observations;
}

void ResolveAndMerge(benchmark::State& state) {
  constexpr size_t kBatch = 1000;
  const auto cluster = MakeCluster();
  const Resolver resolver{ResolveOptions{}};
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentStore store(IntentLimits{}, metrics);
  const std::vector<Observation> observations = MakeObservations(200 * kBatch);
  size_t next = 0;
  for (auto _ : state) {
    BatchEffect effect;
    effect.sightings.reserve(kBatch);
    for (size_t i = 0; i < kBatch; ++i) {
      benchmark::DoNotOptimize(resolver.Resolve(*cluster, observations[next + i],
                                                Patience::kLastChance, effect.sightings));
    }
    store.Apply(std::move(effect));
    next = (next + kBatch) % observations.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(kBatch));
  state.counters["intents"] = static_cast<double>(store.Size());
}

BENCHMARK(ResolveAndMerge)->Unit(benchmark::kMicrosecond);

// Each intent is seen by three client pods and, every other one, by a second collector.
void Fill(IntentStore& store, size_t intents) {
  std::vector<Workload> workloads;
  for (size_t i = 0; i < kWorkloads; ++i) {
    workloads.push_back(
        FakeInventoryView::MakeWorkload("team-" + std::to_string(i % 50), WorkloadName(i)));
  }
  for (size_t i = 0; i < intents; ++i) {
    const size_t client = i % kWorkloads;
    const size_t server = (client + 1 + i / kWorkloads) % kWorkloads;
    BatchEffect effect;
    for (size_t seen = 0; seen < 3 + i % 2; ++seen) {
      IntentSighting& sighting = effect.sightings.emplace_back();
      sighting.client = workloads[client];
      sighting.server = workloads[server];
      sighting.collector = seen < 3 ? Collector::kTcpSyn : Collector::kDns;
      sighting.count = 1;
      sighting.port = PortSeen{8080, Protocol::kTcp};
      sighting.kubernetes_service =
          std::make_shared<const std::string>("svc-" + std::to_string(server));
      sighting.sample.client_pod =
          std::make_shared<const std::string>(PodName(client + seen % 3 * kWorkloads));
      sighting.sample.server_address = FakeInventoryView::Ip(Address(172, server));
    }
    store.Apply(std::move(effect));
  }
}

void MemoryOfIntents(benchmark::State& state) {
  const auto intents = static_cast<size_t>(state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    MetricsRegistry registry;
    IntentStoreMetrics metrics(registry);
    IntentStore store(IntentLimits{}, metrics);
    const size_t before = mallinfo2().uordblks;
    Fill(store, intents);
    bytes = static_cast<double>(mallinfo2().uordblks - before);
  }
  state.counters["bytes_per_intent"] = bytes / static_cast<double>(intents);
  state.counters["mebibytes"] = bytes / (1024 * 1024);
}

BENCHMARK(MemoryOfIntents)->Arg(50'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void VisitAll(benchmark::State& state) {
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentStore store(IntentLimits{}, metrics);
  Fill(store, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    uint64_t count = 0;
    store.Visit({}, [&count](const Intent& intent) {
      count += intent.Count();
      return true;
    });
    benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}

BENCHMARK(VisitAll)->Arg(50'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace network_mapper
