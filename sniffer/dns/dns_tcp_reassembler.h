// Puts DNS messages (two-byte length, RFC 7766 8) together from the TCP segments that a DNS server
// sends. Bounded in flows, bytes and age; what it gives up is counted. In order only: a segment
// that skips bytes ends its flow, a retransmission is trimmed. Used by the aggregator; does not
// parse messages.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::sniffer {

// One direction: from the server to the client.
struct DnsTcpFlow {
  IpAddress server;
  IpAddress client;
  uint16_t server_port = 0;
  uint16_t client_port = 0;

  friend bool operator==(const DnsTcpFlow&, const DnsTcpFlow&) = default;
};

struct DnsTcpSegment {
  Time time;
  uint32_t sequence = 0;
  bool syn = false;
  // FIN or RST: the flow ends with this segment.
  bool last = false;
  // False when the segment was not captured whole.
  bool complete = true;
  std::span<const uint8_t> payload{};
};

struct DnsTcpStatistics {
  uint64_t messages = 0;
  uint64_t retransmitted_segments = 0;
  // Flows given up with bytes of an unfinished message, by reason.
  uint64_t given_up_gap = 0;
  uint64_t given_up_age = 0;
  uint64_t given_up_memory = 0;
  uint64_t given_up_closed = 0;
  // Segments whose place in a message is not known: capture began in the middle.
  uint64_t unsynchronised_segments = 0;
};

class DnsTcpReassembler {
 public:
  struct Options {
    size_t max_flows = 1024;
    // Of unfinished messages, all flows together.
    size_t max_buffered_bytes = size_t{256} << 10U;
    std::chrono::seconds max_age{10};
  };

  // The message without its length prefix; valid during the call.
  using MessageHandler = std::function<void(std::span<const uint8_t>)>;

  explicit DnsTcpReassembler(Options options) : options_(options) {}

  DnsTcpReassembler(const DnsTcpReassembler&) = delete;
  DnsTcpReassembler& operator=(const DnsTcpReassembler&) = delete;

  void Add(const DnsTcpFlow& flow, const DnsTcpSegment& segment, const MessageHandler& handler);
  // Forgets flows that have been silent for longer than max_age.
  void Expire(Time now);

  size_t FlowCount() const { return flows_.size(); }

  size_t BufferedBytes() const { return buffered_bytes_; }

  const DnsTcpStatistics& Statistics() const { return statistics_; }

 private:
  struct FlowHash {
    size_t operator()(const DnsTcpFlow& flow) const;
  };

  struct FlowState {
    DnsTcpFlow flow;
    uint32_t next_sequence = 0;
    Time last_seen;
    // False: bytes are missing before next_sequence, so where a message starts is not known.
    bool synchronised = true;
    // The unfinished message, length prefix included.
    std::vector<uint8_t> pending;
  };

  // Least recently used first.
  using FlowList = std::list<FlowState>;

  void Remember(const DnsTcpFlow& flow, uint32_t next_sequence, Time now);
  void AddPayload(FlowState& state, const DnsTcpSegment& segment, const MessageHandler& handler);
  void Append(FlowState& state, std::span<const uint8_t> bytes, const MessageHandler& handler);
  // Returns the bytes after the last whole message.
  std::span<const uint8_t> Deliver(std::span<const uint8_t> bytes, const MessageHandler& handler);
  // Both add to `reason` when an unfinished message is lost.
  void Forget(FlowList::iterator state, uint64_t& reason);
  void DropPending(FlowState& state, uint64_t& reason);

  Options options_;
  FlowList flows_;
  std::unordered_map<DnsTcpFlow, FlowList::iterator, FlowHash> by_flow_;
  size_t buffered_bytes_ = 0;
  DnsTcpStatistics statistics_;
};

}  // namespace network_mapper::sniffer
