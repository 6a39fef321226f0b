#include "sniffer/procfs/socket_scanner.h"

#include <algorithm>
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
                                              const ServerPorts& server_ports) {
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

std::optional<TcpCounters> SocketScanner::ReadCounters(const NetworkNamespace& network_namespace) {
  for (int32_t pid : network_namespace.pids) {
    if (proc_fs_.ReadFile(pid, "net/snmp", buffer_, kMaxCounterBytes).ok()) {
      return ParseSnmpTcpCounters(buffer_);
    }
  }
  return std::nullopt;
}

void SocketScanner::NoteServerPorts(NamespaceState& state, SteadyTime now) const {
  for (auto& [port, closed_at] : state.server_ports) {
    closed_at = closed_at.value_or(now);
  }
  for (const ProcNetSocket& socket : table_.sockets) {
    if (socket.state == SocketState::kListen) {
      state.server_ports[socket.local_port].reset();
    }
  }
  std::erase_if(state.server_ports, [&](const auto& entry) {
    return entry.second && now - *entry.second > options_.listener_memory;
  });
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
    NoteServerPorts(state, now);
    state.sockets.clients = SelectClientSockets(table_, state.server_ports);
    state.opening = IsOpening(table_);
    state.read_at = now;
    return true;
  }
  return false;
}

void SocketScanner::Look(const NetworkNamespace& network_namespace, NamespaceState& state,
                         SteadyTime now, SocketScanStatistics& statistics) {
  std::optional<TcpCounters> counters = ReadCounters(network_namespace);
  bool same = counters && counters == state.counters && !state.opening &&
              now - state.read_at < options_.reread_interval;
  state.counters = counters;
  if (counters && (counters->active_opens == 0 || counters->currently_established == 0)) {
    state.sockets.clients.clear();
    state.opening = false;
    ++statistics.unchanged;
  } else if (same) {
    ++statistics.unchanged;
  } else if (!Read(network_namespace, state, statistics)) {
    state.sockets.clients.clear();
    state.counters.reset();
    ++statistics.unreadable;
  }
}

void SocketScanner::TakeOver(const NamespaceSnapshot& snapshot) {
  std::map<NamespaceId, NamespaceState> kept;
  for (const NetworkNamespace& network_namespace : snapshot.namespaces) {
    NamespaceState& state = kept[network_namespace.id];
    auto known = namespaces_.find(network_namespace.id);
    if (known != namespaces_.end() && known->second.pod_uid == network_namespace.pod_uid) {
      state = std::move(known->second);
    }
    state.pod_uid = network_namespace.pod_uid;
  }
  namespaces_ = std::move(kept);
}

std::vector<const NetworkNamespace*> SocketScanner::Order(const NamespaceSnapshot& snapshot) const {
  std::vector<std::pair<std::optional<SteadyTime>, const NetworkNamespace*>> waiting;
  waiting.reserve(snapshot.namespaces.size());
  for (const NetworkNamespace& network_namespace : snapshot.namespaces) {
    waiting.emplace_back(namespaces_.at(network_namespace.id).looked_at, &network_namespace);
  }
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const NetworkNamespace*> order;
  order.reserve(waiting.size());
  for (const auto& [looked_at, network_namespace] : waiting) {
    order.push_back(network_namespace);
  }
  return order;
}

SocketScanStatistics SocketScanner::Scan(const NamespaceSnapshot& snapshot) {
  SocketScanStatistics statistics;
  TakeOver(snapshot);
  allowance_ = std::min(allowance_ + options_.round_budget, options_.round_budget);
  std::chrono::nanoseconds first_looks = options_.round_budget * options_.first_look_budgets;
  SteadyTime now = clock_.SteadyNow();
  for (const NetworkNamespace* network_namespace : Order(snapshot)) {
    NamespaceState& state = namespaces_.at(network_namespace->id);
    std::chrono::nanoseconds& allowance = state.looked_at ? allowance_ : first_looks;
    if (allowance <= std::chrono::nanoseconds(0)) {
      ++statistics.postponed;
      continue;
    }
    state.looked_at = now;
    state.sockets.seen_at = snapshot.taken_at;
    Look(*network_namespace, state, now, statistics);
    SteadyTime then = std::exchange(now, clock_.SteadyNow());
    allowance -= now - then;
  }
  return statistics;
}

const NamespaceSockets& SocketScanner::SocketsOf(const NamespaceId& id) const {
  static const NamespaceSockets none;
  auto found = namespaces_.find(id);
  return found == namespaces_.end() ? none : found->second.sockets;
}

}  // namespace network_mapper::sniffer
