#include "istio-watcher/deltas/proxy_counters.h"

#include <algorithm>
#include <span>
#include <utility>

#include "istio-watcher/deltas/generations.h"

namespace network_mapper::istio {

namespace {

// A Service's name (RFC 1035); else it is a host that the client named, or one of Envoy's own
// clusters.
bool IsServiceName(std::string_view text) {
  constexpr size_t kLongest = 63;
  return !text.empty() && text.size() <= kLongest && text != "unknown" &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

MeshWorkload ToMeshWorkload(const SeriesWorkload& workload) {
  return {std::string(workload.name_space), std::string(workload.name)};
}

Call ToCall(const Series& series) {
  Call call;
  call.metric = series.metric;
  call.reporter = series.reporter;
  call.source = ToMeshWorkload(series.source);
  call.destination = ToMeshWorkload(series.destination);
  if (IsServiceName(series.destination_service_name)) {
    call.service = series.destination_service_name;
  }
  call.path = series.path;
  call.method = series.method;
  call.answered = WasAnswered(series);
  return call;
}

template <typename T>
bool ByIdentity(const T& a, const T& b) {
  return a.identity < b.identity;
}

// The items at the front of `items` with that identity.
template <typename T>
std::span<const T> TakeSame(std::span<const T>& items, uint64_t identity) {
  size_t count = 0;
  while (count < items.size() && items[count].identity == identity) {
    ++count;
  }
  const std::span<const T> same = items.first(count);
  items = items.subspan(count);
  return same;
}

// Of two entries of one identity the older one comes first.
template <typename Counter>
Generations ToGenerations(std::span<const Counter> counters) {
  Generations generations;
  if (!counters.empty()) {
    generations.current = counters.back().value;
  }
  if (counters.size() > 1) {
    generations.older = counters.front().value;
  }
  return generations;
}

}  // namespace

// The counters for the next scrape. Those that were there keep their room.
class ProxyCounters::KeptCounters {
 public:
  explicit KeptCounters(ProxyCounters& proxy) : proxy_(proxy) {
    counters_.reserve(proxy.seen_.size());
  }

  // `owned`: counters of the series that were there before; `to_come`: counters of others that were
  // there and are yet to be kept. False: there is no room.
  bool Keep(const Counter& counter, size_t owned, size_t to_come) {
    if (owned > 0) {
      ++reused_;
    } else if (!proxy_.TakeRoom(counters_.size() + to_come)) {
      ++over_limit_;
      return false;
    }
    counters_.push_back(counter);
    return true;
  }

  // How many found no room.
  uint64_t Finish() {
    proxy_.budget_.GiveBack(proxy_.counters_.size() - reused_);
    counters_.shrink_to_fit();
    proxy_.counters_ = std::move(counters_);
    return over_limit_;
  }

 private:
  ProxyCounters& proxy_;
  std::vector<Counter> counters_;
  size_t reused_ = 0;
  uint64_t over_limit_ = 0;
};

ProxyCounters::ProxyCounters(const ProxyInstance& proxy, const DeltaOptions& options,
                             SeriesBudget& budget)
    : proxy_(proxy), options_(options), budget_(budget) {}

ProxyCounters::ProxyCounters(const ProxySnapshot& snapshot, const DeltaOptions& options,
                             SeriesBudget& budget)
    : proxy_(snapshot.proxy),
      options_(options),
      budget_(budget),
      scraped_at_(snapshot.scraped_at),
      overflowed_(snapshot.overflowed) {
  counters_.reserve(snapshot.counters.size());
  for (const ProxySnapshot::Counter& counter : snapshot.counters) {
    if (!TakeRoom(counters_.size())) {
      overflowed_ = true;
      break;
    }
    counters_.push_back({counter.identity, counter.value, counter.missing_since.value_or(Time{})});
  }
}

ProxyCounters::~ProxyCounters() {
  budget_.GiveBack(counters_.size());
  budget_.GiveBackTexts(texts_);
}

bool ProxyCounters::TakeRoom(size_t used) {
  return used < options_.max_series_per_proxy && budget_.Take();
}

bool ProxyCounters::TakeTexts(const Call& call) {
  const size_t size = call.source.name.size() + call.source.name_space.size() +
                      call.destination.name.size() + call.destination.name_space.size() +
                      call.service.size() + call.path.size();
  if (texts_ + size > options_.max_texts_per_scrape || !budget_.TakeTexts(size)) {
    return false;
  }
  texts_ += size;
  return true;
}

bool ProxyCounters::GoesOnSince(Time started_at) {
  if (started_at != proxy_.started_at) {
    if (!scraped_at_ || *scraped_at_ < started_at) {
      return false;
    }
    proxy_.started_at = started_at;
  }
  return true;
}

void ProxyCounters::BeginScrape() {
  seen_.clear();
  calls_.clear();
  budget_.GiveBackTexts(std::exchange(texts_, 0));
  sources_.clear();
  surplus_ = 0;
  touched_.assign(counters_.size(), false);
}

void ProxyCounters::Take(const Series& series) {
  if (series.reporter == Reporter::kSource) {
    NoteSource(series);
  }
  // A proxy's dump is bounded, but by bytes.
  if (seen_.size() >= 2 * options_.max_series_per_proxy) {
    ++surplus_;
    return;
  }
  Seen seen{series.identity, series.value, kNoCall};
  // Most series do not grow from scrape to scrape; only what may have grown needs its texts.
  const bool is_baseline = !scraped_at_ && !StartsFromZero();
  if (!is_baseline && series.value > 0 && !IsUnchanged(series)) {
    const auto next = static_cast<uint32_t>(calls_.size());
    const auto [call, is_new] = calls_.try_emplace(ToCall(series), next);
    if (is_new && !TakeTexts(call->first)) {
      calls_.erase(call);
      ++surplus_;
      return;
    }
    seen.call = call->second;
  }
  seen_.push_back(seen);
}

void ProxyCounters::NoteSource(const Series& series) {
  // A sidecar names one client again and again.
  if (!sources_.empty() && last_source_->metric == series.metric &&
      last_source_->workload.name == series.source.name &&
      last_source_->workload.name_space == series.source.name_space) {
    return;
  }
  if (sources_.size() >= options_.max_sources) {
    return;
  }
  last_source_ = sources_.insert({series.metric, ToMeshWorkload(series.source)}).first;
}

bool ProxyCounters::IsUnchanged(const Series& series) {
  const Counter key{series.identity, 0, {}};
  const auto [first, last] =
      std::equal_range(counters_.begin(), counters_.end(), key, ByIdentity<Counter>);
  if (last - first != 1 || first->value != series.value) {
    return false;
  }
  // A second series of that identity is another one.
  const auto index = static_cast<size_t>(first - counters_.begin());
  const bool is_first = !touched_[index];
  touched_[index] = true;
  return is_first;
}

bool ProxyCounters::StartsFromZero() const {
  return (options_.report_since_start || proxy_.started_at >= options_.watching_since) &&
         failed_attempts_ < options_.attempts_before_giving_up;
}

ScrapeResult ProxyCounters::EndScrape(ScrapeEnd end, Time at) {
  ScrapeResult result;
  if (end == ScrapeEnd::kFailed) {
    ++failed_attempts_;
  } else if (end == ScrapeEnd::kComplete) {
    Compare(at, result);
    scraped_at_ = at;
    failed_attempts_ = 0;
    result.sources = std::move(sources_);
  }
  // The memory of a large dump is not kept from scrape to scrape.
  std::vector<Seen>().swap(seen_);
  std::vector<bool>().swap(touched_);
  calls_.clear();
  budget_.GiveBackTexts(std::exchange(texts_, 0));
  sources_.clear();
  return result;
}

// Walks what was there and what is there, both sorted, side by side.
void ProxyCounters::Compare(Time at, ScrapeResult& result) {
  std::sort(seen_.begin(), seen_.end(), [](const Seen& a, const Seen& b) {
    return a.identity != b.identity ? a.identity < b.identity : a.value < b.value;
  });
  // Without a baseline, or where series were left out, a series that is new to us may be old.
  const bool knows_new_ones = scraped_at_ ? !overflowed_ : StartsFromZero();
  const Time after = std::min(at, scraped_at_.value_or(proxy_.started_at));
  std::vector<uint64_t> growth(calls_.size());
  KeptCounters kept(*this);
  std::span<const Counter> old(counters_);
  std::span<const Seen> now(seen_);
  while (!old.empty() || !now.empty()) {
    const bool is_old =
        now.empty() || (!old.empty() && old.front().identity <= now.front().identity);
    const uint64_t identity = is_old ? old.front().identity : now.front().identity;
    const std::span<const Counter> before = TakeSame(old, identity);
    const std::span<const Seen> values = TakeSame(now, identity);
    if (values.empty()) {
      Counter missing = before.back();
      missing.missing_since = missing.missing_since == Time{} ? at : missing.missing_since;
      if (at - missing.missing_since < options_.grace) {
        kept.Keep(missing, before.size(), old.size());
      }
      continue;
    }
    const Generations was = ToGenerations(before);
    const GenerationStep step = values.size() == 1 ? StepTo(was, values[0].value)
                                                   : StepTo(was, values[0].value, values[1].value);
    const size_t generations = std::min<size_t>(values.size(), 2);
    result.surplus_generations += values.size() - generations;
    const auto named = std::find_if(values.begin(), values.end(),
                                    [](const Seen& seen) { return seen.call != kNoCall; });
    if ((knows_new_ones || before.size() >= generations) && named != values.end()) {
      growth[named->call] += step.growth;
    }
    size_t owned = before.size();
    if (step.now.older && kept.Keep({identity, *step.now.older, {}}, owned, old.size())) {
      owned -= std::min<size_t>(owned, 1);
    }
    kept.Keep({identity, step.now.current, {}}, owned, old.size());
  }
  result.series_over_limit = surplus_ + kept.Finish();
  overflowed_ = result.series_over_limit > 0;
  for (const auto& [call, index] : calls_) {
    if (growth[index] > 0) {
      result.growth.push_back({call, growth[index], after, at});
    }
  }
}

std::optional<ProxySnapshot> ProxyCounters::Snapshot() const {
  if (!scraped_at_) {
    return std::nullopt;
  }
  ProxySnapshot snapshot{proxy_, *scraped_at_, overflowed_, {}};
  snapshot.counters.reserve(counters_.size());
  for (const Counter& counter : counters_) {
    snapshot.counters.push_back(
        {counter.identity, counter.value,
         counter.missing_since == Time{} ? std::nullopt : std::optional(counter.missing_since)});
  }
  return snapshot;
}

}  // namespace network_mapper::istio
