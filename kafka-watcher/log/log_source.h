// Where logs come from: the Kubernetes log API (pod_log_source.h) or a file (file_log_source.h). A
// source reads on its own threads from its creation to its destruction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/time/clock.h"
#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {

// One log, for health pages, metrics and the log.
struct LogState {
  // "broker-0.kafka/kafka" (pod, namespace, container) or the file's path.
  std::string name;
  BrokerName broker;
  LineCounts counts;
  bool reading = false;
  // Why it is not being read, naming the log and the remedy; empty when it is.
  std::string error;
  // When the last line, and the last line with an audit text, was written.
  std::optional<Time> last_line;
  std::optional<Time> last_audit_line;
  // Since when it is being read without a pause.
  std::optional<Time> reading_since;
  // How far the reading is behind the log's end: bytes for a file, seconds (of the last line, from
  // its writing to its reading) for a pod.
  double lag = 0;
  // The container's image, where known: it tells the distribution.
  std::string image;
};

class LogSource {
 public:
  LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;
  virtual ~LogSource() = default;

  // What was read since the last call, one harvest a log. Logs that are gone for good are handed
  // over once more and then forgotten, with their positions.
  virtual std::vector<Harvest> Take() = 0;
  virtual std::vector<LogState> States() const = 0;
  // Settings that select nothing, servers that were asked for and are not there, missing rights:
  // each names its cause and its remedy.
  virtual std::vector<std::string> Problems() const = 0;
};

}  // namespace network_mapper::kafka
