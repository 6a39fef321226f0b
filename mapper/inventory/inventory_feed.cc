#include "mapper/inventory/inventory_feed.h"

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "common/concurrency/stop_wait.h"
#include "common/kube/discovery.h"
#include "common/kube/object_watch.h"
#include "common/log/log.h"
#include "mapper/inventory/workload_naming.h"

namespace network_mapper {

namespace {

constexpr std::chrono::milliseconds kTickInterval{1000};
constexpr size_t kOwnersPerRound = 20;

struct Resource {
  ObjectKind kind;
  std::string_view path;
  std::string_view plural;
  bool metadata_only;
};

constexpr std::array<Resource, 10> kResources = {{
    {ObjectKind::kNode, "/api/v1/nodes", "nodes", false},
    {ObjectKind::kService, "/api/v1/services", "services", false},
    {ObjectKind::kEndpointSlice, "/apis/discovery.k8s.io/v1/endpointslices", "endpointslices",
     false},
    {ObjectKind::kReplicaSet, "/apis/apps/v1/replicasets", "replicasets", true},
    {ObjectKind::kDeployment, "/apis/apps/v1/deployments", "deployments", true},
    {ObjectKind::kStatefulSet, "/apis/apps/v1/statefulsets", "statefulsets", true},
    {ObjectKind::kDaemonSet, "/apis/apps/v1/daemonsets", "daemonsets", true},
    {ObjectKind::kJob, "/apis/batch/v1/jobs", "jobs", true},
    {ObjectKind::kCronJob, "/apis/batch/v1/cronjobs", "cronjobs", true},
    {ObjectKind::kPod, "/api/v1/pods", "pods", false},
}};

// Takes one resource's objects into the inventory; runs in its watch's thread.
class ResourceHandler final : public ObjectHandler {
 public:
  ResourceHandler(ObjectKind kind, const InventoryFeedParts& parts, const DecoderOptions& options,
                  std::atomic<uint64_t>& version, Counter& malformed)
      : kind_(kind), parts_(parts), decoder_(options), version_(version), malformed_(malformed) {}

  void BeginList() override { parts_.inventory.BeginReplace(kind_); }

  void EndList() override {
    parts_.inventory.EndReplace(kind_, parts_.clock.Now());
    ++version_;
  }

  void Upsert(std::string_view object_json) override {
    Visit(
        object_json,
        [this](auto record, Time now) { parts_.inventory.Upsert(std::move(record), now); },
        [this](const OwnerRecord& record, Time now) {
          parts_.inventory.Upsert(record, kind_, now);
        });
  }

  void Delete(std::string_view object_json) override {
    Visit(
        object_json,
        [this](auto record, Time now) { parts_.inventory.Delete(std::move(record), now); },
        [this](const OwnerRecord& record, Time now) { parts_.inventory.Delete(record, now); });
  }

 private:
  template <typename Record, typename Use>
  void Take(StatusOr<Record> record, Use use) {
    if (!record.ok()) {
      malformed_.Increment();
      return;
    }
    if constexpr (std::is_same_v<Record, PodRecord>) {
      if (record->refused_override) {
        malformed_.Increment();
      }
    }
    use(*std::move(record), parts_.clock.Now());
    ++version_;
  }

  template <typename UseRecord, typename UseOwner>
  void Visit(std::string_view json, UseRecord use_record, UseOwner use_owner) {
    switch (kind_) {
      case ObjectKind::kPod:
        return Take(decoder_.DecodePod(json), use_record);
      case ObjectKind::kService:
        return Take(decoder_.DecodeService(json), use_record);
      case ObjectKind::kEndpointSlice:
        return Take(decoder_.DecodeEndpointSlice(json), use_record);
      case ObjectKind::kNode:
        return Take(decoder_.DecodeNode(json), use_record);
      case ObjectKind::kReplicaSet:
      case ObjectKind::kDeployment:
      case ObjectKind::kStatefulSet:
      case ObjectKind::kDaemonSet:
      case ObjectKind::kJob:
      case ObjectKind::kCronJob:
        return Take(decoder_.DecodeOwner(json), use_owner);
    }
  }

  ObjectKind kind_;
  InventoryFeedParts parts_;
  ObjectDecoder decoder_;
  std::atomic<uint64_t>& version_;
  Counter& malformed_;
};

Gauge& AddSizeGauge(MetricsRegistry& metrics, const char* kind) {
  return metrics.AddGauge("network_mapper_inventory_objects", "What the inventory holds.",
                          {{"kind", kind}});
}

struct SizeGauges {
  explicit SizeGauges(MetricsRegistry& metrics)
      : pods(AddSizeGauge(metrics, "pods")),
        services(AddSizeGauge(metrics, "services")),
        endpoint_slices(AddSizeGauge(metrics, "endpoint_slices")),
        nodes(AddSizeGauge(metrics, "nodes")),
        owners(AddSizeGauge(metrics, "owners")),
        wanted_owners(AddSizeGauge(metrics, "wanted_owners")),
        pod_addresses(AddSizeGauge(metrics, "pod_addresses")) {}

  Gauge& pods;
  Gauge& services;
  Gauge& endpoint_slices;
  Gauge& nodes;
  Gauge& owners;
  Gauge& wanted_owners;
  Gauge& pod_addresses;
};

struct ResourceWatch {
  std::string_view plural;
  // Without it nothing can be resolved; without the others workloads are named less well.
  bool essential = false;
  std::unique_ptr<ResourceHandler> handler;
  // Declared after the handler, which it calls.
  std::unique_ptr<kube::ObjectWatch> watch;
};

std::optional<OwnerReference> ControllerOf(const kube::ObjectMetadata& metadata) {
  const kube::OwnerReference* chosen = nullptr;
  for (const kube::OwnerReference& owner : metadata.owners) {
    if (chosen == nullptr || (owner.controller && !chosen->controller)) {
      chosen = &owner;
    }
  }
  if (chosen == nullptr) {
    return std::nullopt;
  }
  return OwnerReference{.kind = ParseGroupVersionKind(chosen->api_version, chosen->kind),
                        .name = chosen->name,
                        .uid = ObjectUid::Parse(chosen->uid)};
}

}  // namespace

class InventoryFeed::Implementation {
 public:
  Implementation(InventoryFeedParts parts, const DecoderOptions& options)
      : parts_(parts), gauges_(parts.metrics), discovery_(parts.client, parts.clock) {
    for (const Resource& resource : kResources) {
      ResourceWatch watch;
      watch.plural = resource.plural;
      watch.essential = !resource.metadata_only;
      Counter& malformed =
          parts.metrics.AddCounter("network_mapper_inventory_malformed_objects_total",
                                   "Objects of the API server that could not be read, or not the "
                                   "workload name that they are given.",
                                   {{"resource", std::string(resource.plural)}});
      watch.handler =
          std::make_unique<ResourceHandler>(resource.kind, parts, options, version_, malformed);
      kube::ObjectWatchOptions watch_options;
      watch_options.path = resource.path;
      watch_options.metadata_only = resource.metadata_only;
      watch.watch = std::make_unique<kube::ObjectWatch>(
          watch_options, kube::ObjectWatch::Dependencies{.client = parts.client,
                                                         .handler = *watch.handler,
                                                         .metrics = parts.metrics,
                                                         .clock = parts.clock});
      watches_.push_back(std::move(watch));
    }
    for (ResourceWatch& watch : watches_) {
      watch.watch->Start();
    }
    housekeeping_ = std::jthread([this](const std::stop_token& stop) { KeepHouse(stop); });
  }

  Status Synced() const {
    if (synced_) {
      return OkStatus();
    }
    std::string missing;
    for (const ResourceWatch& watch : watches_) {
      const kube::ObjectWatchState state = watch.watch->State();
      if (!IsSettled(watch, state)) {
        missing +=
            fmt::format("{}{}: {}", missing.empty() ? "" : "; ", watch.plural,
                        state.last_error.ok() ? "not listed yet" : StatusMessage(state.last_error));
      }
    }
    if (!missing.empty()) {
      return Unavailable("{}", missing);
    }
    synced_ = true;
    return OkStatus();
  }

  Status Watches() const {
    std::string failing;
    const Time now = parts_.clock.Now();
    for (const ResourceWatch& watch : watches_) {
      const kube::ObjectWatchState state = watch.watch->State();
      if (!state.last_error.ok()) {
        failing += fmt::format(
            "{}{}: failing for {} s: {}", failing.empty() ? "" : "; ", watch.plural,
            std::chrono::floor<std::chrono::seconds>(now - state.failing_since.value_or(now))
                .count(),
            StatusMessage(state.last_error));
      }
    }
    return failing.empty() ? OkStatus() : Unavailable("{}", failing);
  }

  uint64_t Version() const { return version_; }

 private:
  // Whether waiting longer for the first list makes sense.
  static bool IsSettled(const ResourceWatch& watch, const kube::ObjectWatchState& state) {
    if (state.synced) {
      return true;
    }
    const StatusCode code = state.last_error.code();
    return code == StatusCode::kPermissionDenied || code == StatusCode::kNotFound ||
           (!watch.essential && !state.last_error.ok());
  }

  // Forgets what is too old, fetches owners, publishes sizes.
  void KeepHouse(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Time now = parts_.clock.Now();
      parts_.inventory.Tick(now);
      for (const OwnerRequest& request : parts_.inventory.TakeWantedOwners(now, kOwnersPerRound)) {
        if (stop.stop_requested()) {
          return;
        }
        if (!Fetch(request, stop)) {
          // The server does not answer: the others would wait as long.
          break;
        }
      }
      PublishSizes();
      // A waiting owner's deadline passes without an event.
      ++version_;
      (void)WaitUnlessStopped(stop, kTickInterval);
    }
  }

  // False when it could not be found out.
  bool Fetch(const OwnerRequest& request, const std::stop_token& stop) {
    if (!request.reference.uid) {
      return true;
    }
    const GroupVersionKind& kind = request.reference.kind;
    std::string api_version = kind.group.empty() ? kind.version : kind.group + "/" + kind.version;
    StatusOr<kube::ObjectMetadata> metadata =
        discovery_.GetObjectMetadata({.api_version = api_version,
                                      .kind = kind.kind,
                                      .name_space = request.name_space,
                                      .name = request.reference.name},
                                     stop);
    Time now = parts_.clock.Now();
    if (metadata.ok() && ObjectUid::Parse(metadata->uid) != request.reference.uid) {
      // Another object of that name: the owner itself is gone.
      parts_.inventory.MarkOwnerUnreadable(*request.reference.uid, now);
      return true;
    }
    if (metadata.ok()) {
      parts_.inventory.UpsertFetchedOwner(
          {.uid = *request.reference.uid, .owner = ControllerOf(*metadata)}, now);
      return true;
    }
    StatusCode code = metadata.status().code();
    LogDebug("owner cannot be read",
             {{"kind", kind.kind}, {"name", request.reference.name}, {"error", metadata.status()}});
    if (code == StatusCode::kPermissionDenied || code == StatusCode::kNotFound) {
      parts_.inventory.MarkOwnerUnreadable(*request.reference.uid, now);
      return true;
    }
    return false;
  }

  void PublishSizes() {
    InventorySizes sizes = parts_.inventory.Sizes();
    gauges_.pods.Set(static_cast<double>(sizes.pods));
    gauges_.services.Set(static_cast<double>(sizes.services));
    gauges_.endpoint_slices.Set(static_cast<double>(sizes.endpoint_slices));
    gauges_.nodes.Set(static_cast<double>(sizes.nodes));
    gauges_.owners.Set(static_cast<double>(sizes.owners));
    gauges_.wanted_owners.Set(static_cast<double>(sizes.wanted_owners));
    gauges_.pod_addresses.Set(static_cast<double>(sizes.pod_addresses));
  }

  InventoryFeedParts parts_;
  SizeGauges gauges_;
  kube::Discovery discovery_;
  std::atomic<uint64_t> version_{0};
  // Never taken back.
  mutable std::atomic<bool> synced_{false};
  std::vector<ResourceWatch> watches_;
  std::jthread housekeeping_;
};

InventoryFeed::InventoryFeed(InventoryFeedParts parts, const DecoderOptions& options)
    : implementation_(std::make_unique<Implementation>(parts, options)) {}

InventoryFeed::~InventoryFeed() = default;

Status InventoryFeed::Synced() const {
  return implementation_->Synced();
}

Status InventoryFeed::Watches() const {
  return implementation_->Watches();
}

uint64_t InventoryFeed::Version() const {
  return implementation_->Version();
}

}  // namespace network_mapper
