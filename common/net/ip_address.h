// An IPv4 or IPv6 address as a value. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d, RFC 4291 2.5.5.2)
// are IPv4 addresses here: what a dual-stack socket shows and what a packet carries compare equal.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace network_mapper {

class IpAddress {
 public:
  // The unspecified IPv6 address "::".
  constexpr IpAddress() = default;

  static IpAddress FromV4Bytes(std::span<const uint8_t, 4> network_order);
  static IpAddress FromV6Bytes(std::span<const uint8_t, 16> network_order);
  // 4 or 16 bytes in network order; anything else is absent.
  static std::optional<IpAddress> FromBytes(std::span<const uint8_t> network_order);
  // Absent for families other than IPv4 and IPv6.
  static std::optional<IpAddress> FromSocketAddress(const sockaddr_storage& address);
  // Dotted quad or RFC 4291 text, without brackets, zone or prefix length.
  static std::optional<IpAddress> Parse(std::string_view text);

  bool IsV4() const;
  bool IsLoopback() const;
  bool IsUnspecified() const;
  // fe80::/10 and 169.254.0.0/16.
  bool IsLinkLocal() const;
  bool IsMulticast() const;

  // 4 bytes for IPv4, 16 for IPv6, network order; a view into this object.
  std::span<const uint8_t> Bytes() const;
  // RFC 5952 text for IPv6, dotted quad for IPv4.
  std::string ToString() const;

  size_t Hash() const {
    uint64_t high = 0;
    uint64_t low = 0;
    std::memcpy(&high, bytes_.data(), sizeof(high));
    std::memcpy(&low, bytes_.data() + sizeof(high), sizeof(low));
    uint64_t mixed = (high ^ (low * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<size_t>(mixed ^ (mixed >> 31U));
  }

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

}  // namespace network_mapper

template <>
struct std::hash<network_mapper::IpAddress> {
  size_t operator()(const network_mapper::IpAddress& address) const noexcept {
    return address.Hash();
  }
};
