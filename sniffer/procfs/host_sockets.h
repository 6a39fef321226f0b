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

// Not thread-safe. `proc_fs` and `clock` must outlive it.
class HostSockets {
 public:
  HostSockets(const ProcFs& proc_fs, const Clock& clock) : proc_fs_(proc_fs), clock_(clock) {}

  // Lists the open files of pods' processes. The host namespace's TCP tables, which cost the kernel
  // a walk through all connections of the machine, are read only for sockets that appeared among
  // them.
  void Update(const NamespaceSnapshot& snapshot);

  // The pod that holds the socket with this inode; absent: none, several, or not known.
  std::optional<PodUid> OwnerOfInode(uint64_t inode) const;

  // The pod whose socket opened a connection from this local TCP port at `when`. Absent when no
  // such socket is known, or when sockets of several owners may have.
  std::optional<PodUid> OwnerOfPort(uint16_t port, Time when) const;

  // How long a closed socket's port is remembered.
  static constexpr std::chrono::seconds kMemory{10};
  // How long a socket may be open before it connects. One that takes longer is noticed after
  // kReadInterval.
  static constexpr std::chrono::seconds kUnconnected{2};
  static constexpr std::chrono::seconds kReadInterval{10};

 private:
  struct HeldSocket {
    // Absent: several pods hold it, so that it belongs to none of them for certain.
    std::optional<PodUid> owner;
    Time since;
    // It was found in a table; others are of other kinds, or not connected yet.
    bool in_table = false;
  };

  struct PortUse {
    uint64_t inode = 0;
    // Absent: a process of the node, or not known.
    std::optional<PodUid> owner;
    // When it was not in the tables yet, and until when it may have sent its first packets.
    Time absent_at;
    Time opened_by;
    Time last_seen;
  };

  void ListHeldSockets(const NamespaceSnapshot& snapshot);
  bool TablesAreWanted(Time now) const;
  void ReadTables(const NetworkNamespace& host);
  void Remember(Time now);
  void Forget(Time now);

  const ProcFs& proc_fs_;
  const Clock& clock_;
  // By inode.
  std::unordered_map<uint64_t, HeldSocket> held_;
  std::unordered_map<uint16_t, std::vector<PortUse>> ports_;
  ProcNetTable table_;
  Time tables_read_at_;
  std::string buffer_;
};

}  // namespace network_mapper::sniffer
