#include "istio-watcher/watch/proxy_table.h"

#include <chrono>
#include <utility>

#include "istio-watcher/deltas/snapshot_codec.h"

namespace network_mapper::istio {

namespace {

// A list of pods may be old, and the pod be back with the next one.
constexpr std::chrono::minutes kForgetAfter{10};

std::string SavedName(const PodUid& pod) {
  return ProxyTable::kSavedPrefix + pod.ToString();
}

// When it was read last is not in it: saved counters of an idle proxy are as good as new ones.
uint64_t HashOf(const ProxySnapshot& snapshot) {
  uint64_t hash = snapshot.overflowed ? 1 : 0;
  const auto mix = [&hash](uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 29U;
  };
  mix(static_cast<uint64_t>(snapshot.proxy.started_at.time_since_epoch().count()));
  for (const ProxySnapshot::Counter& counter : snapshot.counters) {
    mix(counter.identity);
    mix(counter.value);
    mix(counter.missing_since ? 1 : 0);
  }
  return hash;
}

}  // namespace

void ProxyTable::Restore(const ProxySnapshot& snapshot, SteadyTime now) {
  auto watched = std::make_unique<WatchedProxy>(snapshot, options_, budget_);
  watched->proxy.pod = snapshot.proxy.pod;
  watched->missing_since = now;
  watched->saved = HashOf(snapshot);
  proxies_[snapshot.proxy.pod] = std::move(watched);
}

void ProxyTable::Update(std::vector<Proxy> proxies, SteadyTime now) {
  for (auto& [pod, watched] : proxies_) {
    watched->missing_since = watched->missing_since.value_or(now);
    watched->proxy.is_ready = false;
  }
  for (Proxy& proxy : proxies) {
    std::unique_ptr<WatchedProxy>& watched = proxies_[proxy.pod];
    if (proxy.started && (watched == nullptr || !watched->counters.GoesOnSince(*proxy.started))) {
      // The budget's room is given back before it is taken.
      watched.reset();
      watched = std::make_unique<WatchedProxy>(ProxyInstance{proxy.pod, *proxy.started}, options_,
                                               budget_);
    }
    if (watched == nullptr) {
      proxies_.erase(proxy.pod);
      continue;
    }
    proxy.is_ready = proxy.is_ready && proxy.started.has_value();
    watched->missing_since.reset();
    watched->proxy = std::move(proxy);
  }
  std::erase_if(proxies_, [&](const auto& entry) {
    const bool is_old =
        entry.second->missing_since && now - *entry.second->missing_since >= kForgetAfter;
    if (is_old) {
      forgotten_.push_back(entry.first);
    }
    return is_old;
  });
}

std::vector<WatchedProxy*> ProxyTable::All() const {
  std::vector<WatchedProxy*> all;
  all.reserve(proxies_.size());
  for (const auto& [pod, watched] : proxies_) {
    all.push_back(watched.get());
  }
  return all;
}

std::vector<WatchedProxy*> ProxyTable::Readable() const {
  std::vector<WatchedProxy*> readable = All();
  std::erase_if(readable, [](const WatchedProxy* watched) {
    return !watched->proxy.is_ready || watched->scrape != nullptr;
  });
  return readable;
}

std::vector<WatchedProxy*> ProxyTable::BeingScraped() const {
  std::vector<WatchedProxy*> scraped = All();
  std::erase_if(scraped, [](const WatchedProxy* watched) { return watched->scrape == nullptr; });
  return scraped;
}

void ProxyTable::Cover(CallMerge& merge) const {
  for (const auto& [pod, watched] : proxies_) {
    if (!watched->missing_since && watched->proxy.address.kind == ProxyKind::kEnvoy &&
        !watched->counters.GaveUp()) {
      merge.Cover(watched->proxy.workload);
    }
  }
}

SavedChanges ProxyTable::Changes() {
  SavedChanges changes;
  for (const auto& [pod, watched] : proxies_) {
    const std::optional<ProxySnapshot> snapshot =
        watched->was_read ? watched->counters.Snapshot() : std::nullopt;
    if (!snapshot) {
      continue;
    }
    watched->being_saved = HashOf(*snapshot);
    if (watched->being_saved != watched->saved) {
      changes[SavedName(pod)] = EncodeSnapshot(*snapshot);
    }
  }
  for (const PodUid& pod : forgotten_) {
    changes.try_emplace(SavedName(pod), std::nullopt);
  }
  return changes;
}

void ProxyTable::KeepSaved() {
  for (const auto& [pod, watched] : proxies_) {
    if (std::exchange(watched->was_read, false)) {
      watched->saved = watched->being_saved;
    }
  }
  forgotten_.clear();
}

}  // namespace network_mapper::istio
