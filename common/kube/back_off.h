// Waiting times between attempts: doubling, with jitter, never shorter than the server asked for.
// Used by ObjectWatch; pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace network_mapper::kube {

class BackOff {
 public:
  BackOff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest), next_(first) {}

  // The next wait: between half and all of the current step (`random` in [0, 1)), or `retry_after`
  // where that is longer. A server cannot ask for more than kLongestRetryAfter.
  std::chrono::milliseconds Next(double random, std::optional<std::chrono::seconds> retry_after) {
    const auto step = static_cast<double>(next_.count());
    const auto wait = std::chrono::milliseconds(static_cast<int64_t>(step / 2 + step / 2 * random));
    next_ = std::min(next_ * 2, longest_);
    const std::chrono::milliseconds asked =
        std::clamp<std::chrono::milliseconds>(retry_after.value_or(std::chrono::seconds(0)),
                                              std::chrono::milliseconds(0), kLongestRetryAfter);
    return std::max(wait, asked);
  }

  void Reset() { next_ = first_; }

  static constexpr std::chrono::minutes kLongestRetryAfter{5};

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds longest_;
  std::chrono::milliseconds next_;
};

}  // namespace network_mapper::kube
