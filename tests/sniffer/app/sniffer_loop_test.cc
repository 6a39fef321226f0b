#include "sniffer/app/sniffer_loop.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/packet_builder.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Does at each poll what the test says. The loop runs on the test's own thread, so a poll is also
// where time passes and stop is requested.
class ScriptedSource final : public PacketSource {
 public:
  using Script = std::function<StatusOr<PollResult>(milliseconds, const PacketHandler&)>;

  explicit ScriptedSource(Script script) : script_(std::move(script)) {}

  StatusOr<PollResult> Poll(milliseconds max_wait, const PacketHandler& handler) override {
    return script_(max_wait, handler);
  }

  std::vector<InterfaceCaptureStatistics> Statistics() override { return statistics; }

  std::vector<InterfaceCaptureStatistics> statistics = {
      {.interface_name = "scripted", .received = 5, .dropped_by_kernel = 2}};

 private:
  Script script_;
};

class SnifferLoopTest : public ::testing::Test {
 protected:
  SnifferLoopTest() { options_.aggregator.max_tcp_keys = 10; }

  // Runs until a poll requests stop.
  SnifferLoop& Loop(ScriptedSource::Script script, const Clock& clock) {
    return Loop(std::make_unique<ScriptedSource>(std::move(script)), clock);
  }

  SnifferLoop& Loop(std::unique_ptr<PacketSource> source, const Clock& clock) {
    loop_.emplace(options_,
                  SnifferLoop::Dependencies{.source = std::move(source),
                                            .reopen = [this] { return reopen_(); },
                                            .attributor = attributor_,
                                            .sink =
                                                [this](const std::vector<Observation>& observations,
                                                       const CollectorTotals& totals) {
                                                  reports_.push_back(observations);
                                                  totals_ = totals;
                                                  if (on_report_) {
                                                    on_report_();
                                                  }
                                                },
                                            .clock = clock,
                                            .metrics = metrics_});
    return *loop_;
  }

  void Run(ScriptedSource::Script script) {
    Loop(std::move(script), clock_).Run(stop_.get_token());
  }

  void DeliverSyn(const PacketHandler& handler, uint16_t server_port) {
    Bytes frame = TcpPacket({.source = "10.88.0.2",
                             .destination = "10.96.0.10",
                             .source_port = 42000,
                             .destination_port = server_port},
                            {.sequence = ++sequence_});
    handler({.time = clock_.Now(), .link_type = LinkType::kLinuxSll2, .bytes = frame});
  }

  AttributorOptions AttributorOptionsAfterBoot() const {
    return {.namespaces = {.boot_time = clock_.Now() - std::chrono::hours(1)}};
  }

  FakeClock clock_;
  MetricsRegistry metrics_;
  SnifferLoopOptions options_;
  Attributor* attributor_ = nullptr;
  std::stop_source stop_;
  SourceOpener reopen_ = []() -> StatusOr<std::unique_ptr<PacketSource>> {
    return Unavailable("no source");
  };
  std::vector<std::vector<Observation>> reports_;
  std::function<void()> on_report_;
  CollectorTotals totals_;
  // A repeated number would be a retransmission.
  uint32_t sequence_ = 0;
  std::optional<SnifferLoop> loop_;
};

TEST_F(SnifferLoopTest, ReportsWhenTheIntervalIsOver) {
  std::vector<size_t> reports_at_poll;
  Run([&](milliseconds wait, const PacketHandler& handler) {
    EXPECT_LE(wait, milliseconds(100)) << "a stop must be noticed";
    DeliverSyn(handler, 80);
    reports_at_poll.push_back(reports_.size());
    clock_.Advance(milliseconds(400));
    if (reports_at_poll.size() == 7) {
      stop_.request_stop();
    }
    return PollResult{.packets = 1};
  });
  // Polls at 0, 400, 800 ms; the report is due at 1000 and comes at 1200, the next at 2400.
  EXPECT_THAT(reports_at_poll, ElementsAre(0, 0, 0, 1, 1, 1, 2));
  ASSERT_THAT(reports_, SizeIs(3)) << "what is left is handed over at the end";
  EXPECT_THAT(reports_[0], SizeIs(1));
  EXPECT_THAT(reports_[2], SizeIs(1));
}

// docs/regressions.md 1.1 RunForever: a deadline that every packet re-armed never came.
TEST_F(SnifferLoopTest, ReportsInTimeHoweverManyPacketsCome) {
  int polls = 0;
  Run([&](milliseconds, const PacketHandler& handler) {
    DeliverSyn(handler, 80);
    clock_.Advance(milliseconds(1));
    if (++polls == 3500) {
      stop_.request_stop();
    }
    return PollResult{.packets = 1};
  });
  EXPECT_THAT(reports_, SizeIs(4));
}

// docs/regressions.md P8
TEST_F(SnifferLoopTest, ReportsEarlyBeforeItsTablesAreFull) {
  uint16_t port = 0;
  Run([&](milliseconds, const PacketHandler& handler) {
    for (int i = 0; i < 2; ++i) {
      DeliverSyn(handler, ++port);
    }
    if (port == 40) {
      stop_.request_stop();
    }
    return PollResult{.packets = 2};
  });
  size_t observations = 0;
  for (const auto& report : reports_) {
    observations += report.size();
  }
  EXPECT_EQ(observations, 40U) << "in no time at all, with room for ten";
  EXPECT_THAT(metrics_.RenderText(), HasSubstr("{reason=\"tcp_overflow\"} 0"));
}

TEST_F(SnifferLoopTest, HandsOverTheTotalsOfTheCapture) {
  Run([&](milliseconds, const PacketHandler& handler) {
    Bytes garbage = {1, 2, 3};
    handler({.time = clock_.Now(), .link_type = LinkType::kLinuxSll2, .bytes = garbage});
    stop_.request_stop();
    return PollResult{.packets = 1};
  });
  EXPECT_EQ(totals_.packets_received, 5U);
  EXPECT_EQ(totals_.packets_dropped_by_kernel, 2U);
  EXPECT_EQ(totals_.malformed_packets, 1U);
}

TEST_F(SnifferLoopTest, CallsAPacketOfAnotherProtocolNotMalformed) {
  Run([&](milliseconds, const PacketHandler& handler) {
    Bytes icmp(40);
    icmp[0] = 0x60;
    icmp[6] = 58;
    handler({.time = clock_.Now(), .link_type = LinkType::kRawIp, .bytes = icmp});
    stop_.request_stop();
    return PollResult{.packets = 1};
  });
  EXPECT_THAT(metrics_.RenderText(), HasSubstr("{reason=\"other_transport\"} 1"));
  EXPECT_EQ(totals_.malformed_packets, 0U);
}

TEST_F(SnifferLoopTest, EndsWithAFileAndReportsWhatItHeld) {
  Run([&](milliseconds, const PacketHandler& handler) {
    DeliverSyn(handler, 80);
    return PollResult{.packets = 1, .end_of_input = true};
  });
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_THAT(reports_[0], SizeIs(1));
  EXPECT_THAT(metrics_.RenderText(),
              HasSubstr("network_mapper_sniffer_observations_total{collector=\"tcp_syn\"} 1"));
}

TEST_F(SnifferLoopTest, EndsAtOnceWhenStopWasRequestedBefore) {
  stop_.request_stop();
  Run([&](milliseconds, const PacketHandler&) -> StatusOr<PollResult> {
    ADD_FAILURE() << "polled";
    return PollResult{};
  });
  EXPECT_THAT(reports_, SizeIs(1));
}

TEST_F(SnifferLoopTest, BeatsAtEveryTurn) {
  SteadyTime start = clock_.SteadyNow();
  std::vector<SteadyTime::duration> beats;
  SnifferLoop& loop = Loop(
      [&](milliseconds, const PacketHandler&) {
        beats.push_back(loop_->Heartbeat() - start);
        clock_.Advance(milliseconds(300));
        if (beats.size() == 3) {
          stop_.request_stop();
        }
        return PollResult{};
      },
      clock_);
  EXPECT_EQ(loop.Heartbeat(), SteadyTime()) << "not started";
  loop.Run(stop_.get_token());
  EXPECT_THAT(beats, ElementsAre(milliseconds(0), milliseconds(300), milliseconds(600)));
}

TEST_F(SnifferLoopTest, OpensTheCaptureAgainAfterItFailed) {
  // A reading of the clock takes time, since the loop sleeps while there is no source.
  TickingClock clock(milliseconds(200));
  std::vector<SteadyTime> attempts;
  SteadyTime failed;
  reopen_ = [&]() -> StatusOr<std::unique_ptr<PacketSource>> {
    attempts.push_back(clock.SteadyNow());
    EXPECT_THAT(loop_->CaptureState(), StatusIs(StatusCode::kUnavailable, HasSubstr("captured")));
    if (attempts.size() < 3) {
      return Unavailable("still gone");
    }
    return std::unique_ptr<PacketSource>(
        std::make_unique<ScriptedSource>([&](milliseconds, const PacketHandler& handler) {
          EXPECT_THAT(loop_->CaptureState(), IsOk());
          DeliverSyn(handler, 80);
          stop_.request_stop();
          return PollResult{.packets = 1};
        }));
  };
  Loop(
      [&](milliseconds, const PacketHandler&) -> StatusOr<PollResult> {
        EXPECT_THAT(loop_->CaptureState(), IsOk());
        failed = clock.SteadyNow();
        return Unavailable("the ring is gone");
      },
      clock)
      .Run(stop_.get_token());
  ASSERT_THAT(attempts, SizeIs(3));
  EXPECT_GE(attempts[0] - failed, seconds(5));
  EXPECT_LT(attempts[0] - failed, seconds(8));
  EXPECT_GE(attempts[1] - attempts[0], seconds(5));
  EXPECT_THAT(reports_.back(), SizeIs(1));
  EXPECT_GE(reports_.size(), 10U) << "sockets are reported meanwhile";
}

TEST_F(SnifferLoopTest, NamesTheInterfacesThatAreMissing) {
  ScriptedSource* source = nullptr;
  int polls = 0;
  auto owned = std::make_unique<ScriptedSource>([&](milliseconds, const PacketHandler&) {
    ++polls;
    bool missing = polls == 2;
    if (missing) {
      EXPECT_THAT(loop_->CaptureState(),
                  StatusIs(StatusCode::kUnavailable, HasSubstr("eth0, eth1:")));
    } else {
      EXPECT_THAT(loop_->CaptureState(), IsOk());
    }
    for (InterfaceCaptureStatistics& one : source->statistics) {
      one.lost = polls == 1;
    }
    clock_.Advance(seconds(1));
    if (polls == 3) {
      stop_.request_stop();
    }
    return PollResult{};
  });
  source = owned.get();
  source->statistics = {{.interface_name = "eth0"}, {.interface_name = "eth1"}};
  Loop(std::move(owned), clock_).Run(stop_.get_token());
  EXPECT_EQ(polls, 3);
}

TEST_F(SnifferLoopTest, LooksWhoHasWhichAddressBetweenReports) {
  FakeProcTree tree;
  tree.AddProcess({.pid = 1, .network_namespace = "host"});
  tree.SetSelf(1);
  ProcFs proc_fs = tree.Open();
  Attributor attributor(proc_fs, clock_, metrics_, AttributorOptionsAfterBoot());
  attributor_ = &attributor;
  std::vector<std::string> processes;
  Run([&](milliseconds wait, const PacketHandler&) {
    EXPECT_LE(wait, milliseconds(100));
    std::string text = metrics_.RenderText();
    size_t at = text.find("\nnetwork_mapper_sniffer_processes ");
    processes.push_back(text.substr(at + 34, 1));
    tree.AddProcess(
        {.pid = static_cast<int32_t>(100 + processes.size()), .network_namespace = "host"});
    clock_.Advance(milliseconds(250));
    if (processes.size() == 3) {
      stop_.request_stop();
    }
    return PollResult{};
  });
  EXPECT_THAT(processes, ElementsAre("1", "2", "3"));
}

// docs/regressions.md 1.1 RunForever: with more than a few packets a second the refresh never came
// by itself.
TEST_F(SnifferLoopTest, LooksWhoHasWhichAddressHoweverManyPacketsCome) {
  FakeProcTree tree;
  tree.AddProcess({.pid = 1, .network_namespace = "host"});
  tree.SetSelf(1);
  ProcFs proc_fs = tree.Open();
  Attributor attributor(proc_fs, clock_, metrics_, AttributorOptionsAfterBoot());
  attributor_ = &attributor;
  int polls = 0;
  Run([&](milliseconds, const PacketHandler& handler) {
    DeliverSyn(handler, 80);
    clock_.Advance(milliseconds(1));
    if (++polls == 100) {
      tree.AddProcess({.pid = 2, .network_namespace = "host"});
    }
    if (polls == 400) {
      EXPECT_THAT(metrics_.RenderText(), HasSubstr("network_mapper_sniffer_processes 2"));
      EXPECT_THAT(reports_, IsEmpty()) << "it did not need a report";
      stop_.request_stop();
    }
    return PollResult{.packets = 1};
  });
}

TEST_F(SnifferLoopTest, NamesThePodOfAPacketAndReportsSockets) {
  FakeProcTree tree;
  tree.AddProcess({.pid = 1, .network_namespace = "host"});
  tree.SetSelf(1);
  tree.AddNamespace("a", "10.88.0.2");
  tree.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  tree.SetSockets(
      "a", "tcp",
      {{.local = "10.88.0.2", .local_port = 42000, .remote = "10.96.0.10", .remote_port = 80}});
  ProcFs proc_fs = tree.Open();
  Attributor attributor(proc_fs, clock_, metrics_, AttributorOptionsAfterBoot());
  attributor_ = &attributor;
  Run([&](milliseconds, const PacketHandler& handler) {
    DeliverSyn(handler, 80);
    clock_.Advance(milliseconds(10));
    stop_.request_stop();
    return PollResult{.packets = 1};
  });
  ASSERT_THAT(reports_, SizeIs(1));
  ASSERT_THAT(reports_[0], SizeIs(2));
  EXPECT_EQ(reports_[0][0].collector, Collector::kTcpSyn);
  EXPECT_EQ(reports_[0][0].client.pod_uid, Uid(kPodA));
  EXPECT_EQ(reports_[0][1].collector, Collector::kSocketScan);
  EXPECT_EQ(reports_[0][1].client.pod_uid, Uid(kPodA));
}

TEST_F(SnifferLoopTest, ScansNoSocketsWhenThatIsSwitchedOff) {
  FakeProcTree tree;
  tree.AddProcess({.pid = 1, .network_namespace = "host"});
  tree.SetSelf(1);
  tree.AddNamespace("a", "10.88.0.2");
  tree.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  tree.SetSockets(
      "a", "tcp",
      {{.local = "10.88.0.2", .local_port = 42000, .remote = "10.96.0.10", .remote_port = 80}});
  ProcFs proc_fs = tree.Open();
  Attributor attributor(proc_fs, clock_, metrics_, AttributorOptionsAfterBoot());
  attributor_ = &attributor;
  options_.scan_sockets = false;
  Run([&](milliseconds, const PacketHandler&) {
    stop_.request_stop();
    return PollResult{};
  });
  ASSERT_THAT(reports_, SizeIs(1));
  EXPECT_THAT(reports_[0], IsEmpty());
}

}  // namespace
}  // namespace network_mapper::sniffer
