#include "aws-visibility/proxy/connection_places.h"

namespace network_mapper::aws {

ConnectionPlaces::Answer ConnectionPlaces::Take(const IpAddress& peer) {
  return state_.With([&](State& state) {
    const auto found = state.of_peer.find(peer);
    if (found != state.of_peer.end() && found->second >= most_of_peer_) {
      return Answer::kPeerHasItsShare;
    }
    if (state.taken >= most_) {
      return Answer::kNoneLeft;
    }
    ++state.of_peer[peer];
    ++state.taken;
    state.full = state.full || state.taken == most_;
    return Answer::kTaken;
  });
}

void ConnectionPlaces::Return(const IpAddress& peer) {
  state_.With([&](State& state) {
    const auto found = state.of_peer.find(peer);
    if (--found->second == 0) {
      state.of_peer.erase(found);
    }
    --state.taken;
    state.full = state.full && state.taken > most_ - (most_ + 9) / 10;
  });
}

bool ConnectionPlaces::Full() const {
  return state_.With([](const State& state) { return state.full; });
}

}  // namespace network_mapper::aws
