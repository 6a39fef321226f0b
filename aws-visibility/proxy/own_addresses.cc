#include "aws-visibility/proxy/own_addresses.h"

namespace network_mapper::aws {

namespace {

constexpr auto kAskEvery = std::chrono::minutes(1);

}  // namespace

std::vector<IpAddress> OwnAddresses::Get() {
  if (name_.empty()) {
    return {};
  }
  Known known = known_.With([](const Known& now) { return now; });
  if (known.asked && clock_.SteadyNow() < known.due) {
    return known.addresses;
  }
  std::unique_lock asking(asking_, std::defer_lock);
  if (known.asked) {
    if (!asking.try_lock()) {
      return known.addresses;
    }
  } else {
    asking.lock();
  }
  known = known_.With([](const Known& now) { return now; });
  if (known.asked && clock_.SteadyNow() < known.due) {
    return known.addresses;
  }
  StatusOr<std::vector<IpAddress>> answer = look_up_(name_);
  return known_.With([&](Known& now) {
    now.asked = true;
    now.due = clock_.SteadyNow() + kAskEvery;
    // What was true a minute ago is a better guess than none.
    if (answer.ok()) {
      now.addresses = *std::move(answer);
    }
    return now.addresses;
  });
}

}  // namespace network_mapper::aws
