// Which host names are API endpoints: the recogniser's rules, and the expressions for DNS, which
// must say the same.
#include "aws-visibility/iam/endpoint.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "aws-visibility/iam/recognizer.h"

namespace network_mapper::aws {
namespace {

class DnsRules {
 public:
  DnsRules() {
    std::ifstream file(std::string(std::getenv("NETWORK_MAPPER_SOURCE_DIR")) +
                       "/charts/network-mapper/files/aws-endpoint-names.txt");
    for (std::string line; std::getline(file, line);) {
      size_ += line.size();
      if (!line.starts_with('#')) {
        rules_.push_back(std::make_unique<RE2>(line));
      }
    }
  }

  bool Match(const std::string& host) const {
    for (const auto& rule : rules_) {
      if (RE2::PartialMatch(host + ".", *rule)) {
        return true;
      }
    }
    return false;
  }

  size_t Size() const { return size_; }

 private:
  std::vector<std::unique_ptr<RE2>> rules_;
  size_t size_ = 0;
};

const DnsRules& Rules() {
  static const DnsRules rules;
  return rules;
}

void ExpectBoth(const std::string& host, bool wanted) {
  EXPECT_EQ(IsApiEndpoint(host), wanted) << host;
  EXPECT_EQ(Rules().Match(host), wanted) << host;
}

TEST(AwsEndpoints, AreIntercepted) {
  for (const char* host :
       {"sqs.eu-west-1.amazonaws.com",
        "SQS.EU-West-1.AmazonAWS.com",
        "api.ecr.us-east-1.amazonaws.com",
        "kms-fips.us-gov-west-1.amazonaws.com",
        "dynamodb.cn-north-1.amazonaws.com.cn",
        "lambda.eu-west-1.api.aws",
        "ec2.eusc-de-east-1.amazonaws.eu",
        "sts.us-iso-east-1.c2s.ic.gov",
        "sts.amazonaws.com",
        "iam.amazonaws.com",
        "iam.us-gov.amazonaws.com",
        "iam.global.api.aws",
        "iam.cn-north-1.amazonaws.com.cn",
        "cloudfront.amazonaws.com",
        "route53.amazonaws.com",
        "global.health.amazonaws.com",
        "queue.amazonaws.com",
        "eu-west-1.queue.amazonaws.com",
        "123456789012.ddb.eu-west-1.amazonaws.com",
        "sync-states.eu-west-1.amazonaws.com",
        "stream-logs.eu-west-1.amazonaws.com",
        "123456789012.data-kinesis.us-east-1.amazonaws.com",
        "123456789012.s3-control.eu-west-1.amazonaws.com",
        "fips.batch.us-east-1.amazonaws.com",
        "fips.eks.us-east-1.amazonaws.com",
        "data.iot-fips.us-east-1.amazonaws.com",
        "runtime.sagemaker.eu-west-1.amazonaws.com",
        "streams.dynamodb.eu-west-1.amazonaws.com",
        "abc.veo.endpoint.events.amazonaws.com",
        "s3.amazonaws.com",
        "b.s3.amazonaws.com",
        "b.c.s3.eu-west-1.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "b.s3-eu-west-1.amazonaws.com",
        "s3-external-1.amazonaws.com",
        "b.s3-fips.dualstack.us-east-1.amazonaws.com",
        "s3.dualstack.eu-west-1.amazonaws.com",
        "b.s3-accelerate.amazonaws.com",
        "b.s3-accelerate.dualstack.amazonaws.com",
        "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
        "x.mrap.accesspoint.s3-global.amazonaws.com",
        "ap-123456789012.s3-object-lambda.eu-west-1.amazonaws.com",
        "ap-123456789012.op-01ac5d28a6a232904.s3-outposts.eu-west-1.amazonaws.com",
        "b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
        "s3express-control.us-east-1.amazonaws.com"}) {
    ExpectBoth(host, true);
  }
  EXPECT_TRUE(IsApiEndpoint("sqs.eu-west-1.amazonaws.com."));
  EXPECT_TRUE(IsApiEndpoint("sqs.eu-west-1.amazonaws.com:443"));
}

TEST(AwsEndpoints, LeaveDatabasesAndOtherDataPlanesAlone) {
  for (const char* host : {"db.abc.eu-west-1.rds.amazonaws.com",
                           "x.abc.0001.euw1.cache.amazonaws.com",
                           "lb-1.elb.eu-west-1.amazonaws.com",
                           "lb-1.eu-west-1.elb.amazonaws.com",
                           "search-x.eu-west-1.es.amazonaws.com",
                           "ABC.gr7.eu-west-1.eks.amazonaws.com",
                           "b-1.x.c1.kafka.eu-west-1.amazonaws.com",
                           "x.abc.eu-west-1.redshift.amazonaws.com",
                           "x.cluster-abc.eu-west-1.docdb.amazonaws.com",
                           "x.cluster-abc.eu-west-1.neptune.amazonaws.com",
                           "clustercfg.x.memorydb.eu-west-1.amazonaws.com",
                           "x.dax-clusters.eu-west-1.amazonaws.com",
                           "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
                           "ec2-1-2-3-4.compute-1.amazonaws.com",
                           "a1.execute-api.eu-west-1.amazonaws.com",
                           "x.lambda-url.eu-west-1.on.aws",
                           "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                           "abc-ats.iot.eu-west-1.amazonaws.com",
                           "email-smtp.eu-west-1.amazonaws.com",
                           "vpce-1.s3.eu-west-1.vpce.amazonaws.com",
                           "b.s3-website-eu-west-1.amazonaws.com",
                           "b.s3-website.eu-west-1.amazonaws.com",
                           "g-1.eu-west-1.neptune-graph.amazonaws.com",
                           "fs-1.efs.eu-west-1.amazonaws.com",
                           "amazonaws.com",
                           "eu-west-1.amazonaws.com",
                           "www.amazonaws.com",
                           "x.sqs.eu-west-1.amazonaws.com",
                           "sqs.eu-west.amazonaws.com",
                           "sqs.eu-west-1.amazonaws.com.evil.org",
                           "sqs.eu-west-1.evil.org",
                           "sqs.eu-west-1.notamazonaws.com",
                           "aws.amazon.com",
                           "",
                           ".",
                           "..s3.amazonaws.com",
                           "-fips.eu-west-1.amazonaws.com"}) {
    ExpectBoth(host, false);
  }
}

TEST(AwsEndpoints, AreTheSameForDnsWithEveryService) {
  // Short enough for a Corefile.
  EXPECT_LT(Rules().Size(), 12U * 1024);
  size_t names = 0;
  const auto expect_same = [&](const std::string& host) {
    ++names;
    EXPECT_EQ(IsApiEndpoint(host), Rules().Match(host)) << host;
  };
  for (const NamedService& one : ServicesByRegionalLabel()) {
    const std::string label(one.name);
    for (const char* place : {".eu-west-1.amazonaws.com", ".us-gov-east-1.api.aws",
                              ".cn-north-1.amazonaws.com.cn", ".eusc-de-east-1.amazonaws.eu"}) {
      for (const char* middle : {"", "-fips", ".dualstack"}) {
        ExpectBoth(label + middle + place, true);
        expect_same("x." + label + middle + place);
      }
    }
    expect_same(label + ".amazonaws.com");
    expect_same("eu-west-1." + label + ".amazonaws.com");
    expect_same("x.eu-west-1." + label + ".amazonaws.com");
  }
  for (const NamedService& one : ServicesByGlobalLabel()) {
    ExpectBoth(std::string(one.name) + ".amazonaws.com", true);
    expect_same("x." + std::string(one.name) + ".amazonaws.com");
  }
  EXPECT_GT(names, 1000U);
}

}  // namespace
}  // namespace network_mapper::aws
