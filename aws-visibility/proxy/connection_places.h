// How many connections there may be at a time, in all and of one client address, so that nobody
// takes the others' places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "common/concurrency/guarded.h"
#include "common/net/ip_address.h"

namespace network_mapper::aws {

// Thread-safe.
class ConnectionPlaces {
 public:
  enum class Answer : uint8_t { kTaken, kNoneLeft, kPeerHasItsShare };

  ConnectionPlaces(size_t most, size_t most_of_peer) : most_(most), most_of_peer_(most_of_peer) {}

  // To be returned once for each kTaken.
  Answer Take(const IpAddress& peer);
  void Return(const IpAddress& peer);

  // From when none is left until a tenth are free: who asks may take long to act on it.
  bool Full() const;

 private:
  struct State {
    size_t taken = 0;
    bool full = false;
    std::unordered_map<IpAddress, size_t> of_peer;
  };

  const size_t most_;
  const size_t most_of_peer_;
  Guarded<State> state_;
};

}  // namespace network_mapper::aws
