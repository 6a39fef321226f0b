#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "mapper/intents/intent_store.h"
#include "tests/mapper/intents/sighting_builder.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

// docs/regressions.md 1.1 store
TEST(IntentStoreConcurrency, ReadersSeeOrderedWholeIntentsWhileAWriterMergesAndResets) {
  constexpr int kRounds = 60;
  constexpr int kIntents = 300;
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentStore store(IntentLimits{}, metrics);
  std::atomic<bool> done{false};

  std::vector<std::jthread> readers;
  std::atomic<int> disorders{0};
  std::atomic<int> torn{0};
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&store, &done, &disorders, &torn] {
      while (!done) {
        std::string last;
        store.Visit({}, [&last, &disorders, &torn](const Intent& intent) {
          disorders += intent.client.identity->name <= last ? 1 : 0;
          last = intent.client.identity->name;
          // The writer counts two events for each answered one.
          torn += intent.evidence.at(0).count == 2 * intent.evidence.at(0).answered ? 0 : 1;
          return true;
        });
        store.AppliedSequence("one");
      }
    });
  }

  uint64_t sequence = 0;
  for (int round = 0; round < kRounds; ++round) {
    BatchEffect effect;
    effect.instance_id = "one";
    effect.sequence = ++sequence;
    for (int i = 0; i < kIntents; ++i) {
      IntentSighting sighting = MakeSighting("client-" + std::to_string(i), "server", round);
      sighting.count = 2;
      sighting.answered = 1;
      sighting.sample.client_pod = Text("pod-" + std::to_string(round));
      effect.sightings.push_back(std::move(sighting));
    }
    EXPECT_TRUE(store.Apply(std::move(effect)));
    if (round % 20 == 19) {
      EXPECT_THAT(store.Forget({}, At(round)), IsOk());
    }
  }
  done = true;
  readers.clear();
  EXPECT_EQ(disorders, 0);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(store.AppliedSequence("one"), sequence);
}

}  // namespace
}  // namespace network_mapper
