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

// A socket that several pods hold open belongs to none of them for certain.
void HostSockets::FindOwners(const NamespaceSnapshot& snapshot) {
  std::unordered_map<uint64_t, std::optional<PodUid>> owners;
  // A socket may be older than what is known of its process.
  bool fresh = snapshot.host_pod_processes != looked_at_;
  for (const ProcNetSocket& socket : table_.sockets) {
    if (socket.inode != 0) {
      auto known = owners_.find(socket.inode);
      fresh = fresh || known == owners_.end();
      owners.emplace(socket.inode, known == owners_.end() ? std::nullopt : known->second);
    }
  }
  owners_ = std::move(owners);
  if (!fresh) {
    return;
  }
  looked_at_ = snapshot.host_pod_processes;
  std::unordered_map<uint64_t, PodUid> found;
  std::vector<uint64_t> contested;
  std::vector<uint64_t> inodes;
  for (const HostPodProcess& process : snapshot.host_pod_processes) {
    inodes.clear();
    if (!proc_fs_.ListSocketInodes(process.pid, inodes).ok()) {
      continue;
    }
    for (uint64_t inode : inodes) {
      auto [known, added] = found.try_emplace(inode, process.pod_uid);
      if (!added && known->second != process.pod_uid) {
        contested.push_back(inode);
      }
    }
  }
  for (uint64_t inode : contested) {
    found.erase(inode);
  }
  for (auto& [inode, owner] : owners_) {
    auto known = found.find(inode);
    owner = known == found.end() ? std::nullopt : std::optional<PodUid>(known->second);
  }
}

void HostSockets::Remember(Time now) {
  for (const ProcNetSocket& socket : table_.sockets) {
    if (socket.inode == 0 || socket.state == SocketState::kListen) {
      continue;
    }
    std::vector<PortUse>& uses = ports_[socket.local_port];
    auto known = std::find_if(uses.begin(), uses.end(),
                              [&](const PortUse& use) { return use.inode == socket.inode; });
    if (known == uses.end()) {
      uses.push_back({.inode = socket.inode,
                      .owner = OwnerOfInode(socket.inode),
                      .first_seen = now,
                      .last_seen = now,
                      .absent_at = previous_scan_});
    } else {
      known->last_seen = now;
      known->owner = OwnerOfInode(socket.inode);
    }
  }
}

void HostSockets::Forget(Time now) {
  for (auto& [port, uses] : ports_) {
    std::erase_if(uses, [now](const PortUse& use) { return now - use.last_seen > kMemory; });
  }
  std::erase_if(ports_, [](const auto& entry) { return entry.second.empty(); });
}

void HostSockets::Update(const NamespaceSnapshot& snapshot) {
  const NetworkNamespace* host = snapshot.Host();
  if (host == nullptr) {
    return;
  }
  ReadTables(*host);
  FindOwners(snapshot);
  Remember(snapshot.taken_at);
  Forget(snapshot.taken_at);
  previous_scan_ = snapshot.taken_at;
}

std::optional<PodUid> HostSockets::OwnerOfInode(uint64_t inode) const {
  auto found = owners_.find(inode);
  return found == owners_.end() ? std::nullopt : found->second;
}

// A socket may have been there from the scan that did not see it yet to the scan that saw it last.
std::optional<PodUid> HostSockets::OwnerOfPort(uint16_t port, Time when) const {
  auto found = ports_.find(port);
  if (found == ports_.end()) {
    return std::nullopt;
  }
  std::optional<PodUid> owner;
  bool first = true;
  for (const PortUse& use : found->second) {
    if (when < use.absent_at || when > use.last_seen) {
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
