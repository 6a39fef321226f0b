// Reads a capture file of tests/testdata/pcap/ into memory.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "sniffer/capture/packet_source.h"
#include "tests/support/test_paths.h"
#include "tests/support/vector_packet_source.h"

namespace network_mapper::sniffer {

inline std::vector<OwnedPacket> ReadPcapOrDie(std::string_view name) {
  auto source = OpenCaptureFile((TestDataPath("pcap") / name).string());
  if (!source.ok()) {
    std::fprintf(stderr, "%s\n", StatusMessage(source.status()).c_str());
    std::abort();
  }
  std::vector<OwnedPacket> packets;
  while (true) {
    auto result = (*source)->Poll(std::chrono::milliseconds(0), [&](const CapturedPacket& packet) {
      packets.push_back({.time = packet.time,
                         .link_type = packet.link_type,
                         .interface_index = packet.interface_index,
                         .bytes = {packet.bytes.begin(), packet.bytes.end()}});
    });
    if (!result.ok()) {
      std::fprintf(stderr, "%s\n", StatusMessage(result.status()).c_str());
      std::abort();
    }
    if (result->end_of_input) {
      return packets;
    }
  }
}

inline CapturedPacket View(const OwnedPacket& packet) {
  return {.time = packet.time,
          .link_type = packet.link_type,
          .interface_index = packet.interface_index,
          .bytes = packet.bytes};
}

}  // namespace network_mapper::sniffer
