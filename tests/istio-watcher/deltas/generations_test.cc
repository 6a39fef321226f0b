#include "istio-watcher/deltas/generations.h"

#include <gtest/gtest.h>

namespace network_mapper::istio {
namespace {

void Expect(const GenerationStep& step, uint64_t growth, const Generations& now) {
  EXPECT_EQ(step.growth, growth);
  EXPECT_EQ(step.now, now);
}

constexpr std::optional<uint64_t> kNone;

TEST(Generations, OneValueGrowsStandsStillOrWasReset) {
  Expect(StepTo({kNone, 5}, 8), 3, {kNone, 8});
  Expect(StepTo({kNone, 5}, 5), 0, {kNone, 5});
  Expect(StepTo({kNone, 5}, 4), 4, {kNone, 4});
  Expect(StepTo({kNone, 5}, 0), 0, {kNone, 0});
}

TEST(Generations, ANewOneBeginsAtZero) {
  Expect(StepTo({kNone, 100}, 3, 100), 3, {100, 3});
  Expect(StepTo({kNone, 100}, 3, 102), 5, {102, 3});
  Expect(StepTo({kNone, 5}, 5, 9), 9, {5, 9});
  Expect(StepTo({kNone, 0}, 2, 3), 5, {2, 3});
  Expect(StepTo({kNone, 9}, 2, 3), 5, {3, 2});
}

TEST(Generations, TheOlderOneStandsStillAndVanishes) {
  Expect(StepTo({100, 5}, 7, 100), 2, {100, 7});
  Expect(StepTo({100, 5}, 5, 100), 0, {100, 5});
  Expect(StepTo({100, 5}, 100, 107), 102, {100, 107});
  Expect(StepTo({100, 5}, 8), 3, {kNone, 8});
  Expect(StepTo({5, 20}, 5, 25), 5, {5, 25});
  // The next rotation, before the last one was over.
  Expect(StepTo({100, 5}, 2, 6), 3, {6, 2});
}

TEST(Generations, AreNotTakenForEachOtherForLong) {
  // Which of 5 and 20 is the older one cannot be seen yet.
  Expect(StepTo({kNone, 5}, 5, 20), 20, {5, 20});
  Expect(StepTo({5, 20}, 8, 20), 3, {20, 8});
  Expect(StepTo({5, 20}, 9), 4, {kNone, 9});
}

}  // namespace
}  // namespace network_mapper::istio
