// Decodes a captured frame down to its UDP or TCP payload: Ethernet with 802.1Q/802.1ad tags, Linux
// cooked v1 and v2 (https://www.tcpdump.org/linktypes/), raw IP, BSD loopback; IPv4 (RFC 791),
// IPv6 with extension headers (RFC 8200, RFC 4302), UDP (RFC 768), TCP (RFC 9293). Pure; used by
// the aggregator. Does not reassemble and does not verify checksums (outgoing ones are unset).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "common/net/ip_address.h"
#include "common/observation/observation.h"
#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

// Relative to the host that captures. Known only from the cooked link types.
enum class PacketDirection : uint8_t { kUnknown, kIncoming, kOtherHost, kOutgoing };

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpAck = 0x10;

struct DecodedPacket {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Protocol protocol = Protocol::kUdp;
  PacketDirection direction = PacketDirection::kUnknown;
  // 0: unknown.
  uint32_t interface_index = 0;
  // TCP only.
  uint8_t tcp_flags = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  // A view into the frame.
  std::span<const uint8_t> payload;
  // False when the payload is cut: first fragment of several, or more bytes than were captured.
  bool payload_complete = true;
};

enum class DecodeFailure : uint8_t {
  // The frame ends inside a header.
  kTruncated,
  // Neither IPv4 nor IPv6.
  kNotIp,
  // A header contradicts itself (version, length).
  kBadHeader,
  // Not the first fragment: it has no ports.
  kLaterFragment,
  // Neither UDP nor TCP, or encrypted.
  kOtherTransport,
  // More VLAN tags or IPv6 extension headers than kMaxVlanTags, kMaxExtensionHeaders.
  kTooManyHeaders,
};
inline constexpr size_t kDecodeFailureCount = 6;
inline constexpr std::array<DecodeFailure, kDecodeFailureCount> kAllDecodeFailures = {
    DecodeFailure::kTruncated,     DecodeFailure::kNotIp,          DecodeFailure::kBadHeader,
    DecodeFailure::kLaterFragment, DecodeFailure::kOtherTransport, DecodeFailure::kTooManyHeaders};
// "truncated", "not_ip", ...: the metric label.
std::string_view DecodeFailureName(DecodeFailure failure);

inline constexpr int kMaxVlanTags = 4;
inline constexpr int kMaxExtensionHeaders = 8;

// The result's views point into packet.bytes.
std::variant<DecodedPacket, DecodeFailure> DecodePacket(const CapturedPacket& packet);

}  // namespace network_mapper::sniffer
