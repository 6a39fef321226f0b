// Real network namespaces with real processes in them, for tests and benchmarks of what reads
// /proc. Needs root.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>

namespace network_mapper {

// Runs `body` as the first process of PID, mount and network namespaces of its own, with a /proc of
// its own: it sees nothing of the machine's processes, and whatever it starts or makes is gone when
// it ends, however that happens. Returns what `body` returned, or 1 when it did not end by itself.
int RunIsolated(const std::function<int()>& body);

// A process that waits, alone in a network namespace or with others. Ends with the object.
class WaitingProcess {
 public:
  // In a new network namespace whose loopback interface is up.
  static WaitingProcess InNewNamespace();
  static WaitingProcess InNamespaceOf(const WaitingProcess& other);

  WaitingProcess(WaitingProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

  WaitingProcess& operator=(WaitingProcess&&) = delete;
  ~WaitingProcess();

  pid_t Pid() const { return pid_; }

 private:
  explicit WaitingProcess(pid_t pid) : pid_(pid) {}

  static WaitingProcess Start(const std::function<bool()>& prepare);

  pid_t pid_;
};

// The calling thread is in the network namespace of `pid` for the life of the object.
class InNetworkNamespaceOf {
 public:
  explicit InNetworkNamespaceOf(pid_t pid);
  InNetworkNamespaceOf(const InNetworkNamespaceOf&) = delete;
  InNetworkNamespaceOf& operator=(const InNetworkNamespaceOf&) = delete;
  ~InNetworkNamespaceOf();

 private:
  int home_;
};

// Aborts with the command's text when it fails.
void RunOrDie(const std::string& command);

}  // namespace network_mapper
