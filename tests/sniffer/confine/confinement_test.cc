// What a process cannot do any more, by the kernel's word. Each test confines a child.
#include "sniffer/confine/confinement.h"

#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGCHLD for clone
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace network_mapper::sniffer {
namespace {

// The child's exit code: 0 when `body` returns true.
int InChild(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Whether a system call is refused as the filter refuses; it must not have worked either.
bool IsRefused(long result) {
  return result == -1 && errno == EPERM;
}

// proc(5): a line of status of the calling thread.
std::string StatusOf(const std::string& key) {
  std::ifstream file("/proc/thread-self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":\t")) {
      return line.substr(key.size() + 2);
    }
  }
  return "";
}

// 13 is NET_RAW, 19 SYS_PTRACE.
bool HasAtMostTheNeeded(const std::string& key) {
  constexpr uint64_t kNeeded = (uint64_t{1} << 13U) | (uint64_t{1} << 19U);
  const std::string mask = StatusOf(key);
  return !mask.empty() && (std::stoull(mask, nullptr, 16) & ~kNeeded) == 0;
}

TEST(Confinement, LeavesTheNeededCapabilitiesOnly) {
  EXPECT_EQ(InChild([] {
              const std::string before = StatusOf("CapPrm");
              const bool root = geteuid() == 0;
              const bool kept = KeepNeededCapabilities().ok();
              const uint64_t expected = std::stoull(before, nullptr, 16) & 0x82000;
              return kept && StatusOf("NoNewPrivs") == "1" &&
                     std::stoull(StatusOf("CapPrm"), nullptr, 16) == expected &&
                     HasAtMostTheNeeded("CapEff") && HasAtMostTheNeeded("CapInh") &&
                     HasAtMostTheNeeded("CapAmb") && (!root || HasAtMostTheNeeded("CapBnd"));
            }),
            0);
}

TEST(Confinement, StartsNoProgram) {
  EXPECT_EQ(InChild([] {
              const bool confined =
                  KeepNeededCapabilities().ok() && RefuseUnneededSystemCalls().ok();
              return confined && StatusOf("Seccomp") == "2" &&
                     IsRefused(execl("/bin/true", "true", nullptr)) &&
                     IsRefused(syscall(SYS_execveat, 0, "", nullptr, nullptr, 0));
            }),
            0);
}

TEST(Confinement, LooksIntoNoOtherProcessOrNamespace) {
  EXPECT_EQ(InChild([] {
              const bool confined =
                  KeepNeededCapabilities().ok() && RefuseUnneededSystemCalls().ok();
              return confined && IsRefused(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) &&
                     IsRefused(unshare(CLONE_NEWUSER)) && IsRefused(setns(0, CLONE_NEWNET)) &&
                     IsRefused(mount("none", "/tmp", "tmpfs", 0, nullptr)) &&
                     IsRefused(syscall(SYS_bpf, 0, nullptr, 0)) &&
                     IsRefused(syscall(SYS_keyctl, 0, 0)) && IsRefused(setuid(1)) &&
                     IsRefused(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr,
                                       nullptr, nullptr)) &&
                     syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS;
            }),
            0);
}

TEST(Confinement, HoldsForThreadsThatWereThereBefore) {
  EXPECT_EQ(InChild([] {
              std::atomic<bool> confined = false;
              std::atomic<bool> refused = false;
              std::thread before([&] {
                while (!confined) {
                  std::this_thread::yield();
                }
                refused = IsRefused(unshare(CLONE_NEWUSER));
              });
              confined = KeepNeededCapabilities().ok() && RefuseUnneededSystemCalls().ok();
              before.join();
              return refused.load();
            }),
            0);
}

TEST(Confinement, LeavesThreadsFilesAndSockets) {
  EXPECT_EQ(InChild([] {
              bool confined = KeepNeededCapabilities().ok() && RefuseUnneededSystemCalls().ok();
              std::atomic<bool> ran = false;
              std::thread later([&] { ran = true; });
              later.join();
              const int socket_fd = socket(AF_INET6, SOCK_STREAM, 0);
              return confined && ran && socket_fd >= 0 && !StatusOf("Name").empty();
            }),
            0);
}

}  // namespace
}  // namespace network_mapper::sniffer
