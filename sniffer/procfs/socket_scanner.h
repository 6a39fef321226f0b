// Established TCP connections that a network namespace opened as client, from the kernel's socket
// tables, each namespace read once. Used by the sniffer's loop at each report interval. It finds
// sockets; whom they belong to is for attribution to say.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "sniffer/procfs/namespace_scanner.h"
#include "sniffer/procfs/proc_fs.h"
#include "sniffer/procfs/proc_net.h"

namespace network_mapper::sniffer {

struct ClientSocket {
  IpAddress local_address;
  uint16_t local_port = 0;
  IpAddress remote_address;
  uint16_t remote_port = 0;
  uint64_t inode = 0;
};

// When the listener of a port was found closed; absent: it is open.
using ServerPorts = std::map<uint16_t, std::optional<SteadyTime>>;

// The client side of the table's connections: ESTABLISHED, neither end loopback, and the local port
// is not one of `server_ports`. Pure.
std::vector<ClientSocket> SelectClientSockets(const ProcNetTable& table,
                                              const ServerPorts& server_ports);

struct SocketScannerOptions {
  // A port that had a listener counts as a server's for this long after it was found closed: a
  // terminating server drains its connections without one.
  std::chrono::nanoseconds listener_memory = std::chrono::minutes(10);
  // A namespace whose TCP counters stand still is read again only after this time.
  std::chrono::nanoseconds reread_interval = std::chrono::minutes(5);
  // Time that a round of scans may take, on average over the rounds; namespaces that did not fit
  // come first in the next. New connections are seen as packets; only those that are there for long
  // depend on the scan.
  std::chrono::nanoseconds round_budget = std::chrono::milliseconds(2);
  // Namespaces that have not been looked at yet may take so many budgets more in a round, so that a
  // new sniffer soon knows what is open.
  int first_look_budgets = 10;
};

struct SocketScanStatistics {
  uint64_t tables_read = 0;
  // Namespaces whose counters said that there is nothing new.
  uint64_t unchanged = 0;
  // Namespaces left to the next round by the budget.
  uint64_t postponed = 0;
  // Namespaces that no process could be found to read through.
  uint64_t unreadable = 0;
  uint64_t malformed_lines = 0;
};

// Client connections of a namespace and when they were so.
struct NamespaceSockets {
  std::vector<ClientSocket> clients;
  Time seen_at;
};

// Reading /proc/<pid>/net/tcp walks the kernel's hash table of all namespaces (milliseconds on a
// large machine), so a table is read only when net/snmp of the namespace says that connections were
// opened or closed and one that it opened may be there, and net/tcp6 only when net/sockstat6 counts
// sockets. Time beyond the budget is saved in later rounds.
// Not thread-safe. `proc_fs` and `clock` must outlive it.
class SocketScanner {
 public:
  SocketScanner(const ProcFs& proc_fs, const Clock& clock, SocketScannerOptions options = {});

  // Brings the tables of the snapshot's namespaces up to date; forgets namespaces that are gone.
  SocketScanStatistics Scan(const NamespaceSnapshot& snapshot);

  // As of the last look at the namespace; empty for an unknown one. Valid until the next Scan.
  const NamespaceSockets& SocketsOf(const NamespaceId& id) const;

 private:
  struct NamespaceState {
    // The kernel gives the number of a namespace that has gone to the next, perhaps another pod's.
    std::optional<PodUid> pod_uid;
    NamespaceSockets sockets;
    ServerPorts server_ports;
    std::optional<TcpCounters> counters;
    // A connection was being opened at the last read.
    bool opening = false;
    SteadyTime read_at;
    std::optional<SteadyTime> looked_at;
  };

  void TakeOver(const NamespaceSnapshot& snapshot);
  // Those that wait longest come first.
  std::vector<const NetworkNamespace*> Order(const NamespaceSnapshot& snapshot) const;
  void Look(const NetworkNamespace& network_namespace, NamespaceState& state, SteadyTime now,
            SocketScanStatistics& statistics);
  std::optional<TcpCounters> ReadCounters(const NetworkNamespace& network_namespace);
  // False when no process could be read through.
  bool Read(const NetworkNamespace& network_namespace, NamespaceState& state,
            SocketScanStatistics& statistics);
  void NoteServerPorts(NamespaceState& state, SteadyTime now) const;

  const ProcFs& proc_fs_;
  const Clock& clock_;
  SocketScannerOptions options_;
  // What is left for namespaces that have been looked at before; negative after a long one.
  std::chrono::nanoseconds allowance_{0};
  std::map<NamespaceId, NamespaceState> namespaces_;
  ProcNetTable table_;
  std::string buffer_;
};

}  // namespace network_mapper::sniffer
