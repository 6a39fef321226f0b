#include "common/net/ip_address.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

TEST(IpAddress, ReadsAndPrintsBothFamilies) {
  EXPECT_EQ(IpAddress::Parse("10.1.2.3")->ToString(), "10.1.2.3");
  EXPECT_EQ(IpAddress::Parse("2001:DB8:0:0:0:0:0:1")->ToString(), "2001:db8::1");
  EXPECT_EQ(IpAddress::Parse("::")->ToString(), "::");
}

TEST(IpAddress, TreatsMappedAddressesAsIpv4) {
  EXPECT_EQ(IpAddress::Parse("::ffff:10.1.2.3"), IpAddress::Parse("10.1.2.3"));
  EXPECT_TRUE(IpAddress::Parse("::ffff:10.1.2.3")->IsV4());
  EXPECT_EQ(IpAddress::Parse("::ffff:10.1.2.3")->Bytes().size(), 4U);
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "10.1.2", "10.1.2.256", "fe80::1%eth0", "10.0.0.0/8", "[::1]", "hello",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("10.1.2.3\0x", 10)).has_value());
  EXPECT_FALSE(IpAddress::FromBytes(std::vector<uint8_t>(5)).has_value());
}

TEST(IpAddress, KnowsSpecialRanges) {
  EXPECT_TRUE(IpAddress::Parse("127.0.0.53")->IsLoopback());
  EXPECT_TRUE(IpAddress::Parse("::1")->IsLoopback());
  EXPECT_FALSE(IpAddress::Parse("128.0.0.1")->IsLoopback());
  EXPECT_TRUE(IpAddress::Parse("0.0.0.0")->IsUnspecified());
  EXPECT_TRUE(IpAddress::Parse("169.254.20.10")->IsLinkLocal());
  EXPECT_TRUE(IpAddress::Parse("fe80::1")->IsLinkLocal());
  EXPECT_TRUE(IpAddress::Parse("224.0.0.251")->IsMulticast());
  EXPECT_TRUE(IpAddress::Parse("ff02::fb")->IsMulticast());
}

}  // namespace
}  // namespace network_mapper
