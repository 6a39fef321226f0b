#include "common/time/clock.h"

namespace network_mapper {

namespace {

class SystemClock final : public Clock {
 public:
  Time Now() const override { return std::chrono::system_clock::now(); }

  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

}  // namespace network_mapper
