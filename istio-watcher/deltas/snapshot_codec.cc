#include "istio-watcher/deltas/snapshot_codec.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace network_mapper::istio {

namespace {

// The bytes, all integers little-endian:
//   "NMIS" version:1 flags:1 (1: overflowed) pod UID:16 started_at:8 scraped_at:8 counters:4
//   then, for each counter: identity:8 value:8 missing_since:8 (kPresent: it is there)
// Times are nanoseconds since the Unix epoch.
constexpr std::string_view kMagic = "NMIS";
constexpr uint8_t kVersion = 1;
constexpr uint8_t kOverflowed = 1;
constexpr std::string_view kPresent = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
constexpr size_t kCounterBytes = 24;

void Append(std::string& bytes, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) {
    bytes += static_cast<char>(static_cast<uint8_t>(value >> (8 * i)));
  }
}

void AppendTime(std::string& bytes, Time time) {
  Append(bytes,
         static_cast<uint64_t>(
             std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count()),
         8);
}

// The caller has checked that there are enough bytes.
uint64_t TakeInteger(std::string_view& bytes, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(width);
  return value;
}

// Until the year 2116, so that differences stay within the range, too.
std::optional<Time> TakeTime(std::string_view& bytes) {
  constexpr uint64_t kLatest = uint64_t{1} << 62U;
  const uint64_t nanoseconds = TakeInteger(bytes, 8);
  return nanoseconds < kLatest
             ? std::optional(Time(std::chrono::nanoseconds(static_cast<int64_t>(nanoseconds))))
             : std::nullopt;
}

Status CheckOrder(const std::vector<ProxySnapshot::Counter>& counters) {
  for (size_t i = 1; i < counters.size(); ++i) {
    if (counters[i].identity < counters[i - 1].identity) {
      return InvalidArgument("snapshot of a proxy's counters: counter {} is out of order", i);
    }
    if (i > 1 && counters[i].identity == counters[i - 2].identity) {
      return InvalidArgument("snapshot of a proxy's counters: counter {} is one too many", i);
    }
  }
  return OkStatus();
}

}  // namespace

std::string EncodeSnapshot(const ProxySnapshot& snapshot) {
  std::string bytes;
  bytes.reserve(50 + snapshot.counters.size() * kCounterBytes);
  bytes += kMagic;
  Append(bytes, kVersion, 1);
  Append(bytes, snapshot.overflowed ? kOverflowed : 0, 1);
  bytes.append(snapshot.proxy.pod.bytes.begin(), snapshot.proxy.pod.bytes.end());
  AppendTime(bytes, snapshot.proxy.started_at);
  AppendTime(bytes, snapshot.scraped_at);
  Append(bytes, snapshot.counters.size(), 4);
  for (const ProxySnapshot::Counter& counter : snapshot.counters) {
    Append(bytes, counter.identity, 8);
    Append(bytes, counter.value, 8);
    if (counter.missing_since) {
      AppendTime(bytes, *counter.missing_since);
    } else {
      bytes += kPresent;
    }
  }
  return bytes;
}

StatusOr<ProxySnapshot> DecodeSnapshot(std::string_view bytes) {
  constexpr size_t kUidBytes = 16;
  constexpr size_t kHeaderBytes = 4 + 1 + 1 + kUidBytes + 8 + 8 + 4;
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return InvalidArgument("snapshot of a proxy's counters: {} bytes that are none", bytes.size());
  }
  bytes.remove_prefix(kMagic.size());
  if (const uint64_t version = TakeInteger(bytes, 1); version != kVersion) {
    return InvalidArgument("snapshot of a proxy's counters: version {}, of another program",
                           version);
  }
  const uint64_t flags = TakeInteger(bytes, 1);
  if (flags > kOverflowed) {
    return InvalidArgument("snapshot of a proxy's counters: unknown flags {}", flags);
  }
  ProxySnapshot snapshot;
  snapshot.overflowed = flags == kOverflowed;
  snapshot.proxy.pod = *PodUid::FromBytes(bytes.substr(0, kUidBytes));
  bytes.remove_prefix(kUidBytes);
  const std::optional<Time> started_at = TakeTime(bytes);
  const std::optional<Time> scraped_at = TakeTime(bytes);
  if (!started_at || !scraped_at) {
    return InvalidArgument("snapshot of a proxy's counters: a time out of range");
  }
  snapshot.proxy.started_at = *started_at;
  snapshot.scraped_at = *scraped_at;
  const uint64_t count = TakeInteger(bytes, 4);
  if (count > kMaxSnapshotCounters || bytes.size() != count * kCounterBytes) {
    return InvalidArgument("snapshot of a proxy's counters: {} bytes for {} counters", bytes.size(),
                           count);
  }
  snapshot.counters.reserve(count);
  while (!bytes.empty()) {
    ProxySnapshot::Counter& counter = snapshot.counters.emplace_back();
    counter.identity = TakeInteger(bytes, 8);
    counter.value = TakeInteger(bytes, 8);
    const bool is_present = bytes.substr(0, kPresent.size()) == kPresent;
    counter.missing_since = TakeTime(bytes);
    if (!is_present && (!counter.missing_since || *counter.missing_since == Time{})) {
      return InvalidArgument("snapshot of a proxy's counters: a time out of range");
    }
    if (counter.value > kMostEvents) {
      return InvalidArgument("snapshot of a proxy's counters: a value of {}", counter.value);
    }
  }
  RETURN_IF_ERROR(CheckOrder(snapshot.counters));
  return snapshot;
}

}  // namespace network_mapper::istio
