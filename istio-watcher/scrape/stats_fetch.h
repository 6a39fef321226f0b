// An answer of a proxy that is under way, however it is had; never blocks. Many go on side by side
// on one thread, which waits for their descriptors.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

// Takes what has come of the answer; an error ends the fetch (kTooLong).
using TakeStats = std::function<Status(std::string_view)>;

class StatsFetch {
 public:
  StatsFetch() = default;
  StatsFetch(const StatsFetch&) = delete;
  StatsFetch& operator=(const StatsFetch&) = delete;
  virtual ~StatsFetch() = default;

  // For poll(2); -1 when it is over.
  virtual int Descriptor() const = 0;
  virtual short Events() const = 0;

  // What is not over then fails.
  virtual SteadyTime Deadline() const = 0;

  // To be called when the descriptor is ready, and when the deadline has passed.
  virtual void Advance(SteadyTime now) = 0;

  virtual bool IsOver() const = 0;

  // Once it is over; absent: the whole answer was handed on.
  virtual std::optional<ScrapeFailure> Failure() const = 0;

  // Of the answer, so far.
  virtual uint64_t Bytes() const = 0;
};

}  // namespace network_mapper::istio
