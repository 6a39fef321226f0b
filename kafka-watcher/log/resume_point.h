// Up to where a log was read that knows times only, and how to find that place again in a stream
// that begins a little before it. Times are nanoseconds since the Unix epoch. Pure.
//
// Stamps of stdout and stderr may be out of order by an instant, within a file: a line that is
// stamped earlier than the one before counts as written at the same time. A step back that is
// longer than kSlack is the node's clock being set: reading goes on, and a reconnect before that
// clock has caught up may read lines twice.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "common/time/clock.h"

namespace network_mapper::kafka {

class ResumePoint {
 public:
  static constexpr int64_t kSlack = 1'000'000'000;

  // After `lines` of those at `at`. No lines: everything from `at` on is unread.
  explicit ResumePoint(int64_t at = 0, uint64_t lines = 0) : at_(at), lines_(lines) {}

  int64_t At() const { return at_; }

  uint64_t Lines() const { return lines_; }

  // What a stream has to begin with at the latest; absent: with everything.
  std::optional<Time> Since() const {
    return at_ <= kSlack ? std::nullopt
                         : std::optional(Time(std::chrono::duration_cast<Time::duration>(
                               std::chrono::nanoseconds(at_ - kSlack))));
  }

  enum class Verdict : uint8_t {
    kRead,    // was read before
    kUnread,  // counts as read now
    // Unread, and the last line that was read, if there is one, was not in the stream before it:
    // lines may be missing. Nothing has changed; Accept() takes it nevertheless.
    kUnreadAfterMissing,
  };

  // A stream begins, at or before Since().
  void BeginStream() {
    catching_up_ = true;
    latest_ = std::numeric_limits<int64_t>::min();
    seen_ = 0;
  }

  // The stream's next line.
  Verdict See(int64_t stamp) {
    if (catching_up_) {
      if (stamp > latest_ || stamp < latest_ - kSlack) {
        latest_ = stamp;
      }
      if (latest_ < at_) {
        return Verdict::kRead;
      }
      if (latest_ == at_ && seen_ < lines_) {
        ++seen_;
        return Verdict::kRead;
      }
      if (!Found()) {
        return Verdict::kUnreadAfterMissing;
      }
    }
    Accept(stamp);
    return Verdict::kUnread;
  }

  void Accept(int64_t stamp) {
    catching_up_ = false;
    seen_ = 1;
    if (stamp > at_ || stamp < at_ - kSlack || lines_ == 0) {
      at_ = stamp;
      lines_ = 1;
    } else {
      ++lines_;
    }
  }

  // Whether the last line that was read was in this stream.
  bool Found() const { return seen_ > 0; }

 private:
  int64_t at_;
  uint64_t lines_;
  bool catching_up_ = true;
  // Of this stream, while catching up: the latest stamp, and the lines seen at at_.
  int64_t latest_ = std::numeric_limits<int64_t>::min();
  uint64_t seen_ = 0;
};

}  // namespace network_mapper::kafka
