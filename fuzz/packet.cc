// A series of frames through decoder and aggregator. First byte: link type. Then frames, each with
// a two-byte length and one byte of time step (milliseconds).
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "common/net/byte_reader.h"
#include "sniffer/aggregate/packet_aggregator.h"

namespace {

using network_mapper::ByteReader;
using network_mapper::Time;
using network_mapper::sniffer::AggregatedObservation;
using network_mapper::sniffer::LinkType;
using network_mapper::sniffer::PacketAggregator;

constexpr size_t kLinkTypes = 5;
constexpr size_t kMaxKeys = 8;

void CheckFlush(PacketAggregator& aggregator, Time now) {
  for (const AggregatedObservation& seen : aggregator.Flush(now)) {
    if (!seen.observation.client.ip ||
        seen.client_ports.size() > network_mapper::sniffer::kMaxClientPorts) {
      std::abort();
    }
  }
  if (aggregator.PendingKeys() != 0) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader({data, size});
  auto link_type = reader.ReadU8();
  if (!link_type) {
    return 0;
  }
  PacketAggregator aggregator({.max_dns_keys = kMaxKeys,
                               .max_tcp_keys = kMaxKeys,
                               .max_recent_answers = kMaxKeys,
                               .max_recent_syns = kMaxKeys});
  Time now{std::chrono::seconds(1000)};
  for (size_t frames = 1;; ++frames) {
    auto length = reader.ReadU16();
    auto step = reader.ReadU8();
    if (!length || !step) {
      break;
    }
    auto frame = reader.ReadBytes(*length);
    now += std::chrono::milliseconds(*step);
    aggregator.Add({.time = now,
                    .link_type = static_cast<LinkType>(*link_type % kLinkTypes),
                    .interface_index = 0,
                    .bytes = frame ? *frame : reader.Rest()});
    if (!frame) {
      break;
    }
    if (aggregator.PendingKeys() > 2 * kMaxKeys) {
      std::abort();
    }
    if (frames % 16 == 0) {
      CheckFlush(aggregator, now);
    }
  }
  CheckFlush(aggregator, now);
  return 0;
}
