#include <gtest/gtest.h>

#include "sniffer/aggregate/keyed_entries.h"
#include "sniffer/aggregate/recent_table.h"

namespace network_mapper::sniffer {
namespace {

TEST(KeyedEntries, FindsWhatWasInsertedUntilItIsCleared) {
  KeyedEntries<uint64_t> entries(100000);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t key = 0; key < 5000; ++key) {
      // Hashes collide in threes.
      uint64_t hash = key / 3;
      auto is_key = [key](uint64_t entry) { return entry == key; };
      EXPECT_EQ(entries.Find(hash, is_key), nullptr);
      ASSERT_NE(entries.Insert(hash, key), nullptr);
    }
    for (uint64_t key = 0; key < 5000; ++key) {
      auto* entry = entries.Find(key / 3, [key](uint64_t other) { return other == key; });
      ASSERT_NE(entry, nullptr);
      EXPECT_EQ(entries.PositionOf(entry), key);
    }
    entries.Clear();
    EXPECT_EQ(entries.Size(), 0U);
  }
}

TEST(KeyedEntries, RefusesMoreThanItsBound) {
  KeyedEntries<int> entries(2);
  EXPECT_NE(entries.Insert(1, 1), nullptr);
  EXPECT_NE(entries.Insert(2, 2), nullptr);
  EXPECT_EQ(entries.Insert(3, 3), nullptr);
}

TEST(RecentTable, FindsTheNewestFirst) {
  RecentTable<int> table(10);
  table.Insert(7, 1);
  table.Insert(7, 2);
  EXPECT_EQ(*table.Find(7, [](int) { return true; }), 2);
  EXPECT_EQ(*table.Find(7, [](int entry) { return entry == 1; }), 1);
  EXPECT_EQ(table.Find(8, [](int) { return true; }), nullptr);
}

TEST(RecentTable, ForgetsTheOldestBeyondItsCapacity) {
  constexpr uint64_t kCapacity = 1000;
  RecentTable<uint64_t> table(kCapacity);
  for (uint64_t key = 0; key < 5 * kCapacity; ++key) {
    table.Insert(key * 0x9E3779B97F4A7C15ULL, key);
    uint64_t oldest = key < kCapacity ? 0 : key - kCapacity + 1;
    auto has = [&](uint64_t wanted) {
      return table.Find(wanted * 0x9E3779B97F4A7C15ULL,
                        [wanted](uint64_t entry) { return entry == wanted; }) != nullptr;
    };
    ASSERT_TRUE(has(key));
    ASSERT_TRUE(has(oldest));
    ASSERT_TRUE(oldest == 0 || !has(oldest - 1));
  }
}

TEST(RecentTable, LooksAtABoundedNumberOfEqualHashes) {
  RecentTable<int> table(10000);
  for (int i = 0; i < 10000; ++i) {
    table.Insert(7, i);
  }
  int visited = 0;
  table.Find(7, [&](int) {
    ++visited;
    return false;
  });
  EXPECT_LE(visited, 64);
}

}  // namespace
}  // namespace network_mapper::sniffer
