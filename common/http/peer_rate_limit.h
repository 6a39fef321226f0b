// How many requests a second one address may send: a bucket of tokens for each. What it keeps is
// bounded: addresses beyond its size share a bucket.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "common/concurrency/guarded.h"
#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper {

// Thread-safe.
class PeerRateLimit {
 public:
  // Twice as many as `per_second` may come at once after a pause.
  explicit PeerRateLimit(double per_second, size_t max_peers = 10'000);

  // Whether one more request of `peer` may be served at `now`.
  bool Allow(const IpAddress& peer, SteadyTime now);

 private:
  struct Bucket {
    double tokens = 0;
    SteadyTime filled_at;
  };

  using Buckets = std::unordered_map<IpAddress, Bucket>;

  double TokensAt(const Bucket& bucket, SteadyTime now) const;
  Bucket& BucketOf(Buckets& buckets, const IpAddress& peer, SteadyTime now) const;

  const double per_second_;
  const double most_;
  const size_t max_peers_;
  Guarded<Buckets> buckets_;
};

}  // namespace network_mapper
