#include "mapper/intents/sqlite_database.h"

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <system_error>
#include <unordered_map>

#include <SQLiteCpp/SQLiteCpp.h>

#include "mapper/intents/intent_codec.h"

namespace network_mapper {

namespace {

// "NMap": what SQLite calls the application id, so that another program's database is not taken for
// ours.
constexpr int kApplicationId = 0x4E4D6170;

// What brings a file from each version to the next. The file of a new program has gone through all
// of them.
constexpr const char* kSqliteMigrations[] = {
    // 0 to 1. Workloads are shared by many intents. Without a type: -1.
    R"(CREATE TABLE workload (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
       CREATE TABLE intent (id INTEGER PRIMARY KEY, client INTEGER NOT NULL, server INTEGER NOT NULL,
                            type INTEGER NOT NULL, body BLOB NOT NULL);
       CREATE TABLE held (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
       CREATE TABLE instance (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, heard INTEGER NOT NULL)
         WITHOUT ROWID;
       CREATE TABLE store (since INTEGER NOT NULL);)",
    // 1 to 2.
    R"(CREATE TABLE bookmark (name TEXT PRIMARY KEY, body BLOB NOT NULL);)",
};
static_assert(std::size(kSqliteMigrations) == kSqliteSchemaVersion);

// Workloads that no intent names any more go once so many have come.
constexpr size_t kSweepAfter = 20'000;
// The log is written back into the file once it has so many pages of 4 KiB.
constexpr int kCheckpointPages = 4000;

std::string_view BlobOf(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<size_t>(column.getBytes())};
}

Status ErrorFrom(const std::string& path, const SQLite::Exception& exception) {
  const std::string what = exception.getErrorStr();
  switch (exception.getErrorCode()) {
    case SQLITE_FULL:
      return ResourceExhausted("store {}: the disk is full: make room, or give it a larger volume",
                               path);
    case SQLITE_READONLY:
      return PermissionDenied("store {}: the file or its folder is read-only: {}", path, what);
    case SQLITE_BUSY:
      return Unavailable("store {}: another program has it open: let that one end first", path);
    case SQLITE_CANTOPEN:
      return NotFound(
          "store {}: cannot be opened: the folder must exist and this user must be "
          "able to write to it: {}",
          path, what);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return FailedPrecondition(
          "store {}: no intact SQLite database: move the file away to begin "
          "with an empty map: {}",
          path, what);
    default:
      return Unavailable("store {}: {}", path, what);
  }
}

class SqliteDatabase : public IntentDatabase {
 public:
  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {}

  Status Open(Time now, std::chrono::milliseconds wait_for_other) {
    return Guard([&] {
      database_.emplace(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                        static_cast<int>(wait_for_other.count()));
      // SQLite opens for reading only what it may not write.
      if (sqlite3_db_readonly(database_->getHandle(), "main") == 1) {
        return FailedPrecondition(
            "store {}: is read-only: this user must be able to write to it, and its disk must not "
            "be "
            "mounted read-only",
            path_);
      }
      // Kept from the first access on, so that no second program gets in, and no shared memory is
      // needed.
      database_->exec("PRAGMA locking_mode = EXCLUSIVE");
      // What SQLite would put into temporary files, which a root that is read-only has no place
      // for: a sweep needs a few MB at the largest map.
      database_->exec("PRAGMA temp_store = MEMORY");
      const int application = database_->execAndGet("PRAGMA application_id").getInt();
      const int version = database_->execAndGet("PRAGMA user_version").getInt();
      const bool empty = database_->execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
      if (!empty && application != kApplicationId) {
        return FailedPrecondition("store {}: this is another program's database", path_);
      }
      if (version > kSqliteSchemaVersion) {
        return FailedPrecondition(
            "store {}: it is of schema version {}, and this program knows {}: run a newer one, or "
            "move the file away to begin with an empty map",
            path_, version, kSqliteSchemaVersion);
      }
      database_->exec("PRAGMA journal_mode = WAL");
      // The log is synced at each commit: what is acknowledged survives a loss of power.
      database_->exec("PRAGMA synchronous = FULL");
      database_->exec(fmt::format("PRAGMA wal_autocheckpoint = {}", kCheckpointPages));
      database_->exec("PRAGMA journal_size_limit = 33554432");
      Migrate(version, now);
      Prepare();
      return OkStatus();
    });
  }

  std::string Name() const override { return "sqlite:" + path_; }

  bool IsShared() const override { return false; }

  StatusOr<Content> ReadNews() override { return Content(); }

  void Announce(std::string /*bytes*/) override {}

  bool IsCommitDue() const override { return false; }

  uint64_t FirstHeldId() const override { return first_held_id_; }

  StatusOr<Content> Load() override {
    Content content;
    content.is_whole = true;
    RETURN_IF_ERROR(Guard([&] {
      content.since = Time(
          std::chrono::nanoseconds(database_->execAndGet("SELECT since FROM store").getInt64()));
      LoadIntents(content);
      LoadHeld(content);
      SQLite::Statement sequences(*database_,
                                  "SELECT id, sequence, heard FROM instance ORDER BY heard");
      while (sequences.executeStep()) {
        content.sequences.emplace_back(sequences.getColumn(0).getString(),
                                       static_cast<uint64_t>(sequences.getColumn(1).getInt64()));
        heard_ = sequences.getColumn(2).getInt64();
      }
      return OkStatus();
    }));
    return content;
  }

  StatusOr<Content> Begin() override {
    RETURN_IF_ERROR(Guard([&] {
      // After an error that SQLite itself did not roll back.
      if (sqlite3_get_autocommit(database_->getHandle()) == 0) {
        database_->exec("ROLLBACK");
      }
      ForgetUncommitted();
      if (made_since_sweep_ >= kSweepAfter) {
        Sweep();
      }
      database_->exec("BEGIN IMMEDIATE");
      return OkStatus();
    }));
    return Content();
  }

  Status PutIntent(int64_t row, const Intent& intent) override {
    return Guard([&] {
      const int64_t client = WorkloadRow(intent.client);
      const int64_t server = WorkloadRow(intent.server);
      EncodeIntent(intent, buffer_);
      Run(*put_intent_, [&](SQLite::Statement& statement) {
        statement.bind(1, row);
        statement.bind(2, client);
        statement.bind(3, server);
        statement.bind(4, TypeColumn(intent));
        statement.bindNoCopy(5, buffer_.data(), static_cast<int>(buffer_.size()));
      });
      return OkStatus();
    });
  }

  Status EraseIntent(int64_t row) override { return Erase(erase_intent_, row); }

  Status EraseHeld(uint64_t id) override { return Erase(erase_held_, static_cast<int64_t>(id)); }

  Status EraseAllIntents(Time now) override {
    return Guard([&] {
      database_->exec("DELETE FROM intent");
      database_->exec(fmt::format("UPDATE store SET since = {}", ToStored(now)));
      return OkStatus();
    });
  }

  Status PutHeld(uint64_t id, const Observation& observation) override {
    return Guard([&] {
      buffer_ = EncodeHeldObservation(observation);
      Run(*put_held_, [&](SQLite::Statement& statement) {
        statement.bind(1, static_cast<int64_t>(id));
        statement.bindNoCopy(2, buffer_.data(), static_cast<int>(buffer_.size()));
      });
      return OkStatus();
    });
  }

  Status PutSequence(const std::string& instance_id, uint64_t sequence) override {
    return Guard([&] {
      Run(*put_sequence_, [&](SQLite::Statement& statement) {
        statement.bind(1, instance_id);
        statement.bind(2, static_cast<int64_t>(sequence));
        statement.bind(3, ++heard_);
      });
      return OkStatus();
    });
  }

  Status EraseSequence(const std::string& instance_id) override {
    return Guard([&] {
      Run(*erase_sequence_, [&](SQLite::Statement& erase) { erase.bind(1, instance_id); });
      return OkStatus();
    });
  }

  Status PutBookmark(const std::string& name, const std::string& bytes) override {
    return Guard([&] {
      Run(*put_bookmark_, [&](SQLite::Statement& statement) {
        statement.bindNoCopy(1, name);
        statement.bindNoCopy(2, bytes.data(), static_cast<int>(bytes.size()));
      });
      return OkStatus();
    });
  }

  Status EraseBookmark(const std::string& name) override {
    return Guard([&] {
      Run(*erase_bookmark_, [&](SQLite::Statement& erase) { erase.bindNoCopy(1, name); });
      return OkStatus();
    });
  }

  StatusOr<std::vector<std::pair<std::string, std::string>>> ReadBookmarks(
      const std::string& prefix) override {
    std::vector<std::pair<std::string, std::string>> bookmarks;
    RETURN_IF_ERROR(Guard([&] {
      SQLite::Statement rows(
          *database_, "SELECT name, body FROM bookmark WHERE substr(name, 1, length(?1)) = ?1");
      rows.bindNoCopy(1, prefix);
      while (rows.executeStep()) {
        bookmarks.emplace_back(rows.getColumn(0).getString(), BlobOf(rows.getColumn(1)));
      }
      return OkStatus();
    }));
    return bookmarks;
  }

  Status Commit() override {
    return Guard([&] {
      database_->exec("COMMIT");
      uncommitted_workloads_.clear();
      return OkStatus();
    });
  }

  size_t Bytes() const override {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    return error ? 0 : static_cast<size_t>(size);
  }

 private:
  Status Erase(std::optional<SQLite::Statement>& statement, int64_t id) {
    return Guard([&] {
      Run(*statement, [id](SQLite::Statement& erase) { erase.bind(1, id); });
      return OkStatus();
    });
  }

  Status Guard(const std::function<Status()>& use) const {
    try {
      return use();
    } catch (const SQLite::Exception& exception) {
      return ErrorFrom(path_, exception);
    }
  }

  template <typename Bind>
  static void Run(SQLite::Statement& statement, const Bind& bind) {
    statement.reset();
    bind(statement);
    statement.exec();
    // Lets go of the bound buffers.
    statement.reset();
  }

  void Migrate(int version, Time now) {
    if (version == kSqliteSchemaVersion) {
      return;
    }
    SQLite::Transaction transaction(*database_);
    for (int step = version; step < kSqliteSchemaVersion; ++step) {
      database_->exec(kSqliteMigrations[step]);
    }
    if (version == 0) {
      database_->exec(fmt::format("INSERT INTO store (since) VALUES ({})", ToStored(now)));
    }
    database_->exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
    database_->exec(fmt::format("PRAGMA user_version = {}", kSqliteSchemaVersion));
    transaction.commit();
  }

  void Prepare() {
    const auto prepare = [this](std::optional<SQLite::Statement>& statement, const char* text) {
      statement.emplace(*database_, text);
    };
    prepare(put_workload_, "INSERT INTO workload (id, body) VALUES (?, ?)");
    prepare(
        put_intent_,
        "INSERT OR REPLACE INTO intent (id, client, server, type, body) VALUES (?, ?, ?, ?, ?)");
    prepare(erase_intent_, "DELETE FROM intent WHERE id = ?");
    prepare(put_held_, "INSERT OR REPLACE INTO held (id, body) VALUES (?, ?)");
    prepare(erase_held_, "DELETE FROM held WHERE id = ?");
    prepare(put_sequence_,
            "INSERT OR REPLACE INTO instance (id, sequence, heard) VALUES (?, ?, ?)");
    prepare(erase_sequence_, "DELETE FROM instance WHERE id = ?");
    prepare(put_bookmark_, "INSERT OR REPLACE INTO bookmark (name, body) VALUES (?, ?)");
    prepare(erase_bookmark_, "DELETE FROM bookmark WHERE name = ?");
  }

  void LoadIntents(Content& content) {
    Sweep();
    std::unordered_map<int64_t, Workload> workloads;
    for (const auto& [body, id] : workload_rows_) {
      if (auto workload = DecodeWorkload(body)) {
        workloads.emplace(id, *std::move(workload));
      }
    }
    const auto find = [&workloads](int64_t id) {
      const auto found = workloads.find(id);
      return found == workloads.end() ? nullptr : &found->second;
    };
    SQLite::Statement rows(*database_, "SELECT id, client, server, type, body FROM intent");
    while (rows.executeStep()) {
      content.last_row = std::max(content.last_row, rows.getColumn(0).getInt64());
      auto intent =
          IntentOfColumns(find(rows.getColumn(1).getInt64()), find(rows.getColumn(2).getInt64()),
                          rows.getColumn(3).getInt64(), BlobOf(rows.getColumn(4)));
      if (intent == nullptr) {
        ++content.unreadable;
        continue;
      }
      content.intents.emplace_back(rows.getColumn(0).getInt64(), std::move(intent));
    }
  }

  void LoadHeld(Content& content) {
    SQLite::Statement rows(*database_, "SELECT id, body FROM held ORDER BY id");
    while (rows.executeStep()) {
      auto observation = DecodeHeldObservation(BlobOf(rows.getColumn(1)));
      first_held_id_ = static_cast<uint64_t>(rows.getColumn(0).getInt64()) + 1;
      if (observation) {
        content.held.emplace_back(static_cast<uint64_t>(rows.getColumn(0).getInt64()),
                                  *std::move(observation));
      } else {
        ++content.unreadable;
      }
    }
  }

  // Outside a transaction.
  void Sweep() {
    database_->exec(
        "DELETE FROM workload WHERE id NOT IN (SELECT client FROM intent UNION SELECT server FROM "
        "intent)");
    workload_rows_.clear();
    made_since_sweep_ = 0;
    next_workload_ = 1;
    SQLite::Statement rows(*database_, "SELECT id, body FROM workload");
    while (rows.executeStep()) {
      const int64_t id = rows.getColumn(0).getInt64();
      workload_rows_.emplace(BlobOf(rows.getColumn(1)), id);
      next_workload_ = std::max(next_workload_, id + 1);
    }
  }

  int64_t WorkloadRow(const Workload& workload) {
    EncodeWorkload(workload, buffer_);
    if (const auto found = workload_rows_.find(buffer_); found != workload_rows_.end()) {
      return found->second;
    }
    const int64_t id = next_workload_++;
    Run(*put_workload_, [&](SQLite::Statement& statement) {
      statement.bind(1, id);
      statement.bindNoCopy(2, buffer_.data(), static_cast<int>(buffer_.size()));
    });
    workload_rows_.emplace(buffer_, id);
    uncommitted_workloads_.push_back(buffer_);
    ++made_since_sweep_;
    return id;
  }

  void ForgetUncommitted() {
    for (const std::string& body : uncommitted_workloads_) {
      workload_rows_.erase(body);
    }
    uncommitted_workloads_.clear();
  }

  const std::string path_;
  std::optional<SQLite::Database> database_;
  std::optional<SQLite::Statement> put_workload_;
  std::optional<SQLite::Statement> put_intent_;
  std::optional<SQLite::Statement> erase_intent_;
  std::optional<SQLite::Statement> put_held_;
  std::optional<SQLite::Statement> erase_held_;
  std::optional<SQLite::Statement> put_sequence_;
  std::optional<SQLite::Statement> erase_sequence_;
  std::optional<SQLite::Statement> put_bookmark_;
  std::optional<SQLite::Statement> erase_bookmark_;
  // Encoded workloads and their rows.
  std::unordered_map<std::string, int64_t> workload_rows_;
  std::vector<std::string> uncommitted_workloads_;
  int64_t next_workload_ = 1;
  size_t made_since_sweep_ = 0;
  int64_t heard_ = 0;
  uint64_t first_held_id_ = 1;
  std::string buffer_;
};

}  // namespace

StatusOr<std::unique_ptr<IntentDatabase>> OpenSqliteDatabase(
    const std::string& path, Time now, std::chrono::milliseconds wait_for_other) {
  auto database = std::make_unique<SqliteDatabase>(path);
  RETURN_IF_ERROR(database->Open(now, wait_for_other));
  return std::unique_ptr<IntentDatabase>(std::move(database));
}

}  // namespace network_mapper
