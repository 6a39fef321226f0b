#include "sniffer/procfs/proc_fs.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::UnorderedElementsAre;

class ProcFsTest : public ::testing::Test {
 protected:
  ProcFsTest() { tree_.AddProcess({.pid = 7, .network_namespace = "host", .sockets = {11, 12}}); }

  FakeProcTree tree_;
  ProcFs proc_fs_ = tree_.Open();
  std::string content_ = "from before";
};

TEST_F(ProcFsTest, ListsWhatHasANumberOnly) {
  std::filesystem::create_directory(tree_.Root() / "7x");
  std::filesystem::create_directory(tree_.Root() / "0");
  std::filesystem::create_directory(tree_.Root() / "99999999999");
  std::vector<ProcessDirectory> processes;
  ASSERT_THAT(proc_fs_.ListProcesses(processes), IsOk());
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0].pid, 7);
}

TEST_F(ProcFsTest, ReadsFilesOfAnyLengthWhole) {
  for (size_t length : {0U, 1U, 4095U, 4096U, 4097U, 69631U, 69632U, 200000U}) {
    std::string text(length, 'x');
    tree_.SetNetFile("host", "tcp", text);
    ASSERT_THAT(proc_fs_.ReadFile(7, "net/tcp", content_), IsOk());
    EXPECT_EQ(content_, text) << length;
    ASSERT_THAT(proc_fs_.ReadTable(7, "net/tcp", content_), IsOk());
    EXPECT_EQ(content_, text) << length;
  }
}

TEST_F(ProcFsTest, CutsAFileAtTheBound) {
  tree_.SetNetFile("host", "tcp", std::string(10000, 'x'));
  ASSERT_THAT(proc_fs_.ReadFile(7, "net/tcp", content_, 5000), IsOk());
  EXPECT_EQ(content_.size(), 5000U);
}

TEST_F(ProcFsTest, SaysThatAProcessHasGone) {
  EXPECT_THAT(proc_fs_.ReadFile(8, "stat", content_),
              StatusIs(StatusCode::kNotFound, ::testing::_));
  EXPECT_EQ(content_, "");
  EXPECT_THAT(proc_fs_.NetworkNamespaceOf(8), StatusIs(StatusCode::kNotFound, ::testing::_));
  std::vector<uint64_t> inodes;
  EXPECT_THAT(proc_fs_.ListSocketInodes(8, inodes), StatusIs(StatusCode::kNotFound, ::testing::_));
}

TEST_F(ProcFsTest, ListsOpenSocketsAndNoOtherFiles) {
  std::vector<uint64_t> inodes;
  ASSERT_THAT(proc_fs_.ListSocketInodes(7, inodes), IsOk());
  EXPECT_THAT(inodes, UnorderedElementsAre(11, 12));
}

TEST_F(ProcFsTest, NamesARootThatIsMissing) {
  EXPECT_THAT(ProcFs::Open("/no/such/proc"),
              StatusIs(StatusCode::kNotFound, ::testing::HasSubstr("/no/such/proc")));
}

}  // namespace
}  // namespace network_mapper::sniffer
