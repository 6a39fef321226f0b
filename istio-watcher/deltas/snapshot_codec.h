// A proxy's baseline as bytes, for a durable store: to be committed together with the observations
// of the scrape that it was taken after, so that growth is neither lost nor doubled by a crash.
// Versioned and bounded; any bytes are fine to decode. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/status/status.h"
#include "istio-watcher/deltas/proxy_counters.h"

namespace network_mapper::istio {

inline constexpr size_t kMaxSnapshotCounters = 1'000'000;

std::string EncodeSnapshot(const ProxySnapshot& snapshot);
// What is wrong with them, where they are not what EncodeSnapshot made.
StatusOr<ProxySnapshot> DecodeSnapshot(std::string_view bytes);

}  // namespace network_mapper::istio
