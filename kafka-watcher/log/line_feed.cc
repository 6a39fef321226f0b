#include "kafka-watcher/log/line_feed.h"

namespace network_mapper::kafka {

uint64_t HarvestSignal::Harvests() const {
  const std::lock_guard lock(mutex_);
  return harvests_;
}

void HarvestSignal::Notify() {
  {
    const std::lock_guard lock(mutex_);
    ++harvests_;
  }
  changed_.notify_all();
}

bool HarvestSignal::WaitBeyond(uint64_t harvests, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return harvests_ > harvests; });
  return !stop.stop_requested();
}

bool LineFeed::Flush(const LogPosition& position, const std::stop_token& stop) {
  while (true) {
    // Asked first, so that a harvest between the refusal and the wait is not missed.
    const uint64_t harvests = harvested_.Harvests();
    if (log_.TakeLines(lines_, position)) {
      break;
    }
    if (!harvested_.WaitBeyond(harvests, stop)) {
      lines_.clear();
      overlong_ = 0;
      return false;
    }
  }
  lines_.clear();
  for (; overlong_ > 0; --overlong_) {
    log_.CountOverlong();
  }
  return true;
}

}  // namespace network_mapper::kafka
