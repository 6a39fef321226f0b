#include "sniffer/capture/packet_decoder.h"

#include <algorithm>
#include <optional>

#include "common/net/byte_reader.h"

namespace network_mapper::sniffer {

namespace {

using Result = std::variant<DecodedPacket, DecodeFailure>;
// Absent: go on.
using Failure = std::optional<DecodeFailure>;

// EtherType values.
constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86DD;
constexpr uint16_t kEtherVlan = 0x8100;
constexpr uint16_t kEtherQinq = 0x88A8;
constexpr uint16_t kEtherOldQinq = 0x9100;

// Protocol numbers of IPv4 and next headers of IPv6.
constexpr uint8_t kProtocolTcp = 6;
constexpr uint8_t kProtocolUdp = 17;
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kDestinationOptions = 60;

constexpr size_t kEthernetAddressesBytes = 12;
constexpr size_t kIpv4HeaderBytes = 20;
constexpr size_t kIpv6HeaderBytes = 40;
constexpr size_t kUdpHeaderBytes = 8;
constexpr size_t kTcpHeaderBytes = 20;

uint16_t U16(std::span<const uint8_t> bytes, size_t offset) {
  return static_cast<uint16_t>((bytes[offset] << 8U) | bytes[offset + 1]);
}

uint32_t U32(std::span<const uint8_t> bytes, size_t offset) {
  return (uint32_t{U16(bytes, offset)} << 16U) | U16(bytes, offset + 2);
}

PacketDirection DirectionOf(uint16_t sll_packet_type) {
  // 0 host, 1 broadcast, 2 multicast, 3 other host, 4 outgoing.
  switch (sll_packet_type) {
    case 0:
    case 1:
    case 2:
      return PacketDirection::kIncoming;
    case 3:
      return PacketDirection::kOtherHost;
    case 4:
      return PacketDirection::kOutgoing;
    default:
      return PacketDirection::kUnknown;
  }
}

// What the IP layer left for the transport layer.
struct Transport {
  uint8_t protocol = 0;
  bool more_fragments = false;
};

class Decoder {
 public:
  explicit Decoder(const CapturedPacket& frame) : reader_(frame.bytes) {
    packet_.interface_index = frame.interface_index;
  }

  Failure Decode(LinkType link_type) {
    uint16_t ether_type = 0;
    if (Failure failure = ReadLinkHeader(link_type, ether_type)) {
      return failure;
    }
    if (Failure failure = SkipVlanTags(ether_type)) {
      return failure;
    }
    Transport transport;
    Failure failure;
    if (ether_type == kEtherIpv4) {
      failure = ReadIpv4(transport);
    } else if (ether_type == kEtherIpv6) {
      failure = ReadIpv6(transport);
    } else {
      failure = DecodeFailure::kNotIp;
    }
    if (failure) {
      return failure;
    }
    packet_.payload_complete = packet_.payload_complete && !transport.more_fragments;
    switch (transport.protocol) {
      case kProtocolUdp:
        return ReadUdp();
      case kProtocolTcp:
        return ReadTcp();
      default:
        return DecodeFailure::kOtherTransport;
    }
  }

  const DecodedPacket& Packet() const { return packet_; }

 private:
  Failure ReadLinkHeader(LinkType link_type, uint16_t& ether_type) {
    switch (link_type) {
      case LinkType::kEthernet:
        return ReadEthernet(ether_type);
      case LinkType::kLinuxSll:
        return ReadSll(ether_type);
      case LinkType::kLinuxSll2:
        return ReadSll2(ether_type);
      case LinkType::kRawIp:
        return ReadIpVersion(ether_type);
      case LinkType::kLoopback:
        // Four bytes of address family in one byte order or the other; the IP version says as much.
        return reader_.Skip(4) ? ReadIpVersion(ether_type) : DecodeFailure::kTruncated;
    }
    return DecodeFailure::kNotIp;
  }

  Failure ReadEthernet(uint16_t& ether_type) {
    if (!reader_.Skip(kEthernetAddressesBytes)) {
      return DecodeFailure::kTruncated;
    }
    return ReadEtherType(ether_type);
  }

  // u16 packet type, u16 hardware type, u16 address length, u8[8] address, u16 protocol.
  Failure ReadSll(uint16_t& ether_type) {
    auto header = reader_.ReadBytes(16);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    packet_.direction = DirectionOf(U16(*header, 0));
    ether_type = U16(*header, 14);
    return std::nullopt;
  }

  // u16 protocol, u16 reserved, u32 interface, u16 hardware type, u8 packet type, u8 address
  // length, u8[8] address.
  Failure ReadSll2(uint16_t& ether_type) {
    auto header = reader_.ReadBytes(20);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    ether_type = U16(*header, 0);
    packet_.interface_index = U32(*header, 4);
    packet_.direction = DirectionOf((*header)[10]);
    return std::nullopt;
  }

  Failure ReadIpVersion(uint16_t& ether_type) {
    ByteReader ahead = reader_;
    auto first = ahead.ReadU8();
    if (!first) {
      return DecodeFailure::kTruncated;
    }
    switch (*first >> 4U) {
      case 4:
        ether_type = kEtherIpv4;
        return std::nullopt;
      case 6:
        ether_type = kEtherIpv6;
        return std::nullopt;
      default:
        return DecodeFailure::kNotIp;
    }
  }

  Failure ReadEtherType(uint16_t& ether_type) {
    auto value = reader_.ReadU16();
    if (!value) {
      return DecodeFailure::kTruncated;
    }
    ether_type = *value;
    return std::nullopt;
  }

  // A tag is two bytes of control information in front of the next EtherType.
  Failure SkipVlanTags(uint16_t& ether_type) {
    for (int tags = 0;
         ether_type == kEtherVlan || ether_type == kEtherQinq || ether_type == kEtherOldQinq;
         ++tags) {
      if (tags == kMaxVlanTags) {
        return DecodeFailure::kTooManyHeaders;
      }
      if (!reader_.Skip(2)) {
        return DecodeFailure::kTruncated;
      }
      if (Failure failure = ReadEtherType(ether_type)) {
        return failure;
      }
    }
    return std::nullopt;
  }

  Failure ReadIpv4(Transport& transport) {
    auto header = reader_.ReadBytes(kIpv4HeaderBytes);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    size_t header_bytes = size_t{(*header)[0] & 0x0FU} * 4;
    size_t total_bytes = U16(*header, 2);
    // Segmentation offload leaves 0 for what does not fit 16 bits.
    if ((*header)[0] >> 4U != 4 || header_bytes < kIpv4HeaderBytes ||
        (total_bytes != 0 && total_bytes < header_bytes)) {
      return DecodeFailure::kBadHeader;
    }
    if (!reader_.Skip(header_bytes - kIpv4HeaderBytes)) {
      return DecodeFailure::kTruncated;
    }
    uint16_t fragment = U16(*header, 6);
    if ((fragment & 0x1FFFU) != 0) {
      return DecodeFailure::kLaterFragment;
    }
    transport.more_fragments = (fragment & 0x2000U) != 0;
    transport.protocol = (*header)[9];
    packet_.source = IpAddress::FromV4Bytes(header->subspan<12, 4>());
    packet_.destination = IpAddress::FromV4Bytes(header->subspan<16, 4>());
    if (total_bytes != 0) {
      CutTo(total_bytes - header_bytes);
    }
    return std::nullopt;
  }

  Failure ReadIpv6(Transport& transport) {
    auto header = reader_.ReadBytes(kIpv6HeaderBytes);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    if ((*header)[0] >> 4U != 6) {
      return DecodeFailure::kBadHeader;
    }
    packet_.source = IpAddress::FromV6Bytes(header->subspan<8, 16>());
    packet_.destination = IpAddress::FromV6Bytes(header->subspan<24, 16>());
    // 0 in a jumbogram (RFC 2675).
    if (size_t payload_bytes = U16(*header, 4); payload_bytes != 0) {
      CutTo(payload_bytes);
    }
    transport.protocol = (*header)[6];
    return SkipExtensionHeaders(transport);
  }

  Failure SkipExtensionHeaders(Transport& transport) {
    for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
      bool fragment = transport.protocol == kFragment;
      bool authentication = transport.protocol == kAuthentication;
      if (!fragment && !authentication && transport.protocol != kHopByHop &&
          transport.protocol != kRouting && transport.protocol != kDestinationOptions) {
        return std::nullopt;
      }
      auto header = reader_.ReadBytes(8);
      if (!header) {
        return DecodeFailure::kTruncated;
      }
      transport.protocol = (*header)[0];
      if (fragment) {
        uint16_t offset_and_flags = U16(*header, 2);
        if ((offset_and_flags & 0xFFF8U) != 0) {
          return DecodeFailure::kLaterFragment;
        }
        transport.more_fragments = transport.more_fragments || (offset_and_flags & 1U) != 0;
        continue;
      }
      // Length beyond the first 8 bytes: in units of 8 bytes; for AH in units of 4 (RFC 4302 2.2).
      size_t length = (*header)[1];
      size_t rest = authentication ? length * 4 : length * 8;
      if (!reader_.Skip(rest)) {
        return DecodeFailure::kTruncated;
      }
    }
    return DecodeFailure::kTooManyHeaders;
  }

  Failure ReadUdp() {
    auto header = reader_.ReadBytes(kUdpHeaderBytes);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    packet_.protocol = Protocol::kUdp;
    ReadPorts(*header);
    size_t length = U16(*header, 4);
    if (length != 0) {
      if (length < kUdpHeaderBytes) {
        return DecodeFailure::kBadHeader;
      }
      CutTo(length - kUdpHeaderBytes);
    }
    packet_.payload = reader_.Rest();
    return std::nullopt;
  }

  Failure ReadTcp() {
    auto header = reader_.ReadBytes(kTcpHeaderBytes);
    if (!header) {
      return DecodeFailure::kTruncated;
    }
    packet_.protocol = Protocol::kTcp;
    ReadPorts(*header);
    packet_.sequence = U32(*header, 4);
    packet_.acknowledgement = U32(*header, 8);
    packet_.tcp_flags = (*header)[13];
    size_t header_bytes = (size_t{(*header)[12]} >> 4U) * 4;
    if (header_bytes < kTcpHeaderBytes) {
      return DecodeFailure::kBadHeader;
    }
    if (!reader_.Skip(header_bytes - kTcpHeaderBytes)) {
      return DecodeFailure::kTruncated;
    }
    packet_.payload = reader_.Rest();
    return std::nullopt;
  }

  void ReadPorts(std::span<const uint8_t> header) {
    packet_.source_port = U16(header, 0);
    packet_.destination_port = U16(header, 2);
  }

  // Leaves what a length field says: padding of short Ethernet frames goes, missing bytes are
  // noted.
  void CutTo(size_t bytes) {
    if (bytes > reader_.Remaining()) {
      packet_.payload_complete = false;
      return;
    }
    reader_ = ByteReader(reader_.Rest().first(bytes));
  }

  ByteReader reader_;
  DecodedPacket packet_;
};

}  // namespace

std::string_view LinkTypeName(LinkType link_type) {
  switch (link_type) {
    case LinkType::kEthernet:
      return "ethernet";
    case LinkType::kLinuxSll:
      return "linux_sll";
    case LinkType::kLinuxSll2:
      return "linux_sll2";
    case LinkType::kRawIp:
      return "raw_ip";
    case LinkType::kLoopback:
      return "loopback";
  }
  return "unknown";
}

std::string_view DecodeFailureName(DecodeFailure failure) {
  switch (failure) {
    case DecodeFailure::kTruncated:
      return "truncated";
    case DecodeFailure::kNotIp:
      return "not_ip";
    case DecodeFailure::kBadHeader:
      return "bad_header";
    case DecodeFailure::kLaterFragment:
      return "later_fragment";
    case DecodeFailure::kOtherTransport:
      return "other_transport";
    case DecodeFailure::kTooManyHeaders:
      return "too_many_headers";
  }
  return "unknown";
}

std::variant<DecodedPacket, DecodeFailure> DecodePacket(const CapturedPacket& packet) {
  Decoder decoder(packet);
  if (Failure failure = decoder.Decode(packet.link_type)) {
    return *failure;
  }
  return decoder.Packet();
}

}  // namespace network_mapper::sniffer
