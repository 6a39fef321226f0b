// The answer of a proxy that a command beside it writes. Not thread-safe.
#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "common/time/clock.h"
#include "istio-watcher/scrape/proxy_command.h"
#include "istio-watcher/scrape/stats_fetch.h"

namespace network_mapper::istio {

class CommandFetch final : public StatsFetch {
 public:
  CommandFetch(std::unique_ptr<CommandRun> run, SteadyTime deadline, TakeStats take);

  int Descriptor() const override { return run_ == nullptr ? -1 : run_->Descriptor(); }

  short Events() const override { return POLLIN; }

  SteadyTime Deadline() const override { return deadline_; }

  void Advance(SteadyTime now) override;

  bool IsOver() const override { return run_ == nullptr; }

  std::optional<ScrapeFailure> Failure() const override { return failure_; }

  uint64_t Bytes() const override { return bytes_; }

 private:
  void End(std::optional<ScrapeFailure> failure);

  // Until it is over.
  std::unique_ptr<CommandRun> run_;
  SteadyTime deadline_;
  TakeStats take_;
  std::optional<ScrapeFailure> failure_;
  uint64_t bytes_ = 0;
};

}  // namespace network_mapper::istio
