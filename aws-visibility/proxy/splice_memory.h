// Remembers for some minutes which clients do not trust the proxy's certificate for a name, so that
// their next connections are handed on without looking inside. Some of them say so; others just
// leave, as a probe does that only looks whether somebody answers: these are suspected first.
// Bounded; thread-safe.
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
  // It left without a word when it had seen the certificate. True: for the second time in a row, or
  // as it did before it was spliced; then that is remembered.
  bool Suspect(const IpAddress& client, std::string_view server_name, SteadyTime now);
  // It works with the certificate: it is not suspected any more. What is remembered stays.
  void Trust(const IpAddress& client, std::string_view server_name);
  bool Knows(const IpAddress& client, std::string_view server_name, SteadyTime now) const;

 private:
  struct Entry {
    SteadyTime end;
    // Else only suspected.
    bool sure = false;
  };

  using Entries = std::map<std::pair<IpAddress, std::string>, Entry>;

  void Put(Entries& entries, const IpAddress& client, std::string_view server_name, bool sure,
           SteadyTime now) const;

  const std::chrono::nanoseconds duration_;
  const size_t most_entries_;
  Guarded<Entries> entries_;
};

}  // namespace network_mapper::aws
