// The watcher against proxies that are a script: what was before it does not count, what comes
// after counts once, whatever restarts in between.
#include "istio-watcher/watch/istio_watcher.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "istio-watcher/watch/saved_scope.h"
#include "tests/istio-watcher/scrape/fake_proxy_command.h"
#include "tests/istio-watcher/scrape/proxy_dump.h"
#include "tests/support/ip.h"

namespace network_mapper::istio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Keeps what was written as a durable store does, or loses the answer.
class FakeJournal final : public Journal {
 public:
  StatusOr<Saved> Begin(const std::stop_token&) override {
    return kept_.With([](const Kept& kept) { return Saved(kept.saved.begin(), kept.saved.end()); });
  }

  Status Write(JournalEntry entry, const std::stop_token&) override {
    return kept_.With([&](Kept& kept) -> Status {
      ++kept.writes;
      if (kept.refuse) {
        return Unavailable("no disk");
      }
      for (const auto& [name, bytes] : entry.changes) {
        if (bytes) {
          kept.saved[name] = *bytes;
        } else {
          kept.saved.erase(name);
        }
      }
      for (const Observation& observation : entry.observations) {
        const auto& target = std::get<HttpTarget>(observation.target);
        kept.calls[target.path + (target.answered ? "" : " unanswered")] += observation.count;
      }
      kept.notices = entry.notices;
      return OkStatus();
    });
  }

  std::map<std::string, uint64_t> Calls() const {
    return kept_.With([](const Kept& kept) { return kept.calls; });
  }

  std::vector<std::string> Notices() const {
    return kept_.With([](const Kept& kept) { return kept.notices; });
  }

  size_t Writes() const {
    return kept_.With([](const Kept& kept) { return kept.writes; });
  }

  void Refuse(bool refuse) {
    kept_.With([refuse](Kept& kept) { kept.refuse = refuse; });
  }

  void Spoil(const std::string& name) {
    kept_.With([&](Kept& kept) { kept.saved[name] = "spoilt"; });
  }

  std::map<std::string, std::string> AllSaved() const {
    return kept_.With([](const Kept& kept) { return kept.saved; });
  }

 private:
  struct Kept {
    std::map<std::string, std::string> saved;
    std::map<std::string, uint64_t> calls;
    std::vector<std::string> notices;
    size_t writes = 0;
    bool refuse = false;
  };

  Guarded<Kept> kept_;
};

constexpr int64_t kLongAgo = 1'000'000'000;
constexpr int64_t kInFuture = 3'000'000'000;

class IstioWatcherTest : public ::testing::Test {
 protected:
  IstioWatcherTest() {
    options_.schedule = {.interval = std::chrono::milliseconds(50),
                         .pause = std::chrono::milliseconds(25)};
    options_.scrape.timeout = std::chrono::seconds(2);
  }

  Proxy MakeProxy(uint8_t number, int64_t started) const {
    Proxy proxy;
    proxy.pod.bytes[15] = number;
    proxy.name = {"shop", fmt::format("web-{}", number)};
    proxy.workload = {"shop", "web"};
    proxy.started = Time(std::chrono::seconds(started));
    proxy.is_ready = true;
    proxy.address = {Ip("127.0.0.1"), {PortOf(server_)}, ProxyKind::kEnvoy};
    return proxy;
  }

  void Find(std::vector<Proxy> proxies) {
    proxies_.With([&](auto& found) { found = std::move(proxies); });
  }

  // Metrics are for the proxies' own pods only, which is what their agents answer; or not any more.
  void Forbid(bool forbid = true) { forbid_ = forbid; }

  uint64_t Failures(const std::string& reason) const {
    const std::string name =
        "network_mapper_istio_scrape_failures_total{reason=\"" + reason + "\"} ";
    const std::string text = metrics_.RenderText();
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
  }

  void Serve(std::string dump) {
    dump_.With([&](std::string& served) { served = std::move(dump); });
  }

  void Start() {
    watcher_ = std::make_unique<IstioWatcher>(
        options_,
        WatchParts{.find = [this] { return proxies_.With([](auto& found) { return found; }); },
                   .journal = journal_,
                   .metrics = metrics_,
                   .clock = Clock::System(),
                   .command = has_command_ ? &command_ : nullptr});
    thread_ = std::jthread([this](const std::stop_token& stop) { watcher_->Run(stop); });
  }

  void Stop() { thread_ = {}; }

  // What is served now was read and written: one round may have been under way.
  void AwaitRounds(size_t rounds = 3) {
    const size_t before = journal_.Writes();
    ASSERT_TRUE(Eventually([&] { return journal_.Writes() >= before + rounds; }));
  }

  FakeProxyCommand command_;
  bool has_command_ = true;
  std::atomic<bool> forbid_ = false;
  Guarded<std::string> dump_;
  ScriptedServer server_{[this](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(forbid_ ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
                     : Answer(dump_.With([](const std::string& served) { return served; })));
    wire.Close();
  }};
  Guarded<std::optional<std::vector<Proxy>>> proxies_;
  WatchOptions options_;
  FakeJournal journal_;
  MetricsRegistry metrics_;
  std::unique_ptr<IstioWatcher> watcher_;
  std::jthread thread_;
};

TEST_F(IstioWatcherTest, WhatWasBeforeItDoesNotCountAndWhatComesAfterCountsOnce) {
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.path = "/old", .value = 70}) + Line({.path = "/a", .value = 5}));
  Start();
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), IsEmpty());
  Serve(Line({.path = "/old", .value = 70}) + Line({.path = "/a", .value = 8}) +
        Line({.path = "/new", .value = 2}) + Line({.path = "/denied", .value = 1, .code = "403"}));
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(),
              ElementsAre(Pair("/a", 3), Pair("/denied unanswered", 1), Pair("/new", 2)));
  EXPECT_EQ(watcher_->Summary(), "1 proxy");
  EXPECT_THAT(watcher_->Notices(), IsEmpty());
}

TEST_F(IstioWatcherTest, AfterItsRestartItGoesOnWhereItWas) {
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 5}));
  Start();
  AwaitRounds();
  Serve(Line({.value = 7}));
  AwaitRounds();
  Stop();
  // While nobody looks: more calls, and a pod that is new.
  Serve(Line({.value = 10}));
  Start();
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 5)));
  // The other end of the same calls.
  Find({MakeProxy(1, kLongAgo), MakeProxy(2, kInFuture)});
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 15)));
}

TEST_F(IstioWatcherTest, ARestartOfTheProxyOrThePodLosesNothingOfTheNewOne) {
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 50}));
  Start();
  AwaitRounds();
  // The proxy is restarted: it counts from zero, all since the watching.
  Find({MakeProxy(1, kInFuture)});
  Serve(Line({.value = 4}));
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 4)));
  // Another pod takes its place.
  Find({MakeProxy(2, kInFuture)});
  Serve(Line({.value = 3}));
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 7)));
}

TEST_F(IstioWatcherTest, WhatCannotBeWrittenCountsOnceItCan) {
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 5}));
  Start();
  AwaitRounds();
  journal_.Refuse(true);
  Serve(Line({.value = 9}));
  AwaitRounds(1);
  journal_.Refuse(false);
  ASSERT_TRUE(Eventually([&] { return !journal_.Calls().empty(); }));
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 4)));
}

TEST_F(IstioWatcherTest, WithoutWhatWasSavedWatchingBeginsAnew) {
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 5}));
  Start();
  AwaitRounds();
  Stop();
  for (const auto& [name, bytes] : journal_.AllSaved()) {
    if (name.starts_with(ProxyTable::kSavedPrefix)) {
      journal_.Spoil(name);
    }
  }
  Serve(Line({.value = 9}));
  Start();
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), IsEmpty());
  Stop();
  // Other proxies are watched than before.
  const auto since = DecodeScope(journal_.AllSaved().at("istio/scope"))->since;
  options_.scope = "shop";
  Start();
  AwaitRounds();
  EXPECT_GT(DecodeScope(journal_.AllSaved().at("istio/scope"))->since, since);
}

TEST_F(IstioWatcherTest, OnDemandWhatWasBeforeCountsToo) {
  options_.report_since_start = true;
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 70}));
  Start();
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("/x", 70)));
}

TEST_F(IstioWatcherTest, AForbiddenProxyIsReadByCommandsAndOnlyThen) {
  options_.command_interval = std::chrono::milliseconds(50);
  Find({MakeProxy(1, kLongAgo)});
  Serve(Line({.value = 70}));
  Start();
  AwaitRounds();
  EXPECT_THAT(command_.Started(), IsEmpty());
  // The mesh is set up anew. What was read by the port goes on.
  command_.Answer({.output = Line({.value = 72})});
  Forbid();
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 2; }));
  command_.Answer({.output = Line({.value = 75})});
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 5; }));
  EXPECT_EQ(command_.Started().front().pod, "shop/web-1");
  AwaitRounds();
  EXPECT_THAT(watcher_->Notices(), IsEmpty());
  EXPECT_EQ(Failures("forbidden"), 0U);
  // And back.
  Serve(Line({.value = 80}));
  Forbid(false);
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 10; }));
  AwaitRounds();
  const size_t commands = command_.Started().size();
  AwaitRounds(5);
  EXPECT_EQ(command_.Started().size(), commands);
}

TEST_F(IstioWatcherTest, ARestartOfTheWatcherOrTheProxyLosesNothingOfWhatCommandsRead) {
  options_.command_interval = std::chrono::milliseconds(50);
  Forbid();
  Find({MakeProxy(1, kLongAgo)});
  command_.Answer({.output = Line({.value = 70})});
  Start();
  ASSERT_TRUE(Eventually([&] { return command_.Started().size() >= 2; }));
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), IsEmpty());
  Stop();
  command_.Answer({.output = Line({.value = 73})});
  Start();
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 3; }));
  // A new life of the proxy does not wait for its turn.
  options_.command_interval = std::chrono::hours(1);
  Stop();
  Start();
  AwaitRounds();
  command_.Answer({.output = Line({.value = 4})});
  Find({MakeProxy(1, kInFuture)});
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 7; }));
  AwaitRounds();
  EXPECT_EQ(journal_.Calls()["/x"], 7U);
}

TEST_F(IstioWatcherTest, WithoutCommandsAForbiddenProxyIsAFailure) {
  has_command_ = false;
  Forbid();
  Find({MakeProxy(1, kLongAgo)});
  Start();
  ASSERT_TRUE(Eventually([&] { return !watcher_->Notices().empty(); }));
  EXPECT_THAT(watcher_->Notices(),
              ElementsAre(HasSubstr("forbidden 1"), HasSubstr("istio-exec-fallback")));
  EXPECT_GE(Failures("forbidden"), 2U);
  EXPECT_THAT(command_.Started(), IsEmpty());
}

TEST_F(IstioWatcherTest, AZtunnelHasNoSuchCommand) {
  Forbid();
  Find({MakeProxy(1, kLongAgo)});
  proxies_.With([](auto& found) { (*found)[0].address.kind = ProxyKind::kZtunnel; });
  Start();
  ASSERT_TRUE(Eventually([&] { return !watcher_->Notices().empty(); }));
  EXPECT_THAT(command_.Started(), IsEmpty());
}

TEST_F(IstioWatcherTest, SaysWhichRightIsMissing) {
  Forbid();
  Find({MakeProxy(1, kLongAgo)});
  command_.Answer({.failure = ScrapeFailure::kExecForbidden});
  Start();
  ASSERT_TRUE(Eventually([&] { return !watcher_->Notices().empty(); }));
  EXPECT_THAT(watcher_->Notices(),
              ElementsAre(HasSubstr("exec_forbidden 1"), HasSubstr("istioExecFallback")));
  AwaitRounds();
  // It is not tried all the time.
  EXPECT_EQ(command_.Started().size(), 1U);
  EXPECT_EQ(Failures("exec_forbidden"), 1U);
}

TEST_F(IstioWatcherTest, SlowCommandsAreFewAndKeepNobodyWaiting) {
  ScriptedServer forbidding([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    wire.Close();
  });
  std::vector<Proxy> proxies = {MakeProxy(1, kInFuture)};
  for (uint8_t number = 2; number < 40; ++number) {
    proxies.push_back(MakeProxy(number, kInFuture));
    proxies.back().address.ports = {PortOf(forbidding)};
  }
  Find(proxies);
  command_.Answer({.hangs = true});
  Serve(Line({.value = 3}));
  options_.scrape.timeout = std::chrono::seconds(60);
  Start();
  ASSERT_TRUE(Eventually([&] { return command_.UnderWay() == 8; }));
  AwaitRounds();
  EXPECT_EQ(journal_.Calls()["/x"], 3U);
  Serve(Line({.value = 5}));
  AwaitRounds();
  EXPECT_EQ(journal_.Calls()["/x"], 5U);
  EXPECT_EQ(command_.MostUnderWay(), 8U);
  EXPECT_EQ(command_.Started().size(), 8U);
  Stop();
  EXPECT_EQ(command_.UnderWay(), 0U);
}

TEST_F(IstioWatcherTest, EachForbiddenProxyHasItsTurn) {
  options_.command_interval = std::chrono::milliseconds(400);
  Forbid();
  std::vector<Proxy> proxies;
  for (uint8_t number = 1; number <= 30; ++number) {
    proxies.push_back(MakeProxy(number, kInFuture));
  }
  Find(proxies);
  command_.Answer({.output = Line({.value = 2})});
  command_.AnswerOf("web-7", {.failure = ScrapeFailure::kExecFailed});
  Start();
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 58; }));
  AwaitRounds();
  EXPECT_EQ(journal_.Calls()["/x"], 58U);
  ASSERT_TRUE(Eventually([&] { return !watcher_->Notices().empty(); }));
  EXPECT_THAT(watcher_->Notices(), ElementsAre(HasSubstr("1 of 30 Istio proxies cannot be read "
                                                         "(exec_failed 1)")));
  std::map<std::string, size_t> turns;
  for (const StartedCommand& started : command_.Started()) {
    ++turns[started.pod];
  }
  EXPECT_EQ(turns.size(), 30U);
  const auto [least, most] = std::minmax_element(
      turns.begin(), turns.end(),
      [](const auto& left, const auto& right) { return left.second < right.second; });
  EXPECT_LE(most->second - least->second, 1U);
}

TEST_F(IstioWatcherTest, ASlowProxyKeepsNobodyWaiting) {
  ScriptedServer silent([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  std::vector<Proxy> proxies = {MakeProxy(1, kInFuture)};
  for (uint8_t number = 2; number < 40; ++number) {
    proxies.push_back(MakeProxy(number, kInFuture));
    proxies.back().address.ports = {PortOf(silent)};
  }
  Find(proxies);
  Serve(Line({.value = 3}));
  options_.scrape.timeout = std::chrono::seconds(60);
  Start();
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 3; }));
  Serve(Line({.value = 5}));
  ASSERT_TRUE(Eventually([&] { return journal_.Calls()["/x"] == 5; }));
  const auto begin = std::chrono::steady_clock::now();
  Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(IstioWatcherTest, ManyCallsAreReportedBeforeTheRoundIsOver) {
  ScriptedServer silent([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  std::vector<Proxy> proxies = {MakeProxy(1, kInFuture), MakeProxy(2, kInFuture)};
  proxies[1].address.ports = {PortOf(silent)};
  Find(proxies);
  options_.schedule.interval = std::chrono::hours(1);
  options_.scrape.timeout = std::chrono::hours(1);
  std::string dump;
  for (int i = 0; i < 6000; ++i) {
    dump += Line({.path = fmt::format("/{}", i), .value = 2});
  }
  Serve(dump);
  Start();
  ASSERT_TRUE(Eventually([&] { return journal_.Calls().size() == 6000; }));
  EXPECT_EQ(journal_.Calls()["/5999"], 2U);
  EXPECT_EQ(journal_.Writes(), 1U);
}

TEST_F(IstioWatcherTest, SaysWhatIsMissing) {
  Find({MakeProxy(1, kInFuture)});
  Serve(Line({.value = 3, .has_labels = false}));
  Start();
  AwaitRounds();
  EXPECT_THAT(journal_.Calls(), ElementsAre(Pair("", 3)));
  EXPECT_THAT(watcher_->Notices(), ElementsAre(HasSubstr("Telemetry")));
  EXPECT_THAT(journal_.Notices(), ElementsAre(HasSubstr("Telemetry")));
  Stop();
  EXPECT_THAT(watcher_->Notices(), IsEmpty());
}

TEST_F(IstioWatcherTest, DoesNothingWhileThereAreNoProxies) {
  Find({});
  Start();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Stop();
  EXPECT_EQ(journal_.Writes(), 0U);
  EXPECT_THAT(server_.Calls(), IsEmpty());
}

}  // namespace
}  // namespace network_mapper::istio
