// Builds DNS messages and frames byte by byte, for tests and benchmarks that need what no capture
// holds: many clients, hostile names, chosen sequence numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/ip_address.h"
#include "sniffer/capture/packet_decoder.h"
#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

using Bytes = std::vector<uint8_t>;

inline void AppendU16(Bytes& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8U));
  out.push_back(static_cast<uint8_t>(value));
}

inline void AppendU32(Bytes& out, uint32_t value) {
  AppendU16(out, value >> 16U);
  AppendU16(out, value & 0xFFFFU);
}

inline void Append(Bytes& out, std::span<const uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// "a.b" in wire form, without compression.
inline Bytes DnsName(std::string_view name) {
  Bytes out;
  while (!name.empty()) {
    size_t length = std::min(name.find('.'), name.size());
    out.push_back(static_cast<uint8_t>(length));
    out.insert(out.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(length));
    name.remove_prefix(std::min(length + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

inline constexpr uint16_t kDnsTypeA = 1;
inline constexpr uint16_t kDnsTypeCname = 5;
inline constexpr uint16_t kDnsTypeTxt = 16;
inline constexpr uint16_t kDnsTypeAaaa = 28;
inline constexpr uint16_t kDnsFlagsResponse = 0x8180;

// A response with one question, to which records are added.
class DnsResponse {
 public:
  explicit DnsResponse(std::string_view name, uint16_t id = 0x1234,
                       uint16_t flags = kDnsFlagsResponse) {
    AppendU16(bytes_, id);
    AppendU16(bytes_, flags);
    AppendU16(bytes_, 1);
    AppendU16(bytes_, 0);
    AppendU32(bytes_, 0);
    Append(bytes_, DnsName(name));
    AppendU16(bytes_, kDnsTypeA);
    AppendU16(bytes_, 1);
  }

  DnsResponse& Record(std::span<const uint8_t> owner, uint16_t type, uint32_t ttl,
                      std::span<const uint8_t> data) {
    Append(bytes_, owner);
    AppendU16(bytes_, type);
    AppendU16(bytes_, 1);
    AppendU32(bytes_, ttl);
    AppendU16(bytes_, data.size());
    Append(bytes_, data);
    ++answers_;
    bytes_[6] = static_cast<uint8_t>(answers_ >> 8U);
    bytes_[7] = static_cast<uint8_t>(answers_);
    return *this;
  }

  DnsResponse& Address(std::string_view owner, std::string_view address, uint32_t ttl = 30) {
    IpAddress parsed = IpAddress::Parse(address).value();
    return Record(DnsName(owner), parsed.IsV4() ? kDnsTypeA : kDnsTypeAaaa, ttl, parsed.Bytes());
  }

  DnsResponse& Cname(std::string_view owner, std::string_view target) {
    return Record(DnsName(owner), kDnsTypeCname, 30, DnsName(target));
  }

  const Bytes& Message() const { return bytes_; }

 private:
  Bytes bytes_;
  uint16_t answers_ = 0;
};

// Where on the node a packet is seen, and between whom.
struct Sight {
  std::string_view source;
  std::string_view destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t interface_index = 1;
  PacketDirection direction = PacketDirection::kIncoming;
};

inline Bytes Sll2Header(const Sight& sight, bool v4) {
  Bytes out;
  AppendU16(out, v4 ? 0x0800 : 0x86DD);
  AppendU16(out, 0);
  AppendU32(out, sight.interface_index);
  AppendU16(out, 1);
  switch (sight.direction) {
    case PacketDirection::kOtherHost:
      out.push_back(3);
      break;
    case PacketDirection::kOutgoing:
      out.push_back(4);
      break;
    default:
      out.push_back(0);
  }
  out.push_back(6);
  out.resize(20);
  return out;
}

inline Bytes Sll2Packet(const Sight& sight, uint8_t protocol, std::span<const uint8_t> transport) {
  IpAddress source = IpAddress::Parse(sight.source).value();
  IpAddress destination = IpAddress::Parse(sight.destination).value();
  Bytes out = Sll2Header(sight, source.IsV4());
  if (source.IsV4()) {
    out.push_back(0x45);
    out.push_back(0);
    AppendU16(out, 20 + transport.size());
    AppendU32(out, 0x00014000);
    out.push_back(64);
    out.push_back(protocol);
    AppendU16(out, 0);
  } else {
    AppendU32(out, 0x60000000);
    AppendU16(out, transport.size());
    out.push_back(protocol);
    out.push_back(64);
  }
  Append(out, source.Bytes());
  Append(out, destination.Bytes());
  Append(out, transport);
  return out;
}

inline Bytes UdpPacket(const Sight& sight, std::span<const uint8_t> payload) {
  Bytes transport;
  AppendU16(transport, sight.source_port);
  AppendU16(transport, sight.destination_port);
  AppendU16(transport, 8 + payload.size());
  AppendU16(transport, 0);
  Append(transport, payload);
  return Sll2Packet(sight, 17, transport);
}

struct TcpFields {
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = kTcpSyn;
};

inline Bytes TcpPacket(const Sight& sight, const TcpFields& fields,
                       std::span<const uint8_t> payload = {}) {
  Bytes transport;
  AppendU16(transport, sight.source_port);
  AppendU16(transport, sight.destination_port);
  AppendU32(transport, fields.sequence);
  AppendU32(transport, fields.acknowledgement);
  transport.push_back(0x50);
  transport.push_back(fields.flags);
  AppendU16(transport, 64240);
  AppendU32(transport, 0);
  Append(transport, payload);
  return Sll2Packet(sight, 6, transport);
}

}  // namespace network_mapper::sniffer
