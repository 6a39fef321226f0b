// Random proxies, which restart, rotate and evict their metrics and cannot be read now and then,
// against a model that knows every request: what is reported is what was made while the proxies
// were watched, each request once.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "istio-watcher/deltas/snapshot_codec.h"
#include "tests/istio-watcher/deltas/series_builder.h"

namespace network_mapper::istio {
namespace {

constexpr size_t kPaths = 4;
constexpr std::array<std::string_view, 2> kCodes = {"200", "204"};

// Both sides of the truth about one path.
struct Account {
  uint64_t made = 0;
  uint64_t reported = 0;
};

using Accounts = std::array<Account, kPaths>;

// A proxy with its counters, as Envoy keeps them, and the watcher's view of it.
class SimulatedProxy {
 public:
  SimulatedProxy(std::mt19937& random, const DeltaOptions& options, SeriesBudget& budget,
                 Accounts& accounts)
      : random_(random), options_(options), budget_(budget), accounts_(accounts) {}

  // What happened since the last good scrape and was not read yet dies with the proxy: nobody can
  // know it.
  void Restart(int64_t now, bool is_watched) {
    for (size_t path = 0; path < kPaths; ++path) {
      accounts_[path].made -= unread_[path];
      unread_[path] = 0;
    }
    current_.clear();
    older_.clear();
    is_watched_ = is_watched;
    watcher_ = std::make_unique<ProxyCounters>(ProxyInstance{{}, At(now)}, options_, budget_);
  }

  void Request() {
    const size_t path = Draw(kPaths);
    const uint64_t count = 1 + Draw(3);
    current_[{path, Draw(kCodes.size())}] += count;
    if (is_watched_) {
      accounts_[path].made += count;
      unread_[path] += count;
    }
  }

  // Only right after a good scrape: what a series has not shown before it goes is lost for
  // everyone.
  void Evict() {
    if (IsRead()) {
      std::erase_if(current_,
                    [this](const auto& entry) { return entry.second >= kMuch && Draw(2) == 0; });
    }
  }

  void Rotate() {
    if (older_.empty() && IsRead()) {
      for (const auto& [key, value] : current_) {
        if (value >= kMuch) {
          older_[key] = value;
        }
      }
      std::erase_if(current_, [](const auto& entry) { return entry.second >= kMuch; });
      rounds_to_keep_ = 2 + Draw(3);
    }
  }

  void Scrape(int64_t now, bool fails) {
    watcher_->BeginScrape();
    for (const auto* counters : {&older_, &current_}) {
      for (const auto& [key, value] : *counters) {
        // A cut body says less than the whole.
        if (!fails || Draw(2) == 0) {
          Series series = MakeSeries(kNames[key.first], value, 1 + key.first * 2 + key.second);
          series.response_code = kCodes.at(key.second);
          watcher_->Take(series);
        }
      }
    }
    const ScrapeResult result =
        watcher_->EndScrape(fails ? ScrapeEnd::kFailed : ScrapeEnd::kComplete, At(now));
    EXPECT_EQ(result.series_over_limit, 0U);
    for (const Growth& growth : result.growth) {
      accounts_[static_cast<size_t>(growth.call.path[1] - 'a')].reported += growth.count;
    }
    if (!fails) {
      // Whatever it had before, from now on each request counts.
      is_watched_ = true;
      unread_ = {};
      if (rounds_to_keep_ > 0 && --rounds_to_keep_ == 0) {
        older_.clear();
      }
    }
  }

  void RestartWatcher() {
    if (const auto snapshot = watcher_->Snapshot()) {
      const auto decoded = DecodeSnapshot(EncodeSnapshot(*snapshot));
      ASSERT_TRUE(decoded.ok());
      watcher_ = std::make_unique<ProxyCounters>(*decoded, options_, budget_);
    }
  }

  bool IsRead() const {
    return std::all_of(unread_.begin(), unread_.end(), [](uint64_t count) { return count == 0; });
  }

 private:
  // More than a series grows by while it may be away: then it is smaller when it comes back, which
  // is how the watcher tells that it began anew.
  static constexpr uint64_t kMuch = 120;
  static constexpr std::array<std::string_view, kPaths> kNames = {"/a", "/b", "/c", "/d"};

  size_t Draw(size_t limit) { return random_() % limit; }

  std::mt19937& random_;
  const DeltaOptions& options_;
  SeriesBudget& budget_;
  Accounts& accounts_;
  std::map<std::pair<size_t, size_t>, uint64_t> current_;
  std::map<std::pair<size_t, size_t>, uint64_t> older_;
  size_t rounds_to_keep_ = 0;
  std::array<uint64_t, kPaths> unread_{};
  bool is_watched_ = false;
  std::unique_ptr<ProxyCounters> watcher_;
};

TEST(ProxyCountersProperty, ReportsWhatWasMadeWhileWatchedAndNothingElse) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    DeltaOptions options;
    options.watching_since = At(0);
    options.grace = std::chrono::seconds(40);
    options.attempts_before_giving_up = 1000;
    SeriesBudget budget(1000);
    Accounts accounts{};
    std::vector<std::unique_ptr<SimulatedProxy>> proxies;
    for (size_t i = 0; i < 5; ++i) {
      proxies.push_back(std::make_unique<SimulatedProxy>(random, options, budget, accounts));
      // Some were there before.
      const bool is_old = i < 2;
      proxies.back()->Restart(is_old ? -100 : 0, !is_old);
      for (size_t before = is_old ? random() % 50 : 0; before > 0; --before) {
        proxies.back()->Request();
      }
    }
    for (int64_t now = 10; now <= 3000; now += 10) {
      for (auto& proxy : proxies) {
        for (size_t requests = random() % 20; requests > 0; --requests) {
          proxy->Request();
        }
        proxy->Scrape(now, random() % 5 == 0);
        if (random() % 8 == 0) {
          proxy->Evict();
        }
        if (random() % 20 == 0) {
          proxy->Rotate();
        }
        if (random() % 60 == 0) {
          proxy->Restart(now, /*is_watched=*/true);
        }
        if (random() % 10 == 0) {
          proxy->RestartWatcher();
        }
      }
    }
    for (auto& proxy : proxies) {
      proxy->Scrape(3010, /*fails=*/false);
    }
    for (const Account& account : accounts) {
      EXPECT_GT(account.made, 0U);
      EXPECT_EQ(account.reported, account.made);
    }
  }
}

}  // namespace
}  // namespace network_mapper::istio
