#include "mapper/intents/postgres_database.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mapper/intents/intent_codec.h"
#include "mapper/intents/postgres_connection.h"

namespace network_mapper {
namespace {

// What brings the schema from each version to the next. Without a type: -1. A replica is a mapper;
// it counts its commits, so that it can tell whether one that got no answer was done.
constexpr std::array<const char*, 2> kPostgresMigrations = {
    R"(CREATE TABLE network_mapper.intent (
         id bigint PRIMARY KEY, client bytea NOT NULL, server bytea NOT NULL, type bigint NOT NULL,
         body bytea NOT NULL, version bigint NOT NULL);
       CREATE INDEX intent_version ON network_mapper.intent (version);
       CREATE TABLE network_mapper.held (
         id bigint PRIMARY KEY, replica bigint NOT NULL, body bytea NOT NULL);
       CREATE INDEX held_replica ON network_mapper.held (replica);
       CREATE TABLE network_mapper.instance (
         id bytea PRIMARY KEY, sequence bigint NOT NULL, version bigint NOT NULL);
       CREATE INDEX instance_version ON network_mapper.instance (version);
       CREATE TABLE network_mapper.replica (
         number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, commits bigint NOT NULL DEFAULT 0,
         heard timestamptz NOT NULL DEFAULT now(), announcement bytea NOT NULL DEFAULT '');)",
    R"(CREATE TABLE network_mapper.bookmark (name bytea PRIMARY KEY, body bytea NOT NULL);)",
};
static_assert(kPostgresMigrations.size() == kPostgresSchemaVersion);

// Two mappers may start at the same time: the second one waits here. The number is "NMap". CREATE
// SCHEMA IF NOT EXISTS needs the right to create one even if it exists.
constexpr const char* kPrepare = R"(
  SELECT pg_advisory_xact_lock(1313694064);
  DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'network_mapper') THEN
      CREATE SCHEMA network_mapper;
    END IF;
  END $$;
  CREATE TABLE IF NOT EXISTS network_mapper.store (
    schema_version bigint NOT NULL, since bigint NOT NULL, version bigint NOT NULL,
    epoch bigint NOT NULL);)";

constexpr const char* kReadStore =
    "SELECT version, epoch, since, schema_version FROM network_mapper.store";

// Rows that one statement carries, and their bytes.
constexpr size_t kMostRows = 10'000;
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr std::chrono::seconds kSignOfLife{5};
// Whoever shows none for so long is gone.
constexpr std::chrono::seconds kSilence{30};
constexpr std::chrono::seconds kPatienceOfQueries{2};
constexpr std::chrono::seconds kPatienceOfLoads{120};

class PostgresDatabase : public IntentDatabase {
 public:
  explicit PostgresDatabase(std::string url) : url_(std::move(url)) {}

  // What waits here need not wait until this mapper's silence is noticed.
  ~PostgresDatabase() override {
    if (connection_) {
      // Rolls back what was under way.
      (void)connection_->RunScript("ROLLBACK");
      (void)connection_->Run("DELETE FROM network_mapper.replica WHERE number = $1",
                             PostgresParameters().Integer(replica_));
    }
  }

  Status Open(Time now) {
    RETURN_IF_ERROR(Connect());
    RETURN_IF_ERROR(connection_->RunScript("BEGIN"));
    RETURN_IF_ERROR(Migrate(now));
    return connection_->RunScript("COMMIT");
  }

  std::string Name() const override { return PostgresName(url_); }

  bool IsShared() const override { return true; }

  StatusOr<Content> Load() override {
    knows_nothing_ = true;
    ASSIGN_OR_RETURN(Content content, Begin());
    RETURN_IF_ERROR(Commit());
    return content;
  }

  uint64_t FirstHeldId() const override { return static_cast<uint64_t>(first_replica_) << 32; }

  void Announce(std::string bytes) override { announcement_ = std::move(bytes); }

  bool IsCommitDue() const override {
    return std::chrono::steady_clock::now() - last_sign_of_life_ >= kSignOfLife;
  }

  StatusOr<Content> ReadNews() override {
    if (!connection_) {
      return Unavailable("store {}: no connection", Name());
    }
    Content content;
    Status status = Checked([&]() -> Status {
      // Somebody waits for an answer.
      connection_->SetPatience(kPatienceOfQueries);
      RETURN_IF_ERROR(ReadOneState(content));
      if (content.is_whole) {
        RETURN_IF_ERROR(ReadHeld(content));
      }
      RETURN_IF_ERROR(ReadAnnouncements(content));
      connection_->SetPatience(PostgresConnection::kPatience);
      return OkStatus();
    });
    RETURN_IF_ERROR(status);
    return content;
  }

  StatusOr<Content> Begin() override {
    ClearWrites();
    Content content;
    Status status = Checked([&]() -> Status {
      RETURN_IF_ERROR(Connect());
      if (knows_nothing_) {
        // All of it takes a while: not while others wait for the lock.
        connection_->SetPatience(kPatienceOfLoads);
        RETURN_IF_ERROR(ReadOneState(content));
        connection_->SetPatience(PostgresConnection::kPatience);
      }
      RETURN_IF_ERROR(connection_->RunScript("BEGIN"));
      ASSIGN_OR_RETURN(const PostgresRows store,
                       connection_->Run((std::string(kReadStore) + " FOR UPDATE").c_str()));
      RETURN_IF_ERROR(Register(content));
      RETURN_IF_ERROR(Read(store, content));
      if (content.is_whole) {
        RETURN_IF_ERROR(ReadHeld(content));
      }
      RETURN_IF_ERROR(TakeOver(content));
      return ReadAnnouncements(content);
    });
    RETURN_IF_ERROR(status);
    unanswered_commit_.reset();
    return content;
  }

  Status PutIntent(int64_t row, const Intent& intent) override {
    IntentRows& rows = writes_.intents;
    std::string client;
    std::string server;
    std::string body;
    EncodeWorkload(intent.client, client);
    EncodeWorkload(intent.server, server);
    EncodeIntent(intent, body);
    rows.bytes += client.size() + server.size() + body.size();
    rows.ids.push_back(row);
    rows.clients.push_back(std::move(client));
    rows.servers.push_back(std::move(server));
    rows.types.push_back(TypeColumn(intent));
    rows.bodies.push_back(std::move(body));
    return rows.ids.size() < kMostRows && rows.bytes < kMostBytes
               ? OkStatus()
               : Checked([this] { return WriteIntents(); });
  }

  Status EraseIntent(int64_t row) override {
    writes_.erased_intents.push_back(row);
    return OkStatus();
  }

  Status EraseAllIntents(Time now) override {
    forgets_ = true;
    return Checked([&]() -> Status {
      RETURN_IF_ERROR(connection_->RunScript("DELETE FROM network_mapper.intent"));
      return Run("UPDATE network_mapper.store SET since = $1",
                 PostgresParameters().Integer(ToStored(now)));
    });
  }

  Status PutHeld(uint64_t id, const Observation& observation) override {
    writes_.held_ids.push_back(static_cast<int64_t>(id));
    writes_.held.push_back(EncodeHeldObservation(observation));
    return OkStatus();
  }

  Status EraseHeld(uint64_t id) override {
    writes_.settled.push_back(static_cast<int64_t>(id));
    return OkStatus();
  }

  Status PutSequence(const std::string& instance_id, uint64_t sequence) override {
    writes_.instances.push_back(instance_id);
    writes_.sequences.push_back(static_cast<int64_t>(sequence));
    return OkStatus();
  }

  Status EraseSequence(const std::string& instance_id) override {
    writes_.erased_instances.push_back(instance_id);
    return OkStatus();
  }

  Status PutBookmark(const std::string& name, const std::string& bytes) override {
    writes_.bookmark_bytes += name.size() + bytes.size();
    writes_.bookmark_names.push_back(name);
    writes_.bookmarks.push_back(bytes);
    return writes_.bookmark_bytes < kMostBytes ? OkStatus()
                                               : Checked([this] { return WriteBookmarks(); });
  }

  Status EraseBookmark(const std::string& name) override {
    writes_.erased_bookmarks.push_back(name);
    return OkStatus();
  }

  StatusOr<std::vector<std::pair<std::string, std::string>>> ReadBookmarks(
      const std::string& prefix) override {
    std::vector<std::pair<std::string, std::string>> bookmarks;
    Status status = Checked([&]() -> Status {
      RETURN_IF_ERROR(Connect());
      ASSIGN_OR_RETURN(const PostgresRows rows,
                       connection_->Run("SELECT name, body FROM network_mapper.bookmark "
                                        "WHERE substr(name, 1, length($1)) = $1",
                                        PostgresParameters().Blob(prefix)));
      for (size_t row = 0; row < rows.Size(); ++row) {
        bookmarks.emplace_back(rows.Bytes(row, 0), rows.Bytes(row, 1));
      }
      return OkStatus();
    });
    RETURN_IF_ERROR(status);
    return bookmarks;
  }

  Status Commit() override {
    return Checked([this]() -> Status {
      RETURN_IF_ERROR(WriteIntents());
      RETURN_IF_ERROR(WriteBookmarks());
      RETURN_IF_ERROR(WriteOthers());
      const int64_t epoch = epoch_ + (forgets_ ? 1 : 0);
      RETURN_IF_ERROR(Run("UPDATE network_mapper.store SET version = $1, epoch = $2",
                          PostgresParameters().Integer(version_ + 1).Integer(epoch)));
      RETURN_IF_ERROR(
          Run("UPDATE network_mapper.replica SET commits = $2, heard = now() WHERE number = $1",
              PostgresParameters().Integer(replica_).Integer(++commits_)));
      if (announcement_) {
        RETURN_IF_ERROR(Run("UPDATE network_mapper.replica SET announcement = $2 WHERE number = $1",
                            PostgresParameters().Integer(replica_).Blob(*announcement_)));
      }
      unanswered_commit_ = commits_;
      RETURN_IF_ERROR(connection_->RunScript("COMMIT"));
      unanswered_commit_.reset();
      announcement_.reset();
      ++version_;
      epoch_ = epoch;
      last_sign_of_life_ = std::chrono::steady_clock::now();
      return OkStatus();
    });
  }

  size_t Bytes() const override { return 0; }

 private:
  struct IntentRows {
    std::vector<int64_t> ids;
    std::vector<std::string> clients;
    std::vector<std::string> servers;
    std::vector<int64_t> types;
    std::vector<std::string> bodies;
    size_t bytes = 0;
  };

  // What the transaction has to send.
  struct Writes {
    IntentRows intents;
    std::vector<int64_t> erased_intents;
    std::vector<int64_t> held_ids;
    std::vector<std::string> held;
    std::vector<int64_t> settled;
    std::vector<std::string> instances;
    std::vector<int64_t> sequences;
    std::vector<std::string> erased_instances;
    std::vector<std::string> bookmark_names;
    std::vector<std::string> bookmarks;
    size_t bookmark_bytes = 0;
    std::vector<std::string> erased_bookmarks;
  };

  Status Connect() {
    if (connection_) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(PostgresConnection connection, PostgresConnection::Open(url_));
    connection_.emplace(std::move(connection));
    connected_ = std::chrono::steady_clock::now();
    return OkStatus();
  }

  // After an error nothing is sure: neither the connection, nor what was committed.
  Status Checked(const std::function<Status()>& use) {
    Status status = use();
    if (!status.ok()) {
      connection_.reset();
      knows_nothing_ = true;
      ClearWrites();
    }
    return status;
  }

  void ClearWrites() {
    writes_ = Writes();
    forgets_ = false;
  }

  Status Run(const char* sql, const PostgresParameters& parameters) {
    return connection_->Run(sql, parameters).status();
  }

  // A newer mapper may bring the schema up to date while this one runs.
  Status CheckSchema(int64_t version) const {
    if (version <= kPostgresSchemaVersion) {
      return OkStatus();
    }
    return FailedPrecondition(
        "store {}: it is of schema version {}, and this program knows {}: run a newer one, or "
        "end all mappers and drop the schema network_mapper to begin with an empty map",
        Name(), version, kPostgresSchemaVersion);
  }

  Status Migrate(Time now) {
    RETURN_IF_ERROR(connection_->RunScript(kPrepare));
    ASSIGN_OR_RETURN(const PostgresRows rows,
                     connection_->Run("SELECT schema_version FROM network_mapper.store"));
    const int64_t version = rows.Size() == 0 ? 0 : rows.Integer(0, 0);
    RETURN_IF_ERROR(CheckSchema(version));
    for (int64_t step = version; step < kPostgresSchemaVersion; ++step) {
      RETURN_IF_ERROR(connection_->RunScript(kPostgresMigrations.at(static_cast<size_t>(step))));
    }
    if (rows.Size() == 0) {
      return Run("INSERT INTO network_mapper.store VALUES ($1, $2, 0, 0)",
                 PostgresParameters().Integer(kPostgresSchemaVersion).Integer(ToStored(now)));
    }
    return Run("UPDATE network_mapper.store SET schema_version = $1",
               PostgresParameters().Integer(kPostgresSchemaVersion));
  }

  // Under the store's lock: whether this mapper still counts as one, and whether its last commit,
  // if that got no answer, was done.
  Status Register(Content& content) {
    if (replica_ != 0) {
      ASSIGN_OR_RETURN(
          const PostgresRows rows,
          connection_->Run("SELECT commits FROM network_mapper.replica WHERE number = $1",
                           PostgresParameters().Integer(replica_)));
      if (rows.Size() == 1) {
        commits_ = rows.Integer(0, 0);
        content.last_commit_done = unanswered_commit_ == commits_;
        return OkStatus();
      }
      content.is_disowned = true;
    }
    ASSIGN_OR_RETURN(
        const PostgresRows rows,
        connection_->Run("INSERT INTO network_mapper.replica DEFAULT VALUES RETURNING number"));
    replica_ = rows.Integer(0, 0);
    first_replica_ = first_replica_ == 0 ? replica_ : first_replica_;
    commits_ = 0;
    return OkStatus();
  }

  Status Read(const PostgresRows& store, Content& content) {
    if (store.Size() != 1) {
      return FailedPrecondition(
          "store {}: network_mapper.store has {} rows instead of one: end all mappers and drop the "
          "schema network_mapper to begin with an empty map",
          Name(), store.Size());
    }
    RETURN_IF_ERROR(CheckSchema(store.Integer(0, 3)));
    const int64_t version = store.Integer(0, 0);
    const int64_t epoch = store.Integer(0, 1);
    if (knows_nothing_ || epoch != epoch_) {
      content.is_whole = true;
      content.intents.clear();
      content.sequences.clear();
      version_ = -1;
    }
    content.since = Time(std::chrono::nanoseconds(store.Integer(0, 2)));
    if (version != version_) {
      RETURN_IF_ERROR(ReadIntents(version_, content));
      RETURN_IF_ERROR(ReadSequences(version_, content));
    }
    knows_nothing_ = false;
    version_ = version;
    epoch_ = epoch;
    return OkStatus();
  }

  // One statement sees one state of the database, several ones do not, but for this.
  Status ReadOneState(Content& content) {
    RETURN_IF_ERROR(
        connection_->RunScript("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    ASSIGN_OR_RETURN(const PostgresRows store, connection_->Run(kReadStore));
    RETURN_IF_ERROR(Read(store, content));
    return connection_->RunScript("COMMIT");
  }

  Status ReadHeld(Content& content) {
    ASSIGN_OR_RETURN(const PostgresRows held,
                     connection_->Run("SELECT id, body FROM network_mapper.held WHERE replica = $1",
                                      PostgresParameters().Integer(replica_)));
    AddHeld(held, content);
    return OkStatus();
  }

  Status ReadAnnouncements(Content& content) {
    ASSIGN_OR_RETURN(
        const PostgresRows rows,
        connection_->Run("SELECT announcement FROM network_mapper.replica WHERE number <> $1 "
                         "AND heard > now() - $2 * interval '1 s'",
                         PostgresParameters().Integer(replica_).Integer(3 * kSignOfLife.count())));
    for (size_t row = 0; row < rows.Size(); ++row) {
      content.announcements.emplace_back(rows.Bytes(row, 0));
    }
    return OkStatus();
  }

  Status ReadIntents(int64_t known, Content& content) {
    ASSIGN_OR_RETURN(const PostgresRows rows,
                     connection_->Run("SELECT id, client, server, type, body "
                                      "FROM network_mapper.intent WHERE version > $1",
                                      PostgresParameters().Integer(known)));
    content.intents.reserve(content.intents.size() + rows.Size());
    for (size_t row = 0; row < rows.Size(); ++row) {
      content.last_row = std::max(content.last_row, rows.Integer(row, 0));
      const auto client = DecodeWorkload(rows.Bytes(row, 1));
      const auto server = DecodeWorkload(rows.Bytes(row, 2));
      auto intent = IntentOfColumns(client ? &*client : nullptr, server ? &*server : nullptr,
                                    rows.Integer(row, 3), rows.Bytes(row, 4));
      if (intent == nullptr) {
        ++content.unreadable;
        continue;
      }
      content.intents.emplace_back(rows.Integer(row, 0), std::move(intent));
    }
    return OkStatus();
  }

  Status ReadSequences(int64_t known, Content& content) {
    ASSIGN_OR_RETURN(
        const PostgresRows rows,
        connection_->Run("SELECT id, sequence FROM network_mapper.instance WHERE version > $1 "
                         "ORDER BY version",
                         PostgresParameters().Integer(known)));
    for (size_t row = 0; row < rows.Size(); ++row) {
      content.sequences.emplace_back(rows.Bytes(row, 0),
                                     static_cast<uint64_t>(rows.Integer(row, 1)));
    }
    return OkStatus();
  }

  static void AddHeld(const PostgresRows& rows, Content& content) {
    for (size_t row = 0; row < rows.Size(); ++row) {
      if (auto observation = DecodeHeldObservation(rows.Bytes(row, 1))) {
        content.held.emplace_back(static_cast<uint64_t>(rows.Integer(row, 0)),
                                  *std::move(observation));
      } else {
        ++content.unreadable;
      }
    }
  }

  // What mappers that are gone have left behind.
  Status TakeOver(Content& content) {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_for_gone_ < kSignOfLife) {
      return OkStatus();
    }
    looked_for_gone_ = now;
    // When the server was away, all were silent.
    if (now - connected_ >= kSilence) {
      RETURN_IF_ERROR(
          Run("DELETE FROM network_mapper.replica "
              "WHERE heard < now() - $2 * interval '1 s' AND number <> $1",
              PostgresParameters().Integer(replica_).Integer(kSilence.count())));
    }
    ASSIGN_OR_RETURN(
        const PostgresRows held,
        connection_->Run("UPDATE network_mapper.held SET replica = $1 WHERE replica NOT IN "
                         "(SELECT number FROM network_mapper.replica) RETURNING id, body",
                         PostgresParameters().Integer(replica_)));
    AddHeld(held, content);
    return OkStatus();
  }

  Status WriteIntents() {
    const IntentRows rows = std::exchange(writes_.intents, IntentRows());
    if (rows.ids.empty()) {
      return OkStatus();
    }
    return Run(
        "INSERT INTO network_mapper.intent (id, client, server, type, body, version) "
        "SELECT *, $6 FROM unnest($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET "
        "client = excluded.client, server = excluded.server, body = excluded.body, "
        "version = excluded.version",
        PostgresParameters()
            .Integers(rows.ids)
            .Blobs(rows.clients)
            .Blobs(rows.servers)
            .Integers(rows.types)
            .Blobs(rows.bodies)
            .Integer(version_ + 1));
  }

  Status WriteBookmarks() {
    const auto names = std::exchange(writes_.bookmark_names, {});
    const auto bodies = std::exchange(writes_.bookmarks, {});
    writes_.bookmark_bytes = 0;
    if (!names.empty()) {
      RETURN_IF_ERROR(
          Run("INSERT INTO network_mapper.bookmark (name, body) SELECT * FROM unnest($1, $2) "
              "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
              PostgresParameters().Blobs(names).Blobs(bodies)));
    }
    return OkStatus();
  }

  Status WriteOthers() {
    if (!writes_.erased_bookmarks.empty()) {
      RETURN_IF_ERROR(Run("DELETE FROM network_mapper.bookmark WHERE name = ANY($1)",
                          PostgresParameters().Blobs(writes_.erased_bookmarks)));
    }
    if (!writes_.erased_intents.empty()) {
      forgets_ = true;
      RETURN_IF_ERROR(Run("DELETE FROM network_mapper.intent WHERE id = ANY($1)",
                          PostgresParameters().Integers(writes_.erased_intents)));
    }
    if (!writes_.held_ids.empty()) {
      RETURN_IF_ERROR(Run(
          "INSERT INTO network_mapper.held (id, body, replica) "
          "SELECT *, $3 FROM unnest($1, $2) ON CONFLICT DO NOTHING",
          PostgresParameters().Integers(writes_.held_ids).Blobs(writes_.held).Integer(replica_)));
    }
    if (!writes_.settled.empty()) {
      RETURN_IF_ERROR(Run("DELETE FROM network_mapper.held WHERE id = ANY($1)",
                          PostgresParameters().Integers(writes_.settled)));
    }
    if (!writes_.erased_instances.empty()) {
      RETURN_IF_ERROR(Run("DELETE FROM network_mapper.instance WHERE id = ANY($1)",
                          PostgresParameters().Blobs(writes_.erased_instances)));
    }
    if (!writes_.instances.empty()) {
      RETURN_IF_ERROR(
          Run("INSERT INTO network_mapper.instance (id, sequence, version) "
              "SELECT *, $3 FROM unnest($1, $2) ON CONFLICT (id) DO UPDATE SET "
              "sequence = excluded.sequence, version = excluded.version",
              PostgresParameters()
                  .Blobs(writes_.instances)
                  .Integers(writes_.sequences)
                  .Integer(version_ + 1)));
    }
    writes_ = Writes();
    return OkStatus();
  }

  const std::string url_;
  std::optional<PostgresConnection> connection_;
  // The number of this mapper, and the first one that it had.
  int64_t replica_ = 0;
  int64_t first_replica_ = 0;
  int64_t commits_ = 0;
  // Its number among them, if a COMMIT was sent and not answered.
  std::optional<int64_t> unanswered_commit_;
  // The next look has to be at everything.
  bool knows_nothing_ = true;
  // What is known here.
  int64_t version_ = 0;
  int64_t epoch_ = 0;
  std::chrono::steady_clock::time_point last_sign_of_life_;
  std::chrono::steady_clock::time_point connected_;
  std::chrono::steady_clock::time_point looked_for_gone_;
  // To be written with the next commit.
  std::optional<std::string> announcement_;
  bool forgets_ = false;
  Writes writes_;
};

}  // namespace

StatusOr<std::unique_ptr<IntentDatabase>> OpenPostgresDatabase(const std::string& url, Time now) {
  auto database = std::make_unique<PostgresDatabase>(url);
  RETURN_IF_ERROR(database->Open(now));
  return std::unique_ptr<IntentDatabase>(std::move(database));
}

}  // namespace network_mapper
