#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka-watcher/log/line_cutter.h"
#include "kafka-watcher/log/pod_facts.h"
#include "kafka-watcher/log/resume_point.h"
#include "kafka-watcher/log/stamped_line.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Verdict = ResumePoint::Verdict;

struct Cut {
  std::vector<std::string> lines;
  std::vector<std::string> overlong;
  uint64_t length = 0;
};

Cut CutInto(LineCutter& cutter, const std::vector<std::string>& chunks) {
  Cut cut;
  for (const std::string& chunk : chunks) {
    std::vector<CutLine> lines;
    cutter.Push(chunk, [&](const CutLine& line) {
      lines.push_back(line);
      return true;
    });
    // Texts stay until the next chunk.
    for (const CutLine& line : lines) {
      (line.overlong ? cut.overlong : cut.lines).emplace_back(line.text);
      cut.length += line.length;
    }
  }
  return cut;
}

TEST(LineCutter, CutsLinesWhateverTheChunks) {
  LineCutter cutter(10);
  const Cut cut = CutInto(cutter, {"a", "b\nc", "d\r", "\n\n", "ef\r\nx\ny", "z"});
  EXPECT_THAT(cut.lines, ElementsAre("ab", "cd", "", "ef", "x"));
  EXPECT_THAT(cut.overlong, IsEmpty());
  EXPECT_EQ(cut.length, 3U + 4 + 1 + 4 + 2);
  ASSERT_TRUE(cutter.Rest().has_value());
  EXPECT_EQ(cutter.Rest()->text, "yz");
  EXPECT_EQ(cutter.Rest()->length, 2U);
}

TEST(LineCutter, KeepsTheBeginOfAnOverlongLineAndGoesOn) {
  LineCutter cutter(4);
  const Cut cut = CutInto(cutter, {"12345\n1234\n", "12", "3456", "7\r\nok\n", "1234", "\r", "\n"});
  EXPECT_THAT(cut.overlong, ElementsAre("1234", "1234"));
  EXPECT_THAT(cut.lines, ElementsAre("1234", "ok", "1234"));
  EXPECT_EQ(cut.length, 6U + 5 + 9 + 3 + 6);
  EXPECT_FALSE(cutter.Rest().has_value());
}

TEST(LineCutter, StopsWhenToldTo) {
  LineCutter cutter;
  int lines = 0;
  EXPECT_FALSE(cutter.Push("a\nb\nc\n", [&](const CutLine&) { return ++lines < 2; }));
  EXPECT_EQ(lines, 2);
}

TEST(LineCutter, TakesNoMoreMemoryForAHundredMebibytes) {
  LineCutter cutter;
  const std::string chunk(size_t{1} << 20U, 'x');
  const auto nothing = [](const CutLine&) { return true; };
  for (int i = 0; i < 100; ++i) {
    cutter.Push(chunk, nothing);
  }
  EXPECT_LE(cutter.Rest()->text.size(), kLongestLine);
  const Cut cut = CutInto(cutter, {"\nnext\n"});
  EXPECT_THAT(cut.lines, ElementsAre("next"));
  EXPECT_EQ(cut.overlong.size(), 1U);
  EXPECT_EQ(cut.length, (uint64_t{100} << 20U) + 1 + 5);
}

TEST(StampedLine, HasATimeAndAText) {
  const auto line = ParseStampedLine("2026-11-26T04:00:01.000000002Z hello you");
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->text, "hello you");
  const auto zoned = ParseStampedLine("2026-11-26T06:00:01.000000002+02:00 ");
  ASSERT_TRUE(zoned.has_value());
  EXPECT_EQ(zoned->at, line->at);
  EXPECT_EQ(zoned->text, "");
}

TEST(StampedLine, IsNotAnErrorTextOfTheNode) {
  EXPECT_FALSE(
      ParseStampedLine("unable to retrieve container logs for containerd://1").has_value());
  EXPECT_FALSE(ParseStampedLine("").has_value());
  EXPECT_FALSE(ParseStampedLine("2026-11-26 04:00:01 hello").has_value());
  EXPECT_FALSE(ParseStampedLine(std::string(100, '\0')).has_value());
}

constexpr int64_t kSecond = 1'000'000'000;

std::vector<Verdict> SeeAll(ResumePoint& point, const std::vector<int64_t>& stamps) {
  point.BeginStream();
  std::vector<Verdict> verdicts;
  verdicts.reserve(stamps.size());
  for (const int64_t stamp : stamps) {
    verdicts.push_back(point.See(stamp));
  }
  return verdicts;
}

TEST(ResumePoint, ReadsEverythingFromTheTimeItBeginsWith) {
  ResumePoint point(100 * kSecond);
  // Nothing was read: there may be more before it.
  EXPECT_THAT(SeeAll(point, {99 * kSecond, 100 * kSecond}),
              ElementsAre(Verdict::kRead, Verdict::kUnreadAfterMissing));
  EXPECT_EQ(point.Lines(), 0U);
  point.Accept(100 * kSecond);
  EXPECT_EQ(point.See(101 * kSecond), Verdict::kUnread);
  EXPECT_EQ(point.At(), 101 * kSecond);
  EXPECT_EQ(point.Lines(), 1U);
}

TEST(ResumePoint, SkipsWhatWasReadAmongLinesOfTheSameTime) {
  ResumePoint point;
  point.Accept(4 * kSecond);
  SeeAll(point, {4 * kSecond, 5 * kSecond, 6 * kSecond, 6 * kSecond});
  EXPECT_EQ(point.Lines(), 2U);
  EXPECT_EQ(*point.Since(), Time(std::chrono::seconds(5)));
  EXPECT_THAT(SeeAll(point, {5 * kSecond, 6 * kSecond, 6 * kSecond, 6 * kSecond, 7 * kSecond}),
              ElementsAre(Verdict::kRead, Verdict::kRead, Verdict::kRead, Verdict::kUnread,
                          Verdict::kUnread));
}

TEST(ResumePoint, TellsThatTheLastLineIsNotThere) {
  ResumePoint point(5 * kSecond, 1);
  EXPECT_THAT(SeeAll(point, {6 * kSecond}), ElementsAre(Verdict::kUnreadAfterMissing));
  EXPECT_EQ(point.At(), 5 * kSecond);
  point.Accept(6 * kSecond);
  EXPECT_EQ(point.At(), 6 * kSecond);
  EXPECT_EQ(point.See(7 * kSecond), Verdict::kUnread);
}

TEST(ResumePoint, BearsStampsThatAreOutOfOrderByAnInstant) {
  const std::vector<int64_t> stamps = {10 * kSecond, 10 * kSecond + 5, 10 * kSecond + 3,
                                       10 * kSecond + 4, 10 * kSecond + 9};
  for (size_t read = 1; read <= stamps.size(); ++read) {
    ResumePoint point;
    point.Accept(stamps.front());
    SeeAll(point, {stamps.begin(), stamps.begin() + static_cast<ptrdiff_t>(read)});
    std::vector<Verdict> expected(stamps.size(), Verdict::kUnread);
    std::fill(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(read), Verdict::kRead);
    EXPECT_EQ(SeeAll(point, stamps), expected) << read;
  }
}

TEST(ResumePoint, GoesOnWhenTheClockIsSetBack) {
  ResumePoint point;
  point.Accept(99 * kSecond);
  SeeAll(point, {99 * kSecond, 100 * kSecond, 50 * kSecond, 51 * kSecond});
  EXPECT_EQ(point.At(), 51 * kSecond);
  EXPECT_EQ(point.Lines(), 1U);
}

TEST(ResumePoint, FindsItsPlaceInAnyStreamThatHoldsIt) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> stamps;
    int64_t now = 100 * kSecond;
    for (int i = 0; i < 40; ++i) {
      now += static_cast<int64_t>(random() % 3) * kSecond / 4;
      stamps.push_back(now - static_cast<int64_t>(random() % 2) * kSecond / 8);
    }
    ResumePoint point;
    point.Accept(stamps.front());
    size_t read = 1;
    while (read < stamps.size()) {
      point.BeginStream();
      const auto since = point.Since();
      const size_t cut = read + random() % 8;
      for (size_t i = 0; i < std::min(cut, stamps.size()); ++i) {
        const Time at{std::chrono::nanoseconds(stamps[i])};
        if (since && at < std::chrono::floor<std::chrono::seconds>(*since)) {
          continue;
        }
        ASSERT_EQ(point.See(stamps[i]), i < read ? Verdict::kRead : Verdict::kUnread);
      }
      read = std::max(read, std::min(cut, stamps.size()));
    }
  }
}

std::string PodJson(std::string_view annotations, std::string_view containers) {
  return fmt::format(
      R"({{"metadata":{{"name":"b-0","namespace":"kafka","uid":"u1","annotations":{},
           "creationTimestamp":"2026-11-26T04:00:00Z"}},
           "spec":{{"containers":{}}},
           "status":{{"containerStatuses":[
             {{"name":"proxy","restartCount":9,"state":{{"waiting":{{}}}}}},
             {{"name":"kafka","restartCount":2,"state":{{"running":{{}}}}}}]}}}})",
      annotations, containers);
}

TEST(PodFacts, ChoosesTheContainer) {
  const std::string three = R"([{"name":"proxy"},{"name":"kafka","image":"k:1"},{"name":"x"}])";
  const auto kafka = ParsePodFacts(PodJson("{}", three));
  ASSERT_THAT(kafka, IsOk());
  EXPECT_EQ(kafka->container, "kafka");
  EXPECT_EQ(kafka->image, "k:1");
  EXPECT_EQ(kafka->restart_count, 2);
  EXPECT_TRUE(kafka->running);
  EXPECT_TRUE(kafka->created.has_value());
  const auto annotated =
      ParsePodFacts(PodJson(R"({"kubectl.kubernetes.io/default-container":"x"})", three));
  EXPECT_EQ(annotated->container, "x");
  const auto wrong =
      ParsePodFacts(PodJson(R"({"kubectl.kubernetes.io/default-container":"no"})", three));
  EXPECT_EQ(wrong->container, "kafka");
  const auto first = ParsePodFacts(PodJson("null", R"([{"name":"proxy"},{"name":"x"}])"));
  EXPECT_EQ(first->container, "proxy");
  EXPECT_EQ(first->restart_count, 9);
  EXPECT_FALSE(first->running);
}

TEST(PodFacts, RefusesWhatIsNoPod) {
  EXPECT_THAT(ParsePodFacts("{"), StatusIs(StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_THAT(ParsePodFacts("[1]"), StatusIs(StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_THAT(ParsePodFacts(PodJson("{}", "[]")),
              StatusIs(StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_THAT(ParsePodFacts(PodJson("{}", R"([{"name":7},3])")),
              StatusIs(StatusCode::kInvalidArgument, ::testing::_));
}

}  // namespace
}  // namespace network_mapper::kafka
