#include "sniffer/capture/pcap_handle.h"

#include <exception>
#include <optional>
#include <utility>

#include <pcap/pcap.h>

namespace network_mapper::sniffer {

namespace {

std::optional<LinkType> LinkTypeOf(int datalink) {
  switch (datalink) {
    case DLT_EN10MB:
      return LinkType::kEthernet;
    case DLT_LINUX_SLL:
      return LinkType::kLinuxSll;
    case DLT_LINUX_SLL2:
      return LinkType::kLinuxSll2;
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkType::kRawIp;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::kLoopback;
    default:
      return std::nullopt;
  }
}

constexpr int kMaxBatch = 4096;

struct DispatchContext {
  pcap* handle;
  const PacketHandler* handler;
  CapturedPacket packet;
  // What the handler threw: it must not unwind through libpcap's C frames.
  std::exception_ptr thrown;
};

void OnPacket(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  auto* context = reinterpret_cast<DispatchContext*>(user);
  // Handles are opened with nanosecond precision, so tv_usec holds nanoseconds.
  context->packet.time =
      Time(std::chrono::seconds(header->ts.tv_sec) + std::chrono::nanoseconds(header->ts.tv_usec));
  context->packet.bytes = std::span<const uint8_t>(bytes, header->caplen);
  try {
    (*context->handler)(context->packet);
  } catch (...) {
    context->thrown = std::current_exception();
    pcap_breakloop(context->handle);
  }
}

}  // namespace

void PcapCloser::operator()(pcap* handle) const {
  pcap_close(handle);
}

StatusOr<PcapHandle> PcapHandle::Adopt(std::unique_ptr<pcap, PcapCloser> handle, std::string name,
                                       uint32_t interface_index) {
  int datalink = pcap_datalink(handle.get());
  std::optional<LinkType> link_type = LinkTypeOf(datalink);
  if (!link_type) {
    const char* known_name = pcap_datalink_val_to_name(datalink);
    return InvalidArgument(
        "{}: link type {} ({}) is not supported; supported are EN10MB, LINUX_SLL, LINUX_SLL2, "
        "RAW, IPV4, IPV6, NULL and LOOP",
        name, known_name == nullptr ? "unknown" : known_name, datalink);
  }
  PcapHandle result;
  result.handle_ = std::move(handle);
  result.link_type_ = *link_type;
  result.interface_index_ = interface_index;
  result.file_descriptor_ = pcap_get_selectable_fd(result.handle_.get());
  result.statistics_.interface_name = std::move(name);
  return result;
}

StatusOr<size_t> PcapHandle::Dispatch(const PacketHandler& handler) {
  DispatchContext context{.handle = handle_.get(),
                          .handler = &handler,
                          .packet = {.time = {},
                                     .link_type = link_type_,
                                     .interface_index = interface_index_,
                                     .bytes = {}},
                          .thrown = nullptr};
  int delivered =
      pcap_dispatch(handle_.get(), kMaxBatch, OnPacket, reinterpret_cast<u_char*>(&context));
  if (context.thrown) {
    std::rethrow_exception(context.thrown);
  }
  if (delivered < 0) {
    return Unavailable("{}: {}", Name(), pcap_geterr(handle_.get()));
  }
  return static_cast<size_t>(delivered);
}

Status PcapHandle::SetFilter(const std::string& expression) {
  if (expression.empty()) {
    return OkStatus();
  }
  bpf_program program{};
  if (pcap_compile(handle_.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return InvalidArgument("{}: filter \"{}\": {}", Name(), expression, pcap_geterr(handle_.get()));
  }
  int failed = pcap_setfilter(handle_.get(), &program);
  pcap_freecode(&program);
  if (failed != 0) {
    return Internal("{}: install filter: {}", Name(), pcap_geterr(handle_.get()));
  }
  return OkStatus();
}

void PcapHandle::ReadKernelStatistics() {
  pcap_stat counters{};
  if (!IsOpen() || pcap_stats(handle_.get(), &counters) != 0) {
    return;
  }
  // libpcap's counters are 32 bits wide and wrap; unsigned differences do not mind.
  statistics_.received += uint32_t{counters.ps_recv - last_counters_.received};
  statistics_.dropped_by_kernel += uint32_t{counters.ps_drop - last_counters_.dropped};
  statistics_.dropped_by_interface +=
      uint32_t{counters.ps_ifdrop - last_counters_.interface_dropped};
  last_counters_ = {.received = counters.ps_recv,
                    .dropped = counters.ps_drop,
                    .interface_dropped = counters.ps_ifdrop};
}

InterfaceCaptureStatistics PcapHandle::Statistics() {
  ReadKernelStatistics();
  return statistics_;
}

void PcapHandle::Close() {
  ReadKernelStatistics();
  handle_.reset();
  file_descriptor_ = -1;
}

void PcapHandle::Resume(PcapHandle opened) {
  opened.statistics_ = std::move(statistics_);
  *this = std::move(opened);
}

void PcapHandle::SetLost(bool lost) {
  statistics_.losses += lost && !statistics_.lost ? 1 : 0;
  statistics_.lost = lost;
}

}  // namespace network_mapper::sniffer
