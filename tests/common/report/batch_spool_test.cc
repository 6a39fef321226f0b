#include "common/report/batch_spool.h"

#include <string>

#include <gtest/gtest.h>

#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

namespace {

constexpr BatchSpool::Bounds kWide{.bytes = 1 << 20, .observations = 1000};

EncodedBatch Encode(int count) {
  Observation observation;
  observation.first_seen = Time(std::chrono::seconds(1'700'000'000));
  observation.last_seen = observation.first_seen;
  observation.client.ip = IpAddress::Parse("10.0.0.1");
  observation.target = NameTarget{.name = "a.example", .addresses = {}, .ttl = {}};
  std::vector<Observation> observations(static_cast<size_t>(count), observation);
  return EncodeBatches(observations, {}).batches.at(0);
}

v1::Batch Parse(const std::optional<BatchFrame>& frame) {
  v1::ReportRequest request;
  EXPECT_TRUE(frame && request.ParseFromString(frame->head + frame->payload));
  return request.batch();
}

TEST(BatchSpool, FramesAreReportRequests) {
  BatchSpool spool(kWide);
  spool.Add(Encode(300));
  v1::Batch batch = Parse(spool.NextToSend(10, {.packets_received = 9}));
  EXPECT_EQ(batch.sequence(), 1U);
  EXPECT_EQ(batch.observations_size(), 300);
  EXPECT_EQ(batch.statistics().packets_received(), 9U);
}

TEST(BatchSpool, GivesNumbersWhenSendingSoThatDroppedBatchesLeaveNoGap) {
  BatchSpool spool({.bytes = 1 << 20, .observations = 4});
  spool.Add(Encode(2));
  EXPECT_EQ(Parse(spool.NextToSend(10, {})).sequence(), 1U);
  EXPECT_EQ(spool.Add(Encode(2)), 0U);
  EXPECT_EQ(spool.Add(Encode(1)), 2U);
  EXPECT_EQ(Parse(spool.NextToSend(10, {})).sequence(), 2U);
  EXPECT_FALSE(spool.NextToSend(10, {}));
}

TEST(BatchSpool, NeverDropsWhatIsInFlight) {
  BatchSpool spool({.bytes = 1 << 20, .observations = 2});
  spool.Add(Encode(2));
  ASSERT_TRUE(spool.NextToSend(10, {}));
  EXPECT_EQ(spool.Add(Encode(1)), 1U);
  EXPECT_EQ(spool.Observations(), 2U);
  EXPECT_EQ(spool.Acknowledge(1).observations, 2U);
}

TEST(BatchSpool, SendsBatchesThatBringTheirNumbersAlongWithThese) {
  BatchSpool spool({.bytes = 1 << 20, .observations = 1});
  ASSERT_TRUE(spool.Add(NumberedBatches{.first_sequence = 7, .batches = {Encode(2), Encode(1)}}));
  EXPECT_EQ(spool.LastSequence(), 8U);
  EXPECT_EQ(spool.UnsentBatches(), 0U);
  // As the bounds do not cut them, neither do limits.
  EXPECT_EQ(spool.Observations(), 3U);
  const std::optional<BatchFrame> first = spool.NextToSend(10, {});
  EXPECT_FALSE(first->resent);
  EXPECT_EQ(Parse(first).sequence(), 7U);
  spool.Restart(0);
  EXPECT_TRUE(spool.NextToSend(10, {})->resent);
  EXPECT_EQ(Parse(spool.NextToSend(10, {})).sequence(), 8U);
  EXPECT_TRUE(spool.Add(NumberedBatches{.first_sequence = 9, .batches = {Encode(1)}}));
  EXPECT_EQ(spool.Restart(8).batches, 2U);
  EXPECT_EQ(Parse(spool.NextToSend(10, {})).sequence(), 9U);
}

TEST(BatchSpool, RefusesNumbersThatDoNotFollow) {
  BatchSpool spool(kWide);
  ASSERT_TRUE(spool.Add(NumberedBatches{.first_sequence = 41, .batches = {}}));
  EXPECT_EQ(spool.LastSequence(), 40U);
  EXPECT_FALSE(spool.Add(NumberedBatches{.first_sequence = 40, .batches = {Encode(1)}}));
  EXPECT_FALSE(spool.Add(NumberedBatches{.first_sequence = 42, .batches = {Encode(1)}}));
  EXPECT_EQ(spool.Batches(), 0U);
  spool.Add(Encode(1));
  EXPECT_FALSE(spool.Add(NumberedBatches{.first_sequence = 41, .batches = {Encode(1)}}));
}

TEST(BatchSpool, NeverCutsABatchThatHasItsNumber) {
  BatchSpool spool(kWide);
  ASSERT_TRUE(spool.Add(NumberedBatches{.first_sequence = 1, .batches = {Encode(5), Encode(1)}}));
  EXPECT_EQ(spool.Conform({.observations = 2}), 5U);
  EXPECT_EQ(Parse(spool.NextToSend(10, {})).sequence(), 2U);
}

TEST(BatchSpool, ResendsTheSameBytesInOrderAfterARestart) {
  BatchSpool spool(kWide);
  spool.Add(Encode(1));
  spool.Add(Encode(2));
  spool.Add(Encode(3));
  (void)spool.NextToSend(10, {});
  auto second = spool.NextToSend(10, {.packets_received = 1});
  EXPECT_EQ(spool.Restart(1).batches, 1U);
  auto again = spool.NextToSend(10, {.packets_received = 2});
  ASSERT_TRUE(second && again);
  EXPECT_TRUE(again->resent);
  EXPECT_EQ(again->head + again->payload, second->head + second->payload);
  auto third = spool.NextToSend(10, {});
  EXPECT_EQ(Parse(third).sequence(), 3U);
  EXPECT_FALSE(third->resent);
}

TEST(BatchSpool, KeepsTheWindowAndIgnoresNumbersItNeverGave) {
  BatchSpool spool(kWide);
  for (int i = 0; i < 5; ++i) {
    spool.Add(Encode(1));
  }
  EXPECT_TRUE(spool.NextToSend(2, {}));
  EXPECT_TRUE(spool.NextToSend(2, {}));
  EXPECT_FALSE(spool.NextToSend(2, {}));
  EXPECT_EQ(spool.Acknowledge(99).batches, 0U);
  EXPECT_EQ(spool.Acknowledge(2).batches, 2U);
  EXPECT_TRUE(spool.NextToSend(2, {}));
  EXPECT_EQ(spool.Batches(), 3U);
}

TEST(BatchSpool, CutsUnsentBatchesOverNewLimitsAndDropsSentOnes) {
  BatchSpool spool(kWide);
  spool.Add(Encode(5));
  ASSERT_TRUE(spool.NextToSend(10, {}));
  spool.Add(Encode(7));
  spool.Restart(0);
  EXPECT_EQ(spool.Conform({.observations = 3, .bytes = 64 * 1024}), 5U);
  int total = 0;
  while (auto frame = spool.NextToSend(10, {})) {
    v1::Batch batch = Parse(frame);
    EXPECT_LE(batch.observations_size(), 3);
    total += batch.observations_size();
  }
  EXPECT_EQ(total, 7);
  EXPECT_FALSE(spool.IsDone(spool.LastAdded()));
  spool.Acknowledge(4);
  EXPECT_TRUE(spool.IsDone(spool.LastAdded()));
  EXPECT_EQ(spool.Bytes(), 0U);
}

}  // namespace

}  // namespace network_mapper
