// A bounded table of entries in order of insertion with a hash index over them: what one flush
// interval has seen. Clearing it keeps its memory for the next interval, unless that was far more
// than was needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace network_mapper::sniffer {

template <typename Entry>
class KeyedEntries {
 public:
  explicit KeyedEntries(size_t max_entries) : max_entries_(max_entries) { ResetIndex(kMinSlots); }

  // The entry with this hash for which `matches(entry)` holds; null when there is none.
  template <typename Matches>
  Entry* Find(uint64_t hash, Matches matches) {
    for (size_t slot = hash & mask_; slots_[slot].position != kEmpty; slot = (slot + 1) & mask_) {
      if (slots_[slot].hash == hash && matches(entries_[slots_[slot].position])) {
        return &entries_[slots_[slot].position];
      }
    }
    return nullptr;
  }

  // Null when the table is full. Invalidates pointers to entries. The caller has looked for the key
  // before.
  Entry* Insert(uint64_t hash, Entry entry) {
    if (entries_.size() >= max_entries_) {
      return nullptr;
    }
    if ((entries_.size() + 1) * 2 > slots_.size()) {
      Grow();
    }
    Place(hash, static_cast<uint32_t>(entries_.size()));
    entries_.push_back(std::move(entry));
    return &entries_.back();
  }

  std::vector<Entry>& Entries() { return entries_; }

  size_t Size() const { return entries_.size(); }

  size_t PositionOf(const Entry* entry) const {
    return static_cast<size_t>(entry - entries_.data());
  }

  void Clear() {
    size_t used = entries_.size();
    entries_.clear();
    if (slots_.size() > kMinSlots && slots_.size() > used * kShrinkFactor) {
      std::vector<Entry>().swap(entries_);
      std::vector<Slot>().swap(slots_);
      ResetIndex(kMinSlots);
    } else {
      ResetIndex(slots_.size());
    }
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t position = kEmpty;
  };

  static constexpr uint32_t kEmpty = 0xFFFFFFFFU;
  static constexpr size_t kMinSlots = 256;
  static constexpr size_t kShrinkFactor = 16;

  void ResetIndex(size_t slots) {
    slots_.assign(slots, Slot{});
    mask_ = slots - 1;
  }

  void Place(uint64_t hash, uint32_t position) {
    size_t slot = hash & mask_;
    while (slots_[slot].position != kEmpty) {
      slot = (slot + 1) & mask_;
    }
    slots_[slot] = {.hash = hash, .position = position};
  }

  void Grow() {
    std::vector<Slot> old = std::move(slots_);
    ResetIndex(old.size() * 2);
    for (const Slot& slot : old) {
      if (slot.position != kEmpty) {
        Place(slot.hash, slot.position);
      }
    }
  }

  size_t max_entries_;
  size_t mask_ = 0;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
};

}  // namespace network_mapper::sniffer
