// Both ends of the report stream against each other over the loopback.
#include <random>

#include "tests/mapper/ingest/report_stream_fixture.h"
#include "tests/support/cutting_proxy.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;

TEST_F(ReportStreamTest, AcknowledgesWhatWasApplied) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a"), NamedObservation("b")}, {.packets_received = 7});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Observations(), 2U);
  EXPECT_EQ(sink_.LastTotals().packets_received, 7U);
  ReportClientState state = client->State();
  EXPECT_TRUE(state.connected);
  EXPECT_EQ(state.acknowledged_observations, 2U);
  EXPECT_EQ(state.spool_bytes, 0U);
}

TEST_F(ReportStreamTest, TellsWhoseStreamIsOpenAndHowTheClocksDiffer) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.OpenedStreams("node-1"), 1);
  EXPECT_EQ(sink_.StreamsOver(), 0);
  ASSERT_TRUE(sink_.LastClockOffset().has_value());
  // Both ends have the same clock here.
  EXPECT_LT(std::chrono::abs(*sink_.LastClockOffset()), 5s);
  client->Stop();
  EXPECT_TRUE(Eventually([this] { return sink_.StreamsOver() == 1; }));
}

TEST_F(ReportStreamTest, DoesNotAcknowledgeBeforeTheEffect) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  sink_.Hold(true);
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
  EXPECT_FALSE(client->Flush(In(100ms)));
  sink_.Hold(false);
  EXPECT_TRUE(client->Flush(In(10s)));
}

TEST_F(ReportStreamTest, BringsTotalsWithoutObservations) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({}, {.malformed_packets = 3});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.LastTotals().malformed_packets, 3U);
}

// docs/regressions.md P7
TEST_F(ReportStreamTest, SendsAgainAfterTheServerRestarted) {
  auto server = StartServer();
  uint16_t port = server->Port();
  auto client = StartClient(port);
  client->Report({NamedObservation("before")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  server.reset();
  client->Report({NamedObservation("while down")}, {});
  EXPECT_FALSE(client->Flush(In(50ms)));
  server = StartServer(port);
  ASSERT_NE(server, nullptr);
  client->Report({NamedObservation("after")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Names(),
            (std::map<std::string, int>{{"before", 1}, {"while down", 1}, {"after", 1}}));
  EXPECT_GE(client->State().reconnects, 1U);
}

// docs/regressions.md P7
TEST_F(ReportStreamTest, KeepsAnUnacknowledgedBatchOverAServerThatForgotEverything) {
  auto server = StartServer();
  uint16_t port = server->Port();
  auto client = StartClient(port);
  client->Report({NamedObservation("acknowledged")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  sink_.Hold(true);
  client->Report({NamedObservation("in flight")}, {});
  ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
  server.reset();
  sink_.ForgetSequences();
  server = StartServer(port);
  ASSERT_NE(server, nullptr);
  sink_.Hold(false);
  ASSERT_TRUE(client->Flush(In(10s)));
  // Submitted twice, applied once.
  EXPECT_EQ(sink_.Names().at("in flight"), 1);
}

TEST_F(ReportStreamTest, CountsEveryObservationOnceAlthoughConnectionsAreCutAtRandom) {
  auto server = StartServer();
  std::mt19937 random(20260101);
  std::uniform_int_distribution<size_t> budget(200, 6000);
  CuttingProxy proxy(server->Port(), [&] { return budget(random); });
  auto client = StartClient(proxy.Port());
  constexpr int kObservations = 400;
  for (int i = 0; i < kObservations; ++i) {
    client->Report({NamedObservation("name-" + std::to_string(i))}, {});
    if (i % 20 == 0) {
      std::this_thread::sleep_for(5ms);
    }
  }
  ASSERT_TRUE(client->Flush(In(40s)));
  std::map<std::string, int> names = sink_.Names();
  EXPECT_EQ(names.size(), static_cast<size_t>(kObservations));
  for (const auto& [name, count] : names) {
    EXPECT_EQ(count, 1) << name;
  }
  EXPECT_GT(proxy.Cuts(), 3);
  EXPECT_GT(client->State().resent_batches, 0U);
  EXPECT_EQ(client->State().acknowledged_observations, static_cast<uint64_t>(kObservations));
}

// docs/regressions.md P8
TEST_F(ReportStreamTest, DropsTheOldestUnsentBatchesWhenTheSpoolIsFull) {
  client_options_.spool_observations = 10;
  auto client = StartClient(1);
  for (int i = 0; i < 25; ++i) {
    client->Report({NamedObservation(std::to_string(i))}, {});
  }
  EXPECT_EQ(client->State().dropped_observations, 15U);
  EXPECT_EQ(client->State().spool_observations, 10U);
  EXPECT_FALSE(client->State().connected);
}

// docs/regressions.md P8
TEST_F(ReportStreamTest, DropsAndCountsWhatTheWireCannotCarry) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("\xff\xfe"), NamedObservation("fine")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(client->State().dropped_observations, 1U);
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"fine", 1}}));
}

TEST_F(ReportStreamTest, CutsBatchesToWhatTheServerTakes) {
  auto server = StartServer();
  uint16_t port = server->Port();
  server.reset();
  auto client = StartClient(port);
  std::vector<Observation> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(NamedObservation(std::to_string(i)));
  }
  client->Report(many, {});
  server_options_.max_batch_observations = 7;
  server = StartServer(port);
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(client->Flush(In(10s)));
  client->Report(many, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Observations(), 200U);
  EXPECT_EQ(client->State().dropped_observations, 0U);
}

TEST_F(ReportStreamTest, ShutsDownOnceSubmittedBatchesAreAcknowledged) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  sink_.Hold(true);
  client->Report({NamedObservation("late")}, {});
  ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
  std::jthread releaser([this] {
    std::this_thread::sleep_for(50ms);
    sink_.Hold(false);
  });
  server->Shutdown(10s);
  EXPECT_TRUE(client->Flush(In(5s)));
  EXPECT_EQ(client->State().resent_batches, 0U);
}

TEST_F(ReportStreamTest, ShutsDownWithinTheGraceWhenTheSinkIsStuck) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  sink_.Hold(true);
  client->Report({NamedObservation("stuck")}, {});
  ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
  SteadyTime begin = std::chrono::steady_clock::now();
  server->Shutdown(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  server.reset();
  // The callbacks of the batch come when the stream is long gone.
  sink_.Hold(false);
  EXPECT_TRUE(sink_.WaitForObservations(1, 10s));
}

TEST_F(ReportStreamTest, StopsQuicklyWhileNothingAnswers) {
  auto client = StartClient(1);
  client->Report({NamedObservation("a")}, {});
  SteadyTime begin = std::chrono::steady_clock::now();
  client->Stop();
  client->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
}

TEST(ReportClientOptionsTest, RefusesAddressesOfAnotherForm) {
  MetricsRegistry metrics;
  for (const char* address : {"", "mapper", "mapper:", "mapper:0", "mapper:99999", "::1:9090",
                              "[mapper]:1", "http://m:1", "[::1]", "dns:///m:1"}) {
    ReportClientOptions options;
    options.address = address;
    EXPECT_FALSE(ReportClient::Create(options, metrics).ok()) << address;
  }
  for (const char* address : {"mapper:9090", "127.0.0.1:1", "[::1]:1", "a.b.svc:443"}) {
    ReportClientOptions options;
    options.address = address;
    EXPECT_TRUE(ReportClient::Create(options, metrics).ok()) << address;
  }
}

}  // namespace

// Its own sink, small enough to be full at once.
// docs/regressions.md P8
TEST(ReportStreamPushback, HoldsBackACollectorWithoutDroppingIt) {
  FakeBatchSink sink(4);
  MetricsRegistry metrics;
  ReportServerOptions server_options;
  server_options.host = "127.0.0.1";
  auto server = ReportServer::Create(server_options, sink, metrics);
  ASSERT_THAT(server, IsOk());
  ReportClientOptions options;
  options.address = "127.0.0.1:" + std::to_string((*server)->Port());
  auto client = ReportClient::Create(options, metrics);
  ASSERT_THAT(client, IsOk());
  sink.Hold(true);
  for (int i = 0; i < 50; ++i) {
    (*client)->Report({NamedObservation(std::to_string(i))}, {});
  }
  ASSERT_TRUE(sink.WaitForQueue(4, std::chrono::seconds(10)));
  EXPECT_FALSE((*client)->Flush(In(std::chrono::milliseconds(200))));
  EXPECT_EQ(sink.LongestQueue(), 4U);
  EXPECT_TRUE((*client)->State().connected);
  sink.Hold(false);
  ASSERT_TRUE((*client)->Flush(In(std::chrono::seconds(10))));
  EXPECT_EQ(sink.Observations(), 50U);
  EXPECT_EQ((*client)->State().reconnects, 0U);
}

}  // namespace network_mapper
