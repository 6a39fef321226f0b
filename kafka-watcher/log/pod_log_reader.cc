#include "kafka-watcher/log/pod_log_reader.h"

#include <algorithm>
#include <utility>

#include "common/kube/api_error.h"
#include "common/kube/back_off.h"
#include "common/kube/paths.h"
#include "common/log/log.h"
#include "common/time/time_text.h"
#include "kafka-watcher/log/stamped_line.h"

namespace network_mapper::kafka {

namespace {

// A stream that lived longer worked.
constexpr std::chrono::seconds kHealthyStream{1};
constexpr std::chrono::seconds kLookTimeout{30};
constexpr size_t kLongestRemark = 200;

int64_t Nanoseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::string PodPath(const PodFacts& facts) {
  return fmt::format("/api/v1/namespaces/{}/pods/{}", kube::PercentEncode(facts.name_space),
                     kube::PercentEncode(facts.name));
}

}  // namespace

PodLogReader::PodLogReader(const PodFacts& facts, const PodLogPosition& from,
                           const PodLogReaderParts& parts)
    : parts_(parts),
      name_(fmt::format("{}.{}/{}", facts.name, facts.name_space, facts.container)),
      pod_path_(PodPath(facts)),
      pod_uid_(facts.uid),
      log_({.pod = facts.name, .name_space = facts.name_space}, parts.options.most_accesses),
      position_(from),
      point_(from.last_line_at, from.lines_at_that_time),
      feed_(log_, parts.harvested) {
  shared_.facts = facts;
  log_.MoveTo(Position());
}

PodLogReader::~PodLogReader() = default;

void PodLogReader::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void PodLogReader::RequestStop() {
  thread_.request_stop();
}

void PodLogReader::Update(const PodFacts& facts) {
  Change([&](Shared& shared) {
    // Whose log is read is chosen once.
    if (facts.container == shared.facts.container && facts != shared.facts) {
      shared.facts = facts;
      ++shared.news;
    }
  });
}

void PodLogReader::Leave() {
  Change([&](Shared& shared) {
    shared.leaving_since = parts_.clock.SteadyNow();
    ++shared.news;
  });
}

void PodLogReader::EndFarewell() {
  const bool over = With([&](const Shared& shared) {
    return shared.leaving_since && !shared.finished &&
           parts_.clock.SteadyNow() - *shared.leaving_since > parts_.options.farewell;
  });
  if (over) {
    RequestStop();
  }
}

bool PodLogReader::Finished() const {
  return With([](const Shared& shared) { return shared.finished; });
}

LogState PodLogReader::State() const {
  LogState state;
  state.name = name_;
  state.broker = log_.Broker();
  state.counts = log_.Counts();
  With([&](const Shared& shared) {
    state.reading = shared.reading_since.has_value();
    state.error = shared.error.ok() ? "" : StatusMessage(shared.error);
    state.reading_since = shared.reading_since;
    state.lag = shared.lag;
    state.image = shared.facts.image;
  });
  return state;
}

std::string PodLogReader::Refusal() const {
  return With([](const Shared& shared) {
    return shared.error.code() == StatusCode::kPermissionDenied ? StatusMessage(shared.error) : "";
  });
}

void PodLogReader::Run(const std::stop_token& stop) {
  kube::BackOff back_off(parts_.options.first_back_off, parts_.options.longest_back_off);
  kube::Random random = kube::SystemRandom();
  while (!stop.stop_requested()) {
    const uint64_t news = With([](const Shared& shared) { return shared.news; });
    const bool ended_before = ended_cleanly_;
    Reading reading;
    const SteadyTime begun = parts_.clock.SteadyNow();
    const Status ended = ReadOnce(reading, stop);
    if (stop.stop_requested()) {
      break;
    }
    // A container that does not run yet, or a pod that is gone, takes nothing unread along.
    if (reading.lost_track || ended.code() == StatusCode::kNotFound) {
      ended_cleanly_ = ended_before;
    } else {
      ended_cleanly_ = ended.ok() || kube::HttpCode(ended) == 400;
    }
    // Silence is no failure: brokers may have nothing to say.
    const bool silent = reading.opened && ended.code() == StatusCode::kDeadlineExceeded;
    const Status error = silent || reading.lost_track ? OkStatus() : Explain(ended);
    const bool leaving =
        With([](const Shared& shared) { return shared.leaving_since.has_value(); });
    Change([&](Shared& shared) {
      shared.error = error;
      shared.reading_since = silent || reading.lost_track ? shared.reading_since : std::nullopt;
    });
    if (leaving && !reading.lost_track) {
      TakeRest(stop);
      break;
    }
    if (reading.got_unread ||
        (reading.opened && parts_.clock.SteadyNow() - begun > kHealthyStream)) {
      back_off.Reset();
    }
    if (silent || reading.lost_track) {
      continue;
    }
    const auto wait = back_off.Next(random(), kube::RetryAfter(ended));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, wait, [&] { return shared_.news != news; });
  }
  if (With([](const Shared& shared) { return shared.leaving_since.has_value(); }) &&
      !ended_cleanly_) {
    log_.CountGap();
  }
  Change([](Shared& shared) {
    shared.finished = true;
    shared.reading_since.reset();
  });
}

// Until the stream ends. OK: it ended as streams do.
Status PodLogReader::ReadOnce(Reading& reading, const std::stop_token& stop) {
  const int64_t restarts = With([](const Shared& shared) { return shared.facts.restart_count; });
  if (look_back_ || restarts > position_.restart_count) {
    look_back_ = true;
    RETURN_IF_ERROR(LookBack(stop));
    look_back_ = false;
    position_.restart_count = std::max(restarts, position_.restart_count);
    log_.MoveTo(Position());
  }
  RETURN_IF_ERROR(Stream(reading, stop));
  if (reading.lost_track) {
    look_back_ = true;
    return OkStatus();
  }
  if (!reading.remark.empty() && !reading.got_unread) {
    return Unavailable("the node answers '{}'", reading.remark);
  }
  if (!With([](const Shared& shared) { return shared.facts.running; })) {
    TakeRest(stop);
  }
  return OkStatus();
}

// Reads what is left of the container's start before.
Status PodLogReader::LookBack(const std::stop_token& stop) {
  RETURN_IF_ERROR(CheckSamePod(stop));
  Reading reading;
  reading.previous = true;
  const Status status = Stream(reading, stop);
  if (kube::HttpCode(status) == 400) {
    // There was none, or it is gone.
    found_back_ = false;
    return OkStatus();
  }
  RETURN_IF_ERROR(status);
  TakeRest(stop);
  found_back_ = point_.Found();
  return OkStatus();
}

// The log API knows pods by name only.
Status PodLogReader::CheckSamePod(const std::stop_token& stop) {
  kube::RequestOptions options;
  options.timeout = kLookTimeout;
  options.stop = stop;
  const StatusOr<kube::Response> answer = parts_.client.Get(pod_path_, options);
  if (answer.status().code() == StatusCode::kPermissionDenied) {
    return OkStatus();  // The watch will tell.
  }
  RETURN_IF_ERROR(answer.status());
  ASSIGN_OR_RETURN(const PodFacts facts, ParsePodFacts(answer->body));
  if (facts.uid != position_.pod_uid) {
    return NotFound("pod {}/{} was replaced", position_.name_space, position_.pod);
  }
  return OkStatus();
}

Status PodLogReader::Stream(Reading& reading, const std::stop_token& stop) {
  kube::StreamOptions options;
  options.accept = "*/*";
  options.silence_timeout = parts_.options.longest_silence;
  options.on_open = [&] {
    reading.opened = true;
    ended_cleanly_ = false;
    cutter_.Clear();
    point_.BeginStream();
    const Time now = parts_.clock.Now();
    Change([&](Shared& shared) {
      shared.error = OkStatus();
      shared.reading_since = shared.reading_since.value_or(now);
    });
  };
  const Status status = parts_.client.Stream(
      StreamPath(reading.previous), options,
      [&](std::string_view bytes) { return TakeChunk(bytes, reading, stop); }, stop);
  return stop.stop_requested() ? MakeStatus(StatusCode::kCancelled, "stopped") : status;
}

bool PodLogReader::TakeChunk(std::string_view bytes, Reading& reading,
                             const std::stop_token& stop) {
  const bool goes_on =
      cutter_.Push(bytes, [&](const CutLine& line) { return TakeLine(line, reading, stop); });
  // Also what came before the line that ends the stream.
  return Flush(stop) && goes_on;
}

// False ends the stream.
bool PodLogReader::TakeLine(const CutLine& line, Reading& reading, const std::stop_token& stop) {
  const std::optional<StampedLine> stamped = ParseStampedLine(line.text);
  if (!stamped) {
    reading.remark = line.text.substr(0, kLongestRemark);
    return true;
  }
  const int64_t stamp = Nanoseconds(stamped->at);
  switch (point_.See(stamp)) {
    case ResumePoint::Verdict::kRead:
      return true;
    case ResumePoint::Verdict::kUnreadAfterMissing:
      if (!reading.previous && (!looked_back_for_ || stamp > *looked_back_for_)) {
        looked_back_for_ = stamp;
        reading.lost_track = true;
        return false;
      }
      if (point_.Lines() > 0 && (reading.previous || !found_back_)) {
        log_.CountGap();
      }
      point_.Accept(stamp);
      break;
    case ResumePoint::Verdict::kUnread:
      break;
  }
  if (!reading.previous) {
    looked_back_for_.reset();
    found_back_ = false;
  }
  reading.got_unread = true;
  last_stamp_ = stamped->at;
  if (line.overlong) {
    feed_.AddOverlong();
  } else {
    feed_.Add({.text = stamped->text, .written_at = stamped->at});
  }
  return !feed_.IsFull() || Flush(stop);
}

bool PodLogReader::Flush(const std::stop_token& stop) {
  if (feed_.Empty()) {
    return true;
  }
  const SteadyTime begun = parts_.clock.SteadyNow();
  if (!feed_.Flush(Position(), stop)) {
    return false;
  }
  if (parts_.clock.SteadyNow() - begun >= parts_.options.longest_hold_up) {
    log_.CountGap();
  }
  const double lag = std::chrono::duration<double>(parts_.clock.Now() - last_stamp_).count();
  Change([&](Shared& shared) { shared.lag = std::max(lag, 0.0); });
  return true;
}

void PodLogReader::TakeRest(const std::stop_token& stop) {
  if (const std::optional<CutLine> rest = cutter_.Rest()) {
    Reading reading;
    // Its own log is at its end: there is no other to look in.
    reading.previous = true;
    TakeLine(*rest, reading, stop);
    Flush(stop);
    cutter_.Clear();
  }
}

std::string PodLogReader::StreamPath(bool previous) const {
  std::string path = fmt::format("{}/log?container={}&timestamps=true&{}", pod_path_,
                                 kube::PercentEncode(position_.container),
                                 previous ? "previous=true" : "follow=true");
  if (const std::optional<Time> since = point_.Since()) {
    // The API server cuts it to whole seconds anyhow.
    path += "&sinceTime=" +
            kube::PercentEncode(FormatRfc3339(std::chrono::floor<std::chrono::seconds>(*since)));
  }
  return path;
}

PodLogPosition PodLogReader::Position() const {
  PodLogPosition position = position_;
  position.last_line_at = point_.At();
  position.lines_at_that_time = point_.Lines();
  return position;
}

Status PodLogReader::Explain(const Status& status) const {
  const std::string what = fmt::format("the log of container {} of pod {}/{} is not read",
                                       position_.container, position_.name_space, position_.pod);
  if (status.ok()) {
    return Unavailable("{}: it has ended; it is read on as soon as the container runs again", what);
  }
  if (status.code() == StatusCode::kPermissionDenied) {
    return PermissionDenied(
        "{}: {}; grant the watcher's service account get on pods/log in namespace {}", what,
        StatusMessage(status), position_.name_space);
  }
  if (kube::HttpCode(status) == 400) {
    return Unavailable("{}: {}; it is read as soon as the container runs", what,
                       StatusMessage(status));
  }
  if (status.code() == StatusCode::kNotFound) {
    return NotFound("{}: {}; it is read when the pod is there", what, StatusMessage(status));
  }
  return Annotate(status, what + ", and tried again");
}

}  // namespace network_mapper::kafka
