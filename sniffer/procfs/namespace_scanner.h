// The node's network namespaces: which exist, which processes and which pod live in each, which
// addresses each has. Used by the socket scan and by attribution. Processes and addresses are
// examined at first sight and while they are young; afterwards a scan costs one directory entry a
// process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "sniffer/procfs/proc_fs.h"

namespace network_mapper::sniffer {

struct NetworkNamespace {
  NamespaceId id;
  // Up to kMaxPids of its processes, oldest first: through any of them its tables can be read.
  std::vector<int32_t> pids;
  // Absent when no process belongs to a pod, when several pods' processes are inside, or for the
  // host's.
  std::optional<PodUid> pod_uid;
  // Several pods' processes are inside although it is not the host's.
  bool conflicting_pods = false;
  bool is_host = false;
  std::vector<IpAddress> addresses;
  // Start of the oldest process of the pod (of any process when there is no pod), to 10 ms.
  Time earliest_start;

  static constexpr size_t kMaxPids = 4;
  // Of another namespace than the host's: a pod that may change its own could make up any number.
  static constexpr size_t kMaxAddresses = 256;
};

// A process of a pod with hostNetwork.
struct HostPodProcess {
  int32_t pid = 0;
  PodUid pod_uid;

  friend bool operator==(const HostPodProcess&, const HostPodProcess&) = default;
};

struct NamespaceSnapshot {
  // When the scan began: what it saw was so at this time or a little later.
  Time taken_at;
  std::vector<NetworkNamespace> namespaces;
  std::vector<HostPodProcess> host_pod_processes;
  size_t processes = 0;
  // Processes examined, i.e. whose files were read, in this scan.
  size_t examined = 0;
  // Processes whose namespace was not readable for lack of CAP_SYS_PTRACE. They are grouped by pod
  // UID instead; those without a pod are left out, and so are pods with hostNetwork.
  size_t namespace_not_permitted = 0;
  // Addresses that are left out of `namespaces` by kMaxAddresses.
  size_t addresses_beyond_limit = 0;

  const NetworkNamespace* Host() const;
};

struct NamespaceScannerOptions {
  // A process younger than this is examined at each scan: a container's first process joins its
  // namespaces and cgroup after it was forked. The addresses of a namespace are read as often for
  // so long after it was found.
  std::chrono::nanoseconds settling_time = std::chrono::seconds(5);
  // Older ones again after this time, spread over the scans.
  std::chrono::nanoseconds examine_interval = std::chrono::seconds(60);
  // Addresses are read again after this time, and whenever a namespace came or went: an address may
  // have gone from one to the other.
  std::chrono::nanoseconds address_interval = std::chrono::seconds(10);
  // Wall-clock time of boot; absent: from the kernel's clocks.
  std::optional<Time> boot_time;
};

// Not thread-safe. `proc_fs` and `clock` must outlive it.
class NamespaceScanner {
 public:
  NamespaceScanner(const ProcFs& proc_fs, const Clock& clock, NamespaceScannerOptions options = {});

  StatusOr<NamespaceSnapshot> Scan();

 private:
  struct Process {
    uint64_t directory_inode = 0;
    Time started_at;
    // Absent: not readable. Namespaces grouped by pod UID have device 0 and a number of our own.
    std::optional<NamespaceId> namespace_id;
    bool not_permitted = false;
    std::optional<PodUid> pod_uid;
    SteadyTime examine_at;
    uint64_t scan = 0;
  };

  struct Addresses {
    std::vector<IpAddress> addresses;
    // Left out by kMaxAddresses.
    size_t beyond_limit = 0;
    // Of the oldest process: the kernel gives the number of a namespace that has gone to the next.
    uint64_t directory_inode = 0;
    SteadyTime found_at;
    std::optional<SteadyTime> read_at;
    uint64_t scan = 0;
  };

  void Examine(int32_t pid, Process& process, SteadyTime now);
  void VisitProcesses(NamespaceSnapshot& snapshot);
  void GroupProcesses(NamespaceSnapshot& snapshot);
  void FindAddresses(NamespaceSnapshot& snapshot);
  void ReadAddresses(const NetworkNamespace& network_namespace, Addresses& addresses,
                     SteadyTime now);
  void DropUnpermittedHostPods(NamespaceSnapshot& snapshot);
  std::optional<NamespaceId> HostNamespaceId();
  Time BootTime() const;

  const ProcFs& proc_fs_;
  const Clock& clock_;
  NamespaceScannerOptions options_;
  std::unordered_map<int32_t, Process> processes_;
  std::map<NamespaceId, Addresses> addresses_;
  std::vector<ProcessDirectory> directories_;
  std::string buffer_;
  Time boot_time_;
  uint64_t scan_number_ = 0;
};

}  // namespace network_mapper::sniffer
