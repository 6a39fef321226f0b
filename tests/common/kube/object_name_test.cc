#include "common/kube/object_name.h"

#include <string>

#include <gtest/gtest.h>

namespace network_mapper::kube {
namespace {

TEST(ObjectName, IsWhatTheApiServerTakes) {
  for (const char* name : {"a", "a-b", "0", "a--b", "xn--a"}) {
    EXPECT_TRUE(IsLabelName(name)) << name;
    EXPECT_TRUE(IsSubdomainName(name)) << name;
  }
  for (const char* name : {"", "A", "-a", "a-", "a_b", "a b", "a/b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsLabelName(name)) << name;
    EXPECT_FALSE(IsSubdomainName(name)) << name;
  }
  for (const char* name : {"a.b", "a-b.c.0", "eu-west-1.compute.internal"}) {
    EXPECT_FALSE(IsLabelName(name)) << name;
    EXPECT_TRUE(IsSubdomainName(name)) << name;
  }
  for (const char* name : {".", ".a", "a.", "a..b", "a-.b", "a.-b"}) {
    EXPECT_FALSE(IsSubdomainName(name)) << name;
  }
}

TEST(ObjectName, IsNoLongerThanTheApiServerTakes) {
  EXPECT_TRUE(IsLabelName(std::string(63, 'a')));
  EXPECT_FALSE(IsLabelName(std::string(64, 'a')));
  EXPECT_TRUE(IsSubdomainName(std::string(253, 'a')));
  EXPECT_FALSE(IsSubdomainName(std::string(254, 'a')));
}

}  // namespace
}  // namespace network_mapper::kube
