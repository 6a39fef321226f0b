// How long the API takes over a large map.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "mapper/api/api_handler.h"

namespace network_mapper {
namespace {

constexpr int kServersOfAClient = 50;

class NoSink final : public BatchSink {
 public:
  bool Submit(ObservationBatch /*batch*/, std::function<void()> /*on_applied*/,
              std::function<void()> /*on_resume*/) override {
    return true;
  }

  uint64_t AppliedSequence(std::string_view /*instance_id*/) const override { return 0; }

  bool HasRoom() const override { return true; }
};

Workload MakeWorkload(int number) {
  WorkloadIdentity identity;
  identity.name = "workload-" + std::to_string(number);
  identity.name_space = "namespace-" + std::to_string(number % 40);
  identity.owner_kind = GroupVersionKind{"apps", "v1", "Deployment"};
  Labels labels = {{"app", identity.name}, {"pod-template-hash", "5d4f8b7c9"}, {"tier", "back"}};
  return {std::make_shared<const WorkloadIdentity>(std::move(identity)),
          std::make_shared<const Labels>(std::move(labels))};
}

void Fill(IntentStore& store, int intents) {
  std::vector<Workload> workloads;
  int count = std::max(intents / kServersOfAClient, 2 * kServersOfAClient);
  workloads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    workloads.push_back(MakeWorkload(i));
  }
  BatchEffect effect;
  for (int i = 0; i < intents; ++i) {
    int client = i / kServersOfAClient;
    int server = (client + 1 + i % kServersOfAClient) % count;
    IntentSighting sighting;
    sighting.client = workloads[static_cast<size_t>(client)];
    sighting.server = workloads[static_cast<size_t>(server)];
    sighting.collector = Collector::kTcpSyn;
    sighting.strength = Strength::kConnected;
    sighting.first_seen = Time(std::chrono::seconds(1767225600));
    sighting.last_seen = sighting.first_seen;
    sighting.count = 1;
    sighting.port = PortSeen{.number = 443, .protocol = Protocol::kTcp};
    effect.sightings.push_back(std::move(sighting));
  }
  store.Apply(std::move(effect));
}

void Answer(benchmark::State& state, const char* query) {
  MetricsRegistry registry;
  IntentStoreMetrics store_metrics(registry);
  IntentStore store(IntentLimits{}, store_metrics);
  Fill(store, static_cast<int>(state.range(0)));
  NoSink sink;
  ApiMetrics metrics(registry);
  ApiHandler handler({.store = store,
                      .sink = sink,
                      .metrics = metrics,
                      .clock = Clock::System(),
                      .completeness = [] { return Completeness(); }},
                     {});
  HttpRequest request;
  request.method = "POST";
  request.path = "/query";
  request.headers["content-type"] = "application/json";
  request.body = std::string(R"({"query":")") + query + R"("})";
  size_t bytes = 0;
  for (auto iteration : state) {
    (void)iteration;
    bytes = handler.Handle(request).body.size();
  }
  state.counters["intents"] = static_cast<double>(store.Size());
  state.counters["bytes"] = static_cast<double>(bytes);
}

// What the original's command line asks for, with all labels.
void BM_Intents(benchmark::State& state) {
  Answer(state,
         "{intents(includeAllLabels: true) {client {...F} server {...F kubernetesService} type"
         " kafkaTopics {name operations} httpResources {path methods}}}"
         " fragment F on OtterizeServiceIdentity {name namespace labels {key value}"
         " podOwnerKind {group version kind}}");
}

void BM_IntentsWithEvidence(benchmark::State& state) {
  Answer(state,
         "{intents {client {name namespace} server {name namespace} type firstSeen lastSeen ports"
         " strength evidence {collector strength firstSeen lastSeen count answered ports"
         " serverAddresses}}}");
}

void BM_ServiceIntents(benchmark::State& state) {
  Answer(state, "{serviceIntents {client {name namespace} intents {name namespace}}}");
}

BENCHMARK(BM_Intents)->Arg(1000)->Arg(50'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_IntentsWithEvidence)->Arg(50'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ServiceIntents)->Arg(50'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace network_mapper
