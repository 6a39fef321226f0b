// A pod's UID as 128 bits: a UUID (metadata.uid) or the 32 hex digits of a static pod's
// configuration hash (annotation kubernetes.io/config.hash), which is what the kubelet puts into
// cgroup names.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace network_mapper {

struct PodUid {
  std::array<uint8_t, 16> bytes{};

  // 32 hex digits, with or without the separators "-" or "_" (systemd cgroup names) of a UUID.
  static std::optional<PodUid> Parse(std::string_view text);
  static std::optional<PodUid> FromBytes(std::string_view sixteen_bytes);
  // UUID form with dashes.
  std::string ToString() const;

  friend auto operator<=>(const PodUid&, const PodUid&) = default;
};

}  // namespace network_mapper

template <>
struct std::hash<network_mapper::PodUid> {
  size_t operator()(const network_mapper::PodUid& uid) const noexcept {
    uint64_t high = 0;
    uint64_t low = 0;
    std::memcpy(&high, uid.bytes.data(), sizeof(high));
    std::memcpy(&low, uid.bytes.data() + sizeof(high), sizeof(low));
    return static_cast<size_t>(high ^ (low * 0x9E3779B97F4A7C15ULL));
  }
};
