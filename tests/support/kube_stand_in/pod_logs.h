// The logs of containers as a kubelet keeps and an API server serves them, without HTTP: one file a
// start of the container, rotated on demand; what a log request sees of them. Tests order here what
// the containers write and what goes wrong. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/waitable.h"
#include "common/time/clock.h"

namespace network_mapper::stand_in {

struct ContainerKey {
  std::string name_space;
  std::string pod;
  std::string container;

  friend auto operator<=>(const ContainerKey&, const ContainerKey&) = default;
};

struct LogRequest {
  ContainerKey container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  // Cut to whole seconds, as an API server does.
  std::optional<Time> since = {};
};

// An answer other than a log: 204, 400, ...
struct LogRefusal {
  int code = 400;
  std::string message;
};

class PodLogs {
 public:
  // A line of the running container; without `ended` its newline is still to come, and nothing else
  // may be written after it. The first line starts the container.
  void Write(const ContainerKey& key, Time at, std::string_view text, bool ended = true);
  // What was written so far is only seen by who follows already.
  void Rotate(const ContainerKey& key);
  // Streams of the container end.
  void End(const ContainerKey& key);
  // Starts it anew; the log until now is then the previous one.
  void Start(const ContainerKey& key);
  // The pod is gone, maybe for one of the same name; who follows reads to the end.
  void Remove(const ContainerKey& key);
  // Streams, also new ones, send nothing more until `stalled` is false again.
  void Stall(const ContainerKey& key, bool stalled);
  // Every request is refused until the next call.
  void Refuse(const ContainerKey& key, std::optional<LogRefusal> refusal);
  // Open streams break, without an end.
  void BreakStreams();
  // Asked at the begin of each stream: after how many bytes it breaks.
  void BreakAfter(std::function<std::optional<size_t>()> bytes);

  // How many requests for this log were made.
  int Requests(const ContainerKey& key) const;

 private:
  friend class LogStream;

  struct Line {
    Time at;
    std::string text;
    bool ended = true;
  };

  struct Run {
    std::vector<Line> lines;
    // Before it: rotated away.
    size_t file_begin = 0;
    bool over = false;
  };

  struct Log {
    // Of each start; the last two can be asked for.
    std::map<int, std::shared_ptr<Run>> runs;
    bool stalled = false;
    std::optional<LogRefusal> refusal;
    int requests = 0;
  };

  struct State {
    std::map<ContainerKey, Log> logs;
    uint64_t breaks = 0;
    std::function<std::optional<size_t>()> break_after;
  };

  static Run& Current(State& state, const ContainerKey& key);

  Waitable<State> state_;
};

// The bytes of one answer. Used by one thread.
class LogStream {
 public:
  // `logs` must outlive this.
  LogStream(PodLogs& logs, LogRequest request);

  // Set when there is nothing to stream.
  const std::optional<LogRefusal>& Refusal() const { return refusal_; }

  enum class Next { kBytes, kNothingYet, kEnd, kBreak };

  // Waits at most `limit` for bytes, which `out` is then.
  Next Read(std::chrono::milliseconds limit, std::string& out);

 private:
  bool Ready(const PodLogs::State& state) const;

  PodLogs& logs_;
  const LogRequest request_;
  std::optional<LogRefusal> refusal_;
  // Stays when the pod is gone, as an open file does.
  std::shared_ptr<PodLogs::Run> run_;
  size_t next_line_ = 0;
  uint64_t breaks_ = 0;
  std::optional<size_t> bytes_left_;
};

}  // namespace network_mapper::stand_in
