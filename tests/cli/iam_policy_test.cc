#include "cli/iam_policy.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace network_mapper::cli {
namespace {

using Json = nlohmann::json;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Target Did(const std::string& arn, std::vector<std::string> actions) {
  Target target;
  target.kind = Target::Kind::kAws;
  target.name = arn;
  target.actions = std::move(actions);
  return target;
}

Json StatementsOf(const std::vector<Target>& targets) {
  ClientIntents client;
  client.name = "web";
  client.name_space = "shop";
  client.targets = targets;
  const std::vector<PolicyDocument> policies = PoliciesOf(client);
  EXPECT_THAT(policies, SizeIs(1));
  const Json policy = Json::parse(policies.front());
  EXPECT_EQ(policy["Version"], "2012-10-17");
  return policy["Statement"];
}

TEST(IamPolicy, GroupsResourcesThatTakeTheSameActions) {
  EXPECT_EQ(StatementsOf({Did("arn:aws:s3:::a/1", {"s3:GetObject"}),
                          Did("arn:aws:s3:::a/2", {"s3:GetObject"}),
                          Did("arn:aws:sqs:eu-west-1:1:q", {"sqs:SendMessage", "sqs:GetQueueUrl"}),
                          Did("*", {"s3:ListAllMyBuckets"})}),
            Json::parse(R"([
              {"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::a/1","arn:aws:s3:::a/2"]},
              {"Effect":"Allow","Action":["s3:ListAllMyBuckets"],"Resource":["*"]},
              {"Effect":"Allow","Action":["sqs:GetQueueUrl","sqs:SendMessage"],
               "Resource":["arn:aws:sqs:eu-west-1:1:q"]}])"));
}

TEST(IamPolicy, AWildcardTakesTheOthersInOnlyWithAllTheirActions) {
  EXPECT_EQ(StatementsOf({Did("arn:aws:s3:::a/*", {"s3:GetObject", "s3:PutObject"}),
                          Did("arn:aws:s3:::a/1", {"s3:GetObject"}),
                          Did("arn:aws:s3:::a/2", {"s3:DeleteObject"}),
                          Did("arn:aws:s3:::ab/1", {"s3:GetObject"})}),
            Json::parse(R"([
              {"Effect":"Allow","Action":["s3:DeleteObject"],"Resource":["arn:aws:s3:::a/2"]},
              {"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::ab/1"]},
              {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::a/*"]}])"));
  // Two that cover each other.
  EXPECT_THAT(StatementsOf({Did("arn:aws:x:::a?", {"x:Y"}), Did("arn:aws:x:::a*", {"x:Y"})}),
              SizeIs(1));
}

TEST(IamPolicy, ALogGroupIsNamedInBothOfItsForms) {
  EXPECT_EQ(
      StatementsOf({Did("arn:aws:logs:eu-west-1:1:log-group:/app", {"logs:DescribeLogStreams"})}),
      Json::parse(R"([{"Effect":"Allow","Action":["logs:DescribeLogStreams"],"Resource":
              ["arn:aws:logs:eu-west-1:1:log-group:/app","arn:aws:logs:eu-west-1:1:log-group:/app:*"]}])"));
  EXPECT_EQ(StatementsOf({Did("arn:aws:logs:eu-west-1:1:log-group:/app:log-stream:*",
                              {"logs:PutLogEvents"})}),
            Json::parse(R"([{"Effect":"Allow","Action":["logs:PutLogEvents"],"Resource":
              ["arn:aws:logs:eu-west-1:1:log-group:/app:log-stream:*"]}])"));
}

// A client chooses what its objects are called: no name may allow more than that object.
TEST(IamPolicy, NothingInANameIsAWildcardOrAVariable) {
  const auto resource_of = [](const std::string& arn) {
    return StatementsOf({Did(arn, {"s3:GetObject"})})[0]["Resource"];
  };
  const std::string bucket = "arn:aws:s3:::b/";
  // As the proxy writes them.
  for (const char* key :
       {"a${*}b", "a${?}b", "a${$}{aws:username}b", "a$b", "a{b}", "a\"b\\c\nd'"}) {
    EXPECT_EQ(resource_of(bucket + key), Json::array({bucket + key}));
  }
  // As no proxy writes them.
  EXPECT_EQ(resource_of(bucket + "${aws:username}/${*}"),
            Json::array({bucket + "${$}{aws:username}/${*}"}));
  EXPECT_EQ(resource_of(bucket + "${"), Json::array({bucket + "${$}{"}));
  EXPECT_EQ(resource_of(bucket + "$${*}"), Json::array({bucket + "$${*}"}));
  // Called like a group of CloudWatch Logs, and none.
  EXPECT_EQ(resource_of(bucket + ":logs:x:log-group:y"),
            Json::array({bucket + ":logs:x:log-group:y"}));
  EXPECT_EQ(resource_of("arn:aws:s3:::log-group:y"), Json::array({"arn:aws:s3:::log-group:y"}));
  // One that is written so takes no others in.
  EXPECT_THAT(StatementsOf({Did(bucket + "${*}", {"s3:GetObject"}),
                            Did(bucket + "1", {"s3:GetObject"})})[0]["Resource"],
              SizeIs(2));
}

TEST(IamPolicy, WhatIsNoActionIsLeftOut) {
  EXPECT_EQ(
      StatementsOf({Did("arn:aws:s3:::b", {"s3:*", "s3:Get?", "*", "s3:GetObject", "s3:", ":x",
                                           "s3:${aws:username}", "s3:A\n", "iot-data:Publish"})}),
      Json::parse(R"([{"Effect":"Allow","Action":["iot-data:Publish","s3:GetObject"],
                             "Resource":["arn:aws:s3:::b"]}])"));
  ClientIntents client;
  client.targets = {Did("*", {"*"})};
  EXPECT_THAT(PoliciesOf(client), IsEmpty());
}

// The longest that the mapper takes, of what JSON writes longest.
TEST(IamPolicy, HasRoomForTheLongestNames) {
  ClientIntents client;
  constexpr size_t kLongestArn = 2048;
  for (const char c : {'"', '\\', 'x'}) {
    std::string arn = "arn:aws:s3:::b/";
    arn.append(kLongestArn - arn.size(), c);
    client.targets.push_back(Did(arn, {"s3:GetObject", "s3:PutObject"}));
  }
  size_t resources = 0;
  for (const PolicyDocument& policy : PoliciesOf(client)) {
    const Json json = Json::parse(policy);
    EXPECT_LE(json.dump().size(), kMostPolicyCharacters);
    for (const Json& statement : json["Statement"]) {
      resources += statement["Resource"].size();
    }
  }
  EXPECT_EQ(resources, 3U);
}

TEST(IamPolicy, NothingInAwsIsNoPolicy) {
  ClientIntents client;
  client.targets.emplace_back();
  EXPECT_THAT(PoliciesOf(client), IsEmpty());
  EXPECT_EQ(PolicyDocuments({client}), "[]");
}

// No document is too long, and together they say all.
TEST(IamPolicy, IsSplitWhereItIsTooLong) {
  ClientIntents client;
  std::vector<std::pair<std::string, std::string>> expected;
  for (int i = 0; i < 1'000; ++i) {
    const std::string arn = "arn:aws:s3:::" + std::string(40, 'b') + "/" + std::to_string(i);
    std::vector<std::string> actions{"s3:GetObject"};
    if (i % 3 == 0) {
      actions.emplace_back("s3:PutObject");
    }
    for (const std::string& action : actions) {
      expected.emplace_back(arn, action);
    }
    client.targets.push_back(Did(arn, actions));
  }
  std::vector<std::string> many;
  for (int i = 0; i < 900; ++i) {
    many.push_back("service:Action" + std::to_string(i));
    expected.emplace_back("*", many.back());
  }
  client.targets.push_back(Did("*", many));
  std::vector<std::pair<std::string, std::string>> allowed;
  const std::vector<PolicyDocument> policies = PoliciesOf(client);
  for (const PolicyDocument& text : policies) {
    const Json policy = Json::parse(text);
    EXPECT_LE(policy.dump().size(), kMostPolicyCharacters);
    for (const Json& statement : policy["Statement"]) {
      for (const std::string arn : statement["Resource"]) {
        for (const std::string action : statement["Action"]) {
          allowed.emplace_back(arn, action);
        }
      }
    }
  }
  std::sort(expected.begin(), expected.end());
  std::sort(allowed.begin(), allowed.end());
  EXPECT_EQ(allowed, expected);
  // Not much more than what the texts take.
  EXPECT_LT(policies.size(), 20U);
}

TEST(IamPolicy, AWorkloadIsShownWithItsRoles) {
  ClientIntents client;
  client.name = "web";
  client.name_space = "shop";
  client.workload_kind = "Deployment";
  client.targets.push_back(Did("*", {"ec2:DescribeInstances"}));
  client.targets.front().roles = {"arn:aws:iam::1:role/web"};
  EXPECT_EQ(Json::parse(PolicyDocuments({client})), Json::parse(R"([{
    "workload":{"name":"web","namespace":"shop","kind":"Deployment"},"roles":["arn:aws:iam::1:role/web"],
    "policies":[{"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":["ec2:DescribeInstances"],"Resource":["*"]}]}]}])"));
}

}  // namespace
}  // namespace network_mapper::cli
