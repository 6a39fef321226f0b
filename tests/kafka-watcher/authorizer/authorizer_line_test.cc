#include "kafka-watcher/authorizer/authorizer_line.h"

#include <set>

#include <gtest/gtest.h>

namespace network_mapper::kafka {
namespace {

TEST(AuthorizerLine, NamesEveryRefusalDifferently) {
  std::set<std::string_view> names;
  for (const LineRefusal refusal : kAllLineRefusals) {
    names.insert(LineRefusalName(refusal));
  }
  EXPECT_EQ(names.size(), kAllLineRefusals.size());
  EXPECT_EQ(LineRefusalName(LineRefusal::kMalformed), "malformed");
}

}  // namespace
}  // namespace network_mapper::kafka
