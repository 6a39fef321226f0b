#include "tests/support/isolation.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill and sigset are POSIX
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

namespace network_mapper {

namespace {

void CheckSystemCall(bool good, const char* what) {
  if (!good) {
    std::perror(what);
    std::abort();
  }
}

int OpenNamespace(pid_t pid) {
  std::string path = fmt::format("/proc/{}/ns/net", pid);
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  CheckSystemCall(descriptor >= 0, path.c_str());
  return descriptor;
}

}  // namespace

int RunIsolated(const std::function<int()>& body) {
  if (geteuid() != 0) {
    std::fprintf(stderr, "this needs root: it makes namespaces\n");
    return 1;
  }
  CheckSystemCall(unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) == 0, "unshare");
  std::fflush(nullptr);
  pid_t child = fork();
  CheckSystemCall(child >= 0, "fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CheckSystemCall(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount /");
    CheckSystemCall(mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
    RunOrDie("ip link set lo up");
    std::exit(body());  // NOLINT(concurrency-mt-unsafe): the only thread
  }
  int status = 0;
  CheckSystemCall(waitpid(child, &status, 0) == child, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

WaitingProcess WaitingProcess::Start(const std::function<bool()>& prepare) {
  std::array<int, 2> ready{};
  CheckSystemCall(pipe2(ready.data(), O_CLOEXEC) == 0, "pipe2");
  std::fflush(nullptr);
  pid_t pid = fork();
  CheckSystemCall(pid >= 0, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool prepared = prepare();
    if (prepared && write(ready[1], "y", 1) == 1) {
      while (true) {
        pause();
      }
    }
    _exit(1);
  }
  close(ready[1]);
  char answer = 'n';
  CheckSystemCall(read(ready[0], &answer, 1) == 1 && answer == 'y', "start a process");
  close(ready[0]);
  return WaitingProcess(pid);
}

WaitingProcess WaitingProcess::InNewNamespace() {
  return Start([] {
    if (unshare(CLONE_NEWNET) != 0) {
      return false;
    }
    RunOrDie("ip link set lo up");
    return true;
  });
}

WaitingProcess WaitingProcess::InNamespaceOf(const WaitingProcess& other) {
  return Start([&other] { return setns(OpenNamespace(other.Pid()), CLONE_NEWNET) == 0; });
}

WaitingProcess::~WaitingProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

InNetworkNamespaceOf::InNetworkNamespaceOf(pid_t pid) : home_(OpenNamespace(getpid())) {
  int target = OpenNamespace(pid);
  CheckSystemCall(setns(target, CLONE_NEWNET) == 0, "setns");
  close(target);
}

InNetworkNamespaceOf::~InNetworkNamespaceOf() {
  CheckSystemCall(setns(home_, CLONE_NEWNET) == 0, "setns");
  close(home_);
}

void RunOrDie(const std::string& command) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe, cert-env33-c): set-up of a single-threaded program
  if (std::system(command.c_str()) != 0) {
    std::fprintf(stderr, "failed: %s\n", command.c_str());
    std::abort();
  }
}

}  // namespace network_mapper
