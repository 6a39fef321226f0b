// What a durable intent store promises: what was committed is there again, whatever happened to the
// program in between.
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "mapper/intents/intent_codec.h"
#include "mapper/intents/sqlite_database.h"
#include "tests/mapper/intents/sighting_builder.h"
#include "tests/mapper/intents/store_content.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IntentSighting RichSighting() {
  IntentSighting sighting = MakeSighting(
      MakeWorkload("shop", "client", DeploymentKind(), {{"app", "client"}, {"tier", ""}}),
      MakeWorkload("shop", "kafka", std::nullopt), 5);
  sighting.type = IntentType::kKafka;
  sighting.collector = Collector::kKafka;
  sighting.resolution = Resolution::kKafka;
  sighting.strength = Strength::kUsed;
  sighting.kubernetes_service = Text("kafka-bootstrap");
  sighting.count = uint64_t{1} << 40;
  sighting.port = PortSeen{9092, Protocol::kTcp};
  sighting.sample = {Text("client-1"), Text("kafka-0"), IpAddress::Parse("fd00::7")};
  sighting.details = std::make_unique<IntentDetails>();
  sighting.details->kafka_topics.push_back(
      {"orders", {KafkaOperation::kConsume, KafkaOperation::kProduce}});
  sighting.details->http_resources.push_back({"/a/{id}", {HttpMethod::kGet, HttpMethod::kAll}});
  sighting.details->aws_actions = {"s3:GetObject"};
  sighting.details->aws_regions = {"eu-west-1", "us-east-1"};
  sighting.details->aws_roles = {"arn:aws:iam::1:role/web"};
  return sighting;
}

// While it lives, no file without a name can be made: SQLite's word for temporary ones. The
// mapper's image has no folder for them, and its root is read-only.
class NoTemporaryFiles {
 public:
  NoTemporaryFiles() : original_(sqlite3_vfs_find(nullptr)), vfs_(*original_) {
    vfs_.pNext = nullptr;
    vfs_.zName = "no-temporary-files";
    vfs_.pAppData = this;
    vfs_.xOpen = Open;
    sqlite3_vfs_register(&vfs_, 1);
  }

  NoTemporaryFiles(const NoTemporaryFiles&) = delete;
  NoTemporaryFiles& operator=(const NoTemporaryFiles&) = delete;

  ~NoTemporaryFiles() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(original_, 1);
  }

  int Asked() const { return asked_; }

 private:
  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* opened) {
    auto* self = static_cast<NoTemporaryFiles*>(vfs->pAppData);
    if (name != nullptr) {
      return self->original_->xOpen(self->original_, name, file, flags, opened);
    }
    ++self->asked_;
    file->pMethods = nullptr;
    return SQLITE_IOERR;
  }

  sqlite3_vfs* original_;
  sqlite3_vfs vfs_;
  int asked_ = 0;
};

class DurableStoreTest : public ::testing::Test {
 protected:
  // One life of the program.
  struct Life {
    explicit Life(const std::string& path, const IntentLimits& limits = {})
        : metrics(registry), store(limits, metrics) {
      auto database = OpenSqliteDatabase(path, At(0));
      EXPECT_THAT(database, IsOk());
      if (database.ok()) {
        auto unreadable = store.Recover(*std::move(database), kHeldDeadline);
        EXPECT_THAT(unreadable, IsOk());
        EXPECT_EQ(unreadable.value_or(0), 0U);
      }
    }

    MetricsRegistry registry;
    IntentStoreMetrics metrics;
    IntentStore store;
  };

  std::string ErrorOf(const std::string& path) {
    auto database = OpenSqliteDatabase(path, At(0), std::chrono::milliseconds(0));
    return database.ok() ? "" : StatusMessage(database.status());
  }

  void Execute(const std::string& sql) const {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }

  TemporaryDirectory directory_;
  std::string path_ = (directory_.Path() / "map.db").string();
};

TEST_F(DurableStoreTest, WhatWasCommittedIsThereAgain) {
  std::vector<std::string> before;
  {
    Life life(path_);
    life.store.Apply(Numbered("one", 7, RichSighting()));
    BatchEffect effect = Numbered("two", 1, MakeSighting("a", "b", 3));
    effect.hold = {Held(4), Held(5)};
    life.store.Apply(std::move(effect));
    BatchEffect settle;
    settle.settled = {4};
    life.store.Apply(std::move(settle));
    EXPECT_EQ(life.store.CommittedSequence("one"), 0U);
    ASSERT_THAT(life.store.Commit(), IsOk());
    EXPECT_EQ(life.store.CommittedSequence("one"), 7U);
    before = Content(life.store);
  }
  Life life(path_);
  EXPECT_EQ(Content(life.store), before);
  EXPECT_EQ(life.store.AppliedSequence("one"), 7U);
  EXPECT_EQ(life.store.CommittedSequence("two"), 1U);
  EXPECT_EQ(life.store.Since(), At(0));
  const auto held = life.store.Held();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0]->id, 5U);
  EXPECT_EQ(EncodeHeldObservation(held[0]->observation),
            EncodeHeldObservation(Held(5)->observation));
  EXPECT_FALSE(life.store.Apply(Numbered("one", 7, RichSighting())));
  EXPECT_EQ(Content(life.store), before);
}

TEST_F(DurableStoreTest, WhatWasNotCommittedIsNot) {
  {
    Life life(path_);
    life.store.Apply(Numbered("one", 1, MakeSighting("a", "b")));
    ASSERT_THAT(life.store.Commit(), IsOk());
    life.store.Apply(Numbered("one", 2, MakeSighting("a", "c")));
  }
  Life life(path_);
  EXPECT_THAT(Edges(life.store), ElementsAre("shop/a -> shop/b"));
  EXPECT_TRUE(life.store.Apply(Numbered("one", 2, MakeSighting("a", "c"))));
}

TEST_F(DurableStoreTest, GoesOnMergingAfterARestart) {
  for (int round = 1; round <= 3; ++round) {
    Life life(path_);
    life.store.Apply(Numbered("one", static_cast<uint64_t>(round), MakeSighting("a", "b", round)));
    ASSERT_THAT(life.store.Commit(), IsOk());
  }
  Life life(path_);
  WithOnlyIntent(life.store, [](const Intent& intent) {
    EXPECT_EQ(intent.Count(), 3U);
    EXPECT_EQ(intent.first_seen, At(1));
    EXPECT_EQ(intent.last_seen, At(3));
  });
}

BatchEffect WithBookmarks(uint64_t sequence, Bookmarks bookmarks) {
  BatchEffect effect = Numbered("istio", sequence, MakeSighting("a", "b"));
  effect.bookmarks = std::make_shared<const Bookmarks>(std::move(bookmarks));
  return effect;
}

TEST_F(DurableStoreTest, KeepsBookmarksWithTheBatchThatBroughtThem) {
  using Read = std::vector<std::pair<std::string, std::string>>;
  const std::string bytes("\0\xff any", 6);
  {
    Life life(path_);
    life.store.Apply(WithBookmarks(1, {{"istio/a", bytes}, {"istio/b", "1"}, {"aws", "x"}}));
    EXPECT_THAT(*life.store.ReadBookmarks("istio/"), IsEmpty());
    ASSERT_THAT(life.store.Commit(), IsOk());
    // A batch that was applied before changes nothing.
    life.store.Apply(WithBookmarks(1, {{"istio/a", "other"}}));
    life.store.Apply(WithBookmarks(2, {{"istio/b", std::nullopt}, {"istio/c", "2"}}));
    ASSERT_THAT(life.store.Commit(), IsOk());
    // Not on disk.
    life.store.Apply(WithBookmarks(3, {{"istio/a", std::nullopt}}));
  }
  Life life(path_);
  EXPECT_EQ(*life.store.ReadBookmarks("istio/"), (Read{{"istio/a", bytes}, {"istio/c", "2"}}));
  EXPECT_EQ(life.store.CommittedSequence("istio"), 2U);
}

TEST_F(DurableStoreTest, BringsAFileOfTheFirstSchemaUpToDate) {
  {
    Life life(path_);
    See(life.store, MakeSighting("a", "b"));
    ASSERT_THAT(life.store.Commit(), IsOk());
  }
  Execute("DROP TABLE bookmark; PRAGMA user_version = 1");
  Life life(path_);
  EXPECT_THAT(Edges(life.store), ElementsAre("shop/a -> shop/b"));
  life.store.Apply(WithBookmarks(1, {{"istio/a", "1"}}));
  ASSERT_THAT(life.store.Commit(), IsOk());
  EXPECT_EQ(life.store.ReadBookmarks("istio/")->size(), 1U);
}

TEST_F(DurableStoreTest, ForgetsOnDiskToo) {
  {
    Life life(path_);
    See(life.store, MakeSighting("a", "b", 10));
    See(life.store, MakeSighting("a", "old", 1));
    See(life.store, MakeSighting(MakeWorkload("lab", "x"), MakeWorkload("shop", "b"), 10));
    ASSERT_THAT(life.store.Commit(), IsOk());
    // Not on disk yet.
    See(life.store, MakeSighting("a", "older", 0));
    EXPECT_EQ(*life.store.Forget({.client_namespaces = {}, .last_seen_before = At(5)}, At(20)), 2U);
    EXPECT_EQ(*life.store.Forget({.client_namespaces = {"lab"}, .last_seen_before = {}}, At(20)),
              1U);
    EXPECT_EQ(life.store.Since(), At(0));
    ASSERT_THAT(life.store.Commit(), IsOk());
  }
  {
    Life life(path_);
    EXPECT_THAT(Edges(life.store), ElementsAre("shop/a -> shop/b"));
    EXPECT_EQ(*life.store.Forget({}, At(30)), 1U);
  }
  Life life(path_);
  EXPECT_THAT(Edges(life.store), IsEmpty());
  EXPECT_EQ(life.store.Since(), At(30));
}

// The log of a program that was killed, cut off anywhere: what remains is the state after one of
// its commits, and no commit of which the log is whole is missing.
TEST_F(DurableStoreTest, ACrashAtAnyByteLeavesWholeCommits) {
  constexpr uint64_t kCommits = 12;
  std::vector<std::uintmax_t> log_sizes;
  const auto saved = directory_.Path() / "saved.db";
  {
    Life life(path_);
    for (uint64_t sequence = 1; sequence <= kCommits; ++sequence) {
      life.store.Apply(
          Numbered("one", sequence, MakeSighting("a", "b" + std::to_string(sequence))));
      ASSERT_THAT(life.store.Commit(), IsOk());
      log_sizes.push_back(std::filesystem::file_size(path_ + "-wal"));
    }
    // While it is open, as a kill leaves it.
    std::filesystem::copy_file(path_, saved);
    std::filesystem::copy_file(path_ + "-wal", saved.string() + "-wal");
  }
  std::minstd_rand random(42);
  std::uniform_int_distribution<std::uintmax_t> anywhere(0, log_sizes.back());
  for (int round = 0; round < 60; ++round) {
    const std::uintmax_t size = round == 0 ? log_sizes.back() : anywhere(random);
    const std::string copy = (directory_.Path() / ("copy" + std::to_string(round))).string();
    std::filesystem::copy_file(saved, copy);
    std::filesystem::copy_file(saved.string() + "-wal", copy + "-wal");
    std::filesystem::resize_file(copy + "-wal", size);
    const auto whole = static_cast<uint64_t>(
        std::upper_bound(log_sizes.begin(), log_sizes.end(), size) - log_sizes.begin());
    Life life(copy);
    EXPECT_EQ(life.store.CommittedSequence("one"), whole) << "log cut at " << size;
    EXPECT_EQ(life.store.Size(), whole) << "log cut at " << size;
  }
}

TEST_F(DurableStoreTest, AFullDiskLosesNothingOnceThereIsRoom) {
  Life life(path_);
  life.store.Apply(Numbered("one", 1, MakeSighting("a", "b")));
  ASSERT_THAT(life.store.Commit(), IsOk());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{.rlim_cur = std::filesystem::file_size(path_ + "-wal"),
                    .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  life.store.Apply(Numbered("one", 2, MakeSighting("a", "c")));
  EXPECT_FALSE(life.store.Commit().ok());
  EXPECT_FALSE(life.store.Commit().ok());
  EXPECT_EQ(life.store.CommittedSequence("one"), 1U);
  EXPECT_FALSE(life.store.Forget({}, At(9)).ok());
  EXPECT_EQ(life.store.Size(), 2U);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_THAT(life.store.Commit(), IsOk());
  EXPECT_EQ(life.store.CommittedSequence("one"), 2U);
}

TEST_F(DurableStoreTest, ClientsDoNotGetMoreAwsResourcesByARestart) {
  IntentLimits limits;
  limits.aws_resources_per_client = 1;
  const auto use = [](IntentStore& store, const std::string& resource) {
    IntentSighting sighting =
        MakeSighting(MakeWorkload("shop", "web"), MakeWorkload("", resource, std::nullopt));
    sighting.type = IntentType::kAws;
    sighting.collector = Collector::kAws;
    sighting.strength = Strength::kUsed;
    See(store, std::move(sighting));
  };
  {
    Life life(path_, limits);
    use(life.store, "bills");
    ASSERT_THAT(life.store.Commit(), IsOk());
  }
  Life life(path_, limits);
  use(life.store, "carts");
  EXPECT_THAT(Edges(life.store), ElementsAre("shop/web -> bills AWS"));
  EXPECT_EQ(life.metrics.aws_resources_overflow.Value(), 1);
}

TEST_F(DurableStoreTest, TheLargestMapNeedsNoTemporaryFile) {
  constexpr size_t kIntents = IntentLimits{}.intents;
  NoTemporaryFiles none;
  {
    auto database = OpenSqliteDatabase(path_, At(0));
    ASSERT_THAT(database, IsOk());
    ASSERT_THAT((*database)->Load(), IsOk());
    ASSERT_THAT((*database)->Begin(), IsOk());
    Intent intent;
    intent.client = MakeWorkload("shop", "web");
    intent.type = IntentType::kAws;
    intent.evidence.emplace_back();
    for (size_t i = 1; i <= kIntents; ++i) {
      intent.server = MakeWorkload("", "arn:aws:s3:::made-up-" + std::to_string(i), std::nullopt);
      ASSERT_THAT((*database)->PutIntent(static_cast<int64_t>(i), intent), IsOk());
    }
    ASSERT_THAT((*database)->Commit(), IsOk());
    // Sweeps.
    sqlite3_memory_highwater(1);
    const sqlite3_int64 before = sqlite3_memory_used();
    ASSERT_THAT((*database)->Begin(), IsOk());
    EXPECT_LT(sqlite3_memory_highwater(0) - before, 16 << 20);
  }
  auto database = OpenSqliteDatabase(path_, At(0));
  ASSERT_THAT(database, IsOk());
  auto content = (*database)->Load();
  ASSERT_THAT(content, IsOk());
  EXPECT_EQ(content->intents.size(), kIntents);
  EXPECT_EQ(content->unreadable, 0U);
  EXPECT_EQ(none.Asked(), 0);
}

TEST_F(DurableStoreTest, KeepsOutASecondProgram) {
  Life life(path_);
  See(life.store, MakeSighting("a", "b"));
  ASSERT_THAT(life.store.Commit(), IsOk());
  EXPECT_THAT(ErrorOf(path_), AllOf(HasSubstr(path_), HasSubstr("another program has it open")));
}

TEST_F(DurableStoreTest, WaitsForAProgramThatIsAboutToEnd) {
  auto former = std::make_unique<Life>(path_);
  See(former->store, MakeSighting("a", "b"));
  ASSERT_THAT(former->store.Commit(), IsOk());
  const std::jthread end([&former] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    former.reset();
  });
  const Life life(path_);
  EXPECT_THAT(Edges(life.store), ElementsAre("shop/a -> shop/b"));
}

TEST_F(DurableStoreTest, SaysWhyAFileCannotBeUsed) {
  EXPECT_THAT(ErrorOf(directory_.Path() / "absent" / "map.db"), HasSubstr("the folder must exist"));
  EXPECT_THAT(ErrorOf(directory_.Path()), HasSubstr("cannot be opened"));
  directory_.WriteFile("garbage.db", std::string(8192, 'x'));
  EXPECT_THAT(ErrorOf(directory_.Path() / "garbage.db"), HasSubstr("no intact SQLite database"));
  Execute("CREATE TABLE other (a)");
  EXPECT_THAT(ErrorOf(path_), HasSubstr("another program's database"));
}

TEST_F(DurableStoreTest, SaysThatAFileMayNotBeWritten) {
  { Life life(path_); }
  std::filesystem::permissions(path_, std::filesystem::perms(0444));
  std::filesystem::permissions(directory_.Path(), std::filesystem::perms(0555));
  // Permissions do not keep root from writing.
  constexpr uid_t kNobody = 65534;
  const uid_t user = geteuid();
  ASSERT_EQ(user == 0 ? seteuid(kNobody) : 0, 0);
  const std::string error = ErrorOf(path_);
  ASSERT_EQ(seteuid(user), 0);
  std::filesystem::permissions(directory_.Path(), std::filesystem::perms::owner_all);
  EXPECT_THAT(error, AllOf(HasSubstr(path_), HasSubstr("is read-only")));
}

TEST_F(DurableStoreTest, RefusesTheSchemaOfANewerProgram) {
  { Life life(path_); }
  Execute("PRAGMA user_version = 99");
  EXPECT_THAT(ErrorOf(path_), AllOf(HasSubstr("schema version 99"), HasSubstr("run a newer one")));
}

TEST_F(DurableStoreTest, LeavesOutRowsThatCannotBeRead) {
  {
    Life life(path_);
    See(life.store, MakeSighting("a", "b"));
    See(life.store, MakeSighting("a", "c"));
    See(life.store, MakeSighting("a", "d"));
    BatchEffect effect;
    effect.hold = {Held(1), Held(2)};
    life.store.Apply(std::move(effect));
    ASSERT_THAT(life.store.Commit(), IsOk());
  }
  Execute(
      "UPDATE intent SET body = x'ff' WHERE id = 1; UPDATE intent SET client = 77 WHERE id = 2;"
      "UPDATE held SET body = 'nonsense' WHERE id = 1");
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentStore store(IntentLimits{}, metrics);
  EXPECT_EQ(*store.Recover(*OpenSqliteDatabase(path_, At(0)), kHeldDeadline), 3U);
  EXPECT_THAT(Edges(store), ElementsAre("shop/a -> shop/d"));
  EXPECT_EQ(store.Held().size(), 1U);
}

}  // namespace
}  // namespace network_mapper
