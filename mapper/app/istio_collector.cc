#include "mapper/app/istio_collector.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/concurrency/stop_wait.h"
#include "common/concurrency/waitable.h"

namespace network_mapper {

namespace {

constexpr const char* kSavedPrefix = "istio/";
constexpr const char* kSavedWriter = "istio/writer";
// How soon a stop is noticed.
constexpr std::chrono::milliseconds kPatience{100};

struct Progress {
  bool is_applied = false;
  // More may be submitted.
  bool has_room = false;
};

istio::Proxy ToProxy(const MeshProxyFacts& facts, uint16_t metrics_port) {
  istio::Proxy proxy;
  proxy.pod = facts.pod->uid;
  proxy.name = {facts.pod->name_space, facts.pod->name};
  proxy.workload = {facts.pod->name_space, facts.workload};
  proxy.started = facts.proxy.started;
  proxy.is_ready = facts.proxy.is_ready;
  proxy.address.address = facts.address;
  proxy.address.name_space = facts.pod->name_space;
  proxy.address.kind =
      facts.proxy.is_ztunnel ? istio::ProxyKind::kZtunnel : istio::ProxyKind::kEnvoy;
  if (!facts.proxy.is_ztunnel) {
    proxy.address.ports.push_back(metrics_port);
  }
  proxy.address.ports.push_back(facts.proxy.merged_port);
  return proxy;
}

}  // namespace

StatusOr<istio::Saved> PipelineJournal::Begin(const std::stop_token& stop) {
  life_ = fmt::format("{}/{}", writer_, ++lives_);
  while (!stop.stop_requested()) {
    sequence_ = store_.AppliedSequence(kInstance);
    RETURN_IF_ERROR(
        Submit({.observations = {}, .changes = {{kSavedWriter, life_}}, .notices = {}}, stop));
    // Without a database there is nobody else, and nothing to know.
    ASSIGN_OR_RETURN(istio::Saved saved, store_.ReadBookmarks(kSavedPrefix));
    if (!store_.IsDurable() || IsWriter(saved)) {
      return saved;
    }
    // Another one's batch had the same number.
    WaitUnlessStopped(stop, kPatience);
  }
  return absl::CancelledError();
}

Status PipelineJournal::Write(istio::JournalEntry entry, const std::stop_token& stop) {
  RETURN_IF_ERROR(Submit(std::move(entry), stop));
  if (!store_.IsShared()) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const istio::Saved saved, store_.ReadBookmarks(kSavedWriter));
  return IsWriter(saved) ? OkStatus()
                         : FailedPrecondition("another mapper watches the service mesh");
}

bool PipelineJournal::IsWriter(const istio::Saved& saved) const {
  return std::find(saved.begin(), saved.end(), istio::Saved::value_type(kSavedWriter, life_)) !=
         saved.end();
}

Status PipelineJournal::Submit(istio::JournalEntry entry, const std::stop_token& stop) {
  ObservationBatch batch;
  batch.instance_id = kInstance;
  batch.component = kComponent;
  batch.sequence = ++sequence_;
  batch.observations = std::move(entry.observations);
  batch.totals.notices = std::move(entry.notices);
  batch.bookmarks = std::make_shared<const Bookmarks>(std::move(entry.changes));
  // The callbacks may come after a stop.
  const auto progress = std::make_shared<Waitable<Progress>>();
  const bool has_room = sink_.Submit(
      std::move(batch),
      [progress] { progress->Change([](Progress& now) { now.is_applied = true; }); },
      [progress] { progress->Change([](Progress& now) { now.has_room = true; }); });
  const auto is_done = [has_room](const Progress& now) {
    return now.is_applied && (has_room || now.has_room);
  };
  while (!progress->WaitFor(kPatience, is_done)) {
    if (stop.stop_requested()) {
      return absl::CancelledError();
    }
  }
  return OkStatus();
}

IstioCollector::IstioCollector(IstioCollectorOptions options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      journal_(parts_.sink, parts_.store, parts_.writer),
      watcher_(options_.watch, {.find = [this] { return Find(); },
                                .journal = journal_,
                                .metrics = parts_.metrics,
                                .clock = parts_.clock,
                                .command = parts_.command}) {}

void IstioCollector::Run(const std::stop_token& stop) {
  const CollectorInstance collector{.instance_id = std::string(PipelineJournal::kInstance),
                                    .component = std::string(PipelineJournal::kComponent),
                                    .node_name = ""};
  // Without a mesh there is no such collector.
  while (!stop.stop_requested()) {
    if (const auto proxies = Find(); proxies && !proxies->empty()) {
      parts_.sink.OnStreamOpen(collector);
      watcher_.Run(stop);
      parts_.sink.OnStreamOver(collector.instance_id);
      return;
    }
    constexpr std::chrono::seconds kIdle{2};
    WaitUnlessStopped(stop, kIdle);
  }
}

Status IstioCollector::Health() const {
  const std::vector<std::string> notices = watcher_.Notices();
  return notices.empty() ? OkStatus()
                         : FailedPrecondition("{}", fmt::format("{}", fmt::join(notices, "; ")));
}

std::optional<std::vector<istio::Proxy>> IstioCollector::Find() const {
  if (!parts_.synced()) {
    return std::nullopt;
  }
  std::vector<istio::Proxy> proxies;
  for (const MeshProxyFacts& facts : parts_.inventory.MeshProxies()) {
    if (options_.name_space.empty() || facts.pod->name_space == options_.name_space) {
      proxies.push_back(ToProxy(facts, options_.metrics_port));
    }
  }
  return proxies;
}

}  // namespace network_mapper
