#include "istio-watcher/deltas/snapshot_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/istio-watcher/deltas/series_builder.h"

namespace network_mapper::istio {
namespace {

using ::testing::HasSubstr;

ProxySnapshot Example() {
  ProxySnapshot snapshot;
  snapshot.proxy = {*PodUid::Parse("123e4567-e89b-12d3-a456-426614174000"), At(-5)};
  snapshot.scraped_at = At(10) + std::chrono::nanoseconds(7);
  snapshot.overflowed = true;
  snapshot.counters = {
      {1, 42, {}}, {UINT64_MAX - 1, 0, At(3)}, {UINT64_MAX, kMostEvents, {}}, {UINT64_MAX, 1, {}}};
  return snapshot;
}

std::string ErrorOf(const std::string& bytes) {
  const auto decoded = DecodeSnapshot(bytes);
  return decoded.ok() ? "" : StatusMessage(decoded.status());
}

TEST(SnapshotCodec, GivesBackWhatWentIn) {
  const std::string bytes = EncodeSnapshot(Example());
  EXPECT_EQ(bytes.size(), 42U + 4 * 24);
  const auto decoded = DecodeSnapshot(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, Example());
  EXPECT_EQ(*DecodeSnapshot(EncodeSnapshot({})), ProxySnapshot{});
}

// Stores keep these bytes.
TEST(SnapshotCodec, TheFormStaysAsItIs) {
  ProxySnapshot snapshot;
  snapshot.proxy.started_at = Time(std::chrono::nanoseconds(1));
  snapshot.scraped_at = Time(std::chrono::nanoseconds(2));
  snapshot.counters = {{3, 4, {}}};
  using namespace std::string_literals;
  EXPECT_EQ(EncodeSnapshot(snapshot), "NMIS\x01\x00"s + std::string(16, '\0') +
                                          "\x01\0\0\0\0\0\0\0"s + "\x02\0\0\0\0\0\0\0"s +
                                          "\x01\0\0\0"s + "\x03\0\0\0\0\0\0\0"s +
                                          "\x04\0\0\0\0\0\0\0"s + std::string(8, '\xFF'));
}

TEST(SnapshotCodec, SaysWhatIsWrongWithOtherBytes) {
  const std::string good = EncodeSnapshot(Example());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(ErrorOf(good.substr(0, size)), "") << size;
  }
  EXPECT_THAT(ErrorOf(""), HasSubstr("0 bytes that are none"));
  EXPECT_THAT(ErrorOf(std::string(100, 'x')), HasSubstr("that are none"));
  EXPECT_THAT(ErrorOf(good + "x"), HasSubstr("97 bytes for 4 counters"));
  std::string bytes = good;
  bytes[4] = 2;
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("version 2"));
  bytes = good;
  bytes[5] = 2;
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("unknown flags 2"));
  bytes = good;
  bytes[41] = '\x7F';
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("2130706436 counters"));
  bytes = good;
  bytes[42 + 15] = 1;
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("a value of"));
  for (const size_t last_byte_of_a_time : {29U, 37U, 42U + 24 + 23}) {
    bytes = good;
    bytes[last_byte_of_a_time] = '\x40';
    EXPECT_THAT(ErrorOf(bytes), HasSubstr("time out of range")) << last_byte_of_a_time;
  }
  ProxySnapshot disordered = Example();
  std::swap(disordered.counters[0], disordered.counters[1]);
  EXPECT_THAT(ErrorOf(EncodeSnapshot(disordered)), HasSubstr("counter 1 is out of order"));
  disordered = Example();
  disordered.counters[1].identity = UINT64_MAX;
  EXPECT_THAT(ErrorOf(EncodeSnapshot(disordered)), HasSubstr("counter 3 is one too many"));
}

}  // namespace
}  // namespace network_mapper::istio
