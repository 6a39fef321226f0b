// Packets of a pcap or pcapng file, as fast as they are asked for.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include <pcap/pcap.h>

#include "sniffer/capture/packet_source.h"
#include "sniffer/capture/pcap_handle.h"

namespace network_mapper::sniffer {

namespace {

class CaptureFile final : public PacketSource {
 public:
  explicit CaptureFile(PcapHandle handle) : handle_(std::move(handle)) {}

  StatusOr<PollResult> Poll(std::chrono::milliseconds /*max_wait*/,
                            const PacketHandler& handler) override {
    if (ended_) {
      return PollResult{.packets = 0, .end_of_input = true};
    }
    StatusOr<size_t> delivered = handle_.Dispatch(handler);
    if (!delivered.ok()) {
      ended_ = true;
      return InvalidArgument("capture file {}", StatusMessage(delivered.status()));
    }
    received_ += *delivered;
    ended_ = *delivered == 0;
    return PollResult{.packets = *delivered, .end_of_input = ended_};
  }

  std::vector<InterfaceCaptureStatistics> Statistics() override {
    return {{.interface_name = handle_.Name(), .received = received_}};
  }

 private:
  PcapHandle handle_;
  uint64_t received_ = 0;
  bool ended_ = false;
};

}  // namespace

StatusOr<std::unique_ptr<PacketSource>> OpenCaptureFile(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) {
    return ErrnoStatus(errno, fmt::format("read capture file {}", path));
  }
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::unique_ptr<pcap, PcapCloser> handle(pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data()));
  if (handle == nullptr) {
    return InvalidArgument("capture file {}: {}", path, error.data());
  }
  StatusOr<PcapHandle> adopted = PcapHandle::Adopt(std::move(handle), path, 0);
  if (!adopted.ok()) {
    return Annotate(adopted.status(), "capture file");
  }
  return std::unique_ptr<PacketSource>(std::make_unique<CaptureFile>(std::move(*adopted)));
}

}  // namespace network_mapper::sniffer
