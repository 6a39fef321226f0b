// What several intent stores promise that share a database, on a real PostgreSQL: all have the same
// map, which is that of one store that got everything, whatever happens to them or to the server.
#include <chrono>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "mapper/intents/postgres_connection.h"
#include "mapper/intents/postgres_database.h"
#include "mapper/intents/sqlite_database.h"
#include "tests/mapper/intents/sighting_builder.h"
#include "tests/mapper/intents/store_content.h"
#include "tests/support/postgres_server.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SharedStoreTest : public ::testing::Test {
 protected:
  // One for all: making one takes seconds.
  static void SetUpTestSuite() { the_server_ = std::make_unique<PostgresServer>(); }

  static void TearDownTestSuite() { the_server_.reset(); }

  SharedStoreTest() { Execute("DROP SCHEMA IF EXISTS network_mapper CASCADE"); }

  // A mapper's store.
  struct Replica {
    // Every reader sees at once what others have committed, unless a test wants otherwise.
    explicit Replica(StatusOr<std::unique_ptr<IntentDatabase>> database, IntentLimits limits = {},
                     std::chrono::milliseconds refresh_interval = {})
        : metrics(registry), store(limits, metrics, refresh_interval) {
      EXPECT_THAT(database, IsOk());
      if (database.ok()) {
        EXPECT_THAT(store.Recover(*std::move(database), kHeldDeadline), IsOk());
      }
    }

    explicit Replica(const PostgresServer& server, IntentLimits limits = {},
                     std::chrono::milliseconds refresh_interval = {})
        : Replica(OpenPostgresDatabase(server.Url(), At(0)), limits, refresh_interval) {}

    void CommitUntilDone() {
      Status status = store.Commit();
      for (int attempt = 0; attempt < 100 && !status.ok(); ++attempt) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        status = store.Commit();
      }
      EXPECT_THAT(status, IsOk());
    }

    MetricsRegistry registry;
    IntentStoreMetrics metrics;
    IntentStore store;
  };

  void Execute(const std::string& sql) const {
    auto connection = PostgresConnection::Open(server_.Url());
    ASSERT_THAT(connection, IsOk());
    EXPECT_THAT(connection->RunScript(sql), IsOk());
  }

  static inline std::unique_ptr<PostgresServer> the_server_;
  PostgresServer& server_ = *the_server_;
};

TEST_F(SharedStoreTest, EachShowsWhatAnyHasCommitted) {
  Replica one(server_);
  Replica two(server_);
  EXPECT_TRUE(one.store.IsShared());
  one.store.Apply(Numbered("x", 1, MakeSighting("a", "b", 1)));
  EXPECT_THAT(Edges(one.store), IsEmpty());
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_THAT(Edges(two.store), ElementsAre("shop/a -> shop/b"));
  two.store.Apply(Numbered("y", 1, MakeSighting("a", "b", 2)));
  two.store.Apply(Numbered("y", 2, MakeSighting("a", "c", 2)));
  ASSERT_THAT(two.store.Commit(), IsOk());
  one.store.Apply(Numbered("x", 2, MakeSighting("a", "b", 3)));
  ASSERT_THAT(one.store.Commit(), IsOk());
  for (const IntentStore* store : {&one.store, &two.store}) {
    EXPECT_THAT(Edges(*store), ElementsAre("shop/a -> shop/b", "shop/a -> shop/c"));
    EXPECT_EQ(store->Since(), At(0));
    store->Visit({}, [](const Intent& intent) {
      EXPECT_EQ(intent.Count(), intent.server.identity->name == "b" ? 3U : 1U);
      return true;
    });
  }
  EXPECT_EQ(Content(one.store), Content(two.store));
  EXPECT_EQ(Content(Replica(server_).store), Content(two.store));
}

TEST_F(SharedStoreTest, ABatchThatSeveralGotCountsOnce) {
  Replica one(server_);
  Replica two(server_);
  one.store.Apply(Numbered("x", 1, MakeSighting("a", "b")));
  EXPECT_TRUE(two.store.Apply(Numbered("x", 1, MakeSighting("a", "b"))));
  EXPECT_TRUE(two.store.Apply(Numbered("x", 2, MakeSighting("a", "b"))));
  EXPECT_FALSE(two.store.Apply(Numbered("x", 2, MakeSighting("a", "b"))));
  EXPECT_EQ(two.store.AppliedSequence("x"), 2U);
  EXPECT_EQ(two.store.CommittedSequence("x"), 0U);
  ASSERT_THAT(two.store.Commit(), IsOk());
  EXPECT_EQ(two.store.CommittedSequence("x"), 2U);
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_EQ(one.store.CommittedSequence("x"), 2U);
  EXPECT_FALSE(one.store.Apply(Numbered("x", 2, MakeSighting("a", "b"))));
  WithOnlyIntent(one.store, [](const Intent& intent) { EXPECT_EQ(intent.Count(), 2U); });
}

TEST_F(SharedStoreTest, ManyQueriesAskTheDatabaseOnce) {
  Replica one(server_);
  Replica two(server_, {}, std::chrono::hours(1));
  Replica three(server_, {}, std::chrono::milliseconds(100));
  EXPECT_THAT(Edges(two.store), IsEmpty());
  EXPECT_THAT(Edges(three.store), IsEmpty());
  See(one.store, MakeSighting("a", "b"));
  ASSERT_THAT(one.store.Commit(), IsOk());
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(Edges(two.store), IsEmpty());
    (void)two.store.Announcements();
  }
  EXPECT_EQ(two.metrics.refreshes.Value(), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(Edges(three.store), SizeIs(1));
  // What a mapper commits itself it shows at once, and what others did before.
  See(two.store, MakeSighting("a", "c"));
  ASSERT_THAT(two.store.Commit(), IsOk());
  EXPECT_THAT(Edges(two.store), SizeIs(2));
}

TEST_F(SharedStoreTest, RemembersNoMoreCollectorsThanItMay) {
  {
    Replica one(server_);
    for (const char* name : {"x", "y", "z"}) {
      one.store.Apply(Numbered(name, 1, MakeSighting("a", "b")));
      ASSERT_THAT(one.store.Commit(), IsOk());
    }
  }
  Replica small(server_, {.instances = 2});
  EXPECT_EQ(small.metrics.instances_evicted.Value(), 1);
  See(small.store, MakeSighting("a", "b"));
  ASSERT_THAT(small.store.Commit(), IsOk());
  Replica large(server_);
  EXPECT_EQ(large.store.CommittedSequence("x"), 0U);
  EXPECT_EQ(large.store.CommittedSequence("y"), 1U);
  EXPECT_EQ(large.store.CommittedSequence("z"), 1U);
  // Another mapper hears of one more; the small one lets the oldest go, unless it is heard of
  // again.
  large.store.Apply(Numbered("w", 1, MakeSighting("a", "b")));
  ASSERT_THAT(large.store.Commit(), IsOk());
  EXPECT_THAT(Edges(small.store), SizeIs(1));
  EXPECT_EQ(small.metrics.instances_evicted.Value(), 2);
  small.store.Apply(Numbered("y", 2, MakeSighting("a", "b")));
  ASSERT_THAT(small.store.Commit(), IsOk());
  Replica again(server_);
  EXPECT_EQ(again.store.CommittedSequence("y"), 2U);
  EXPECT_EQ(again.store.CommittedSequence("z"), 0U);
  EXPECT_EQ(again.store.CommittedSequence("w"), 1U);
}

// Here a constraint of somebody's; a defect of ours would do.
TEST_F(SharedStoreTest, WhatTheServerRefusesIsLeftOutAndCounted) {
  Replica one(server_);
  See(one.store, MakeSighting("a", "before"));
  ASSERT_THAT(one.store.Commit(), IsOk());
  Execute("ALTER TABLE network_mapper.intent ADD CHECK (position('poison'::bytea in server) = 0)");
  one.store.Apply(Numbered("x", 1, MakeSighting("a", "good")));
  one.store.Apply(Numbered("y", 1, MakeSighting("a", "poison")));
  one.store.Apply(Numbered("x", 2, MakeSighting("a", "better")));
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_EQ(one.metrics.refused_batches.Value(), 1);
  EXPECT_EQ(one.store.CommittedSequence("x"), 2U);
  EXPECT_EQ(one.store.CommittedSequence("y"), 1U);
  Replica two(server_);
  EXPECT_THAT(Edges(two.store),
              ElementsAre("shop/a -> shop/before", "shop/a -> shop/better", "shop/a -> shop/good"));
  EXPECT_EQ(Content(one.store), Content(two.store));
  // Not the fault of a batch: nothing is left out.
  Execute("ALTER TABLE network_mapper.replica ADD CHECK (commits < 0) NOT VALID");
  one.store.Apply(Numbered("x", 3, MakeSighting("a", "late")));
  EXPECT_THAT(one.store.Commit(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("refuses")));
}

TEST_F(SharedStoreTest, OfTwoBatchesOfOneNumberTheBookmarksOfTheFirstCount) {
  using Read = std::vector<std::pair<std::string, std::string>>;
  const auto bring = [](Replica& replica, uint64_t sequence, Bookmarks bookmarks) {
    BatchEffect effect = Numbered("istio", sequence, MakeSighting("a", "b", 1));
    effect.bookmarks = std::make_shared<const Bookmarks>(std::move(bookmarks));
    replica.store.Apply(std::move(effect));
  };
  Replica one(server_);
  Replica two(server_);
  bring(one, 1, {{"istio/writer", "one"}, {"istio/gone", std::string("\0", 1)}});
  ASSERT_THAT(one.store.Commit(), IsOk());
  // The former leader is late.
  bring(one, 2, {{"istio/writer", "one again"}});
  bring(two, 2, {{"istio/writer", "two"}, {"istio/gone", std::nullopt}});
  ASSERT_THAT(two.store.Commit(), IsOk());
  ASSERT_THAT(one.store.Commit(), IsOk());
  for (const IntentStore* store : {&one.store, &two.store}) {
    EXPECT_EQ(*store->ReadBookmarks("istio/"), (Read{{"istio/writer", "two"}}));
  }
}

TEST_F(SharedStoreTest, WhatOneForgetsAllForget) {
  Replica one(server_);
  Replica two(server_);
  See(one.store, MakeSighting("a", "b", 10));
  See(one.store, MakeSighting("a", "old", 1));
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_EQ(*two.store.Forget({.client_namespaces = {}, .last_seen_before = At(5)}, At(20)), 1U);
  EXPECT_THAT(Edges(one.store), ElementsAre("shop/a -> shop/b"));
  EXPECT_EQ(*one.store.Forget({}, At(30)), 1U);
  EXPECT_THAT(Edges(two.store), IsEmpty());
  EXPECT_EQ(two.store.Since(), At(30));
  See(two.store, MakeSighting("a", "old", 40));
  ASSERT_THAT(two.store.Commit(), IsOk());
  EXPECT_THAT(Edges(one.store), ElementsAre("shop/a -> shop/old"));
}

TEST_F(SharedStoreTest, WhatWaitsGoesToAnotherMapper) {
  Replica two(server_);
  {
    Replica one(server_);
    EXPECT_NE(one.store.FirstHeldId(), two.store.FirstHeldId());
    BatchEffect effect;
    effect.hold = {Held(one.store.FirstHeldId()), Held(one.store.FirstHeldId() + 1)};
    one.store.Apply(std::move(effect));
    EXPECT_THAT(one.store.Held(), IsEmpty());
    ASSERT_THAT(one.store.Commit(), IsOk());
    EXPECT_THAT(one.store.Held(), SizeIs(2));
    BatchEffect settled;
    settled.settled = {one.store.FirstHeldId()};
    settled.sightings.push_back(MakeSighting("a", "b"));
    one.store.Apply(std::move(settled));
    ASSERT_THAT(one.store.Commit(), IsOk());
    EXPECT_THAT(two.store.Held(), IsEmpty());
    // A reset by another one reads everything anew; what waits does not notice.
    ASSERT_THAT(two.store.Forget({}, At(20)), IsOk());
    EXPECT_THAT(Edges(one.store), IsEmpty());
    ASSERT_THAT(one.store.Held(), SizeIs(1));
    EXPECT_EQ(one.store.Held()[0]->deadline, kHeldDeadline);
  }
  // The next one that starts; one that runs looks every few seconds.
  Replica three(server_);
  ASSERT_THAT(three.store.Held(), SizeIs(1));
  BatchEffect settled;
  settled.settled = {three.store.Held()[0]->id};
  three.store.Apply(std::move(settled));
  ASSERT_THAT(three.store.Commit(), IsOk());
  EXPECT_THAT(Replica(server_).store.Held(), IsEmpty());
}

TEST_F(SharedStoreTest, AFrozenServerKeepsNobodyWaitingForLong) {
  Replica one(server_);
  Replica two(server_);
  one.store.Apply(Numbered("x", 1, MakeSighting("a", "b")));
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_THAT(Edges(two.store), SizeIs(1));
  server_.Freeze();
  const auto begun = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> queries;
    for (int i = 0; i < 10; ++i) {
      queries.emplace_back([&two] { EXPECT_THAT(Edges(two.store), SizeIs(1)); });
    }
  }
  two.store.Announce("is not held up");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8));
  one.store.Apply(Numbered("x", 2, MakeSighting("a", "c")));
  EXPECT_THAT(one.store.Commit(), StatusIs(StatusCode::kUnavailable, HasSubstr("did not answer")));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
  server_.Thaw();
  one.CommitUntilDone();
  two.CommitUntilDone();
  EXPECT_EQ(Content(one.store), Content(two.store));
  EXPECT_THAT(Edges(two.store), SizeIs(2));
}

// While the survivors are busy, too.
TEST_F(SharedStoreTest, WhatIsLeftBehindIsTakenOverUnderLoad) {
  Replica one(server_);
  BatchEffect effect;
  effect.hold = {Held(one.store.FirstHeldId())};
  one.store.Apply(std::move(effect));
  ASSERT_THAT(one.store.Commit(), IsOk());
  Replica two(server_);
  Execute("UPDATE network_mapper.held SET replica = 999");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (uint64_t sequence = 1;
       two.store.HeldCount() == 0 && std::chrono::steady_clock::now() < deadline; ++sequence) {
    two.store.Apply(Numbered("x", sequence, MakeSighting("a", "b")));
    ASSERT_THAT(two.store.Commit(), IsOk());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(two.store.Held(), SizeIs(1));
}

TEST_F(SharedStoreTest, TakesWhateverACollectorCallsItself) {
  Replica one(server_);
  const std::string name("a\0b\xff'", 5);
  one.store.Apply(Numbered(name, 3, MakeSighting("a", "b")));
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_EQ(Replica(server_).store.CommittedSequence(name), 3U);
}

TEST_F(SharedStoreTest, AMapperThatIsTooOldForTheSchemaStops) {
  Replica one(server_);
  Execute("UPDATE network_mapper.store SET schema_version = 99");
  See(one.store, MakeSighting("a", "b"));
  EXPECT_THAT(one.store.Commit(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("run a newer one")));
}

TEST_F(SharedStoreTest, TheMappersKnowOfEachOther) {
  Replica two(server_);
  {
    Replica one(server_);
    one.store.Announce("of one");
    two.store.Announce("of two");
    See(one.store, MakeSighting("a", "b"));
    ASSERT_THAT(one.store.Commit(), IsOk());
    EXPECT_THAT(two.store.Announcements(), ElementsAre("of one"));
    EXPECT_THAT(one.store.Announcements(), ElementsAre(""));
  }
  EXPECT_THAT(two.store.Announcements(), IsEmpty());
}

TEST_F(SharedStoreTest, AServerThatIsAwayLosesNothing) {
  Replica one(server_);
  Replica two(server_);
  one.store.Apply(Numbered("x", 1, MakeSighting("a", "b")));
  ASSERT_THAT(one.store.Commit(), IsOk());
  EXPECT_THAT(Edges(two.store), SizeIs(1));
  server_.Crash();
  one.store.Apply(Numbered("x", 2, MakeSighting("a", "c")));
  Status status = one.store.Commit();
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable, HasSubstr("postgresql://127.0.0.1:")));
  EXPECT_FALSE(one.store.Commit().ok());
  EXPECT_FALSE(two.store.Forget({}, At(9)).ok());
  // What is known has to do.
  EXPECT_THAT(Edges(two.store), ElementsAre("shop/a -> shop/b"));
  server_.Start();
  one.CommitUntilDone();
  two.CommitUntilDone();
  EXPECT_EQ(one.store.CommittedSequence("x"), 2U);
  EXPECT_EQ(Content(one.store), Content(two.store));
  EXPECT_THAT(Edges(two.store), SizeIs(2));
}

// Both write the same intents at the same time, each batch is offered to both, as by a collector
// that changes over, and the server crashes in between.
TEST_F(SharedStoreTest, UnderLoadTheMapIsThatOfOneStoreWithEverything) {
  constexpr int kInstances = 8;
  constexpr uint64_t kBatches = 60;
  const auto batch = [](int instance, uint64_t sequence) {
    BatchEffect effect;
    effect.instance_id = "collector-" + std::to_string(instance);
    effect.sequence = sequence;
    std::minstd_rand random(static_cast<unsigned>(instance) * 1000U +
                            static_cast<unsigned>(sequence));
    for (int i = 0; i < 20; ++i) {
      IntentSighting sighting =
          MakeSighting("client-" + std::to_string(random() % 10),
                       "server-" + std::to_string(random() % 10), static_cast<int>(random() % 100));
      sighting.port = PortSeen{static_cast<uint16_t>(1 + random() % 5), Protocol::kTcp};
      effect.sightings.push_back(std::move(sighting));
    }
    return effect;
  };
  TemporaryDirectory directory;
  Replica alone(OpenSqliteDatabase(directory.Path() / "map.db", At(0)));
  for (int instance = 0; instance < kInstances; ++instance) {
    for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
      alone.store.Apply(batch(instance, sequence));
    }
  }
  ASSERT_THAT(alone.store.Commit(), IsOk());

  Replica one(server_);
  Replica two(server_);
  const auto run = [&batch](Replica& replica, int first) {
    for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
      for (int i = 0; i < kInstances; ++i) {
        replica.store.Apply(batch((first + i) % kInstances, sequence));
      }
      replica.CommitUntilDone();
    }
  };
  {
    const std::jthread first([&] { run(one, 0); });
    const std::jthread second([&] { run(two, kInstances / 2); });
    for (int crash = 0; crash < 2; ++crash) {
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      server_.Crash();
      server_.Start();
    }
  }
  EXPECT_EQ(Content(one.store), Content(two.store));
  EXPECT_EQ(Content(one.store), Content(alone.store));
  EXPECT_EQ(Content(Replica(server_).store), Content(alone.store));
}

TEST_F(SharedStoreTest, SaysWhyADatabaseCannotBeUsed) {
  { Replica one(server_); }
  Execute("UPDATE network_mapper.store SET schema_version = 99");
  EXPECT_THAT(OpenPostgresDatabase(server_.Url(), At(0)),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("schema version 99"), HasSubstr("run a newer one"))));
  Execute("CREATE USER stranger; REVOKE ALL ON DATABASE postgres FROM PUBLIC");
  Execute("GRANT CONNECT ON DATABASE postgres TO stranger; DROP SCHEMA network_mapper CASCADE");
  std::string url = server_.Url();
  url.replace(url.find("mapper@"), 7, "stranger:secret@");
  EXPECT_THAT(OpenPostgresDatabase(url, At(0)),
              StatusIs(StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("right to create the schema"), Not(HasSubstr("secret")))));
  EXPECT_THAT(OpenPostgresDatabase("postgresql://u:secret@127.0.0.1:1/x", At(0)),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("postgresql://127.0.0.1:1/x"), Not(HasSubstr("secret")))));
  // With a password that is not percent-encoded, host, port or database are parts of it.
  for (const char* odd : {"postgresql://u:%%secret@h/x", "postgresql://u:top/secret@h:1/x",
                          "postgresql://u:se@secret@h/x", "postgresql://u:a:secret/@h/x"}) {
    EXPECT_THAT(
        OpenPostgresDatabase(odd, At(0)),
        StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("%40"), Not(HasSubstr("secret")))))
        << odd;
  }
  // It may own the schema instead.
  Execute("CREATE SCHEMA network_mapper AUTHORIZATION stranger");
  EXPECT_THAT(OpenPostgresDatabase(url, At(0)), IsOk());
}

TEST_F(SharedStoreTest, LeavesOutRowsThatCannotBeRead) {
  {
    Replica one(server_);
    See(one.store, MakeSighting("a", "b"));
    See(one.store, MakeSighting("a", "c"));
    See(one.store, MakeSighting("a", "d"));
    ASSERT_THAT(one.store.Commit(), IsOk());
  }
  Execute(
      "UPDATE network_mapper.intent SET body = '\\xff' WHERE id = 1;"
      "UPDATE network_mapper.intent SET type = 77 WHERE id = 2");
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentStore store(IntentLimits{}, metrics);
  EXPECT_EQ(*store.Recover(*OpenPostgresDatabase(server_.Url(), At(0)), kHeldDeadline), 2U);
  EXPECT_THAT(Edges(store), ElementsAre("shop/a -> shop/d"));
}

}  // namespace
}  // namespace network_mapper
