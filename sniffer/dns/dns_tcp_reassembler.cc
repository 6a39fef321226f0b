#include "sniffer/dns/dns_tcp_reassembler.h"

#include <algorithm>

namespace network_mapper::sniffer {

namespace {

constexpr size_t kLengthBytes = 2;
constexpr size_t kMinMessageBytes = 12;
constexpr uint8_t kResponseBit = 0x80;
constexpr uint8_t kOpcodeBits = 0x78;
// A buffer that a large message left behind is not kept for the next small one.
constexpr size_t kMaxKeptCapacity = 4096;

size_t MessageBytes(std::span<const uint8_t> bytes) {
  return (size_t{bytes[0]} << 8U) | bytes[1];
}

// Whether a segment whose place in the stream is unknown can be the start of a response: a server
// writes length and message in one go, so the header's third byte (QR, opcode) is there to look at.
bool LooksLikeStart(std::span<const uint8_t> payload) {
  return payload.size() > kLengthBytes + 2 && MessageBytes(payload) >= kMinMessageBytes &&
         (payload[kLengthBytes + 2] & kResponseBit) != 0 &&
         (payload[kLengthBytes + 2] & kOpcodeBits) == 0;
}

}  // namespace

size_t DnsTcpReassembler::FlowHash::operator()(const DnsTcpFlow& flow) const {
  size_t ports = (size_t{flow.server_port} << 16U) | flow.client_port;
  return flow.server.Hash() ^ (flow.client.Hash() * 0x9E3779B97F4A7C15ULL) ^
         (ports * 0xBF58476D1CE4E5B9ULL);
}

void DnsTcpReassembler::Add(const DnsTcpFlow& flow, const DnsTcpSegment& segment,
                            const MessageHandler& handler) {
  Expire(segment.time);
  auto known = by_flow_.find(flow);
  if (segment.syn) {
    if (known != by_flow_.end()) {
      Forget(known->second, statistics_.given_up_closed);
    }
    Remember(flow, segment.sequence + 1, segment.time);
    return;
  }
  if (!segment.payload.empty()) {
    if (known == by_flow_.end()) {
      if (!LooksLikeStart(segment.payload)) {
        ++statistics_.unsynchronised_segments;
        return;
      }
      Remember(flow, segment.sequence, segment.time);
      known = by_flow_.find(flow);
    }
    auto state = known->second;
    state->last_seen = segment.time;
    flows_.splice(flows_.end(), flows_, state);
    AddPayload(*state, segment, handler);
    known = by_flow_.find(flow);
  }
  if (segment.last && known != by_flow_.end()) {
    Forget(known->second, statistics_.given_up_closed);
  }
}

void DnsTcpReassembler::AddPayload(FlowState& state, const DnsTcpSegment& segment,
                                   const MessageHandler& handler) {
  std::span<const uint8_t> payload = segment.payload;
  // Sequence numbers wrap: the difference as a signed number tells before from after.
  auto already_seen = static_cast<int32_t>(state.next_sequence - segment.sequence);
  if (already_seen < 0) {
    DropPending(state, statistics_.given_up_gap);
    if (!LooksLikeStart(payload)) {
      ++statistics_.unsynchronised_segments;
      // What follows is judged by the same rule.
      state.next_sequence = segment.sequence + static_cast<uint32_t>(payload.size());
      state.synchronised = false;
      return;
    }
    already_seen = 0;
    state.synchronised = true;
  }
  auto overlap = static_cast<size_t>(already_seen);
  if (overlap > 0) {
    ++statistics_.retransmitted_segments;
    if (overlap >= payload.size()) {
      return;
    }
    payload = payload.subspan(overlap);
  }
  state.next_sequence = segment.sequence + static_cast<uint32_t>(segment.payload.size());
  if (!state.synchronised) {
    if (!LooksLikeStart(payload)) {
      ++statistics_.unsynchronised_segments;
      return;
    }
    state.synchronised = true;
  }
  Append(state, payload, handler);
  if (!segment.complete) {
    DropPending(state, statistics_.given_up_gap);
    state.synchronised = false;
  }
}

void DnsTcpReassembler::Append(FlowState& state, std::span<const uint8_t> bytes,
                               const MessageHandler& handler) {
  std::vector<uint8_t>& pending = state.pending;
  if (pending.empty()) {
    std::span<const uint8_t> rest = Deliver(bytes, handler);
    pending.assign(rest.begin(), rest.end());
    buffered_bytes_ += pending.size();
  } else {
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    std::span<const uint8_t> rest = Deliver(pending, handler);
    size_t consumed = pending.size() - rest.size();
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(consumed));
    buffered_bytes_ = buffered_bytes_ + bytes.size() - consumed;
  }
  if (pending.empty() && pending.capacity() > kMaxKeptCapacity) {
    std::vector<uint8_t>().swap(pending);
  }
  // The flow at hand is the last of the list, so the oldest go first.
  while (buffered_bytes_ > options_.max_buffered_bytes) {
    auto victim =
        std::ranges::find_if(flows_, [](const FlowState& flow) { return !flow.pending.empty(); });
    victim->synchronised = false;
    DropPending(*victim, statistics_.given_up_memory);
  }
}

std::span<const uint8_t> DnsTcpReassembler::Deliver(std::span<const uint8_t> bytes,
                                                    const MessageHandler& handler) {
  while (bytes.size() >= kLengthBytes) {
    size_t length = MessageBytes(bytes);
    if (bytes.size() < kLengthBytes + length) {
      break;
    }
    ++statistics_.messages;
    handler(bytes.subspan(kLengthBytes, length));
    bytes = bytes.subspan(kLengthBytes + length);
  }
  return bytes;
}

void DnsTcpReassembler::Expire(Time now) {
  while (!flows_.empty() && now - flows_.front().last_seen > options_.max_age) {
    Forget(flows_.begin(), statistics_.given_up_age);
  }
}

void DnsTcpReassembler::Remember(const DnsTcpFlow& flow, uint32_t next_sequence, Time now) {
  if (flows_.size() >= options_.max_flows) {
    Forget(flows_.begin(), statistics_.given_up_memory);
  }
  flows_.push_back({.flow = flow, .next_sequence = next_sequence, .last_seen = now, .pending = {}});
  by_flow_[flow] = std::prev(flows_.end());
}

void DnsTcpReassembler::Forget(FlowList::iterator state, uint64_t& reason) {
  DropPending(*state, reason);
  by_flow_.erase(state->flow);
  flows_.erase(state);
}

void DnsTcpReassembler::DropPending(FlowState& state, uint64_t& reason) {
  if (state.pending.empty()) {
    return;
  }
  ++reason;
  buffered_bytes_ -= state.pending.size();
  std::vector<uint8_t>().swap(state.pending);
}

}  // namespace network_mapper::sniffer
