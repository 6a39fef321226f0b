#include "common/http/peer_rate_limit.h"

#include <algorithm>
#include <chrono>

namespace network_mapper {

namespace {

constexpr double kBurstSeconds = 2;

// The unspecified address, which no peer has.
constexpr IpAddress kAllOthers;

}  // namespace

PeerRateLimit::PeerRateLimit(double per_second, size_t max_peers)
    : per_second_(per_second), most_(per_second * kBurstSeconds), max_peers_(max_peers) {}

bool PeerRateLimit::Allow(const IpAddress& peer, SteadyTime now) {
  return buckets_.With([&](Buckets& buckets) {
    Bucket& bucket = BucketOf(buckets, peer, now);
    bucket = {.tokens = TokensAt(bucket, now), .filled_at = now};
    if (bucket.tokens < 1) {
      return false;
    }
    bucket.tokens -= 1;
    return true;
  });
}

double PeerRateLimit::TokensAt(const Bucket& bucket, SteadyTime now) const {
  const std::chrono::duration<double> passed = now - bucket.filled_at;
  return std::min(most_, bucket.tokens + passed.count() * per_second_);
}

PeerRateLimit::Bucket& PeerRateLimit::BucketOf(Buckets& buckets, const IpAddress& peer,
                                               SteadyTime now) const {
  if (const auto found = buckets.find(peer); found != buckets.end()) {
    return found->second;
  }
  if (buckets.size() >= max_peers_) {
    // A full bucket is as good as none.
    std::erase_if(buckets, [&](const auto& entry) { return TokensAt(entry.second, now) >= most_; });
  }
  const IpAddress& key = buckets.size() < max_peers_ ? peer : kAllOthers;
  return buckets.try_emplace(key, Bucket{.tokens = most_, .filled_at = now}).first->second;
}

}  // namespace network_mapper
