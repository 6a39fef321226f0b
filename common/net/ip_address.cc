#include "common/net/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace network_mapper {

namespace {

constexpr std::array<uint8_t, 12> kV4MappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

IpAddress IpAddress::FromV4Bytes(std::span<const uint8_t, 4> network_order) {
  IpAddress address;
  std::copy(kV4MappedPrefix.begin(), kV4MappedPrefix.end(), address.bytes_.begin());
  std::copy(network_order.begin(), network_order.end(),
            address.bytes_.begin() + kV4MappedPrefix.size());
  return address;
}

IpAddress IpAddress::FromV6Bytes(std::span<const uint8_t, 16> network_order) {
  IpAddress address;
  std::copy(network_order.begin(), network_order.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::FromBytes(std::span<const uint8_t> network_order) {
  if (network_order.size() == 4) {
    return FromV4Bytes(network_order.first<4>());
  }
  if (network_order.size() == 16) {
    return FromV6Bytes(network_order.first<16>());
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::FromSocketAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return FromV4Bytes(bytes);
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return FromV6Bytes(bytes);
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.data(), bytes.data()) == 1) {
    return FromV4Bytes(std::span<const uint8_t>(bytes).first<4>());
  }
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1) {
    return FromV6Bytes(bytes);
  }
  return std::nullopt;
}

bool IpAddress::IsV4() const {
  return std::equal(kV4MappedPrefix.begin(), kV4MappedPrefix.end(), bytes_.begin());
}

bool IpAddress::IsLoopback() const {
  if (IsV4()) {
    return bytes_[12] == 127;
  }
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t byte) { return byte == 0; }) &&
         bytes_[15] == 1;
}

bool IpAddress::IsUnspecified() const {
  std::span<const uint8_t> bytes = Bytes();
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::IsLinkLocal() const {
  if (IsV4()) {
    return bytes_[12] == 169 && bytes_[13] == 254;
  }
  return bytes_[0] == 0xFE && (bytes_[1] & 0xC0U) == 0x80;
}

bool IpAddress::IsMulticast() const {
  if (IsV4()) {
    return bytes_[12] >= 224 && bytes_[12] <= 239;
  }
  return bytes_[0] == 0xFF;
}

std::span<const uint8_t> IpAddress::Bytes() const {
  std::span<const uint8_t> all(bytes_);
  return IsV4() ? all.last(4) : all;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* result =
      IsV4() ? inet_ntop(AF_INET, bytes_.data() + kV4MappedPrefix.size(), text.data(), text.size())
             : inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  return result == nullptr ? std::string() : std::string(result);
}

}  // namespace network_mapper
