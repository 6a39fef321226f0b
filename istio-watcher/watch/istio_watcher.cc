#include "istio-watcher/watch/istio_watcher.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/concurrency/stop_wait.h"
#include "common/log/log.h"
#include "istio-watcher/deltas/snapshot_codec.h"
#include "istio-watcher/watch/saved_scope.h"

namespace network_mapper::istio {

namespace {

constexpr const char* kSavedScope = "istio/scope";
// How soon a stop is noticed.
constexpr std::chrono::milliseconds kPatience{100};
// While there is nothing to read.
constexpr std::chrono::seconds kIdle{2};
constexpr std::chrono::seconds kRetry{2};
// What the proxies' counters grew by is bulky: in a large mesh it does not wait for the round's
// end.
constexpr size_t kEnoughForAReport = 5'000;
// So many failed scrapes of a proxy in a row; a pod that ends may well fail one.
constexpr unsigned kWorthANotice = 2;

// Commands are beside the round.
size_t CountInRound(const std::vector<WatchedProxy*>& scraped) {
  return static_cast<size_t>(
      std::count_if(scraped.begin(), scraped.end(),
                    [](const WatchedProxy* proxy) { return !proxy->scrape->IsByCommand(); }));
}

bool IsWorthANotice(const WatchedProxy& proxy) {
  return proxy.proxy.is_ready &&
         (proxy.failures >= kWorthANotice || proxy.failure == ScrapeFailure::kExecForbidden);
}

}  // namespace

struct IstioWatcher::Watch {
  Watch(const WatchOptions& options, SavedScope saved_scope)
      : scope(std::move(saved_scope)),
        budget(options.max_series),
        deltas{.watching_since = scope.since,
               .report_since_start = options.report_since_start,
               .max_series_per_proxy = options.max_series_per_proxy},
        table(deltas, budget) {}

  SavedScope scope;
  bool scope_is_saved = false;
  SeriesBudget budget;
  DeltaOptions deltas;
  CallMerge merge;
  ProxyTable table;
  uint64_t series_over_limit = 0;
  // What the merge has got since the last report.
  size_t growth = 0;
  SteadyTime next_look_for_commands{};
  std::vector<std::string> notices;
};

IstioWatcher::IstioWatcher(WatchOptions options, WatchParts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      metrics_(parts_.metrics),
      random_(std::random_device()()) {
  options_.scrape.has_command = parts_.command != nullptr;
}

void IstioWatcher::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Status status = RunOnce(stop);
    report_.With([](WatchReport& report) { report = {}; });
    if (!status.ok() && !stop.stop_requested()) {
      LogWarn("the Istio watcher begins again", {{"error", status}});
      WaitUnlessStopped(stop, kRetry);
    }
  }
}

Status IstioWatcher::RunOnce(const std::stop_token& stop) {
  // Without a mesh there is nothing to do, and nothing to write.
  std::optional<std::vector<Proxy>> found = parts_.find();
  while (!found || found->empty()) {
    if (!WaitUnlessStopped(stop, kIdle)) {
      return OkStatus();
    }
    found = parts_.find();
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Watch> begun, Begin(stop));
  Watch& watch = *begun;
  LogInfo("watching Istio proxies",
          {{"proxies", found->size()}, {"known", watch.table.All().size()}});
  bool is_first = true;
  while (!stop.stop_requested()) {
    const SteadyTime begin = parts_.clock.SteadyNow();
    if (found = parts_.find(); found) {
      watch.table.Update(*std::move(found), begin);
    }
    const size_t proxies = watch.table.Readable().size();
    const Round round = is_first ? PlanFirstRound(options_.schedule, proxies)
                                 : PlanRound(options_.schedule, proxies);
    is_first = false;
    metrics_.round_seconds.Set(std::chrono::duration<double>(round.length).count());
    const SteadyTime end = begin + round.length;
    RETURN_IF_ERROR(ScrapeRound(watch, round, end, stop));
    if (stop.stop_requested()) {
      break;
    }
    Publish(watch);
    RETURN_IF_ERROR(Report(watch, stop));
    // Those that were not over.
    while (parts_.clock.SteadyNow() < end && !stop.stop_requested()) {
      AdvanceScrapes(watch,
                     std::min<std::chrono::nanoseconds>(kPatience, end - parts_.clock.SteadyNow()));
    }
  }
  return OkStatus();
}

// What is older than the watching is counted from its first scrape on, unless the journal knows it.
StatusOr<std::unique_ptr<IstioWatcher::Watch>> IstioWatcher::Begin(const std::stop_token& stop) {
  SavedScope scope{parts_.clock.Now(), options_.scope};
  ASSIGN_OR_RETURN(const Saved saved, parts_.journal.Begin(stop));
  std::optional<SavedScope> known;
  std::vector<ProxySnapshot> snapshots;
  size_t unreadable = 0;
  for (const auto& [name, bytes] : saved) {
    if (name == kSavedScope) {
      known = DecodeScope(bytes);
    } else if (name.starts_with(ProxyTable::kSavedPrefix)) {
      StatusOr<ProxySnapshot> snapshot = DecodeSnapshot(bytes);
      if (snapshot.ok()) {
        snapshots.push_back(*std::move(snapshot));
      } else {
        ++unreadable;
      }
    }
  }
  if (unreadable > 0) {
    LogWarn("saved counters of Istio proxies cannot be read", {{"proxies", unreadable}});
  }
  const bool goes_on = known && known->proxies == scope.proxies && unreadable == 0;
  if (goes_on) {
    scope.since = known->since;
  }
  auto watch = std::make_unique<Watch>(options_, std::move(scope));
  watch->scope_is_saved = goes_on;
  for (const ProxySnapshot& snapshot : snapshots) {
    watch->table.Restore(snapshot, parts_.clock.SteadyNow());
  }
  return watch;
}

// Until all is read, or the round is over: then who is slow comes with the next one.
Status IstioWatcher::ScrapeRound(Watch& watch, const Round& round, SteadyTime end,
                                 const std::stop_token& stop) {
  std::vector<WatchedProxy*> readable = watch.table.Readable();
  std::shuffle(readable.begin(), readable.end(), random_);
  // A ztunnel speaks for clients that have no proxy of their own: what they call is known as theirs
  // before it is reported as seen at its other end.
  const auto is_ztunnel = [](const WatchedProxy* proxy) {
    return proxy->proxy.address.kind == ProxyKind::kZtunnel;
  };
  const auto sidecars = std::stable_partition(readable.begin(), readable.end(), is_ztunnel);
  // However many do not answer, they do not keep the others from being read.
  std::stable_partition(sidecars, readable.end(), [](const WatchedProxy* proxy) {
    return proxy->failure != ScrapeFailure::kTimeout;
  });
  const auto ztunnels = static_cast<size_t>(sidecars - readable.begin());
  const std::vector<std::chrono::nanoseconds> begins =
      SpreadOver(round.window, readable.size(), random_);
  const SteadyTime begin = parts_.clock.SteadyNow();
  size_t next = 0;
  size_t under_way = CountInRound(watch.table.BeingScraped());
  while (!stop.stop_requested() && (next < readable.size() || under_way > 0)) {
    const SteadyTime now = parts_.clock.SteadyNow();
    if (now >= end) {
      return OkStatus();
    }
    while (next < readable.size() && begin + begins[next] <= now &&
           under_way < options_.max_scrapes) {
      BeginScrape(*readable[next]);
      ++next;
      ++under_way;
    }
    std::chrono::nanoseconds patience = std::min<std::chrono::nanoseconds>(kPatience, end - now);
    if (next < readable.size() && under_way < options_.max_scrapes) {
      patience = std::min(patience, begin + begins[next] - now);
    }
    AdvanceScrapes(watch, patience);
    const std::vector<WatchedProxy*> scraped = watch.table.BeingScraped();
    under_way = CountInRound(scraped);
    if (watch.growth >= kEnoughForAReport && next >= ztunnels &&
        std::none_of(scraped.begin(), scraped.end(), is_ztunnel)) {
      RETURN_IF_ERROR(Report(watch, stop));
    }
  }
  return OkStatus();
}

void IstioWatcher::BeginScrape(WatchedProxy& proxy) {
  proxy.scrape = std::make_unique<ProxyScrape>(options_.scrape, proxy.proxy.address, proxy.port,
                                               proxy.counters, parts_.clock);
}

// Those first that have waited longest, of which a new proxy is one.
void IstioWatcher::BeginCommands(Watch& watch) {
  const SteadyTime now = parts_.clock.SteadyNow();
  if (parts_.command == nullptr || now < watch.next_look_for_commands) {
    return;
  }
  watch.next_look_for_commands = now + kPatience;
  std::vector<WatchedProxy*> due;
  size_t under_way = 0;
  for (WatchedProxy* proxy : watch.table.All()) {
    if (proxy->scrape != nullptr) {
      under_way += static_cast<size_t>(proxy->scrape->IsByCommand());
    } else if (proxy->is_forbidden && proxy->proxy.is_ready && proxy->next_command <= now) {
      due.push_back(proxy);
    }
  }
  const size_t count =
      std::min(due.size(), options_.max_commands - std::min(options_.max_commands, under_way));
  std::partial_sort(due.begin(), due.begin() + static_cast<ptrdiff_t>(count), due.end(),
                    [](const WatchedProxy* left, const WatchedProxy* right) {
                      return left->next_command < right->next_command;
                    });
  due.resize(count);
  for (WatchedProxy* proxy : due) {
    proxy->next_command = now + options_.command_interval;
    proxy->scrape = std::make_unique<ProxyScrape>(options_.scrape, *parts_.command,
                                                  proxy->proxy.name, proxy->counters, parts_.clock);
    metrics_.commands.Increment();
  }
}

void IstioWatcher::AdvanceScrapes(Watch& watch, std::chrono::nanoseconds patience) {
  BeginCommands(watch);
  const std::vector<WatchedProxy*> scraped = watch.table.BeingScraped();
  std::vector<pollfd> descriptors;
  descriptors.reserve(scraped.size());
  const SteadyTime now = parts_.clock.SteadyNow();
  for (const WatchedProxy* proxy : scraped) {
    const ProxyScrape& scrape = *proxy->scrape;
    // poll(2) passes over what is already over.
    descriptors.push_back({scrape.IsOver() ? -1 : scrape.Descriptor(), scrape.Events(), 0});
    patience = scrape.IsOver()
                   ? std::chrono::nanoseconds(0)
                   : std::min<std::chrono::nanoseconds>(patience, scrape.Deadline() - now);
  }
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(std::max(patience, std::chrono::nanoseconds(0)));
  poll(descriptors.data(), descriptors.size(), static_cast<int>(milliseconds.count()));
  for (size_t i = 0; i < scraped.size(); ++i) {
    WatchedProxy& proxy = *scraped[i];
    if (descriptors[i].revents != 0 || parts_.clock.SteadyNow() >= proxy.scrape->Deadline()) {
      proxy.scrape->Advance();
    }
    if (proxy.scrape->IsOver()) {
      EndScrape(watch, proxy);
    }
  }
}

void IstioWatcher::EndScrape(Watch& watch, WatchedProxy& proxy) {
  ProxyScrape& scrape = *proxy.scrape;
  metrics_.scrapes.Increment();
  metrics_.bytes.Increment(static_cast<double>(scrape.Bytes()));
  if (!scrape.IsByCommand()) {
    proxy.is_forbidden = scrape.NeedsCommand();
  }
  // Whether it can be read, the command says then.
  if (scrape.IsByCommand() || !proxy.is_forbidden) {
    NoteFailure(proxy);
  }
  if (!scrape.Failure()) {
    proxy.port = scrape.IsByCommand() ? proxy.port : scrape.Port();
    const ReaderCounts& counts = scrape.Counts();
    metrics_.Count(counts);
    proxy.requests = proxy.proxy.address.kind == ProxyKind::kEnvoy ? counts.series : 0;
    proxy.requests_without_path = std::min(proxy.requests, counts.without_path_label);
    ScrapeResult result = scrape.TakeResult();
    proxy.was_read = true;
    watch.growth += result.growth.size();
    watch.series_over_limit += result.series_over_limit;
    metrics_.series_over_limit.Increment(static_cast<double>(result.series_over_limit));
    metrics_.surplus_generations.Increment(static_cast<double>(result.surplus_generations));
    watch.merge.Add(std::move(result));
  }
  proxy.scrape.reset();
}

void IstioWatcher::NoteFailure(WatchedProxy& proxy) {
  proxy.failure = proxy.scrape->Failure();
  proxy.failures = proxy.failure ? proxy.failures + 1 : 0;
  if (proxy.failure) {
    metrics_.failures.at(static_cast<size_t>(*proxy.failure))->Increment();
    LogDebug("an Istio proxy cannot be read", {{"namespace", proxy.proxy.name.name_space},
                                               {"pod", proxy.proxy.name.name},
                                               {"reason", ScrapeFailureName(*proxy.failure)}});
  }
}

Status IstioWatcher::Report(Watch& watch, const std::stop_token& stop) {
  watch.table.Cover(watch.merge);
  MergedRound merged = watch.merge.Take(parts_.clock.Now());
  watch.growth = 0;
  metrics_.counted_elsewhere.Increment(static_cast<double>(merged.counted_elsewhere));
  SavedChanges changes = watch.table.Changes();
  if (!watch.scope_is_saved) {
    changes[kSavedScope] = EncodeScope(watch.scope);
  }
  LogDebug("Istio proxies read",
           {{"observations", merged.observations.size()}, {"saved", changes.size()}});
  RETURN_IF_ERROR(parts_.journal.Write(
      {std::move(merged.observations), std::move(changes), watch.notices}, stop));
  watch.table.KeepSaved();
  watch.scope_is_saved = true;
  return OkStatus();
}

void IstioWatcher::Publish(Watch& watch) {
  WatchReport report;
  for (const WatchedProxy* proxy : watch.table.All()) {
    if (proxy->missing_since) {
      continue;
    }
    ++report.proxies;
    report.requests += proxy->requests;
    report.requests_without_path += proxy->requests_without_path;
    if (IsWorthANotice(*proxy)) {
      ++report.failing.at(static_cast<size_t>(*proxy->failure));
    }
  }
  report.series_over_limit = std::exchange(watch.series_over_limit, 0);
  metrics_.proxies.Set(static_cast<double>(report.proxies));
  metrics_.unread_proxies.Set(static_cast<double>(report.Failing()));
  metrics_.series.Set(static_cast<double>(watch.budget.Used()));
  report_.With([&report](WatchReport& published) { published = report; });
  watch.notices = NoticesOf(report);
  // Their numbers may change from round to round.
  if (watch.notices.size() > std::exchange(notices_logged_, watch.notices.size())) {
    for (const std::string& notice : watch.notices) {
      LogWarn("the map of HTTP calls is not complete", {{"reason", notice}});
    }
  }
}

std::vector<std::string> IstioWatcher::Notices() const {
  return NoticesOf(report_.With([](const WatchReport& report) { return report; }));
}

std::string IstioWatcher::Summary() const {
  const size_t proxies = report_.With([](const WatchReport& report) { return report.proxies; });
  return proxies == 0 ? "no proxies read here"
                      : fmt::format("{} {}", proxies, proxies == 1 ? "proxy" : "proxies");
}

}  // namespace network_mapper::istio
