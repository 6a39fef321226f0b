#include "aws-visibility/app/call_book.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace network_mapper::aws {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

// As FakeClock's.
constexpr std::chrono::seconds kStart{1'767'225'600};

ObservedCall Call(const std::string& resource, const std::string& action, int second = 0,
                  Answer answer = Answer::kSucceeded) {
  ObservedCall call;
  call.client = *IpAddress::Parse("10.0.0.1");
  call.time = Time(kStart + std::chrono::seconds(second));
  call.recognition.result = RecognitionResult::kRecognized;
  call.recognition.region = "eu-west-1";
  call.recognition.answer = answer;
  call.recognition.accesses = {{resource, {action}}};
  return call;
}

const AwsTarget& TargetOf(const Observation& observation) {
  return std::get<AwsTarget>(observation.target);
}

class CallBookTest : public ::testing::Test {
 protected:
  MetricsRegistry registry_;
  CallBookMetrics metrics_{registry_};
  CallBookLimits limits_{.exact_objects = 2,
                         .exact_resources = 3,
                         .members = 4,
                         .used_bytes = 1'000,
                         .attempted_bytes = 500,
                         .bytes = 1'800};
  FakeClock clock_;
  CallBook book_{limits_, metrics_, clock_};

  // By Answer.
  std::vector<double> Answers() const {
    std::vector<double> values;
    for (const Counter* counter : metrics_.answers) {
      values.push_back(counter->Value());
    }
    return values;
  }

  std::vector<std::string> Resources() {
    std::vector<std::string> resources;
    for (const Observation& observation : book_.Take()) {
      resources.push_back(TargetOf(observation).resource_arn);
    }
    std::sort(resources.begin(), resources.end());
    return resources;
  }
};

TEST_F(CallBookTest, CountsWhatIsTheSameAndKeepsApartWhatIsNot) {
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:SendMessage", 5));
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:SendMessage", 2));
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:SendMessage", 3, Answer::kDenied));
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:ReceiveMessage"));
  std::vector<Observation> seen = book_.Take();
  ASSERT_THAT(seen, SizeIs(3));
  const auto twice = std::find_if(seen.begin(), seen.end(),
                                  [](const Observation& each) { return each.count == 2; });
  ASSERT_NE(twice, seen.end());
  EXPECT_EQ(twice->collector, Collector::kAws);
  EXPECT_EQ(twice->first_seen, Time(kStart + std::chrono::seconds(2)));
  EXPECT_EQ(twice->last_seen, Time(kStart + std::chrono::seconds(5)));
  EXPECT_EQ(twice->client.ip, IpAddress::Parse("10.0.0.1"));
  EXPECT_EQ(TargetOf(*twice).region, "eu-west-1");
  EXPECT_TRUE(TargetOf(*twice).allowed);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(),
                          [](const Observation& each) { return !TargetOf(each).allowed; }),
            1);
  EXPECT_EQ(Answers(), (std::vector<double>{0, 3, 1, 0}));
  EXPECT_THAT(book_.Take(), IsEmpty());
}

TEST_F(CallBookTest, WhatDidNotSucceedIsCountedByItsAnswer) {
  for (const Answer answer : {Answer::kNone, Answer::kDenied, Answer::kFailed, Answer::kFailed}) {
    book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:SendMessage", 3, answer));
  }
  EXPECT_EQ(Answers(), (std::vector<double>{1, 0, 1, 2}));
  const std::vector<Observation> seen = book_.Take();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_FALSE(TargetOf(seen.front()).allowed);
}

TEST_F(CallBookTest, ObjectsOfABucketAreNamedUntilThereAreMany) {
  for (const char* object : {"a", "b", "a", "c/d", "c/e", "b"}) {
    book_.OnCall(Call(std::string("arn:aws:s3:::bills/") + object, "s3:GetObject"));
  }
  EXPECT_THAT(Resources(),
              ElementsAre("arn:aws:s3:::bills/*", "arn:aws:s3:::bills/a", "arn:aws:s3:::bills/b"));
  EXPECT_EQ(metrics_.folded.Value(), 2);
  // Over reports, too; other clients have their own.
  book_.OnCall(Call("arn:aws:s3:::bills/z", "s3:GetObject"));
  ObservedCall other = Call("arn:aws:s3:::bills/z", "s3:GetObject");
  other.client = *IpAddress::Parse("10.0.0.2");
  book_.OnCall(other);
  EXPECT_THAT(Resources(), ElementsAre("arn:aws:s3:::bills/*", "arn:aws:s3:::bills/z"));
}

ObservedCall From(const char* address, ObservedCall call) {
  call.client = *IpAddress::Parse(address);
  return call;
}

// What an export allows is no wider for what was denied, or for what others do.
TEST_F(CallBookTest, FoldsOnlyForWhatAClientUsedItself) {
  for (int i = 0; i < 4; ++i) {
    const std::string denied = "arn:aws:s3:::bills/" + std::to_string(i);
    book_.OnCall(Call(denied, "s3:GetObject", 0, Answer::kDenied));
    book_.OnCall(From("10.0.0.2", Call(denied, "s3:GetObject")));
  }
  book_.Take();
  book_.OnCall(Call("arn:aws:s3:::bills/a", "s3:GetObject"));
  book_.OnCall(Call("arn:aws:s3:::bills/b", "s3:GetObject"));
  EXPECT_THAT(Resources(), ElementsAre("arn:aws:s3:::bills/a", "arn:aws:s3:::bills/b"));
  // Nor for an address's last owner.
  clock_.Advance(limits_.memory + std::chrono::minutes(1));
  EXPECT_THAT(book_.Take(), IsEmpty());
  for (const char* object : {"c", "d"}) {
    ObservedCall call = Call(std::string("arn:aws:s3:::bills/") + object, "s3:GetObject");
    call.time = clock_.Now();
    book_.OnCall(call);
  }
  EXPECT_THAT(Resources(), ElementsAre("arn:aws:s3:::bills/c", "arn:aws:s3:::bills/d"));
}

TEST_F(CallBookTest, BoundsWhatItRemembers) {
  for (int i = 0; i < 6; ++i) {
    book_.OnCall(Call("arn:aws:s3:::bucket" + std::to_string(i) + "/x", "s3:GetObject"));
  }
  // Those that it does not remember keep their names.
  EXPECT_THAT(Resources(), Contains("arn:aws:s3:::bucket5/x"));
}

TEST_F(CallBookTest, BoundsWhatItReportsForEachClientAndAll) {
  const auto topics = [&](const char* client, Answer answer) {
    for (int i = 0; i < 30; ++i) {
      book_.OnCall(From(
          client, Call("arn:aws:sns:eu-west-1:1:t" + std::to_string(i), "sns:Publish", 0, answer)));
    }
  };
  // What was denied leaves room for what was used, and one client for others.
  topics("10.0.0.1", Answer::kDenied);
  EXPECT_THAT(book_.Take(), SizeIs(AllOf(Ge(5U), Le(10U))));
  topics("10.0.0.1", Answer::kDenied);
  topics("10.0.0.1", Answer::kSucceeded);
  topics("10.0.0.2", Answer::kSucceeded);
  std::map<std::string, int> used;
  size_t all = 0;
  for (const Observation& observation : book_.Take()) {
    ++all;
    used[observation.client.ip->ToString()] += TargetOf(observation).allowed ? 1 : 0;
  }
  EXPECT_THAT(used["10.0.0.1"], AllOf(Ge(10), Le(20)));
  EXPECT_GT(used["10.0.0.2"], 0);
  EXPECT_LE(all, 36U);
  EXPECT_GT(metrics_.dropped.Value(), 0);
  topics("10.0.0.1", Answer::kSucceeded);
  EXPECT_THAT(book_.Take(), SizeIs(used["10.0.0.1"]));
}

TEST_F(CallBookTest, CountsCallsWithoutAccess) {
  ObservedCall call = Call("", "");
  call.recognition.accesses.clear();
  call.recognition.result = RecognitionResult::kNeedsNoPermission;
  book_.OnCall(call);
  EXPECT_THAT(book_.Take(), IsEmpty());
  EXPECT_EQ(metrics_.calls[static_cast<size_t>(RecognitionResult::kNeedsNoPermission)]->Value(), 1);
  EXPECT_EQ(Answers(), (std::vector<double>{0, 0, 0, 0}));
}

TEST(FamilyOf, FoldsTheLastPartOfAnArn) {
  EXPECT_EQ(FamilyOf("arn:aws:s3:::bucket"), "");
  EXPECT_EQ(FamilyOf("arn:aws:s3:::bucket/a/b:c"), "arn:aws:s3:::bucket/*");
  EXPECT_EQ(FamilyOf("arn:aws:s3:::bucket/*"), "");
  EXPECT_EQ(FamilyOf("arn:aws:dynamodb:eu-west-1:1:table/t"),
            "arn:aws:dynamodb:eu-west-1:1:table/*");
  EXPECT_EQ(FamilyOf("arn:aws:states:eu-west-1:1:execution:machine:run"),
            "arn:aws:states:eu-west-1:1:execution:machine:*");
  EXPECT_EQ(FamilyOf("arn:aws:sqs:eu-west-1:1:q"), "");
  EXPECT_EQ(FamilyOf("*"), "");
  EXPECT_EQ(FamilyOf(""), "");
}

}  // namespace
}  // namespace network_mapper::aws
