// A network prefix such as 10.96.0.0/16 or fd00::/64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip_address.h"

namespace network_mapper {

class Cidr {
 public:
  // "address/length"; a bare address is a prefix of full length. Host bits are cleared.
  static std::optional<Cidr> Parse(std::string_view text);
  // Absent when `prefix_length` exceeds 32 (IPv4) or 128 (IPv6).
  static std::optional<Cidr> Make(const IpAddress& address, unsigned prefix_length);

  // False for an address of the other family.
  bool Contains(const IpAddress& address) const;
  std::string ToString() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  Cidr(const IpAddress& network, unsigned prefix_length)
      : network_(network), prefix_length_(prefix_length) {}

  IpAddress network_;
  unsigned prefix_length_;
};

}  // namespace network_mapper
