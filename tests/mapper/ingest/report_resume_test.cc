// A collector that saves its batches before it sends them, and is killed at the worst moments.
#include "tests/mapper/ingest/report_stream_fixture.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;

class ReportResume : public ReportStreamTest {
 protected:
  // The next life of the collector, from what the one before has saved.
  std::unique_ptr<ReportClient> Resume(uint16_t port, NumberedBatches saved) {
    client_options_.resume =
        ReportResumption{.instance_id = "kafka-1", .batches = std::move(saved)};
    return StartClient(port);
  }

  static NumberedBatches Nothing(uint64_t next_sequence) {
    return {.first_sequence = next_sequence, .batches = {}};
  }
};

TEST_F(ReportResume, GivesTheNumbersThatItWillSend) {
  auto server = StartServer();
  auto client = Resume(server->Port(), Nothing(41));
  NumberedBatches prepared = client->Prepare({NamedObservation("a")});
  EXPECT_EQ(prepared.first_sequence, 41U);
  // Not given as long as they are not submitted.
  EXPECT_EQ(client->Prepare({NamedObservation("a")}).first_sequence, 41U);
  ASSERT_THAT(client->Submit(prepared, {.log_lines_read = 9}), IsOk());
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.AppliedSequence("kafka-1"), 41U);
  EXPECT_EQ(sink_.LastTotals().log_lines_read, 9U);
  EXPECT_EQ(client->State().instance_id, "kafka-1");
  EXPECT_EQ(client->Submit(prepared, {}).code(), StatusCode::kFailedPrecondition);
}

TEST_F(ReportResume, MakesAnEmptyBatchOfNothing) {
  auto server = StartServer();
  auto client = Resume(server->Port(), Nothing(1));
  ASSERT_THAT(client->Submit(client->Prepare({}), {.notices = {"look here"}}), IsOk());
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.LastTotals().notices, std::vector<std::string>{"look here"});
}

TEST_F(ReportResume, SendsWhatWasSavedAndNotSent) {
  auto server = StartServer();
  NumberedBatches saved = Resume(server->Port(), Nothing(1))->Prepare({NamedObservation("a")});
  auto client = Resume(server->Port(), saved);
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"a", 1}}));
}

TEST_F(ReportResume, RepeatsNothingWhenItWasKilledBeforeTheAcknowledgement) {
  auto server = StartServer();
  sink_.Hold(true);
  auto client = Resume(server->Port(), Nothing(1));
  NumberedBatches saved = client->Prepare({NamedObservation("a")});
  ASSERT_THAT(client->Submit(saved, {}), IsOk());
  ASSERT_TRUE(sink_.WaitForQueue(1, 10s));
  client.reset();
  client = Resume(server->Port(), saved);
  ASSERT_TRUE(sink_.WaitForQueue(2, 10s));
  sink_.Hold(false);
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"a", 1}}));
}

TEST_F(ReportResume, RepeatsNothingWhenItWasKilledAfterTheAcknowledgement) {
  auto server = StartServer();
  auto client = Resume(server->Port(), Nothing(1));
  NumberedBatches saved = client->Prepare({NamedObservation("a")});
  ASSERT_THAT(client->Submit(saved, {}), IsOk());
  ASSERT_TRUE(client->Flush(In(10s)));
  client.reset();
  client = Resume(server->Port(), saved);
  ASSERT_THAT(client->Submit(client->Prepare({NamedObservation("b")}), {}), IsOk());
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(sink_.AppliedSequence("kafka-1"), 2U);
}

TEST_F(ReportResume, BringsItsBatchesToAServerThatForgotEverything) {
  auto server = StartServer();
  auto client = Resume(server->Port(), Nothing(7));
  NumberedBatches saved = client->Prepare({NamedObservation("a")});
  client.reset();
  sink_.ForgetSequences();
  client = Resume(server->Port(), saved);
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"a", 1}}));
  EXPECT_EQ(client->State().unknown_sequence, 0U);
}

TEST_F(ReportResume, NoticesThatItDoesNotKnowItsNewestBatches) {
  auto server = StartServer();
  auto client = Resume(server->Port(), Nothing(7));
  ASSERT_THAT(client->Submit(client->Prepare({NamedObservation("a")}), {}), IsOk());
  ASSERT_TRUE(client->Flush(In(10s)));
  EXPECT_EQ(client->State().unknown_sequence, 0U);
  client = Resume(server->Port(), Nothing(7));
  EXPECT_TRUE(Eventually([&] { return client->State().unknown_sequence == 7; }));
}

}  // namespace

}  // namespace network_mapper
