#include "mapper/intents/shared_pool.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

std::shared_ptr<const std::string> Text(const std::string& text) {
  return std::make_shared<const std::string>(text);
}

// docs/regressions.md P10
TEST(SharedPool, GivesEqualValuesOneCopyThatIsItsOwn) {
  SharedPool<std::string> pool;
  const auto first = Text("checkout");
  const auto interned = pool.Intern(first);
  EXPECT_NE(interned, first);
  EXPECT_EQ(pool.Intern(Text("checkout")), interned);
  EXPECT_EQ(pool.Intern(nullptr), nullptr);
}

TEST(SharedPool, DropsWhatNobodyUsesAndKeepsWhatIsUsed) {
  SharedPool<std::string> pool;
  const auto kept = pool.Intern(Text("kept"));
  for (int i = 0; i < 100'000; ++i) {
    pool.Intern(Text("pod-" + std::to_string(i)));
  }
  EXPECT_LE(pool.Size(), 1024U);
  EXPECT_EQ(pool.Intern(Text("kept")), kept);
}

}  // namespace
}  // namespace network_mapper
