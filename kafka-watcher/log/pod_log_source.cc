#include "kafka-watcher/log/pod_log_source.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "common/kube/object_watch.h"
#include "common/kube/paths.h"
#include "common/log/log.h"
#include "kafka-watcher/log/line_feed.h"
#include "kafka-watcher/log/pod_facts.h"
#include "kafka-watcher/log/pod_log_reader.h"

namespace network_mapper::kafka {

namespace {

constexpr size_t kMostEnded = 1000;

// What one watch is for: a pod by name, or a selector in a namespace or in all.
struct Search {
  std::string name_space;
  std::string pod;
  std::string labels;

  friend auto operator<=>(const Search&, const Search&) = default;
};

std::string Describe(const Search& search) {
  const std::string where =
      search.name_space.empty() ? "any namespace" : "namespace " + search.name_space;
  return search.pod.empty() ? fmt::format("pods with labels '{}' in {}", search.labels, where)
                            : fmt::format("pod {}/{}", search.name_space, search.pod);
}

std::set<Search> SearchesOf(const PodLogOptions& options) {
  std::set<Search> searches;
  for (const BrokerName& server : options.servers) {
    searches.insert({server.name_space, server.pod, ""});
  }
  for (const PodSelector& selector : options.selectors) {
    const auto& namespaces = selector.namespaces.empty() ? options.namespaces : selector.namespaces;
    for (const std::string& name_space : namespaces) {
      searches.insert({name_space, "", selector.labels});
    }
    if (namespaces.empty()) {
      searches.insert({"", "", selector.labels});
    }
  }
  return searches;
}

kube::ObjectWatchOptions WatchOptionsOf(const Search& search) {
  kube::ObjectWatchOptions options;
  options.path = search.name_space.empty() ? "/api/v1/pods"
                                           : fmt::format("/api/v1/namespaces/{}/pods",
                                                         kube::PercentEncode(search.name_space));
  options.label_selector = search.labels;
  options.field_selector = search.pod.empty() ? "" : "metadata.name=" + search.pod;
  return options;
}

int64_t NanosecondsOf(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

using PodKey = std::pair<std::string, std::string>;  // namespace, name

PodKey KeyOf(const PodFacts& facts) {
  return {facts.name_space, facts.name};
}

class PodLogSource final : public LogSource {
 public:
  PodLogSource(PodLogOptions options, const std::vector<LogPosition>& saved,
               std::shared_ptr<kube::Client> client, MetricsRegistry& metrics, const Clock& clock)
      : options_(std::move(options)),
        client_(std::move(client)),
        clock_(clock),
        started_(clock.Now()),
        gone_(metrics.AddCounter(
            "network_mapper_kafka_watcher_logs_gone_total",
            "Logs with a saved position whose pod was gone when the watcher started")) {
    for (const LogPosition& position : saved) {
      if (const auto* pod = std::get_if<PodLogPosition>(&position)) {
        saved_.emplace(PodKey(pod->name_space, pod->pod), *pod);
      }
    }
    for (const Search& search : SearchesOf(options_)) {
      watched_.push_back(std::make_unique<Watched>(*this, search, metrics));
    }
    unsynced_ = watched_.size();
    for (const auto& watched : watched_) {
      watched->watch.Start();
    }
  }

  ~PodLogSource() override {
    for (const auto& watched : watched_) {
      watched->watch.Stop();
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [key, pod] : pods_) {
      if (pod.reader) {
        pod.reader->RequestStop();
      }
    }
    for (const auto& reader : leaving_) {
      reader->RequestStop();
    }
  }

  std::vector<Harvest> Take() override {
    std::vector<Harvest> harvests;
    std::vector<std::shared_ptr<PodLogReader>> readers;
    std::vector<std::shared_ptr<PodLogReader>> finished;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& reader : leaving_) {
        reader->EndFarewell();
      }
      std::copy_if(leaving_.begin(), leaving_.end(), std::back_inserter(finished),
                   [](const auto& reader) { return reader->Finished(); });
      readers = Readers();
      // Until it is known which pods are there, none of their positions may be lost.
      for (const auto& [key, position] : saved_) {
        if (unsynced_ > 0) {
          harvests.push_back({.observations = {}, .position = position});
        }
      }
    }
    std::map<const PodLogReader*, LogPosition> ends;
    for (const auto& reader : readers) {
      harvests.push_back(reader->Log().Take());
      if (harvests.back().position) {
        ends.insert_or_assign(reader.get(), *harvests.back().position);
      }
    }
    {
      const std::lock_guard lock(mutex_);
      for (const auto& reader : finished) {
        std::erase(leaving_, reader);
        RememberEnd(ends, *reader);
      }
      StartWaiting();
    }
    harvested_.Notify();
    return harvests;
  }

  std::vector<LogState> States() const override {
    std::vector<LogState> states;
    const std::lock_guard lock(mutex_);
    for (const auto& reader : Readers()) {
      states.push_back(reader->State());
    }
    return states;
  }

  std::vector<std::string> Problems() const override {
    std::vector<std::string> problems;
    const std::lock_guard lock(mutex_);
    for (const auto& watched : watched_) {
      const kube::ObjectWatchState state = watched->watch.State();
      if (!state.last_error.ok()) {
        problems.push_back(fmt::format(
            "cannot look for {}: {}{}", Describe(watched->search), StatusMessage(state.last_error),
            state.last_error.code() == StatusCode::kPermissionDenied
                ? "; grant the watcher's service account get, list and watch on pods there"
                : ""));
      } else if (state.synced && watched->uids.empty()) {
        problems.push_back(
            watched->search.pod.empty()
                ? fmt::format("there are no {}; check the selector", Describe(watched->search))
                : fmt::format("there is no {}; check its name, or start it",
                              Describe(watched->search)));
      }
    }
    size_t waiting = 0;
    for (const auto& [key, pod] : pods_) {
      waiting += pod.reader || IsLeaving(pod.facts.uid) ? 0U : 1U;
      const std::string refusal = pod.reader ? pod.reader->Refusal() : "";
      if (!refusal.empty()) {
        problems.push_back(refusal);
      }
    }
    if (waiting > 0) {
      problems.push_back(fmt::format(
          "the logs of {} pods are not read: {} are the most at once; choose fewer pods", waiting,
          options_.most_logs));
    }
    return problems;
  }

 private:
  // One watch, and which pods it sees: name and namespace to UID. Calls come from its thread.
  struct Watched final : ObjectHandler {
    Watched(PodLogSource& owner, Search what, MetricsRegistry& metrics)
        : source(owner),
          search(std::move(what)),
          watch(WatchOptionsOf(search), {.client = *owner.client_,
                                         .handler = *this,
                                         .metrics = metrics,
                                         .clock = owner.clock_}) {}

    void BeginList() override { listed.clear(); }

    void Upsert(std::string_view object_json) override {
      if (const auto facts = ParsePodFacts(object_json); facts.ok()) {
        listed.insert(KeyOf(*facts));
        source.Seen(*this, *facts);
      }
    }

    void EndList() override { source.Listed(*this); }

    void Delete(std::string_view object_json) override {
      if (const auto facts = ParsePodFacts(object_json); facts.ok()) {
        source.Unseen(*this, KeyOf(*facts));
      }
    }

    PodLogSource& source;
    const Search search;
    std::set<PodKey> listed;
    // Guarded by the source's mutex.
    std::map<PodKey, std::string> uids;
    bool synced = false;
    kube::ObjectWatch watch;
  };

  struct Pod {
    PodFacts facts;
    // Where to begin; and the log of the pod before it was not read to its end.
    PodLogPosition from;
    bool after_gap = false;
    // Absent beyond the most logs.
    std::shared_ptr<PodLogReader> reader;
  };

  void Seen(Watched& by, const PodFacts& facts) {
    const std::lock_guard lock(mutex_);
    by.uids[KeyOf(facts)] = facts.uid;
    const auto known = pods_.find(KeyOf(facts));
    if (known != pods_.end() && known->second.facts.uid == facts.uid) {
      known->second.facts = facts;
      if (known->second.reader) {
        known->second.reader->Update(facts);
      }
      return;
    }
    Pod pod{facts, Beginning(facts), false, nullptr};
    if (known != pods_.end()) {
      pod.from.last_line_at = 0;
      Forget(known);
    }
    if (const auto saved = saved_.find(KeyOf(facts)); saved != saved_.end()) {
      const bool same = saved->second.pod_uid == facts.uid;
      if (same && saved->second.container == facts.container) {
        pod.from = saved->second;
      } else if (!same) {
        pod.after_gap = true;
        pod.from.last_line_at = 0;
      }
      saved_.erase(saved);
    }
    pods_.emplace(KeyOf(facts), std::move(pod));
    StartWaiting();
  }

  void Unseen(Watched& by, const PodKey& key) {
    const std::lock_guard lock(mutex_);
    UnseenLocked(by, key);
  }

  void Listed(Watched& by) {
    const std::lock_guard lock(mutex_);
    std::vector<PodKey> missing;
    for (const auto& [key, uid] : by.uids) {
      if (!by.listed.contains(key)) {
        missing.push_back(key);
      }
    }
    for (const PodKey& key : missing) {
      UnseenLocked(by, key);
    }
    if (!std::exchange(by.synced, true) && --unsynced_ == 0) {
      for (const auto& [key, position] : saved_) {
        gone_.Increment();
        LogWarn("a pod is gone, with what of its log was not read",
                {{"pod", key.second}, {"namespace", key.first}});
      }
    }
  }

  void UnseenLocked(Watched& by, const PodKey& key) {
    by.uids.erase(key);
    const bool seen_by_others =
        std::any_of(watched_.begin(), watched_.end(),
                    [&](const auto& watched) { return watched->uids.contains(key); });
    if (const auto known = pods_.find(key); known != pods_.end() && !seen_by_others) {
      Forget(known);
    }
  }

  // A pod may come back: one that lost its label, or that a list left out.
  void RememberEnd(const std::map<const PodLogReader*, LogPosition>& ends,
                   const PodLogReader& reader) {
    const auto end = ends.find(&reader);
    if (end == ends.end()) {
      return;
    }
    const auto& position = std::get<PodLogPosition>(end->second);
    while (ended_.size() >= kMostEnded) {
      ended_.pop_front();
    }
    ended_.push_back(position);
  }

  bool IsLeaving(const std::string& uid) const {
    return std::any_of(leaving_.begin(), leaving_.end(),
                       [&](const auto& reader) { return reader->PodUid() == uid; });
  }

  // Where its log was read to, when the pod was here before.
  void GoOnAfterEnd(Pod& pod) {
    const auto end = std::find_if(ended_.begin(), ended_.end(), [&](const PodLogPosition& one) {
      return one.pod_uid == pod.facts.uid && one.container == pod.facts.container;
    });
    if (end != ended_.end()) {
      pod.from = *end;
      ended_.erase(end);
    }
  }

  using Pods = std::map<PodKey, Pod>;

  void Forget(Pods::iterator known) {
    if (known->second.reader) {
      known->second.reader->Leave();
      leaving_.push_back(std::move(known->second.reader));
    }
    pods_.erase(known);
  }

  // Of a log that was never read.
  PodLogPosition Beginning(const PodFacts& facts) const {
    const bool younger =
        facts.created && *facts.created >= std::chrono::floor<std::chrono::seconds>(started_);
    return {.name_space = facts.name_space,
            .pod = facts.name,
            .pod_uid = facts.uid,
            .container = facts.container,
            .restart_count = younger ? 0 : facts.restart_count,
            .last_line_at = younger ? 0 : NanosecondsOf(started_),
            .lines_at_that_time = 0};
  }

  // Starts readers of the pods that wait for one, as far as there is room.
  void StartWaiting() {
    auto room =
        static_cast<ptrdiff_t>(options_.most_logs) - static_cast<ptrdiff_t>(Readers().size());
    for (auto& [key, pod] : pods_) {
      // Two readers of one log would read lines twice.
      if (pod.reader || room <= 0 || IsLeaving(pod.facts.uid)) {
        continue;
      }
      --room;
      GoOnAfterEnd(pod);
      pod.reader = std::make_shared<PodLogReader>(
          pod.facts, pod.from, PodLogReaderParts{*client_, options_, harvested_, clock_});
      if (pod.after_gap) {
        pod.reader->Log().CountGap();
      }
      pod.reader->Start();
      LogInfo("reading a log", {{"pod", pod.facts.name},
                                {"namespace", pod.facts.name_space},
                                {"container", pod.facts.container}});
    }
  }

  std::vector<std::shared_ptr<PodLogReader>> Readers() const {
    std::vector<std::shared_ptr<PodLogReader>> readers(leaving_);
    for (const auto& [key, pod] : pods_) {
      if (pod.reader) {
        readers.push_back(pod.reader);
      }
    }
    return readers;
  }

  const PodLogOptions options_;
  const std::shared_ptr<kube::Client> client_;
  const Clock& clock_;
  const Time started_;
  Counter& gone_;
  HarvestSignal harvested_;

  mutable std::mutex mutex_;
  // Positions of pods that were not seen yet.
  std::map<PodKey, PodLogPosition> saved_;
  Pods pods_;
  // Of pods that are gone, until their last harvest.
  std::vector<std::shared_ptr<PodLogReader>> leaving_;
  // Where the last of those were read to, the latest at the end.
  std::deque<PodLogPosition> ended_;
  // Watches that have not listed their pods yet.
  size_t unsynced_ = 0;
  std::vector<std::unique_ptr<Watched>> watched_;
};

Status Check(const PodLogOptions& options) {
  if (options.servers.empty() && options.selectors.empty()) {
    return InvalidArgument("no pods to read logs of: name servers or give a label selector");
  }
  for (const BrokerName& server : options.servers) {
    if (server.pod.empty() || server.name_space.empty()) {
      return InvalidArgument("server '{}.{}' lacks the pod's name or its namespace", server.pod,
                             server.name_space);
    }
  }
  for (const PodSelector& selector : options.selectors) {
    if (selector.labels.empty()) {
      return InvalidArgument("an empty label selector would choose every pod");
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<LogSource>> MakePodLogSource(PodLogOptions options,
                                                      const std::vector<LogPosition>& saved,
                                                      std::shared_ptr<kube::Client> client,
                                                      MetricsRegistry& metrics,
                                                      const Clock& clock) {
  RETURN_IF_ERROR(Check(options));
  return std::make_unique<PodLogSource>(std::move(options), saved, std::move(client), metrics,
                                        clock);
}

}  // namespace network_mapper::kafka
