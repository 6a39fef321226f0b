#include "kafka-watcher/log/file_log_source.h"

#include <filesystem>
#include <thread>
#include <utility>

#include "common/concurrency/guarded.h"
#include "common/concurrency/stop_wait.h"
#include "kafka-watcher/log/file_log_reader.h"
#include "kafka-watcher/log/line_feed.h"

namespace network_mapper::kafka {

namespace {

class FileLogSource final : public LogSource {
 public:
  FileLogSource(FileLogOptions options, std::optional<FileLogPosition> saved, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        log_(options_.broker, options_.most_accesses),
        reader_(options_.path, std::move(saved), log_, harvested_, clock),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  std::vector<Harvest> Take() override {
    std::vector<Harvest> harvests;
    harvests.push_back(log_.Take());
    harvested_.Notify();
    return harvests;
  }

  std::vector<LogState> States() const override {
    LogState state;
    state.name = options_.path;
    state.broker = options_.broker;
    state.counts = log_.Counts();
    reading_.With([&](const Reading& reading) {
      state.reading = reading.since.has_value();
      state.error = reading.error;
      state.reading_since = reading.since;
      state.lag = static_cast<double>(reading.behind);
    });
    return {state};
  }

  std::vector<std::string> Problems() const override {
    const std::string error = reading_.With([](const Reading& reading) { return reading.error; });
    return error.empty() ? std::vector<std::string>() : std::vector<std::string>{error};
  }

 private:
  struct Reading {
    std::optional<Time> since;
    std::string error;
    uint64_t behind = 0;
  };

  void Run(const std::stop_token& stop) {
    do {
      const Status status = reader_.Step(stop);
      const Time now = clock_.Now();
      reading_.With([&](Reading& reading) {
        reading.error = Explain(status);
        reading.since = status.ok() ? reading.since.value_or(now) : std::optional<Time>();
        reading.behind = reader_.Behind();
      });
    } while (WaitUnlessStopped(stop, options_.interval));
  }

  static std::string Explain(const Status& status) {
    if (status.ok()) {
      return "";
    }
    return status.code() == StatusCode::kNotFound
               ? StatusMessage(status) + "; check the path, or wait for the broker to write it"
               : StatusMessage(status);
  }

  const FileLogOptions options_;
  const Clock& clock_;
  HarvestSignal harvested_;
  WatchedLog log_;
  FileLogReader reader_;
  Guarded<Reading> reading_;
  std::jthread thread_;
};

Status Check(const FileLogOptions& options) {
  if (!options.path.starts_with('/')) {
    return InvalidArgument("the log file '{}' is no absolute path", options.path);
  }
  if (options.broker.pod.empty() || options.broker.name_space.empty()) {
    return InvalidArgument("who writes {}: the broker's pod and namespace are needed",
                           options.path);
  }
  const StatusOr<FileLook> look = LookAt(options.path);
  return look.status().code() == StatusCode::kFailedPrecondition ? look.status() : OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<LogSource>> MakeFileLogSource(FileLogOptions options,
                                                       const std::vector<LogPosition>& saved,
                                                       const Clock& clock) {
  RETURN_IF_ERROR(Check(options));
  std::optional<FileLogPosition> position;
  for (const LogPosition& one : saved) {
    const auto* file = std::get_if<FileLogPosition>(&one);
    if (file != nullptr && file->path == options.path) {
      position = *file;
    }
  }
  return std::make_unique<FileLogSource>(std::move(options), std::move(position), clock);
}

}  // namespace network_mapper::kafka
