// The addresses of the proxy's own Service, by which a name would lead in a circle. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/net/ip_address.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class OwnAddresses {
 public:
  using LookUp = std::function<StatusOr<std::vector<IpAddress>>(const std::string& name)>;

  // An empty name has none. `clock` must outlive this.
  OwnAddresses(std::string name, LookUp look_up, const Clock& clock)
      : name_(std::move(name)), look_up_(std::move(look_up)), clock_(clock) {}

  // Asks for them once a minute, in the caller's thread; the other callers go by the last answer,
  // and wait for the first one only. None while the name has no address: no other leads there.
  std::vector<IpAddress> Get();

 private:
  struct Known {
    bool asked = false;
    SteadyTime due;
    std::vector<IpAddress> addresses;
  };

  const std::string name_;
  const LookUp look_up_;
  const Clock& clock_;
  // Held by who asks.
  std::mutex asking_;
  Guarded<Known> known_;
};

}  // namespace network_mapper::aws
