// Runs a program beside a proxy: the way to statistics that are for the proxy's own pod only
// (METRICS_LOCALHOST_ACCESS_ONLY). The mapper has it over the Kubernetes API.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

struct ProxyPod {
  std::string name_space;
  std::string name;
};

// A command that was begun. Its destructor gives it up, and does not wait.
class CommandRun {
 public:
  CommandRun() = default;
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;
  virtual ~CommandRun() = default;

  // What the command writes, to be read without waiting; it ends once the command is over. Owned by
  // the run. -1: nothing could be begun.
  virtual int Descriptor() const = 0;

  // Once that has ended; absent: the command has succeeded.
  virtual std::optional<ScrapeFailure> Failure() const = 0;
};

class ProxyCommand {
 public:
  ProxyCommand() = default;
  ProxyCommand(const ProxyCommand&) = delete;
  ProxyCommand& operator=(const ProxyCommand&) = delete;
  virtual ~ProxyCommand() = default;

  // In the proxy's container. Does not wait. What is not over after `timeout` fails. The runs must
  // not outlive this.
  virtual std::unique_ptr<CommandRun> Start(const ProxyPod& pod,
                                            const std::vector<std::string>& words,
                                            std::chrono::nanoseconds timeout) = 0;
};

}  // namespace network_mapper::istio
