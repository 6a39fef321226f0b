// The loop of the Kafka watcher between a log that is a list of numbers, a state in memory and a
// real report server.
#include "kafka-watcher/app/report_rounds.h"

#include <functional>
#include <thread>

#include <gmock/gmock.h>

#include "tests/mapper/ingest/report_stream_fixture.h"

namespace network_mapper::kafka {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

// Outlives watchers. Each log has lines, numbered through.
struct Logs {
  Guarded<std::map<std::string, uint64_t>> lengths;
};

// Each line becomes an observation of its own.
class NumberedLogSource final : public LogSource {
 public:
  NumberedLogSource(Logs& logs, const std::vector<LogPosition>& saved) : logs_(logs) {
    for (const LogPosition& position : saved) {
      const auto& file = std::get<FileLogPosition>(position);
      read_[file.path] = file.offset;
      started_[file.path] = file.offset;
    }
  }

  std::vector<Harvest> Take() override {
    ++takes;
    return logs_.lengths.With([this](auto& lengths) {
      std::vector<Harvest> harvests;
      for (const auto& [path, length] : lengths) {
        Harvest& harvest = harvests.emplace_back();
        uint64_t& read = read_[path];
        for (; read < length; ++read) {
          harvest.observations.push_back(NamedObservation(path + std::to_string(read)));
        }
        harvest.position = FileLogPosition{.path = path, .offset = read};
      }
      return harvests;
    });
  }

  std::vector<LogState> States() const override {
    return logs_.lengths.With([this](const auto& lengths) {
      std::vector<LogState> states;
      for (const auto& [path, length] : lengths) {
        LogState& state = states.emplace_back();
        state.name = path;
        state.reading = true;
        state.reading_since = Clock::System().Now() - 1h;
        const auto started = started_.find(path);
        state.counts.lines = length - (started == started_.end() ? 0 : started->second);
        state.counts.accesses = state.counts.lines;
      }
      return states;
    });
  }

  std::vector<std::string> Problems() const override { return {"a problem"}; }

  std::atomic<int> takes{0};

 private:
  Logs& logs_;
  std::map<std::string, uint64_t> read_;
  std::map<std::string, uint64_t> started_;
};

class MemoryStore final : public StateStore {
 public:
  StatusOr<std::optional<SavedState>> Load() override {
    if (text.empty()) {
      return std::optional<SavedState>();
    }
    ASSIGN_OR_RETURN(SavedState state, DecodeState(text));
    return std::optional<SavedState>(std::move(state));
  }

  Status Save(const SavedState& state) override {
    ++attempts;
    if (code.load() != StatusCode::kOk) {
      return MakeStatus(code.load(), "the store says no");
    }
    text = EncodeState(state);
    EXPECT_LE(text.size(), most_bytes);
    ++saves;
    return OkStatus();
  }

  size_t MostBytes() const override { return most_bytes; }

  std::chrono::milliseconds Rest() const override { return rest; }

  std::chrono::milliseconds rest{0};
  std::string text;
  std::atomic<StatusCode> code{StatusCode::kOk};
  std::atomic<int> attempts{0};
  std::atomic<int> saves{0};
  size_t most_bytes = 1 << 20;
};

class ReportRoundsTest : public ReportStreamTest {
 protected:
  // One life, from what the one before has saved; `work` runs beside the loop.
  Status Live(uint16_t port, const std::function<void()>& work) {
    SavedState last;
    last.instance_id = "watcher";
    auto loaded = store_.Load();
    EXPECT_THAT(loaded, IsOk());
    if (loaded->has_value()) {
      last = **loaded;
    }
    MetricsRegistry metrics;
    NumberedLogSource source(logs_, last.positions);
    client_options_.resume =
        ReportResumption{.instance_id = last.instance_id, .batches = last.batches};
    auto client = StartClient(port);
    ReportRounds rounds(options_, {.source = source,
                                   .store = &store_,
                                   .client = *client,
                                   .last = last,
                                   .resumed = loaded->has_value(),
                                   .clock = Clock::System(),
                                   .metrics = metrics});
    rounds_ = &rounds;
    source_ = &source;
    Status outcome;
    {
      std::jthread loop([&](const std::stop_token& stop) { outcome = rounds.Run(stop); });
      work();
    }
    text_ = metrics.RenderText();
    return outcome;
  }

  void Write(const std::string& path, uint64_t lines) {
    logs_.lengths.With([&](auto& lengths) { lengths[path] += lines; });
  }

  // What no life may change: each line once.
  void ExpectEachOnce(uint64_t lines) {
    EXPECT_THAT(sink_.Names(), AllOf(SizeIs(lines), Each(Pair(::testing::_, 1))));
  }

  Logs logs_;
  MemoryStore store_;
  RoundOptions options_{.interval = 10ms, .shutdown_grace = 10s};
  ReportRounds* rounds_ = nullptr;
  NumberedLogSource* source_ = nullptr;
  std::string text_;
};

TEST_F(ReportRoundsTest, ReportsEachLineOnceOverItsLives) {
  auto server = StartServer();
  uint64_t lines = 0;
  for (int life = 0; life < 5; ++life) {
    ASSERT_THAT(Live(server->Port(),
                     [&] {
                       for (int i = 0; i < 20; ++i) {
                         Write("a", 3);
                         Write("b", 1);
                         lines += 4;
                         std::this_thread::sleep_for(3ms);
                       }
                     }),
                IsOk());
    ExpectEachOnce(lines);
  }
  EXPECT_EQ(sink_.LastTotals().log_lines_read, lines);
  // A stop leaves nothing that would have to be sent again.
  EXPECT_THAT((*store_.Load())->batches.batches, SizeIs(0));
}

TEST_F(ReportRoundsTest, SendsNothingThatIsNotSaved) {
  auto server = StartServer();
  store_.code = StatusCode::kUnavailable;
  options_.shutdown_grace = 10ms;
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     Write("a", 3);
                     ASSERT_TRUE(Eventually([&] { return store_.attempts > 1; }));
                     EXPECT_EQ(rounds_->StateHealth().code(), StatusCode::kUnavailable);
                   }),
              IsOk());
  EXPECT_EQ(sink_.Observations(), 0U);
  store_.code = StatusCode::kOk;
  options_.shutdown_grace = 10s;
  ASSERT_THAT(Live(server->Port(), [&] { Write("a", 1); }), IsOk());
  ExpectEachOnce(4);
}

TEST_F(ReportRoundsTest, GoesOnWithWhatCouldNotBeSaved) {
  auto server = StartServer();
  store_.code = StatusCode::kUnavailable;
  Write("a", 3);
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     ASSERT_TRUE(Eventually([&] { return store_.attempts > 0; }));
                     Write("a", 2);
                     store_.code = StatusCode::kOk;
                   }),
              IsOk());
  ExpectEachOnce(5);
}

TEST_F(ReportRoundsTest, TakesNoMoreWhileTheMapperIsAway) {
  auto server = StartServer();
  sink_.Hold(true);
  Write("a", 3);
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
                     const int takes = source_->takes;
                     Write("a", 2);
                     std::this_thread::sleep_for(50ms);
                     EXPECT_EQ(source_->takes, takes);
                     sink_.Hold(false);
                   }),
              IsOk());
  ExpectEachOnce(5);
}

TEST_F(ReportRoundsTest, CutsRoundsToWhatAStateMayHold) {
  auto server = StartServer();
  store_.most_bytes = 40'000;
  for (const char* log : {"a", "b", "c", "d"}) {
    Write(log, 150);
  }
  ASSERT_THAT(Live(server->Port(), [&] { ASSERT_TRUE(sink_.WaitForObservations(600, 10s)); }),
              IsOk());
  ExpectEachOnce(600);
  EXPECT_GT(store_.saves, 3);
}

TEST_F(ReportRoundsTest, EndsWhenAnotherWatcherUsesTheState) {
  auto server = StartServer();
  Write("a", 1);
  store_.code = StatusCode::kAborted;
  EXPECT_EQ(Live(server->Port(), [&] { Eventually([&] { return store_.attempts > 0; }); }).code(),
            StatusCode::kAborted);
  EXPECT_EQ(sink_.Observations(), 0U);
}

TEST_F(ReportRoundsTest, EndsWhenItsStateIsNotTheNewest) {
  auto server = StartServer();
  Write("a", 1);
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  const std::string backup = store_.text;
  Write("a", 1);
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  store_.text = backup;
  EXPECT_THAT(Live(server->Port(), [] {}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("not the newest")));
  ExpectEachOnce(2);
}

TEST_F(ReportRoundsTest, SavesNothingWhenNothingHappens) {
  auto server = StartServer();
  Write("a", 1);
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  const int saves = store_.saves;
  // A first round tells what there is to know.
  ASSERT_THAT(
      Live(server->Port(), [&] { ASSERT_TRUE(Eventually([&] { return source_->takes > 10; })); }),
      IsOk());
  EXPECT_LE(store_.saves, saves + 2);
}

TEST_F(ReportRoundsTest, ForgetsPositionsOfLogsThatAreGone) {
  auto server = StartServer();
  Write("a", 1);
  Write("b", 1);
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  EXPECT_THAT((*store_.Load())->positions, SizeIs(2));
  logs_.lengths.With([](auto& lengths) { lengths.erase("b"); });
  // A log that did not show up yet may still come.
  ASSERT_THAT(Live(server->Port(), [&] { Write("a", 1); }), IsOk());
  EXPECT_THAT((*store_.Load())->positions, SizeIs(2));
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     logs_.lengths.With([](auto& lengths) { lengths["b"] = 2; });
                     ASSERT_TRUE(sink_.WaitForObservations(4, 10s));
                     logs_.lengths.With([](auto& lengths) { lengths.erase("b"); });
                     Write("a", 1);
                   }),
              IsOk());
  EXPECT_THAT((*store_.Load())->positions,
              ElementsAre(LogPosition(FileLogPosition{.path = "a", .offset = 3})));
  ExpectEachOnce(5);
}

TEST_F(ReportRoundsTest, SavesTheFirstPositionsAlsoWhileTheMapperIsAway) {
  uint16_t port = StartServer()->Port();
  options_.shutdown_grace = 10ms;
  Write("a", 3);
  ASSERT_THAT(Live(port, [&] { ASSERT_TRUE(Eventually([&] { return store_.saves > 0; })); }),
              IsOk());
  EXPECT_THAT((*store_.Load())->positions, SizeIs(1));
  Write("a", 2);
  auto server = StartServer();
  options_.shutdown_grace = 10s;
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  ExpectEachOnce(5);
}

TEST_F(ReportRoundsTest, SavesTheFirstPositionsSoon) {
  auto server = StartServer();
  options_.interval = 1h;
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     ASSERT_TRUE(Eventually([&] { return source_->takes > 0; }));
                     Write("a", 0);
                     ASSERT_TRUE(Eventually(
                         [&] { return rounds_->StateHealth().ok() && store_.saves > 1; }));
                   }),
              IsOk());
  EXPECT_THAT((*store_.Load())->positions, SizeIs(1));
}

TEST_F(ReportRoundsTest, LeavesTheStoreAloneForAsLongAsItWants) {
  auto server = StartServer();
  store_.rest = 1h;
  Write("a", 1);
  ASSERT_THAT(Live(server->Port(),
                   [&] {
                     ASSERT_TRUE(Eventually([&] { return store_.saves > 0; }));
                     const int takes = source_->takes;
                     Write("a", 1);
                     std::this_thread::sleep_for(10 * options_.interval);
                     EXPECT_EQ(source_->takes, takes);
                   }),
              IsOk());
  ExpectEachOnce(2);
}

TEST_F(ReportRoundsTest, TellsOfProblemsAndSilentLogs) {
  auto server = StartServer();
  Write("a", 1);
  ASSERT_THAT(Live(server->Port(), [] {}), IsOk());
  EXPECT_THAT(sink_.LastTotals().notices,
              ElementsAre("a problem", HasSubstr("no line of the authorizer for 5m in a.")));
  EXPECT_THAT(text_, AllOf(HasSubstr("network_mapper_kafka_watcher_silent_logs 1\n"),
                           HasSubstr("network_mapper_kafka_watcher_lines_total 1\n"),
                           HasSubstr("\nkafka_reported_topics 1\n")));
}

}  // namespace

}  // namespace network_mapper::kafka
