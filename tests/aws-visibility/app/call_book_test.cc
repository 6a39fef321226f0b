#include "aws-visibility/app/call_book.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::aws {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ObservedCall Call(const std::string& resource, const std::string& action, int second = 0,
                  bool permitted = true) {
  ObservedCall call;
  call.client = *IpAddress::Parse("10.0.0.1");
  call.time = Time(std::chrono::seconds(1'700'000'000 + second));
  call.recognition.result = RecognitionResult::kRecognized;
  call.recognition.region = "eu-west-1";
  call.recognition.permitted = permitted;
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
  CallBookLimits limits_{
      .exact_objects = 2, .exact_resources = 3, .families = 4, .observations = 10};
  CallBook book_{limits_, metrics_};

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
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:SendMessage", 3, false));
  book_.OnCall(Call("arn:aws:sqs:eu-west-1:1:q", "sqs:ReceiveMessage"));
  std::vector<Observation> seen = book_.Take();
  ASSERT_THAT(seen, SizeIs(3));
  const auto twice = std::find_if(seen.begin(), seen.end(),
                                  [](const Observation& each) { return each.count == 2; });
  ASSERT_NE(twice, seen.end());
  EXPECT_EQ(twice->collector, Collector::kAws);
  EXPECT_EQ(twice->first_seen, Time(std::chrono::seconds(1'700'000'002)));
  EXPECT_EQ(twice->last_seen, Time(std::chrono::seconds(1'700'000'005)));
  EXPECT_EQ(twice->client.ip, IpAddress::Parse("10.0.0.1"));
  EXPECT_EQ(TargetOf(*twice).region, "eu-west-1");
  EXPECT_TRUE(TargetOf(*twice).allowed);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(),
                          [](const Observation& each) { return !TargetOf(each).allowed; }),
            1);
  EXPECT_EQ(metrics_.permitted.Value(), 3);
  EXPECT_EQ(metrics_.denied.Value(), 1);
  EXPECT_THAT(book_.Take(), IsEmpty());
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

TEST_F(CallBookTest, BoundsFamiliesAndObservations) {
  for (int i = 0; i < 6; ++i) {
    book_.OnCall(Call("arn:aws:iot:eu-west-1:1:thing" + std::to_string(i) + "/x", "iot:Publish"));
  }
  EXPECT_THAT(Resources(),
              ElementsAre("arn:aws:iot:eu-west-1:1:thing0/x", "arn:aws:iot:eu-west-1:1:thing1/x",
                          "arn:aws:iot:eu-west-1:1:thing2/x", "arn:aws:iot:eu-west-1:1:thing3/x",
                          "arn:aws:iot:eu-west-1:1:thing4/*", "arn:aws:iot:eu-west-1:1:thing5/*"));
  for (int i = 0; i < 12; ++i) {
    book_.OnCall(Call("arn:aws:sns:eu-west-1:1:t" + std::to_string(i), "sns:Publish"));
  }
  EXPECT_THAT(book_.Take(), SizeIs(10));
  EXPECT_EQ(metrics_.dropped.Value(), 2);
}

TEST_F(CallBookTest, CountsCallsWithoutAccess) {
  ObservedCall call = Call("", "");
  call.recognition.accesses.clear();
  call.recognition.result = RecognitionResult::kNeedsNoPermission;
  book_.OnCall(call);
  EXPECT_THAT(book_.Take(), IsEmpty());
  EXPECT_EQ(metrics_.calls[static_cast<size_t>(RecognitionResult::kNeedsNoPermission)]->Value(), 1);
  EXPECT_EQ(metrics_.permitted.Value() + metrics_.denied.Value(), 0);
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
