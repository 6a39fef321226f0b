#include "common/kube/object_watch.h"

#include <algorithm>
#include <exception>
#include <random>
#include <thread>
#include <utility>

#include "common/concurrency/guarded.h"
#include "common/concurrency/stop_wait.h"
#include "common/kube/api_error.h"
#include "common/kube/back_off.h"
#include "common/kube/list_page.h"
#include "common/kube/paths.h"
#include "common/kube/watch_stream.h"
#include "common/log/log.h"

namespace network_mapper::kube {

namespace {

// A watch that ends sooner, without an event, failed (as client-go sees it).
constexpr std::chrono::seconds kShortestWatch{1};
// How much longer than the agreed length of a watch silence is borne.
constexpr std::chrono::seconds kSilenceMargin{15};
constexpr std::chrono::seconds kListTimeout{60};
constexpr std::chrono::seconds kLogInterval{60};

constexpr std::string_view kListAccept = "application/json";
constexpr std::string_view kMetadataListAccept =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr std::string_view kMetadataAccept =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

struct Metrics {
  Metrics(MetricsRegistry& registry, const std::string& resource)
      : lists(registry.AddCounter("network_mapper_kube_lists_total",
                                  "Complete lists read from the Kubernetes API",
                                  {{"resource", resource}})),
        watches(registry.AddCounter("network_mapper_kube_watches_total", "Watches begun",
                                    {{"resource", resource}})),
        relists(registry.AddCounter("network_mapper_kube_relists_total",
                                    "Lists that had to be read again", {{"resource", resource}})),
        events(registry.AddCounter("network_mapper_kube_watch_events_total",
                                   "Events received from watches, bookmarks included",
                                   {{"resource", resource}})),
        bytes(registry.AddCounter("network_mapper_kube_received_bytes_total",
                                  "Bytes of lists and watches, after decompression",
                                  {{"resource", resource}})),
        oversized(registry.AddCounter("network_mapper_kube_oversized_frames_total",
                                      "Watch frames refused for their length",
                                      {{"resource", resource}})),
        up(registry.AddGauge("network_mapper_kube_watch_up",
                             "1 while list and watch work, 0 while one fails",
                             {{"resource", resource}})),
        last_event(registry.AddGauge("network_mapper_kube_last_event_timestamp_seconds",
                                     "When the server last sent something",
                                     {{"resource", resource}})) {}

  Counter& lists;
  Counter& watches;
  Counter& relists;
  Counter& events;
  Counter& bytes;
  Counter& oversized;
  Gauge& up;
  Gauge& last_event;
};

std::string PluralOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What to do after a list or watch.
struct Outcome {
  // OK: go on at once.
  Status status;
  // The known resourceVersion is of no more use.
  bool relist = false;
};

}  // namespace

Random SystemRandom() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
  };
}

class ObjectWatch::Loop {
 public:
  Loop(ObjectWatchOptions options, Dependencies dependencies)
      : options_(std::move(options)),
        client_(dependencies.client),
        handler_(dependencies.handler),
        registry_(dependencies.metrics),
        clock_(dependencies.clock),
        random_(std::move(dependencies.random)),
        resource_(PluralOf(options_.path)),
        metrics_(registry_, resource_),
        back_off_(options_.first_back_off, options_.longest_back_off) {}

  void Start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }

  void Stop() {
    thread_.request_stop();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  ObjectWatchState State() const {
    const SteadyTime now = clock_.SteadyNow();
    return state_.With([now](const ObjectWatchState& state) {
      ObjectWatchState seen = state;
      if (state.open_since && now - *state.open_since >= kShortestWatch) {
        seen.last_error = OkStatus();
        seen.failing_since.reset();
      }
      return seen;
    });
  }

  const ObjectWatchOptions& Options() const { return options_; }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const bool lists = version_.empty();
      Outcome outcome;
      try {
        outcome = lists ? List(stop) : Watch(stop);
      } catch (const std::exception& error) {
        outcome = {Internal("handler or parser: {}", error.what()), true};
      }
      if (outcome.relist) {
        version_.clear();
      }
      if (outcome.status.ok() || stop.stop_requested()) {
        continue;
      }
      const Status status =
          Annotate(outcome.status, fmt::format("{} {}", lists ? "list" : "watch", resource_));
      Count(status);
      // The first 410 after progress is business as usual: the list is read again at once.
      const bool expired = outcome.status.code() == StatusCode::kOutOfRange && outcome.relist;
      if (expired && std::exchange(may_relist_at_once_, false)) {
        continue;
      }
      Report(status);
      WaitUnlessStopped(stop, back_off_.Next(random_(), RetryAfter(outcome.status)));
    }
  }

  void Count(const Status& status) {
    registry_
        .AddCounter("network_mapper_kube_request_errors_total",
                    "Lists and watches that failed, by code",
                    {{"resource", resource_}, {"code", std::string(StatusCodeName(status.code()))}})
        .Increment();
  }

  void Report(const Status& status) {
    state_.With([&status, now = clock_.Now()](ObjectWatchState& state) {
      state.last_error = status;
      state.failing_since = state.failing_since.value_or(now);
      state.open_since.reset();
    });
    metrics_.up.Set(0);
    if (log_limit_.Allow(clock_.SteadyNow())) {
      LogWarn("kubernetes watch failed, will try again",
              {{"resource", resource_}, {"error", status}});
    }
  }

  // Something good came from the server.
  void Progress() {
    const Time now = clock_.Now();
    metrics_.last_event.Set(std::chrono::duration<double>(now.time_since_epoch()).count());
    state_.With([now](ObjectWatchState& state) { state.last_event = now; });
  }

  void Healthy() {
    back_off_.Reset();
    may_relist_at_once_ = true;
    state_.With([](ObjectWatchState& state) {
      state.last_error = OkStatus();
      state.failing_since.reset();
    });
    metrics_.up.Set(1);
  }

  // The server has agreed to a watch; it may be long until it has something to say.
  void Open() {
    state_.With([now = clock_.SteadyNow()](ObjectWatchState& state) { state.open_since = now; });
    metrics_.up.Set(1);
  }

  std::string Selectors() const {
    std::string query;
    if (!options_.label_selector.empty()) {
      query += "&labelSelector=" + PercentEncode(options_.label_selector);
    }
    if (!options_.field_selector.empty()) {
      query += "&fieldSelector=" + PercentEncode(options_.field_selector);
    }
    return query;
  }

  Outcome List(const std::stop_token& stop) {
    if (listed_before_) {
      metrics_.relists.Increment();
      state_.With([](ObjectWatchState& state) { ++state.relists; });
    }
    RequestOptions request;
    request.accept = options_.metadata_only ? kMetadataListAccept : kListAccept;
    request.timeout = kListTimeout;
    request.stop = stop;
    handler_.BeginList();
    ListPage page;
    do {
      std::string path =
          fmt::format("{}?limit={}{}", options_.path, options_.page_size, Selectors());
      if (!page.continue_token.empty()) {
        path += "&continue=" + PercentEncode(page.continue_token);
      }
      StatusOr<Response> answer = client_.Get(path, request);
      if (!answer.ok()) {
        return {answer.status(), true};
      }
      metrics_.bytes.Increment(static_cast<double>(answer->body.size()));
      StatusOr<ListPage> read =
          ReadListPage(answer->body, [this](std::string_view object) { handler_.Upsert(object); });
      if (!read.ok()) {
        return {read.status(), true};
      }
      page = *std::move(read);
      Progress();
    } while (!page.continue_token.empty() && !stop.stop_requested());
    if (stop.stop_requested()) {
      return {};
    }
    handler_.EndList();
    version_ = page.resource_version;
    listed_before_ = true;
    metrics_.lists.Increment();
    state_.With([](ObjectWatchState& state) {
      state.synced = true;
      state.last_error = OkStatus();
    });
    return {};
  }

  // What the frames of one watch did to it.
  struct Frames {
    Outcome outcome;
    uint64_t events = 0;
    bool bookmarked = false;
  };

  bool OnFrame(std::string_view line, Frames& frames) {
    StatusOr<WatchEvent> event = parser_.Parse(line);
    if (!event.ok()) {
      frames.outcome = {event.status(), true};
      return false;
    }
    metrics_.events.Increment();
    if (event->type == WatchEventType::kError) {
      frames.outcome.status = ErrorFromApiStatus("error event", event->error);
      return false;
    }
    ++frames.events;
    if (event->type == WatchEventType::kBookmark) {
      frames.bookmarked = true;
    } else if (event->type == WatchEventType::kDeleted) {
      handler_.Delete(event->object_json);
    } else {
      handler_.Upsert(event->object_json);
    }
    version_ = event->resource_version;
    Progress();
    Healthy();
    return true;
  }

  Outcome Watch(const std::stop_token& stop) {
    const auto duration = std::chrono::seconds(static_cast<int64_t>(
        static_cast<double>(options_.watch_duration.count()) * (1.0 + random_())));
    const std::string path =
        fmt::format("{}?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}{}",
                    options_.path, PercentEncode(version_), duration.count(), Selectors());
    StreamOptions stream;
    stream.accept = options_.metadata_only ? kMetadataAccept : kListAccept;
    stream.silence_timeout =
        std::min<std::chrono::milliseconds>(duration + kSilenceMargin, options_.longest_silence);
    bool opened = false;
    stream.on_open = [this, &opened] {
      opened = true;
      Open();
    };
    LineSplitter splitter(options_.max_frame_bytes);
    Frames frames;
    metrics_.watches.Increment();
    const SteadyTime begun = clock_.SteadyNow();
    const Status streamed = client_.Stream(
        path, stream,
        [&](std::string_view chunk) {
          metrics_.bytes.Increment(static_cast<double>(chunk.size()));
          const Status cut =
              splitter.Push(chunk, [&](std::string_view line) { return OnFrame(line, frames); });
          if (!cut.ok()) {
            metrics_.oversized.Increment();
            frames.outcome = {cut, true};
          }
          return frames.outcome.status.ok();
        },
        stop);
    if (streamed.code() == StatusCode::kDeadlineExceeded && opened && !frames.bookmarked) {
      // There may have been nothing to say: a server need not send bookmarks, and one that has just
      // started cannot until something changes.
      Healthy();
      return {};
    }
    Outcome outcome = frames.outcome;
    if (outcome.status.ok()) {
      outcome.status = streamed;
    }
    return Judge(std::move(outcome), frames.events, clock_.SteadyNow() - begun);
  }

  Outcome Judge(Outcome outcome, uint64_t events, SteadyTime::duration lived) {
    const bool lasted = events > 0 || lived >= kShortestWatch;
    if (outcome.status.ok()) {
      if (lasted) {
        Healthy();
        return outcome;
      }
      outcome.status = Unavailable("the watch ended at once and empty");
      return outcome;
    }
    switch (outcome.status.code()) {
      case StatusCode::kUnavailable:
      case StatusCode::kUnauthenticated:
      case StatusCode::kDeadlineExceeded:
      case StatusCode::kCancelled:
        break;
      default:
        // Also without the right to watch: lists alone, one a back-off, keep the view fresh.
        outcome.relist = true;
    }
    return outcome;
  }

  const ObjectWatchOptions options_;
  Client& client_;
  ObjectHandler& handler_;
  MetricsRegistry& registry_;
  const Clock& clock_;
  Random random_;
  const std::string resource_;
  Metrics metrics_;
  Guarded<ObjectWatchState> state_;

  // Of the thread only.
  BackOff back_off_;
  WatchEventParser parser_;
  LogRateLimit log_limit_{kLogInterval};
  // Empty: a list is due.
  std::string version_;
  bool listed_before_ = false;
  bool may_relist_at_once_ = true;

  std::jthread thread_;
};

ObjectWatch::ObjectWatch(ObjectWatchOptions options, Dependencies dependencies)
    : loop_(std::make_unique<Loop>(std::move(options), std::move(dependencies))) {}

ObjectWatch::~ObjectWatch() {
  loop_->Stop();
}

void ObjectWatch::Start() {
  loop_->Start();
}

void ObjectWatch::Stop() {
  loop_->Stop();
}

ObjectWatchState ObjectWatch::State() const {
  return loop_->State();
}

const ObjectWatchOptions& ObjectWatch::Options() const {
  return loop_->Options();
}

}  // namespace network_mapper::kube
