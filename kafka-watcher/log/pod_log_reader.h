// Follows the log of one container of one pod on a thread of its own, until the pod is gone.
//
// The Kubernetes log API gives streams that end, break or fall silent, start where one asks to the
// second, and do not say which start of the container they show. So the place to go on from is
// found by the lines themselves (resume_point.h): if the last line that was read is not in the
// current log, it is looked for in the log of the container's start before, whose rest is then read
// first. If it is in neither, lines may be missing, and a gap is counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "common/kube/client.h"
#include "common/kube/object_watch.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/log/line_cutter.h"
#include "kafka-watcher/log/line_feed.h"
#include "kafka-watcher/log/log_source.h"
#include "kafka-watcher/log/pod_facts.h"
#include "kafka-watcher/log/pod_log_source.h"
#include "kafka-watcher/log/resume_point.h"
#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {

// All must outlive the reader.
struct PodLogReaderParts {
  kube::Client& client;
  const PodLogOptions& options;
  HarvestSignal& harvested;
  const Clock& clock;
};

class PodLogReader {
 public:
  // `from`: of this pod and container.
  PodLogReader(const PodFacts& facts, const PodLogPosition& from, const PodLogReaderParts& parts);
  PodLogReader(const PodLogReader&) = delete;
  PodLogReader& operator=(const PodLogReader&) = delete;
  // Stops, at once.
  ~PodLogReader();

  // Thread-safe from here on.
  void Start();
  void RequestStop();
  // The pod's state has changed.
  void Update(const PodFacts& facts);
  // The pod is gone: what still comes is read, for PodLogOptions::farewell at most.
  void Leave();
  // Ends the reading of a pod that is gone when it takes too long.
  void EndFarewell();
  bool Finished() const;

  const std::string& PodUid() const { return pod_uid_; }

  WatchedLog& Log() { return log_; }

  LogState State() const;
  // Why reading fails for want of rights; empty otherwise.
  std::string Refusal() const;

 private:
  // Shared between the thread and the others.
  struct Shared {
    PodFacts facts;
    // Counts changes that a wait shall end for.
    uint64_t news = 0;
    std::optional<SteadyTime> leaving_since;
    bool finished = false;
    Status error;
    std::optional<Time> reading_since;
    double lag = 0;
  };

  // How a stream shall be read, and how it went.
  struct Reading {
    bool previous = false;
    bool opened = false;
    bool got_unread = false;
    // It shows another start of the container than the one that was read last.
    bool lost_track = false;
    // What the node said in place of lines.
    std::string remark;
  };

  template <typename Use>
  decltype(auto) With(Use use) const {
    const std::lock_guard lock(mutex_);
    return use(shared_);
  }

  template <typename Use>
  void Change(Use use) {
    {
      const std::lock_guard lock(mutex_);
      use(shared_);
    }
    changed_.notify_all();
  }

  void Run(const std::stop_token& stop);
  Status ReadOnce(Reading& current, const std::stop_token& stop);
  Status LookBack(const std::stop_token& stop);
  Status CheckSamePod(const std::stop_token& stop);
  Status Stream(Reading& reading, const std::stop_token& stop);
  bool TakeChunk(std::string_view bytes, Reading& reading, const std::stop_token& stop);
  bool TakeLine(const CutLine& line, Reading& reading, const std::stop_token& stop);
  bool Flush(const std::stop_token& stop);
  // The unfinished last line of a log that has ended.
  void TakeRest(const std::stop_token& stop);
  std::string StreamPath(bool previous) const;
  PodLogPosition Position() const;
  Status Explain(const Status& status) const;

  const PodLogReaderParts parts_;
  const std::string name_;
  const std::string pod_path_;
  const std::string pod_uid_;
  WatchedLog log_;

  // Of the thread.
  PodLogPosition position_;
  ResumePoint point_;
  LineCutter cutter_;
  LineFeed feed_;
  // When the last line of the feed was written.
  Time last_stamp_;
  // The log of the start before has to be read first.
  bool look_back_ = false;
  // Whether the last line that was read was found there.
  bool found_back_ = false;
  // The line of the current log that made the thread look back.
  std::optional<int64_t> looked_back_for_;
  bool ended_cleanly_ = false;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  mutable Shared shared_;
  std::jthread thread_;
};

}  // namespace network_mapper::kafka
