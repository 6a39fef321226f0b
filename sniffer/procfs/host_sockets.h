// Which pod owns a socket of the host's network namespace, where the kubelet, other daemons and
// pods with hostNetwork live side by side. A socket is matched to a process through /proc/<pid>/fd,
// a process to a pod through its cgroup. Used for attributing connections whose source is a node
// address.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "sniffer/procfs/namespace_scanner.h"
#include "sniffer/procfs/proc_fs.h"
#include "sniffer/procfs/proc_net.h"

namespace network_mapper::sniffer {

// Not thread-safe. `proc_fs` must outlive it.
class HostSockets {
 public:
  explicit HostSockets(const ProcFs& proc_fs) : proc_fs_(proc_fs) {}

  // Reads the host namespace's TCP tables. The open files of processes are listed only
  // when a socket or a pod's process appeared that was not there before.
  void Update(const NamespaceSnapshot& snapshot);

  // The pod that holds the socket with this inode; absent: none, several, or not known.
  std::optional<PodUid> OwnerOfInode(uint64_t inode) const;

  // The pod whose socket used this local TCP port at `when`. Absent when no socket is known, when a
  // host process or several owners used the port around that time.
  std::optional<PodUid> OwnerOfPort(uint16_t port, Time when) const;

  // How long a closed socket's port is remembered.
  static constexpr std::chrono::seconds kMemory{10};

 private:
  struct PortUse {
    uint64_t inode = 0;
    std::optional<PodUid> owner;
    Time first_seen;
    Time last_seen;
    // The scan before first_seen, at which the socket was not there.
    Time absent_at;
  };

  void ReadTables(const NetworkNamespace& host);
  void FindOwners(const NamespaceSnapshot& snapshot);
  void Remember(Time now);
  void Forget(Time now);

  const ProcFs& proc_fs_;
  // Owner of every socket inode of the last scan; absent value: not a pod's.
  std::unordered_map<uint64_t, std::optional<PodUid>> owners_;
  // Whose open files owners_ is from.
  std::vector<HostPodProcess> looked_at_;
  std::unordered_map<uint16_t, std::vector<PortUse>> ports_;
  ProcNetTable table_;
  Time previous_scan_;
  std::string buffer_;
};

}  // namespace network_mapper::sniffer
