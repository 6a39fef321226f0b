// Remembers for some minutes which clients do not trust the proxy's certificate for a name, so that
// their next connections are handed on without looking inside. Bounded; thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/concurrency/guarded.h"
#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class SpliceMemory {
 public:
  explicit SpliceMemory(std::chrono::nanoseconds duration, size_t most_entries = 10'000)
      : duration_(duration), most_entries_(most_entries) {}

  // Any client: a client of the unspecified address.
  void Remember(const IpAddress& client, std::string_view server_name, SteadyTime now);
  bool Knows(const IpAddress& client, std::string_view server_name, SteadyTime now) const;

 private:
  using Entries = std::map<std::pair<IpAddress, std::string>, SteadyTime>;

  const std::chrono::nanoseconds duration_;
  const size_t most_entries_;
  Guarded<Entries> ends_;
};

}  // namespace network_mapper::aws
