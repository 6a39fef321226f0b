// Runs a command in a container of a pod, through the API server: pods/exec over WebSocket, in the
// channel protocol that API servers have had since before 1.23 (v4.channel.k8s.io, as kubelet's
// streaming server speaks it; v5 adds nothing but an end of standard input). RBAC: get pods/exec,
// and from 1.35 on create as well.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::kube {

struct PodCommand {
  std::string name_space;
  std::string pod;
  std::string container;
  // The program and its arguments; no shell.
  std::vector<std::string> words;
};

// What the command writes to standard output, as it comes. An error ends the exchange, whose error
// it is.
using OnOutput = std::function<Status(std::string_view)>;

// The node's messages: the first byte is the channel. Pure; keeps a bounded part of standard error.
class CommandChannels {
 public:
  // True: the command has ended with code 0. FailedPrecondition: with another one, or the node
  // cannot run it; the begin of what it wrote to standard error is in the message. Unavailable: no
  // such protocol.
  StatusOr<bool> Take(std::string_view message, const OnOutput& on_output);

 private:
  Status TakeEnd(std::string_view json) const;

  size_t complained_ = 0;
  std::string complaint_;
};

// Returns once the command has ended, OK with code 0. All of it has to be over within `timeout`
// (DeadlineExceeded); ends soon after a request for stop (Cancelled), which does not end the
// command itself. Other errors are those of Client, CommandChannels and `on_output`. Thread-safe.
Status RunInPod(Client& client, const PodCommand& command, std::chrono::milliseconds timeout,
                const OnOutput& on_output, const std::stop_token& stop = {});

}  // namespace network_mapper::kube
