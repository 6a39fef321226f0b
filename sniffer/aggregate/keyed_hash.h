// Hashing of keys that outsiders choose (names, addresses, sequence numbers): seeded per table, so
// that nobody can aim at collisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

#include "common/net/ip_address.h"

namespace network_mapper::sniffer {

class KeyedHash {
 public:
  KeyedHash() {
    std::random_device random;
    seed_ = (uint64_t{random()} << 32U) | random();
  }

  uint64_t Mix(uint64_t a, uint64_t b) const {
    uint64_t mixed = Fold((a ^ seed_) * 0x9E3779B97F4A7C15ULL);
    return Fold((mixed ^ b) * 0xBF58476D1CE4E5B9ULL);
  }

  uint64_t OfAddress(const IpAddress& address, uint64_t salt) const {
    return Mix(static_cast<uint64_t>(address.Hash()), salt);
  }

  uint64_t OfText(std::string_view text) const {
    uint64_t hash = text.size();
    while (text.size() >= sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, text.data(), sizeof(word));
      hash = Mix(hash, word);
      text.remove_prefix(sizeof(word));
    }
    uint64_t tail = 0;
    std::memcpy(&tail, text.data(), text.size());
    return Mix(hash, tail);
  }

 private:
  static uint64_t Fold(uint64_t value) { return value ^ (value >> 32U); }

  uint64_t seed_;
};

}  // namespace network_mapper::sniffer
