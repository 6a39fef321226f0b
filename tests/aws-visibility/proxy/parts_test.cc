// What the proxy remembers: certificates, and who is to be spliced.
#include <string>

#include <gtest/gtest.h>

#include "aws-visibility/proxy/host_name.h"
#include "aws-visibility/proxy/leaf_cache.h"
#include "aws-visibility/proxy/sockets.h"
#include "aws-visibility/proxy/splice_memory.h"
#include "tests/aws-visibility/proxy/proxy_fixture.h"
#include "tests/support/fake_clock.h"

namespace network_mapper::aws {
namespace {

using namespace std::chrono_literals;

TEST(SpliceMemory, ForgetsInTimeAndIsBounded) {
  SpliceMemory memory(10min, 3);
  const SteadyTime now{};
  const IpAddress pod = *IpAddress::Parse("10.0.0.1");
  memory.Remember(pod, "sqs", now);
  EXPECT_TRUE(memory.Knows(pod, "sqs", now + 9min));
  EXPECT_FALSE(memory.Knows(pod, "sqs", now + 10min));
  EXPECT_FALSE(memory.Knows(pod, "sns", now));
  EXPECT_FALSE(memory.Knows(*IpAddress::Parse("10.0.0.2"), "sqs", now));
  for (const char* name : {"a", "b", "c"}) {
    memory.Remember(pod, name, now + 1min);
  }
  // The one whose end is nearest went.
  EXPECT_FALSE(memory.Knows(pod, "sqs", now + 1min));
  EXPECT_TRUE(memory.Knows(pod, "a", now + 1min));
}

TEST(SpliceMemory, IsSureOfWhoLeavesTwiceInARow) {
  SpliceMemory memory(10min);
  const SteadyTime now{};
  const IpAddress pod = *IpAddress::Parse("10.0.0.1");
  const IpAddress other = *IpAddress::Parse("10.0.0.2");
  EXPECT_FALSE(memory.Suspect(pod, "sqs", now));
  EXPECT_FALSE(memory.Knows(pod, "sqs", now));
  // Neither another client nor another name adds to it, and work in between takes it away.
  EXPECT_FALSE(memory.Suspect(other, "sqs", now));
  EXPECT_FALSE(memory.Suspect(pod, "sns", now));
  memory.Trust(pod, "sqs");
  EXPECT_FALSE(memory.Suspect(pod, "sqs", now + 1min));
  // So does time.
  EXPECT_FALSE(memory.Suspect(pod, "sqs", now + 12min));
  EXPECT_TRUE(memory.Suspect(pod, "sqs", now + 13min));
  EXPECT_TRUE(memory.Knows(pod, "sqs", now + 22min));
  memory.Trust(pod, "sqs");
  EXPECT_TRUE(memory.Knows(pod, "sqs", now + 22min));
  EXPECT_FALSE(memory.Knows(other, "sqs", now + 13min));
  // Who was spliced once does not have to leave twice the next time.
  EXPECT_FALSE(memory.Knows(pod, "sqs", now + 24min));
  EXPECT_TRUE(memory.Suspect(pod, "sqs", now + 32min));
  EXPECT_FALSE(memory.Suspect(pod, "sqs", now + 60min));
}

TEST(LeafCache, RenewsBeforeTheEndAndIsBounded) {
  const TestAuthority authority;
  FakeClock clock;
  TestIssuer issuer(authority, clock);
  LeafCache cache(issuer, clock, 2);
  EXPECT_TRUE(cache.For("a").ok());
  EXPECT_TRUE(cache.For("a").ok());
  EXPECT_EQ(issuer.issued, 1);
  clock.Advance(55min);
  EXPECT_TRUE(cache.For("a").ok());
  EXPECT_EQ(issuer.issued, 2);
  for (const char* name : {"b", "c", "d"}) {
    EXPECT_TRUE(cache.For(name).ok());
  }
  EXPECT_EQ(issuer.issued, 5);
}

TEST(MayBeCertified, OnlyNamesOfHosts) {
  EXPECT_TRUE(MayBeCertified("sqs.eu-west-1.amazonaws.com"));
  EXPECT_TRUE(MayBeCertified("1--a"));
  for (const std::string name :
       {"", "my_logs.s3.amazonaws.com", "a..b", ".a", "-a.b", "a-.b", "a.b-"}) {
    EXPECT_FALSE(MayBeCertified(name)) << name;
  }
  EXPECT_FALSE(MayBeCertified(std::string(64, 'a') + ".b"));
}

TEST(ReadHostField, FindsNameAndPort) {
  const auto text = [](std::string_view field) {
    const std::optional<HostField> read = ReadHostField(field);
    return read ? read->name + " " + std::to_string(read->port) : "none";
  };
  EXPECT_EQ(text("SQS.eu-west-1.amazonaws.com"), "sqs.eu-west-1.amazonaws.com 0");
  EXPECT_EQ(text("a.b.:80"), "a.b 80");
  EXPECT_EQ(text("a:"), "a 0");
  EXPECT_EQ(text(std::string(253, 'a') + ":65535"), std::string(253, 'a') + " 65535");
  for (const std::string& none :
       {std::string(), std::string(":80"), std::string("."), std::string("a..:80"),
        std::string(254, 'a'), std::string("a:0"), std::string("a:65536"), std::string("a:8 0"),
        std::string("a:+80"), std::string("a:80:80"), std::string("[::1]:80"), std::string("a b"),
        std::string("u@a"), std::string("a/b"), std::string("a%2eb"), std::string("a\0b", 3),
        std::string("\xc3\xa4")}) {
    EXPECT_EQ(text(none), "none") << none;
  }
}

TEST(PreferredProtocol, IsHttp1WhereItIsOffered) {
  EXPECT_EQ(PreferredProtocol("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(PreferredProtocol("\x02h2"), "h2");
  EXPECT_EQ(PreferredProtocol("\x04mqtt"), "");
  EXPECT_EQ(PreferredProtocol(""), "");
}

}  // namespace
}  // namespace network_mapper::aws
