// The inventory of a cluster with 10,000 pods and 2,000 services: questions a second, objects
// decoded a second, and the whole first sync over HTTP from the Kubernetes stand-in (another thread
// of this process, so its share of the processor is counted too).
#include <malloc.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "mapper/inventory/inventory_feed.h"
#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/object_decoder.h"
#include "tests/support/kube_stand_in/cluster_generator.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"

namespace network_mapper {
namespace {

constexpr int kPods = 10'000;
constexpr int kServices = 2'000;

// A sum that the optimiser must keep, and a spread over all pods.
struct Walk {
  size_t next = 0;

  size_t Index(size_t size) { return next = (next + 7919) % size; }
};

double AllocatedMebibytes() {
  struct mallinfo2 heap = mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd) / (1 << 20);
}

std::vector<std::string> Objects(const stand_in::ObjectStore& store, std::string_view group,
                                 std::string_view version, std::string_view plural) {
  std::vector<std::string> objects;
  for (const stand_in::StoredObjectPtr& object :
       store.List(*store.TypeByPath(group, version, plural), "").objects) {
    objects.push_back("{\"metadata\":{" + object->metadata + "}," + object->rest + "}");
  }
  return objects;
}

// Everything that the benchmarks ask about, made once.
struct Cluster {
  Cluster() {
    stand_in::ObjectStore store;
    stand_in::GenerateCluster({.pods = kPods, .services = kServices}, store);
    pod_texts = Objects(store, "", "v1", "pods");
    Time now = std::chrono::system_clock::now();
    ObjectDecoder decoder;
    for (const auto& [plural, kind] : {std::pair("replicasets", ObjectKind::kReplicaSet),
                                       std::pair("deployments", ObjectKind::kDeployment)}) {
      for (const std::string& text : Objects(store, "apps", "v1", plural)) {
        inventory.Upsert(*decoder.DecodeOwner(text), kind, now);
      }
    }
    for (const std::string& text : Objects(store, "", "v1", "services")) {
      services.push_back(*decoder.DecodeService(text));
      inventory.Upsert(services.back(), now);
    }
    for (const std::string& text : Objects(store, "discovery.k8s.io", "v1", "endpointslices")) {
      inventory.Upsert(*decoder.DecodeEndpointSlice(text), now);
    }
    for (const std::string& text : pod_texts) {
      pods.push_back(*decoder.DecodePod(text));
      inventory.Upsert(pods.back(), now);
    }
    asked_at = now + std::chrono::seconds(1);
  }

  Inventory inventory;
  std::vector<PodRecord> pods;
  std::vector<ServiceRecord> services;
  std::vector<std::string> pod_texts;
  Time asked_at;
};

const Cluster& TheCluster() {
  static const Cluster instance;
  return instance;
}

void PodByIp(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  Walk walk;
  while (state.KeepRunning()) {
    const PodRecord& pod = cluster.pods[walk.Index(cluster.pods.size())];
    benchmark::DoNotOptimize(cluster.inventory.Read([&](const InventoryView& view) {
      return view.PodByIp(pod.ips.front(), cluster.asked_at).pod;
    }));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(PodByIp)->ThreadRange(1, 2)->UseRealTime();

void PodByUid(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  Walk walk;
  while (state.KeepRunning()) {
    const PodRecord& pod = cluster.pods[walk.Index(cluster.pods.size())];
    benchmark::DoNotOptimize(
        cluster.inventory.Read([&](const InventoryView& view) { return view.PodByUid(pod.uid); }));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(PodByUid);

void ServiceByIpAndItsBackends(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  Walk walk;
  while (state.KeepRunning()) {
    const ServiceRecord& service = cluster.services[walk.Index(cluster.services.size())];
    benchmark::DoNotOptimize(cluster.inventory.Read([&](const InventoryView& view) {
      ServiceFactsPtr facts =
          view.ServiceByIp(service.cluster_ips.front(), std::nullopt, cluster.asked_at);
      return view.BackendsOf(*facts, cluster.asked_at).workloads.size();
    }));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(ServiceByIpAndItsBackends);

void DecodePod(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  ObjectDecoder decoder;
  Walk walk;
  int64_t bytes = 0;
  while (state.KeepRunning()) {
    const std::string& text = cluster.pod_texts[walk.Index(cluster.pod_texts.size())];
    bytes += static_cast<int64_t>(text.size());
    benchmark::DoNotOptimize(decoder.DecodePod(text));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(bytes);
}

BENCHMARK(DecodePod);

void UpsertUnchangedPod(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  Inventory inventory;
  for (const PodRecord& pod : cluster.pods) {
    inventory.Upsert(pod, cluster.asked_at);
  }
  Walk walk;
  while (state.KeepRunning()) {
    inventory.Upsert(cluster.pods[walk.Index(cluster.pods.size())], cluster.asked_at);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(UpsertUnchangedPod);

// What an inventory of that size allocates (pods and services; the rest is small beside them).
void Memory(benchmark::State& state) {
  const Cluster& cluster = TheCluster();
  while (state.KeepRunning()) {
    double before = AllocatedMebibytes();
    Inventory inventory;
    for (const PodRecord& pod : cluster.pods) {
      inventory.Upsert(pod, cluster.asked_at);
    }
    for (const ServiceRecord& service : cluster.services) {
      inventory.Upsert(service, cluster.asked_at);
    }
    state.counters["MiB"] = AllocatedMebibytes() - before;
  }
}

BENCHMARK(Memory)->Unit(benchmark::kMillisecond)->Iterations(1);

void FirstSync(benchmark::State& state) {
  auto server = stand_in::KubeStandIn::Start({});
  stand_in::GenerateCluster({.pods = kPods, .services = kServices}, (*server)->Objects());
  auto client = kube::Client::Create(*kube::ServerUrlAccess((*server)->Url()));
  while (state.KeepRunning()) {
    Inventory inventory;
    MetricsRegistry metrics;
    auto start = std::chrono::steady_clock::now();
    InventoryFeed feed(
        {.client = **client, .inventory = inventory, .metrics = metrics, .clock = Clock::System()},
        {});
    while (!feed.Synced().ok()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    state.counters["pods"] = static_cast<double>(inventory.Sizes().pods);
    state.counters["services"] = static_cast<double>(inventory.Sizes().services);
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(taken.count());
  }
}

BENCHMARK(FirstSync)->Unit(benchmark::kMillisecond)->UseManualTime()->Iterations(3);

}  // namespace
}  // namespace network_mapper
