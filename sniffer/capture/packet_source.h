// Where packets come from: live capture (libpcap), a capture file, or a list in a test
// (tests/support/vector_packet_source.h). The sniffer's loop thread owns a source and polls it.
// A source does not look into packets; packet_decoder.h does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::sniffer {

// The framings that packet_decoder.h understands. Numbers are those of
// https://www.tcpdump.org/linktypes.html only inside the .cc files that speak libpcap.
enum class LinkType : uint8_t { kEthernet, kLinuxSll, kLinuxSll2, kRawIp, kLoopback };
std::string_view LinkTypeName(LinkType link_type);

struct CapturedPacket {
  Time time;
  LinkType link_type = LinkType::kEthernet;
  // Index of the interface in the capturing network namespace when the source is bound to one
  // interface; 0 when it is not known or the frame itself carries it (SLL2).
  uint32_t interface_index = 0;
  // Valid only during the call that delivers the packet.
  std::span<const uint8_t> bytes{};
};

using PacketHandler = std::function<void(const CapturedPacket&)>;

struct PollResult {
  size_t packets = 0;
  // A file or list has been read to its end: further polls deliver nothing and return at once.
  bool end_of_input = false;
};

// Counted since the source was opened.
struct InterfaceCaptureStatistics {
  // "any" or the interface's name; the path for a file.
  std::string interface_name;
  uint64_t received = 0;
  // The kernel had a packet for us and no room in the ring.
  uint64_t dropped_by_kernel = 0;
  // The interface or its driver dropped it, where the kernel can tell.
  uint64_t dropped_by_interface = 0;
  // The interface is gone or down at the moment; capture goes on with the others.
  bool lost = false;
  // How often that happened.
  uint64_t losses = 0;
};

// Not thread-safe: one thread owns it.
class PacketSource {
 public:
  PacketSource() = default;
  PacketSource(const PacketSource&) = delete;
  PacketSource& operator=(const PacketSource&) = delete;
  virtual ~PacketSource() = default;

  // Hands a bounded batch of waiting packets to `handler`; waits up to `max_wait` for the first.
  // Zero never blocks. An error means that the source delivers nothing any more.
  virtual StatusOr<PollResult> Poll(std::chrono::milliseconds max_wait,
                                    const PacketHandler& handler) = 0;

  virtual std::vector<InterfaceCaptureStatistics> Statistics() = 0;
};

struct LiveCaptureOptions {
  // Empty: the device "any", which sees every interface of this network namespace, present and
  // future. Otherwise capture only these, one ring each.
  std::vector<std::string> interfaces{};
  // A filter expression (pcap-filter(7)), usually from BuildCaptureFilter; empty: everything.
  std::string filter{};
  // The same for named Ethernet interfaces, where a VLAN tag may precede IP; empty: `filter`.
  std::string ethernet_filter{};
  // Kernel rings, all interfaces together. They count into the resident set as they fill.
  size_t buffer_bytes = size_t{4} << 20U;
  // Bytes kept of a packet. Offloads make TCP packets larger than the MTU; what the filter lets
  // pass is small otherwise, and the ring packs packets by their true size.
  int snapshot_length = 65535;
  // The kernel hands over a partly filled block of packets after this time.
  std::chrono::milliseconds block_timeout{100};
  // Only for named interfaces; "any" never is.
  bool promiscuous = false;
  // How often named interfaces are looked after.
  std::chrono::milliseconds interface_check_interval{1000};
};

// Needs CAP_NET_RAW in the network namespace. permission_denied names the remedy; not_found names
// an unknown interface and those that there are; unavailable an interface that is down. A named
// interface that goes later is captured again when it is back; meanwhile, and even when it was the
// only one, a poll is no error.
StatusOr<std::unique_ptr<PacketSource>> OpenLiveCapture(const LiveCaptureOptions& options);

// Any pcap or pcapng file of a known link type.
StatusOr<std::unique_ptr<PacketSource>> OpenCaptureFile(const std::string& path);

}  // namespace network_mapper::sniffer
