// A PacketSource that delivers a list of packets once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

struct OwnedPacket {
  Time time;
  LinkType link_type = LinkType::kEthernet;
  uint32_t interface_index = 0;
  std::vector<uint8_t> bytes;
};

class VectorPacketSource final : public PacketSource {
 public:
  // At most `batch` packets a poll.
  explicit VectorPacketSource(std::vector<OwnedPacket> packets, size_t batch = 64)
      : packets_(std::move(packets)), batch_(batch) {}

  StatusOr<PollResult> Poll(std::chrono::milliseconds /*max_wait*/,
                            const PacketHandler& handler) override {
    size_t end = std::min(packets_.size(), next_ + batch_);
    PollResult result{.packets = end - next_};
    for (; next_ < end; ++next_) {
      const OwnedPacket& packet = packets_[next_];
      handler(CapturedPacket{.time = packet.time,
                             .link_type = packet.link_type,
                             .interface_index = packet.interface_index,
                             .bytes = packet.bytes});
    }
    result.end_of_input = next_ == packets_.size();
    return result;
  }

  std::vector<InterfaceCaptureStatistics> Statistics() override {
    return {{.interface_name = "vector", .received = next_}};
  }

 private:
  std::vector<OwnedPacket> packets_;
  size_t batch_;
  size_t next_ = 0;
};

}  // namespace network_mapper::sniffer
