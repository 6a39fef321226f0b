#include "common/kube/lease_candidate.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::kube {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr SteadyTime kStart{std::chrono::hours(1)};
constexpr Time kDay{std::chrono::seconds(1767225600)};

Lease HeldBy(std::string holder, std::string version) {
  return {.holder = std::move(holder), .duration = 15s, .resource_version = std::move(version)};
}

TEST(LeaseCandidate, MakesALeaseAndWaitsForAFormerLeader) {
  LeaseCandidate candidate("me", {});
  EXPECT_TRUE(candidate.HasToLook());
  candidate.See(std::nullopt, kStart);
  const auto claim = candidate.Claim(kStart, kDay);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->holder, "me");
  EXPECT_EQ(claim->resource_version, "");
  EXPECT_EQ(claim->duration, 15s);
  EXPECT_EQ(claim->transitions, 0);
  EXPECT_EQ(claim->acquired, "2026-01-01T00:00:00.000000Z");
  candidate.Hold(HeldBy("me", "1"), kStart, kStart + 1s);
  EXPECT_FALSE(candidate.HasToLook());
  EXPECT_FALSE(candidate.Leads(kStart + 2s));
  EXPECT_FALSE(candidate.Release(kStart + 2s));
  EXPECT_EQ(candidate.LeadsFrom(), kStart + 16s);
  candidate.Hold(HeldBy("me", "2"), kStart + 15s, kStart + 15s);
  EXPECT_FALSE(candidate.Leads(kStart + 15s));
  EXPECT_TRUE(candidate.Leads(kStart + 16s));
}

// Its answer was lost; the next look finds what it made.
TEST(LeaseCandidate, WaitsAlsoWhenItLearnsLateThatItMadeTheLease) {
  LeaseCandidate candidate("me", {});
  candidate.See(std::nullopt, kStart);
  candidate.Doubt();
  candidate.See(HeldBy("me", "1"), kStart + 5s);
  candidate.Hold(HeldBy("me", "2"), kStart + 6s, kStart + 6s);
  EXPECT_EQ(candidate.LeadsFrom(), kStart + 20s);
}

TEST(LeaseCandidate, LeadsForAWhileFromWhenTheWriteWasSent) {
  LeaseCandidate candidate("me", {});
  candidate.See(HeldBy("", "1"), kStart);
  const auto claim = candidate.Claim(kStart, kDay);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->resource_version, "1");
  EXPECT_EQ(claim->transitions, 1);
  candidate.Hold(HeldBy("me", "2"), kStart, kStart + 9s);
  EXPECT_TRUE(candidate.Leads(kStart + 9s));
  EXPECT_FALSE(candidate.Leads(kStart + 10s));
}

TEST(LeaseCandidate, TakesOverWhenNothingChangedForTheDuration) {
  LeaseCandidate candidate("me", {});
  candidate.See(HeldBy("other", "1"), kStart);
  candidate.See(HeldBy("other", "2"), kStart + 10s);
  candidate.See(HeldBy("other", "2"), kStart + 24s);
  EXPECT_EQ(candidate.AnotherUntil(), kStart + 25s);
  EXPECT_FALSE(candidate.Claim(kStart + 24s, kDay + 1h));
  EXPECT_TRUE(candidate.Claim(kStart + 25s, kDay - 1h));
}

TEST(LeaseCandidate, GrantsAnotherProgramItsLongerDuration) {
  LeaseCandidate candidate("me", {});
  Lease lease = HeldBy("other", "1");
  lease.duration = 60s;
  candidate.See(lease, kStart);
  EXPECT_FALSE(candidate.Claim(kStart + 59s, kDay));
  EXPECT_TRUE(candidate.Claim(kStart + 60s, kDay));
}

TEST(LeaseCandidate, StepsDownWhenAnotherOneHoldsTheLeaseOrNobodyDoes) {
  for (const std::optional<Lease>& now_there :
       {std::optional<Lease>(), std::optional<Lease>(HeldBy("other", "9"))}) {
    LeaseCandidate candidate("me", {});
    candidate.See(HeldBy("", "1"), kStart);
    candidate.Hold(HeldBy("me", "2"), kStart, kStart);
    candidate.Doubt();
    EXPECT_TRUE(candidate.Leads(kStart + 1s));
    candidate.See(now_there, kStart + 1s);
    EXPECT_FALSE(candidate.Leads(kStart + 1s));
  }
}

TEST(LeaseCandidate, ReleasesWhatItHolds) {
  LeaseCandidate candidate("me", {});
  candidate.See(HeldBy("", "1"), kStart);
  EXPECT_FALSE(candidate.Release(kStart));
  candidate.Hold(HeldBy("me", "2"), kStart, kStart);
  const auto released = candidate.Release(kStart + 1s);
  ASSERT_TRUE(released);
  EXPECT_EQ(released->holder, "");
  EXPECT_EQ(released->resource_version, "2");
  candidate.Doubt();
  EXPECT_FALSE(candidate.Release(kStart + 1s));
}

// The server: one Lease, writes only on top of what was read.
class OneLease {
 public:
  const std::optional<Lease>& Get() const { return lease_; }

  // Absent: refused.
  std::optional<Lease> Write(Lease claim) {
    if (claim.resource_version != (lease_ ? lease_->resource_version : "")) {
      return std::nullopt;
    }
    claim.resource_version = std::to_string(++version_);
    lease_ = std::move(claim);
    return lease_;
  }

  void Delete() { lease_.reset(); }

  // As of somebody who writes an annotation.
  void Touch() {
    if (lease_) {
      lease_->resource_version = std::to_string(++version_);
    }
  }

 private:
  std::optional<Lease> lease_;
  int version_ = 0;
};

// A candidate as LeaseElection drives it, with a network between it and the server.
class SimulatedCandidate {
 public:
  SimulatedCandidate(OneLease& server, std::mt19937& random, std::string name)
      : server_(server), random_(random), name_(std::move(name)) {
    Restart();
  }

  void Tick(SteadyTime now, bool is_calm) {
    if (now < suspended_until_) {
      return;
    }
    if (request_) {
      Progress(now);
    } else if (now >= next_) {
      Begin(now, is_calm);
    }
  }

  bool Leads(SteadyTime now) const { return candidate_->Leads(now); }

  // What is under way may still arrive.
  void Restart() {
    candidate_.emplace(name_ + std::to_string(++lives_), LeaseTiming());
    next_ = SteadyTime::min();
    if (request_) {
      request_->is_orphan = true;
    }
  }

  void End(SteadyTime now) {
    if (const auto released = candidate_->Release(now)) {
      server_.Write(*released);
    }
    Restart();
  }

  void Suspend(SteadyTime until) { suspended_until_ = until; }

  void Isolate(SteadyTime until) { isolated_until_ = until; }

  void TurnClock(std::chrono::hours by) { time_of_day_ += by; }

 private:
  struct Request {
    std::optional<Lease> claim;
    SteadyTime sent;
    SteadyTime arrives;
    SteadyTime answered;
    bool is_lost = false;
    bool is_answer_lost = false;
    bool is_orphan = false;
    bool has_arrived = false;
    bool is_refused = false;
    std::optional<Lease> answer;
  };

  bool Chance(int percent) {
    return std::uniform_int_distribution<int>(1, 100)(random_) <= percent;
  }

  milliseconds Between(int least, int most) {
    return milliseconds(std::uniform_int_distribution<int>(least, most)(random_));
  }

  void Begin(SteadyTime now, bool is_calm) {
    Request request;
    if (!candidate_->HasToLook() || may_claim_) {
      request.claim = candidate_->Claim(now, time_of_day_);
      may_claim_ = false;
      if (!request.claim) {
        next_ = now + 2s;
        return;
      }
      candidate_->Doubt();
    }
    const bool is_slow = !is_calm && Chance(10);
    request.sent = now;
    request.arrives = now + (is_slow ? Between(0, 20'000) : Between(0, 200));
    request.answered = request.arrives + (is_slow ? Between(0, 20'000) : Between(0, 200));
    request.is_lost = now < isolated_until_ || (!is_calm && Chance(5));
    request.is_answer_lost = !is_calm && Chance(5);
    request_ = request;
  }

  void Progress(SteadyTime now) {
    Request& request = *request_;
    if (!request.has_arrived && now >= request.arrives) {
      request.has_arrived = true;
      if (!request.is_lost) {
        request.answer = request.claim ? server_.Write(*request.claim) : server_.Get();
        request.is_refused = request.claim && !request.answer;
      }
    }
    if (now < request.answered) {
      return;
    }
    const Request done = *std::exchange(request_, std::nullopt);
    if (done.is_orphan) {
      return;
    }
    next_ = now + 2s;
    if (done.is_lost || done.is_answer_lost || done.is_refused) {
      next_ = done.is_refused ? now : next_;
    } else if (done.claim) {
      candidate_->Hold(*done.answer, done.sent, now);
      next_ = now + 4s;
    } else {
      candidate_->See(done.answer, now);
      may_claim_ = true;
      next_ = now;
    }
  }

  OneLease& server_;
  std::mt19937& random_;
  std::string name_;
  int lives_ = 0;
  std::optional<LeaseCandidate> candidate_;
  std::optional<Request> request_;
  bool may_claim_ = false;
  SteadyTime next_ = SteadyTime::min();
  SteadyTime suspended_until_ = SteadyTime::min();
  SteadyTime isolated_until_ = SteadyTime::min();
  Time time_of_day_ = kDay;
};

// Each seed is an hour with three candidates that crash, end, freeze, lose the network or their
// time of day, while the Lease is touched and deleted; then some calm minutes.
TEST(LeaseCandidate, NeverTwoLead) {
  constexpr int kSeeds = 60;
  constexpr milliseconds kTick{100};
  long leading = 0;
  long ticks = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::uniform_int_distribution<int> one_of(0, 2);
    std::uniform_int_distribution<int> dice(0, 2400);
    OneLease server;
    std::vector<SimulatedCandidate> candidates;
    for (const char* name : {"a", "b", "c"}) {
      candidates.emplace_back(server, random, name);
    }
    const SteadyTime end = kStart + 1h;
    for (SteadyTime now = kStart; now < end + 3min; now += kTick) {
      const bool is_calm = now >= end;
      SimulatedCandidate& victim = candidates.at(static_cast<size_t>(one_of(random)));
      switch (is_calm ? -1 : dice(random)) {
        case 0:
          victim.Restart();
          break;
        case 1:
          victim.End(now);
          break;
        case 2:
          victim.Suspend(now + std::chrono::seconds(dice(random) / 40));
          break;
        case 3:
        case 4:
          victim.Isolate(now + std::chrono::seconds(dice(random) / 40));
          break;
        case 5:
          victim.TurnClock(std::chrono::hours(dice(random) - 1200));
          break;
        case 6:
          server.Delete();
          break;
        case 7:
        case 8:
          server.Touch();
          break;
        default:
          break;
      }
      for (SimulatedCandidate& candidate : candidates) {
        candidate.Tick(now, is_calm);
      }
      const auto leaders = std::count_if(
          candidates.begin(), candidates.end(),
          [now](const SimulatedCandidate& candidate) { return candidate.Leads(now); });
      ASSERT_LE(leaders, 1) << "seed " << seed << ", after " << (now - kStart) / 1ms << " ms";
      ++ticks;
      leading += leaders;
      if (now >= end + 2min) {
        ASSERT_EQ(leaders, 1) << "nobody leads in calm weather, seed " << seed;
      }
    }
  }
  std::printf("somebody led for %.0f %% of the time\n",
              100.0 * static_cast<double>(leading) / static_cast<double>(ticks));
  EXPECT_GT(leading, ticks / 2);
}

}  // namespace
}  // namespace network_mapper::kube
