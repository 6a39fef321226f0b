// Remembers the latest `capacity` things by hash, oldest forgotten first: how further sightings of
// one packet are recognised. Grows to its capacity and stays there. Looking up takes bounded time
// even when an outsider makes all hashes equal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace network_mapper::sniffer {

template <typename Entry>
class RecentTable {
 public:
  explicit RecentTable(size_t capacity)
      : capacity_(std::max<size_t>(capacity, 1)), heads_(kMinHeads, kNone) {}

  // Calls `visit(entry)` for entries of this hash, newest first, until it returns true; the entry
  // for which it did, or null.
  template <typename Visit>
  Entry* Find(uint64_t hash, Visit visit) {
    uint32_t position = heads_[HeadOf(hash)];
    for (int probes = 0; position != kNone && probes < kMaxProbes; ++probes) {
      Node& node = nodes_[position];
      if (node.hash == hash && visit(node.entry)) {
        return &node.entry;
      }
      position = node.older;
    }
    return nullptr;
  }

  // The reference holds until the next insertion.
  Entry& Insert(uint64_t hash, Entry entry) {
    uint32_t position = 0;
    if (nodes_.size() < capacity_) {
      position = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({});
      if (nodes_.size() > heads_.size()) {
        Rehash();
      }
    } else {
      position = next_victim_;
      next_victim_ = (next_victim_ + 1) % static_cast<uint32_t>(capacity_);
      Unlink(position);
    }
    Node& node = nodes_[position];
    node.hash = hash;
    node.entry = std::move(entry);
    Link(position);
    return node.entry;
  }

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFFU;
  static constexpr size_t kMinHeads = 256;
  static constexpr int kMaxProbes = 64;

  // Neighbours in the chain of one head: unlinking needs no walk.
  struct Node {
    uint64_t hash = 0;
    uint32_t newer = kNone;
    uint32_t older = kNone;
    Entry entry{};
  };

  size_t HeadOf(uint64_t hash) const { return hash & (heads_.size() - 1); }

  void Link(uint32_t position) {
    Node& node = nodes_[position];
    uint32_t& head = heads_[HeadOf(node.hash)];
    node.newer = kNone;
    node.older = head;
    if (head != kNone) {
      nodes_[head].newer = position;
    }
    head = position;
  }

  void Unlink(uint32_t position) {
    const Node& node = nodes_[position];
    if (node.newer == kNone) {
      heads_[HeadOf(node.hash)] = node.older;
    } else {
      nodes_[node.newer].older = node.older;
    }
    if (node.older != kNone) {
      nodes_[node.older].newer = node.newer;
    }
  }

  // Only while nothing has been forgotten yet: positions are in order of age. The newest node is
  // not linked yet.
  void Rehash() {
    heads_.assign(heads_.size() * 2, kNone);
    for (uint32_t position = 0; position + 1 < nodes_.size(); ++position) {
      Link(position);
    }
  }

  size_t capacity_;
  uint32_t next_victim_ = 0;
  std::vector<Node> nodes_;
  std::vector<uint32_t> heads_;
};

}  // namespace network_mapper::sniffer
