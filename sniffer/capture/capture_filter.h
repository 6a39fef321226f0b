// The kernel's filter: lets only what the aggregator can use reach user space, which is what keeps
// the sniffer cheap. Text in the language of pcap-filter(7); libpcap compiles it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace network_mapper::sniffer {

struct CaptureFilterOptions {
  bool dns = true;
  bool tcp_syn = true;
  // Packets FROM these ports, over UDP and TCP, are DNS answers.
  std::vector<uint16_t> dns_ports = {53};
  // Also match inside one or two VLAN tags. Only named Ethernet interfaces can: libpcap has no VLAN
  // support for the cooked link types of "any", where the packet is seen untagged on the VLAN
  // sub-interface instead.
  bool vlan = false;
};

// Both address families. SYN and SYN-ACK whatever the ECN bits. IPv6 packets whose transport hides
// behind extension headers always pass: the decoder walks those. With nothing enabled: a filter
// that matches nothing.
std::string BuildCaptureFilter(const CaptureFilterOptions& options);

}  // namespace network_mapper::sniffer
