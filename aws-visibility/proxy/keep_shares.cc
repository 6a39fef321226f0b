#include "aws-visibility/proxy/keep_shares.h"

#include <algorithm>

namespace network_mapper::aws {

namespace {

// A body of 1 MiB in a buffer that has doubled is three quarters of it at most.
constexpr size_t kOneExchange = size_t{4} * 1024 * 1024;

}  // namespace

std::shared_ptr<KeepBudget> KeepShares::Of(const IpAddress& client) {
  return state_.With([&](State& state) {
    std::weak_ptr<KeepBudget>& of_client = state.of_client[client];
    std::shared_ptr<KeepBudget> share = of_client.lock();
    if (share == nullptr) {
      share = std::make_shared<KeepBudget>(all_, std::max(most_bytes_ / 4, kOneExchange),
                                           most_bytes_ / 256);
      of_client = share;
    }
    if (state.of_client.size() >= state.sweep_at) {
      std::erase_if(state.of_client, [](const auto& entry) { return entry.second.expired(); });
      state.sweep_at = std::max<size_t>(2 * state.of_client.size(), 64);
    }
    return share;
  });
}

}  // namespace network_mapper::aws
