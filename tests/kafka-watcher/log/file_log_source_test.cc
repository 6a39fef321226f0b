#include "kafka-watcher/log/file_log_source.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kafka-watcher/log/line_ledger.h"
#include "tests/support/process_memory.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kafka {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileLogSourceTest : public ::testing::Test {
 protected:
  void Append(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }

  void AppendLine(const std::string& topic) const { Append(AuditLine(topic) + "\n"); }

  void Rename(const std::string& end) const { fs::rename(path_, path_.string() + end); }

  FileLogOptions Options() const {
    return {.path = path_,
            .broker = {.pod = "b-0", .name_space = "kafka"},
            .interval = std::chrono::milliseconds(5)};
  }

  void Start() {
    auto source = MakeFileLogSource(Options(), ledger_.positions);
    ASSERT_THAT(source, IsOk());
    source_ = *std::move(source);
  }

  // At the file's end, so that what is written from now on is read.
  void StartAndWait() {
    Start();
    ASSERT_TRUE(Eventually([&] { return source_->States().front().reading; }));
  }

  bool Read(const std::string& topic) { return ledger_.TakeUntilRead(*source_, topic); }

  TemporaryDirectory directory_;
  fs::path path_ = directory_.Path() / "authorizer.log";
  LineLedger ledger_;
  std::unique_ptr<LogSource> source_;
};

TEST_F(FileLogSourceTest, ReadsFromTheEndAtFirstAndGoesOnAfterARestart) {
  AppendLine("old");
  Append(AuditLine("begun").substr(0, 50));
  StartAndWait();
  Append(AuditLine("begun").substr(50) + "\r\n");
  AppendLine("new");
  ASSERT_TRUE(Read("new"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("begun", 1), std::pair("new", 1)));
  const LogState state = source_->States().front();
  EXPECT_EQ(state.name, path_);
  EXPECT_EQ(state.lag, 0);
  EXPECT_EQ(state.error, "");
  source_.reset();
  AppendLine("meanwhile");
  Start();
  AppendLine("later");
  ASSERT_TRUE(Read("later"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("begun", 1), std::pair("later", 1),
                                        std::pair("meanwhile", 1), std::pair("new", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
}

TEST_F(FileLogSourceTest, WaitsForAFileAndReadsItFromItsStart) {
  Start();
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems().front(), HasSubstr(path_.string()));
  EXPECT_THAT(source_->Problems().front(), HasSubstr("check the path"));
  EXPECT_FALSE(source_->States().front().reading);
  AppendLine("first");
  EXPECT_TRUE(Read("first"));
  EXPECT_TRUE(Eventually([&] { return source_->Problems().empty(); }));
}

TEST_F(FileLogSourceTest, FollowsARotation) {
  AppendLine("old");
  StartAndWait();
  // The writer keeps the renamed file for a while, and its last line has no end.
  std::ofstream writer(path_, std::ios::app);
  writer << AuditLine("a") << "\n" << std::flush;
  Rename(".1");
  writer << AuditLine("b") << std::flush;
  writer.close();
  AppendLine("c");
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
}

TEST_F(FileLogSourceTest, ReadsNoCopyOfARotatedFile) {
  AppendLine("old");
  StartAndWait();
  AppendLine("a");
  ASSERT_TRUE(Read("a"));
  fs::copy_file(path_, path_.string() + ".bak");
  Rename(".1");
  AppendLine("b");
  ASSERT_TRUE(Read("b"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1)));
}

TEST_F(FileLogSourceTest, ReadsNoFileAgainAfterTheWayOverAnOlderOne) {
  const fs::path older = directory_.Path() / "older";
  std::ofstream(older) << AuditLine("older") << "\n";
  fs::last_write_time(older, fs::file_time_type::clock::now() - std::chrono::hours(1));
  AppendLine("old");
  StartAndWait();
  AppendLine("a");
  ASSERT_TRUE(Read("a"));
  Rename(".1");
  fs::create_symlink(older, path_);
  ASSERT_TRUE(Read("older"));
  fs::remove(path_);
  AppendLine("b");
  ASSERT_TRUE(Read("b"));
  EXPECT_THAT(ledger_.read,
              ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("older", 1)));
}

TEST_F(FileLogSourceTest, ReadsTheRotatedFilesThatItMissedWhileItWasAway) {
  AppendLine("old");
  StartAndWait();
  AppendLine("a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  AppendLine("b");
  for (const std::string name : {"c", "d", "e"}) {
    Rename(".before-" + name);
    // Of another write time, whatever the file system's grain.
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    AppendLine(name);
  }
  std::ofstream(path_.string() + ".2.gz") << AuditLine("packed") << "\n";
  std::ofstream(path_.string() + "ging") << AuditLine("another log") << "\n";
  Start();
  ASSERT_TRUE(Read("e"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1),
                                        std::pair("d", 1), std::pair("e", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
}

TEST_F(FileLogSourceTest, CountsAGapForAFileThatIsGone) {
  AppendLine("old");
  StartAndWait();
  AppendLine("a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  AppendLine("lost");
  Rename(".1");
  AppendLine("b");
  fs::remove(path_.string() + ".1");
  Start();
  ASSERT_TRUE(Read("b"));
  EXPECT_FALSE(ledger_.read.contains("lost"));
  EXPECT_EQ(GapsOf(*source_), 1U);
}

TEST_F(FileLogSourceTest, FollowsATruncation) {
  AppendLine("old");
  StartAndWait();
  AppendLine("a");
  ASSERT_TRUE(Read("a"));
  fs::resize_file(path_, 0);
  ASSERT_TRUE(ledger_.TakeUntil(
      *source_, [&] { return std::get<FileLogPosition>(ledger_.positions.front()).offset == 0; }));
  AppendLine("b");
  ASSERT_TRUE(Read("b"));
  // All of the file was read.
  EXPECT_EQ(GapsOf(*source_), 0U);
  source_.reset();
  fs::resize_file(path_, 0);
  Append("x\n");
  Start();
  AppendLine("c");
  ASSERT_TRUE(Read("c"));
  EXPECT_EQ(GapsOf(*source_), 1U);
}

// With lines of the same length, so that one begins where the reading had got to.
TEST_F(FileLogSourceTest, SeesATruncationThatItWasAwayFor) {
  AppendLine("old");
  StartAndWait();
  AppendLine("a1");
  ASSERT_TRUE(Read("a1"));
  source_.reset();
  std::ofstream(path_) << AuditLine("new") << "\n"
                       << AuditLine("b1") << "\n"
                       << AuditLine("b2") << "\n";
  Start();
  ASSERT_TRUE(Read("b2"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a1", 1), std::pair("b1", 1), std::pair("b2", 1),
                                        std::pair("new", 1)));
  EXPECT_EQ(GapsOf(*source_), 1U);
}

TEST_F(FileLogSourceTest, RefusesWhatIsNoFile) {
  fs::create_directory(path_);
  EXPECT_THAT(MakeFileLogSource(Options(), {}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no regular file")));
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(MakeFileLogSource(Options(), {}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no regular file")));
  FileLogOptions options = Options();
  options.path = "authorizer.log";
  EXPECT_THAT(MakeFileLogSource(options, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("authorizer.log")));
  options = Options();
  options.broker.pod.clear();
  EXPECT_THAT(MakeFileLogSource(options, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("pod")));
}

TEST_F(FileLogSourceTest, NamesAFileThatItMayNotRead) {
  AppendLine("old");
  fs::permissions(path_, fs::perms::none);
  fs::permissions(directory_.Path(), static_cast<fs::perms>(0755));
  // Root may read everything; the source's thread inherits who this one is.
  const auto self = static_cast<uid_t>(setfsuid(65534));
  Start();
  setfsuid(self);
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems().front(), HasSubstr("may not be read"));
}

TEST_F(FileLogSourceTest, GoesThroughAHugeLineAndGarbageInConstantMemory) {
  AppendLine("old");
  StartAndWait();
  const size_t before = MostResidentKib(getpid());
  {
    std::ofstream file(path_, std::ios::app);
    const std::string mebibyte(size_t{1} << 20U, 'x');
    for (int i = 0; i < 100; ++i) {
      file << mebibyte;
    }
    file << "\n";
    std::mt19937 random(3);
    for (int i = 0; i < 100'000; ++i) {
      file << static_cast<char>(random());
    }
    file << "\n" << std::string(1000, '\0') << "\xff\xfe\xc0\n";
  }
  AppendLine("after");
  ASSERT_TRUE(Read("after"));
  EXPECT_GE(source_->States().front().counts.overlong, 1U);
  EXPECT_LT(MostResidentKib(getpid()) - before, 20U << 10U);
}

TEST_F(FileLogSourceTest, WaitsWhenThereIsNoRoomAndLosesNothing) {
  AppendLine("old");
  StartAndWait();
  const size_t count = 2 * WatchedLog::kMostAccesses + 1000;
  {
    std::ofstream file(path_, std::ios::app);
    for (size_t i = 0; i < count; ++i) {
      file << AuditLine(fmt::format("t{}", i)) << "\n";
    }
  }
  const auto lines = [&] { return source_->States().front().counts.lines; };
  ASSERT_TRUE(Eventually([&] { return lines() > WatchedLog::kMostAccesses - 1000; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(lines(), WatchedLog::kMostAccesses);
  ASSERT_TRUE(Read(fmt::format("t{}", count - 1)));
  EXPECT_EQ(ledger_.Wrong("t", count), "");
}

TEST_F(FileLogSourceTest, StopsAtOnceWhileItWaitsForRoom) {
  AppendLine("old");
  StartAndWait();
  {
    std::ofstream file(path_, std::ios::app);
    for (size_t i = 0; i < WatchedLog::kMostAccesses + 5000; ++i) {
      file << AuditLine(fmt::format("t{}", i)) << "\n";
    }
  }
  ASSERT_TRUE(Eventually(
      [&] { return source_->States().front().counts.lines > WatchedLog::kMostAccesses - 1000; }));
  const auto begun = std::chrono::steady_clock::now();
  source_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

// Whatever the moments of writes, rotations, harvests and crashes.
TEST_F(FileLogSourceTest, LosesAndDoublesNothing) {
  std::mt19937 random(11);
  AppendLine("old");
  StartAndWait();
  ledger_.Take(*source_);
  size_t written = 0;
  int rotations = 0;
  std::string pending;
  for (int step = 0; step < 400; ++step) {
    const auto choice = random() % 100;
    if (choice < 70) {
      for (size_t i = random() % 20; i > 0; --i) {
        pending += AuditLine(fmt::format("t{}", written++)) + (random() % 4 == 0 ? "\r\n" : "\n");
      }
      // Some of it, which may end in the middle of a line.
      const size_t size = random() % (pending.size() + 1);
      Append(pending.substr(0, size));
      pending.erase(0, size);
    } else if (choice < 80) {
      Append(pending);
      pending.clear();
      std::this_thread::sleep_for(std::chrono::milliseconds(12));
      Rename(fmt::format(".{}", rotations++));
      Append("");
    } else if (choice < 90) {
      ledger_.Take(*source_);
    } else {
      // A crash: what was read since the last harvest is forgotten.
      source_.reset();
      Start();
    }
  }
  Append(pending);
  AppendLine("end");
  ASSERT_TRUE(Read("end"));
  EXPECT_EQ(ledger_.Wrong("t", written), "");
  EXPECT_EQ(GapsOf(*source_), 0U);
  EXPECT_GT(rotations, 10);
  EXPECT_GT(written, 1000U);
}

}  // namespace
}  // namespace network_mapper::kafka
