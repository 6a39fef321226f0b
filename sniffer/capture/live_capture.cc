// Live capture through libpcap's ring (TPACKET_V3 on Linux): one handle for the device "any", or
// one for each named interface.
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <pcap/pcap.h>

#include "common/log/log.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/capture/pcap_handle.h"

namespace network_mapper::sniffer {

namespace {

constexpr const char* kAnyDevice = "any";
constexpr size_t kMinRingBytes = size_t{512} << 10U;

// "eth0, lo" of this network namespace.
std::string ExistingInterfaces() {
  std::string names;
  struct if_nameindex* all = if_nameindex();
  for (struct if_nameindex* one = all; one != nullptr && one->if_index != 0; ++one) {
    names += names.empty() ? "" : ", ";
    names += one->if_name;
  }
  if_freenameindex(all);
  return names;
}

bool IsUp(const std::string& name) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return true;  // Not known; what libpcap says counts.
  }
  ifreq request{};
  name.copy(static_cast<char*>(request.ifr_name), sizeof(request.ifr_name) - 1);
  bool found = ioctl(descriptor, SIOCGIFFLAGS, &request) == 0;
  close(descriptor);
  return found && (request.ifr_flags & IFF_UP) != 0;
}

Status ActivationError(const std::string& device, int code, pcap* handle) {
  switch (code) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return PermissionDenied(
          "capturing on {} needs the capability CAP_NET_RAW: add NET_RAW to the container's "
          "securityContext.capabilities.add, run as root, or run \"setcap cap_net_raw+ep\" on the "
          "program ({})",
          device, pcap_geterr(handle));
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return NotFound("there is no network interface {} in this network namespace; there are {}",
                      device, ExistingInterfaces());
    case PCAP_ERROR_IFACE_NOT_UP:
      return Unavailable("network interface {} is down", device);
    default:
      return Internal("capture on {}: {}: {}", device, pcap_statustostr(code), pcap_geterr(handle));
  }
}

StatusOr<PcapHandle> OpenDevice(const std::string& device, const LiveCaptureOptions& options,
                                size_t ring_bytes) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  std::unique_ptr<pcap, PcapCloser> handle(pcap_create(device.c_str(), error.data()));
  if (handle == nullptr) {
    return Internal("capture on {}: {}", device, error.data());
  }
  bool any = device == kAnyDevice;
  pcap_set_snaplen(handle.get(), options.snapshot_length);
  pcap_set_buffer_size(handle.get(), static_cast<int>(ring_bytes));
  pcap_set_timeout(handle.get(), static_cast<int>(options.block_timeout.count()));
  pcap_set_promisc(handle.get(), !any && options.promiscuous ? 1 : 0);
  pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO);
  // A positive code is a warning.
  if (int code = pcap_activate(handle.get()); code < 0) {
    return ActivationError(device, code, handle.get());
  }
  if (any) {
    // Carries the interface of each packet. An older libpcap stays with SLL, which does not.
    (void)pcap_set_datalink(handle.get(), DLT_LINUX_SLL2);
  }
  if (pcap_setnonblock(handle.get(), 1, error.data()) != 0) {
    return Internal("capture on {}: {}", device, error.data());
  }
  ASSIGN_OR_RETURN(PcapHandle opened, PcapHandle::Adopt(std::move(handle), device,
                                                        any ? 0 : if_nametoindex(device.c_str())));
  bool tagged = opened.Link() == LinkType::kEthernet && !options.ethernet_filter.empty();
  RETURN_IF_ERROR(opened.SetFilter(tagged ? options.ethernet_filter : options.filter));
  return opened;
}

class LiveCapture final : public PacketSource {
 public:
  LiveCapture(std::vector<PcapHandle> handles, LiveCaptureOptions options, size_t ring_bytes)
      : handles_(std::move(handles)), options_(std::move(options)), ring_bytes_(ring_bytes) {}

  StatusOr<PollResult> Poll(std::chrono::milliseconds max_wait,
                            const PacketHandler& handler) override {
    SteadyTime deadline = std::chrono::steady_clock::now() + max_wait;
    while (true) {
      LookAfterInterfaces();
      ASSIGN_OR_RETURN(size_t packets, DispatchAll(handler));
      auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (packets > 0 || left <= std::chrono::milliseconds(0)) {
        return PollResult{.packets = packets, .end_of_input = false};
      }
      // Rings are looked at every block timeout, whatever poll() says about them.
      RETURN_IF_ERROR(Wait(std::min(left, options_.block_timeout)));
    }
  }

  std::vector<InterfaceCaptureStatistics> Statistics() override {
    std::vector<InterfaceCaptureStatistics> all;
    all.reserve(handles_.size());
    for (PcapHandle& handle : handles_) {
      all.push_back(handle.Statistics());
    }
    return all;
  }

 private:
  // libpcap goes on by itself when an interface comes up again; one that was deleted and made anew
  // is another to the kernel, and needs a new handle.
  void LookAfterInterfaces() {
    SteadyTime now = std::chrono::steady_clock::now();
    if (options_.interfaces.empty() || now < next_check_) {
      return;
    }
    next_check_ = now + options_.interface_check_interval;
    for (PcapHandle& handle : handles_) {
      bool any = handle.Name() == kAnyDevice;
      if (handle.IsOpen() && !any &&
          if_nametoindex(handle.Name().c_str()) != handle.InterfaceIndex()) {
        handle.Close();
        SetLost(handle, true);
      }
      if (!handle.IsOpen()) {
        if (StatusOr<PcapHandle> opened = OpenDevice(handle.Name(), options_, ring_bytes_);
            opened.ok()) {
          handle.Resume(*std::move(opened));
        }
      }
      SetLost(handle, !handle.IsOpen() || (!any && !IsUp(handle.Name())));
    }
  }

  static void SetLost(PcapHandle& handle, bool lost) {
    if (lost && !handle.Lost()) {
      LogWarn("interface is gone or down; its packets are missing until it is back",
              {{"interface", handle.Name()}});
    } else if (!lost && handle.Lost()) {
      LogInfo("interface is captured again", {{"interface", handle.Name()}});
    }
    handle.SetLost(lost);
  }

  StatusOr<size_t> DispatchAll(const PacketHandler& handler) {
    size_t packets = 0;
    for (PcapHandle& handle : handles_) {
      if (!handle.IsOpen()) {
        continue;
      }
      StatusOr<size_t> delivered = handle.Dispatch(handler);
      if (delivered.ok()) {
        packets += *delivered;
        continue;
      }
      if (options_.interfaces.empty()) {
        return delivered.status();
      }
      handle.Close();
      SetLost(handle, true);
    }
    return packets;
  }

  Status Wait(std::chrono::milliseconds timeout) {
    poll_set_.clear();
    for (const PcapHandle& handle : handles_) {
      if (handle.IsOpen()) {
        poll_set_.push_back({.fd = handle.FileDescriptor(), .events = POLLIN, .revents = 0});
      }
    }
    if (poll(poll_set_.data(), poll_set_.size(), static_cast<int>(timeout.count())) < 0 &&
        errno != EINTR) {
      return ErrnoStatus(errno, "wait for packets");
    }
    return OkStatus();
  }

  std::vector<PcapHandle> handles_;
  LiveCaptureOptions options_;
  size_t ring_bytes_;
  SteadyTime next_check_;
  std::vector<pollfd> poll_set_;
};

}  // namespace

StatusOr<std::unique_ptr<PacketSource>> OpenLiveCapture(const LiveCaptureOptions& options) {
  std::vector<std::string> devices = options.interfaces;
  if (devices.empty()) {
    devices.emplace_back(kAnyDevice);
  }
  size_t ring_bytes = std::max(options.buffer_bytes / devices.size(), kMinRingBytes);
  std::vector<PcapHandle> handles;
  for (const std::string& device : devices) {
    ASSIGN_OR_RETURN(PcapHandle handle, OpenDevice(device, options, ring_bytes));
    handles.push_back(std::move(handle));
  }
  return std::unique_ptr<PacketSource>(
      std::make_unique<LiveCapture>(std::move(handles), options, ring_bytes));
}

}  // namespace network_mapper::sniffer
