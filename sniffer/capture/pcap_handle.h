// One open libpcap handle, live or file: what the two sources have in common. Used only by the .cc
// files of this folder, so that libpcap's header stays in them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/status/status.h"
#include "sniffer/capture/packet_source.h"

struct pcap;

namespace network_mapper::sniffer {

struct PcapCloser {
  void operator()(pcap* handle) const;
};

class PcapHandle {
 public:
  // Fails when libpcap's link type is not one of LinkType. `name` is the interface or file.
  static StatusOr<PcapHandle> Adopt(std::unique_ptr<pcap, PcapCloser> handle, std::string name,
                                    uint32_t interface_index);

  // Delivers what is ready, at most a batch, so that the loop gets its turn for other work; the
  // number delivered.
  StatusOr<size_t> Dispatch(const PacketHandler& handler);
  Status SetFilter(const std::string& expression);
  InterfaceCaptureStatistics Statistics();
  // The kernel's counters, for a live handle.
  void ReadKernelStatistics();
  void Close();
  // Goes on with a new handle of the same interface and the counters so far.
  void Resume(PcapHandle opened);
  // Whether the interface is gone or down; a change to true is counted.
  void SetLost(bool lost);

  LinkType Link() const { return link_type_; }

  const std::string& Name() const { return statistics_.interface_name; }

  bool IsOpen() const { return handle_ != nullptr; }

  bool Lost() const { return statistics_.lost; }

  // 0 for "any" and for a file.
  uint32_t InterfaceIndex() const { return interface_index_; }

  // To poll() on; -1 for a file.
  int FileDescriptor() const { return file_descriptor_; }

 private:
  struct KernelCounters {
    uint32_t received = 0;
    uint32_t dropped = 0;
    uint32_t interface_dropped = 0;
  };

  PcapHandle() = default;

  std::unique_ptr<pcap, PcapCloser> handle_;
  LinkType link_type_ = LinkType::kEthernet;
  uint32_t interface_index_ = 0;
  int file_descriptor_ = -1;
  KernelCounters last_counters_;
  InterfaceCaptureStatistics statistics_;
};

}  // namespace network_mapper::sniffer
