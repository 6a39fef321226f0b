// Bounds-checked, big-endian reads from bytes that came from outside. Every parser of packets reads
// through this class: a read past the end yields nothing instead of touching memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace network_mapper {

// Does not own the bytes, which must outlive it. Copying it is how a parser remembers a position.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  size_t Remaining() const { return bytes_.size() - position_; }

  size_t Position() const { return position_; }

  std::optional<uint8_t> ReadU8() {
    if (Remaining() < 1) {
      return std::nullopt;
    }
    return bytes_[position_++];
  }

  std::optional<uint16_t> ReadU16() {
    if (Remaining() < 2) {
      return std::nullopt;
    }
    auto value = static_cast<uint16_t>((bytes_[position_] << 8U) | bytes_[position_ + 1]);
    position_ += 2;
    return value;
  }

  std::optional<uint32_t> ReadU32() {
    if (Remaining() < 4) {
      return std::nullopt;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) {
      value = (value << 8U) | bytes_[position_ + i];
    }
    position_ += 4;
    return value;
  }

  // A view of the next `count` bytes, or nothing (and no movement) when fewer remain.
  std::optional<std::span<const uint8_t>> ReadBytes(size_t count) {
    if (Remaining() < count) {
      return std::nullopt;
    }
    std::span<const uint8_t> view = bytes_.subspan(position_, count);
    position_ += count;
    return view;
  }

  // False (and no movement) when fewer than `count` bytes remain.
  bool Skip(size_t count) {
    if (Remaining() < count) {
      return false;
    }
    position_ += count;
    return true;
  }

  // All bytes from the current position to the end.
  std::span<const uint8_t> Rest() const { return bytes_.subspan(position_); }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

}  // namespace network_mapper
