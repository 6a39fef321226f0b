#include "sniffer/procfs/socket_scanner.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace network_mapper::sniffer {

namespace {

constexpr size_t kMaxCounterBytes = size_t{64} << 10U;

bool IsOpening(const ProcNetTable& table) {
  return std::any_of(table.sockets.begin(), table.sockets.end(), [](const ProcNetSocket& socket) {
    return socket.state == SocketState::kSynSent || socket.state == SocketState::kSynReceived;
  });
}

}  // namespace

std::vector<ClientSocket> SelectClientSockets(const ProcNetTable& table,
                                              const std::map<uint16_t, SteadyTime>& server_ports) {
  std::vector<ClientSocket> clients;
  for (const ProcNetSocket& socket : table.sockets) {
    if (socket.state != SocketState::kEstablished || socket.local_address.IsLoopback() ||
        socket.remote_address.IsLoopback() || server_ports.contains(socket.local_port)) {
      continue;
    }
    clients.push_back({.local_address = socket.local_address,
                       .local_port = socket.local_port,
                       .remote_address = socket.remote_address,
                       .remote_port = socket.remote_port,
                       .inode = socket.inode});
  }
  return clients;
}

SocketScanner::SocketScanner(const ProcFs& proc_fs, const Clock& clock,
                             SocketScannerOptions options)
    : proc_fs_(proc_fs), clock_(clock), options_(options) {}

bool SocketScanner::Unchanged(const NetworkNamespace& network_namespace, NamespaceState& state,
                              SteadyTime now) {
  std::optional<TcpCounters> counters;
  for (int32_t pid : network_namespace.pids) {
    if (proc_fs_.ReadFile(pid, "net/snmp", buffer_, kMaxCounterBytes).ok()) {
      counters = ParseSnmpTcpCounters(buffer_);
      break;
    }
  }
  bool same = counters && state.has_counters && *counters == state.counters && !state.opening &&
              now - state.read_at < options_.reread_interval;
  state.has_counters = counters.has_value();
  if (counters) {
    state.counters = *counters;
  }
  return same;
}

bool SocketScanner::Read(const NetworkNamespace& network_namespace, NamespaceState& state,
                         SocketScanStatistics& statistics) {
  for (int32_t pid : network_namespace.pids) {
    table_.sockets.clear();
    table_.malformed_lines = 0;
    if (!proc_fs_.ReadTable(pid, "net/tcp", buffer_).ok()) {
      continue;
    }
    ParseProcNetSockets(buffer_, table_);
    bool has_v6 = !proc_fs_.ReadFile(pid, "net/sockstat6", buffer_, kMaxCounterBytes).ok() ||
                  ParseSockstatInUse(buffer_, "TCP6").value_or(1) > 0;
    if (has_v6 && proc_fs_.ReadTable(pid, "net/tcp6", buffer_).ok()) {
      ParseProcNetSockets(buffer_, table_);
    }
    ++statistics.tables_read;
    statistics.malformed_lines += table_.malformed_lines;
    SteadyTime now = clock_.SteadyNow();
    for (const ProcNetSocket& socket : table_.sockets) {
      if (socket.state == SocketState::kListen) {
        state.server_ports[socket.local_port] = now;
      }
    }
    std::erase_if(state.server_ports,
                  [&](const auto& entry) { return now - entry.second > options_.listener_memory; });
    state.clients = SelectClientSockets(table_, state.server_ports);
    state.opening = IsOpening(table_);
    state.read_at = now;
    return true;
  }
  return false;
}

SocketScanStatistics SocketScanner::Scan(const NamespaceSnapshot& snapshot) {
  SocketScanStatistics statistics;
  std::map<NamespaceId, NamespaceState> kept;
  std::vector<std::pair<SteadyTime, const NetworkNamespace*>> order;
  for (const NetworkNamespace& network_namespace : snapshot.namespaces) {
    auto known = namespaces_.find(network_namespace.id);
    NamespaceState& state = kept[network_namespace.id];
    if (known != namespaces_.end()) {
      state = std::move(known->second);
    }
    order.emplace_back(state.looked_at, &network_namespace);
  }
  namespaces_ = std::move(kept);
  // Those that the budget left out last time come first.
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  SteadyTime start = clock_.SteadyNow();
  for (const auto& [looked_at, network_namespace] : order) {
    SteadyTime now = clock_.SteadyNow();
    if (now - start > options_.round_budget) {
      ++statistics.postponed;
      continue;
    }
    NamespaceState& state = namespaces_[network_namespace->id];
    state.looked_at = now;
    if (Unchanged(*network_namespace, state, now)) {
      ++statistics.unchanged;
    } else if (!Read(*network_namespace, state, statistics)) {
      state.clients.clear();
      state.has_counters = false;
      ++statistics.unreadable;
    }
  }
  return statistics;
}

const std::vector<ClientSocket>& SocketScanner::ClientSockets(const NamespaceId& id) const {
  static const std::vector<ClientSocket> none;
  auto found = namespaces_.find(id);
  return found == namespaces_.end() ? none : found->second.clients;
}

}  // namespace network_mapper::sniffer
