#include "common/http/peer_rate_limit.h"

#include <chrono>

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{1h};

IpAddress Peer(uint8_t number) {
  return IpAddress::FromV4Bytes(std::array<uint8_t, 4>{10, 0, 0, number});
}

int AllowedAt(PeerRateLimit& limit, const IpAddress& peer, SteadyTime now, int tries) {
  int allowed = 0;
  for (int i = 0; i < tries; ++i) {
    allowed += limit.Allow(peer, now) ? 1 : 0;
  }
  return allowed;
}

TEST(PeerRateLimit, LetsABurstThroughAndThenTheRate) {
  PeerRateLimit limit(10);
  EXPECT_EQ(AllowedAt(limit, Peer(1), kStart, 100), 20);
  EXPECT_EQ(AllowedAt(limit, Peer(1), kStart + 1s, 100), 10);
  EXPECT_EQ(AllowedAt(limit, Peer(1), kStart + 1min, 100), 20);
}

TEST(PeerRateLimit, CountsEachAddressByItself) {
  PeerRateLimit limit(10);
  EXPECT_EQ(AllowedAt(limit, Peer(1), kStart, 100), 20);
  EXPECT_EQ(AllowedAt(limit, Peer(2), kStart, 100), 20);
}

TEST(PeerRateLimit, KeepsNoMoreAddressesThanItMay) {
  PeerRateLimit limit(10, 2);
  EXPECT_EQ(AllowedAt(limit, Peer(1), kStart, 5), 5);
  EXPECT_EQ(AllowedAt(limit, Peer(2), kStart, 5), 5);
  // Further ones share what one has.
  EXPECT_EQ(AllowedAt(limit, Peer(3), kStart, 100), 20);
  EXPECT_EQ(AllowedAt(limit, Peer(4), kStart, 100), 0);
  // Those that have been quiet make room.
  EXPECT_EQ(AllowedAt(limit, Peer(5), kStart + 1min, 100), 20);
  EXPECT_EQ(AllowedAt(limit, Peer(6), kStart + 1min, 100), 20);
}

}  // namespace
}  // namespace network_mapper
