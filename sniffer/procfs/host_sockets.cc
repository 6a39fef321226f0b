#include "sniffer/procfs/host_sockets.h"

#include <algorithm>
#include <utility>

namespace network_mapper::sniffer {

void HostSockets::ReadTables(const NetworkNamespace& host) {
  table_.sockets.clear();
  for (int32_t pid : host.pids) {
    if (!proc_fs_.ReadTable(pid, "net/tcp", buffer_).ok()) {
      continue;
    }
    ParseProcNetSockets(buffer_, table_);
    if (proc_fs_.ReadTable(pid, "net/tcp6", buffer_).ok()) {
      ParseProcNetSockets(buffer_, table_);
    }
    return;
  }
}

void HostSockets::ListHeldSockets(const NamespaceSnapshot& snapshot) {
  std::unordered_map<uint64_t, HeldSocket> held;
  std::vector<uint64_t> inodes;
  for (const HostPodProcess& process : snapshot.host_pod_processes) {
    inodes.clear();
    if (!proc_fs_.ListSocketInodes(process.pid, inodes).ok()) {
      continue;
    }
    for (uint64_t inode : inodes) {
      auto [socket, added] = held.try_emplace(inode);
      if (!added) {
        if (socket->second.owner != process.pod_uid) {
          socket->second.owner.reset();
        }
        continue;
      }
      if (auto known = held_.find(inode); known != held_.end()) {
        socket->second = known->second;
      } else {
        socket->second.since = snapshot.taken_at;
      }
      socket->second.owner = process.pod_uid;
    }
  }
  held_ = std::move(held);
}

bool HostSockets::TablesAreWanted(Time now) const {
  bool due = now - tables_read_at_ >= kReadInterval;
  return std::any_of(held_.begin(), held_.end(), [&](const auto& entry) {
    const HeldSocket& socket = entry.second;
    return !socket.in_table && (due || now - socket.since < kUnconnected);
  });
}

void HostSockets::Remember(Time now) {
  Time read_until = clock_.Now();
  for (const ProcNetSocket& socket : table_.sockets) {
    if (socket.inode == 0) {
      continue;
    }
    auto held = held_.find(socket.inode);
    if (held != held_.end()) {
      held->second.in_table = true;
    }
    if (socket.state == SocketState::kListen) {
      continue;
    }
    std::vector<PortUse>& uses = ports_[socket.local_port];
    auto use = std::find_if(uses.begin(), uses.end(),
                            [&](const PortUse& one) { return one.inode == socket.inode; });
    if (use == uses.end()) {
      use = uses.insert(uses.end(), {.inode = socket.inode,
                                     .owner = std::nullopt,
                                     .absent_at = tables_read_at_,
                                     .opened_by = read_until,
                                     .last_seen = now});
    }
    use->owner = OwnerOfInode(socket.inode);
    if (socket.state == SocketState::kSynSent) {
      use->opened_by = read_until;
    }
  }
  tables_read_at_ = now;
}

void HostSockets::Forget(Time now) {
  for (auto& [port, uses] : ports_) {
    std::erase_if(uses, [&](PortUse& use) {
      if (held_.contains(use.inode)) {
        use.last_seen = now;
      }
      return now - use.last_seen > kMemory;
    });
  }
  std::erase_if(ports_, [](const auto& entry) { return entry.second.empty(); });
}

void HostSockets::Update(const NamespaceSnapshot& snapshot) {
  const NetworkNamespace* host = snapshot.Host();
  if (host == nullptr) {
    return;
  }
  ListHeldSockets(snapshot);
  if (TablesAreWanted(snapshot.taken_at)) {
    ReadTables(*host);
    Remember(snapshot.taken_at);
  }
  Forget(snapshot.taken_at);
}

std::optional<PodUid> HostSockets::OwnerOfInode(uint64_t inode) const {
  auto found = held_.find(inode);
  return found == held_.end() ? std::nullopt : found->second.owner;
}

std::optional<PodUid> HostSockets::OwnerOfPort(uint16_t port, Time when) const {
  auto found = ports_.find(port);
  if (found == ports_.end()) {
    return std::nullopt;
  }
  std::optional<PodUid> owner;
  bool first = true;
  for (const PortUse& use : found->second) {
    if (when < use.absent_at || when > use.opened_by) {
      continue;
    }
    if (!first && owner != use.owner) {
      return std::nullopt;
    }
    owner = use.owner;
    first = false;
  }
  return owner;
}

}  // namespace network_mapper::sniffer
