#include "istio-watcher/scrape/command_fetch.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace network_mapper::istio {

CommandFetch::CommandFetch(std::unique_ptr<CommandRun> run, SteadyTime deadline, TakeStats take)
    : run_(std::move(run)), deadline_(deadline), take_(std::move(take)) {
  if (run_->Descriptor() < 0) {
    End(run_->Failure().value_or(ScrapeFailure::kExecFailed));
  }
}

void CommandFetch::Advance(SteadyTime now) {
  if (IsOver()) {
    return;
  }
  if (now >= deadline_) {
    End(ScrapeFailure::kTimeout);
    return;
  }
  // One after the other gets its turn.
  constexpr size_t kReadAtATime = size_t{64} * 1024;
  thread_local std::array<char, kReadAtATime> buffer;
  const ssize_t got = read(run_->Descriptor(), buffer.data(), buffer.size());
  if (got > 0) {
    bytes_ += static_cast<uint64_t>(got);
    if (!take_({buffer.data(), static_cast<size_t>(got)}).ok()) {
      End(ScrapeFailure::kTooLong);
    }
  } else if (got == 0) {
    End(run_->Failure());
  } else if (errno != EAGAIN && errno != EINTR) {
    End(ScrapeFailure::kExecFailed);
  }
}

void CommandFetch::End(std::optional<ScrapeFailure> failure) {
  run_.reset();
  failure_ = failure;
}

}  // namespace network_mapper::istio
