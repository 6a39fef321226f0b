#include "common/net/cidr.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

TEST(Cidr, ContainsExactlyItsRange) {
  std::optional<Cidr> cidr = Cidr::Parse("10.0.16.5/28");
  ASSERT_TRUE(cidr.has_value());
  EXPECT_EQ(cidr->ToString(), "10.0.16.0/28");
  EXPECT_TRUE(cidr->Contains(*IpAddress::Parse("10.0.16.15")));
  EXPECT_FALSE(cidr->Contains(*IpAddress::Parse("10.0.16.16")));
  EXPECT_FALSE(cidr->Contains(*IpAddress::Parse("::a00:1000")));
}

TEST(Cidr, HandlesIpv6AndWholeSpace) {
  EXPECT_TRUE(Cidr::Parse("fd00::/65")->Contains(*IpAddress::Parse("fd00::7fff:ffff:ffff:ffff")));
  EXPECT_FALSE(Cidr::Parse("fd00::/65")->Contains(*IpAddress::Parse("fd00::8000:0:0:0")));
  EXPECT_TRUE(Cidr::Parse("0.0.0.0/0")->Contains(*IpAddress::Parse("255.255.255.255")));
}

TEST(Cidr, RefusesBadText) {
  for (const char* text :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "x/8", ""}) {
    EXPECT_FALSE(Cidr::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace network_mapper
