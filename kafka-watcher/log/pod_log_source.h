// Logs of containers by the Kubernetes log API: follows the pods that were named or that a label
// selector chooses, through restarts of their containers, replacements of the pods and failures of
// the API server. Needs the rights get, list and watch on pods and get on pods/log.
//
// What is read: a log with a saved position from there on; one without from the source's creation
// on, so that all of a pod that is created later is read. What may be missing is counted as a gap:
// the node rotated the log away, the container was restarted twice, or the pod was replaced, before
// all of it was read. Lines that the node's own reader leaves out while it follows a rotation leave
// no trace and cannot be counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/kube/client.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

struct PodSelector {
  // "strimzi.io/kind=Kafka,strimzi.io/component-type=kafka".
  std::string labels;
  // Where to look; empty: where PodLogOptions says.
  std::vector<std::string> namespaces{};
};

struct PodLogOptions {
  // Pods by name. One that is not there is a problem, and waited for.
  std::vector<BrokerName> servers{};
  std::vector<PodSelector> selectors{};
  // For selectors without namespaces of their own; empty: all.
  std::vector<std::string> namespaces{};

  // What one log may hold between two harvests.
  size_t most_accesses = WatchedLog::kMostAccesses;
  // Each takes a thread and a connection; more pods are a problem that Problems() names.
  size_t most_logs = 256;
  // A followed log that is silent for longer is asked for again: some nodes stop sending without a
  // word.
  std::chrono::milliseconds longest_silence{60'000};
  // Where lines had to wait for room for longer, some may be lost: a kubelet that cannot go on
  // sending skips, without a word, files that are rotated in and out meanwhile. It looks every ten
  // seconds for logs to rotate.
  std::chrono::milliseconds longest_hold_up{10'000};
  std::chrono::milliseconds first_back_off{500};
  std::chrono::milliseconds longest_back_off{30'000};
  // How long the end of a deleted pod's log is waited for.
  std::chrono::milliseconds farewell{5'000};
};

// Errors: options that choose nothing or name a pod without a name. The API server need not be
// reachable. Positions of other kinds of logs are ignored. `metrics` and `clock` must outlive the
// source.
StatusOr<std::unique_ptr<LogSource>> MakePodLogSource(PodLogOptions options,
                                                      const std::vector<LogPosition>& saved,
                                                      std::shared_ptr<kube::Client> client,
                                                      MetricsRegistry& metrics,
                                                      const Clock& clock = Clock::System());

}  // namespace network_mapper::kafka
