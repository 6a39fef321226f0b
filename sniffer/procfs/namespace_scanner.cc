#include "sniffer/procfs/namespace_scanner.h"

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime and CLOCK_BOOTTIME are POSIX and Linux
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sniffer/procfs/proc_net.h"
#include "sniffer/procfs/proc_process.h"

namespace network_mapper::sniffer {

namespace {

constexpr size_t kMaxStatBytes = 4096;
constexpr size_t kMaxAddressBytes = size_t{8} << 20U;
constexpr size_t kMaxCgroupBytes = size_t{64} << 10U;

std::chrono::nanoseconds Read(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::chrono::nanoseconds TickLength() {
  static const long ticks_per_second = sysconf(_SC_CLK_TCK);
  return std::chrono::nanoseconds(std::chrono::seconds(1)) /
         (ticks_per_second > 0 ? ticks_per_second : 100);
}

// Stands for the namespace of a pod where namespaces cannot be read: device 0, which no file has.
NamespaceId NamespaceOfPod(const PodUid& uid) {
  NamespaceId id;
  std::memcpy(&id.inode, uid.bytes.data(), sizeof(id.inode));
  return id;
}

}  // namespace

const NetworkNamespace* NamespaceSnapshot::Host() const {
  auto host = std::find_if(namespaces.begin(), namespaces.end(),
                           [](const auto& one) { return one.is_host; });
  return host == namespaces.end() ? nullptr : &*host;
}

NamespaceScanner::NamespaceScanner(const ProcFs& proc_fs, const Clock& clock,
                                   NamespaceScannerOptions options)
    : proc_fs_(proc_fs), clock_(clock), options_(options) {}

Time NamespaceScanner::BootTime() const {
  if (options_.boot_time) {
    return *options_.boot_time;
  }
  auto since_epoch = Read(CLOCK_REALTIME) - Read(CLOCK_BOOTTIME);
  return Time(std::chrono::duration_cast<Time::duration>(since_epoch));
}

std::optional<NamespaceId> NamespaceScanner::HostNamespaceId() {
  StatusOr<NamespaceId> own = proc_fs_.OwnNetworkNamespace();
  return own.ok() ? std::optional<NamespaceId>(*own) : std::nullopt;
}

void NamespaceScanner::Examine(int32_t pid, Process& process, SteadyTime now) {
  process.namespace_id.reset();
  process.not_permitted = false;
  process.pod_uid.reset();
  process.examine_at = now;
  std::optional<uint64_t> start_ticks;
  if (proc_fs_.ReadFile(pid, "stat", buffer_, kMaxStatBytes).ok()) {
    start_ticks = StartTicksFromStat(buffer_);
  }
  if (!start_ticks) {
    // It has gone. Without a start it would seem to have been there for ever.
    return;
  }
  process.started_at = boot_time_ + std::chrono::duration_cast<Time::duration>(
                                        TickLength() * static_cast<int64_t>(*start_ticks));
  if (proc_fs_.ReadFile(pid, "cgroup", buffer_, kMaxCgroupBytes).ok()) {
    process.pod_uid = PodUidFromCgroup(buffer_);
  }
  StatusOr<NamespaceId> id = proc_fs_.NetworkNamespaceOf(pid);
  if (id.ok()) {
    process.namespace_id = *id;
  } else if (id.status().code() == StatusCode::kPermissionDenied) {
    process.not_permitted = true;
    if (process.pod_uid) {
      process.namespace_id = NamespaceOfPod(*process.pod_uid);
    }
  }
  bool young = boot_time_ != Time() && clock_.Now() - process.started_at < options_.settling_time;
  // The pid spreads the examinations of old processes over the interval.
  auto spread = options_.examine_interval * (pid % 16) / 16;
  if (!young) {
    process.examine_at +=
        std::chrono::duration_cast<SteadyTime::duration>(options_.examine_interval + spread);
  }
}

void NamespaceScanner::VisitProcesses(NamespaceSnapshot& snapshot) {
  SteadyTime now = clock_.SteadyNow();
  for (const ProcessDirectory& directory : directories_) {
    Process& process = processes_[directory.pid];
    bool replaced = process.directory_inode != directory.inode;
    if (replaced || now >= process.examine_at) {
      process.directory_inode = directory.inode;
      Examine(directory.pid, process, now);
      ++snapshot.examined;
    }
    process.scan = scan_number_;
    snapshot.namespace_not_permitted += process.not_permitted ? 1 : 0;
  }
  std::erase_if(processes_,
                [this](const auto& entry) { return entry.second.scan != scan_number_; });
  snapshot.processes = processes_.size();
}

void NamespaceScanner::GroupProcesses(NamespaceSnapshot& snapshot) {
  struct Member {
    NamespaceId id;
    Time started_at;
    int32_t pid;
    const Process* process;
  };

  std::vector<Member> members;
  members.reserve(processes_.size());
  for (const auto& [pid, process] : processes_) {
    if (process.namespace_id) {
      members.push_back({.id = *process.namespace_id,
                         .started_at = process.started_at,
                         .pid = pid,
                         .process = &process});
    }
  }
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return std::tie(a.id, a.started_at, a.pid) < std::tie(b.id, b.started_at, b.pid);
  });
  std::optional<NamespaceId> host = HostNamespaceId();
  for (const Member& member : members) {
    if (snapshot.namespaces.empty() || snapshot.namespaces.back().id != member.id) {
      NetworkNamespace fresh;
      fresh.id = member.id;
      fresh.is_host = host == member.id;
      fresh.earliest_start = member.started_at;
      snapshot.namespaces.push_back(std::move(fresh));
    }
    NetworkNamespace& group = snapshot.namespaces.back();
    if (group.pids.size() < NetworkNamespace::kMaxPids) {
      group.pids.push_back(member.pid);
    }
    const std::optional<PodUid>& uid = member.process->pod_uid;
    if (!uid) {
      continue;
    }
    if (group.is_host) {
      snapshot.host_pod_processes.push_back({.pid = member.pid, .pod_uid = *uid});
    } else if (!group.pod_uid && !group.conflicting_pods) {
      group.pod_uid = uid;
      group.earliest_start = member.started_at;
    } else if (group.pod_uid && *group.pod_uid != *uid) {
      group.conflicting_pods = true;
      group.pod_uid.reset();
    }
  }
}

void NamespaceScanner::ReadAddresses(const NetworkNamespace& network_namespace,
                                     Addresses& addresses, SteadyTime now) {
  addresses.addresses.clear();
  addresses.beyond_limit = 0;
  addresses.read_at = now;
  for (int32_t pid : network_namespace.pids) {
    if (!proc_fs_.ReadFile(pid, "net/fib_trie", buffer_, kMaxAddressBytes).ok()) {
      continue;
    }
    addresses.addresses = ParseFibTrieAddresses(buffer_);
    if (proc_fs_.ReadFile(pid, "net/if_inet6", buffer_, kMaxAddressBytes).ok()) {
      std::vector<IpAddress> v6 = ParseIfInet6Addresses(buffer_);
      addresses.addresses.insert(addresses.addresses.end(), v6.begin(), v6.end());
    }
    size_t known = addresses.addresses.size();
    if (!network_namespace.is_host && known > NetworkNamespace::kMaxAddresses) {
      addresses.beyond_limit = known - NetworkNamespace::kMaxAddresses;
      addresses.addresses.resize(NetworkNamespace::kMaxAddresses);
    }
    return;
  }
}

void NamespaceScanner::FindAddresses(NamespaceSnapshot& snapshot) {
  SteadyTime now = clock_.SteadyNow();
  bool changed = false;
  for (const NetworkNamespace& one : snapshot.namespaces) {
    uint64_t directory_inode = processes_.at(one.pids.front()).directory_inode;
    Addresses& known = addresses_[one.id];
    if (known.directory_inode != directory_inode) {
      known = {};
      known.directory_inode = directory_inode;
      known.found_at = now;
      changed = true;
    }
    known.scan = scan_number_;
  }
  changed |= std::erase_if(addresses_, [this](const auto& entry) {
               return entry.second.scan != scan_number_;
             }) > 0;
  for (NetworkNamespace& one : snapshot.namespaces) {
    Addresses& known = addresses_.at(one.id);
    if (changed || known.addresses.empty() || now - known.found_at < options_.settling_time ||
        !known.read_at || now - *known.read_at >= options_.address_interval) {
      ReadAddresses(one, known, now);
    }
    one.addresses = known.addresses;
    snapshot.addresses_beyond_limit += known.beyond_limit;
  }
}

// Grouped by pod UID, a pod with hostNetwork would look like the owner of the node's addresses.
void NamespaceScanner::DropUnpermittedHostPods(NamespaceSnapshot& snapshot) {
  if (snapshot.namespace_not_permitted == 0) {
    return;
  }
  std::vector<IpAddress> own;
  if (proc_fs_.ReadOwnFile("net/fib_trie", buffer_, kMaxAddressBytes).ok()) {
    own = ParseFibTrieAddresses(buffer_);
  }
  std::erase_if(snapshot.namespaces, [&own](const NetworkNamespace& one) {
    return one.id.device == 0 && !own.empty() &&
           std::any_of(one.addresses.begin(), one.addresses.end(),
                       [&own](const IpAddress& address) {
                         return std::find(own.begin(), own.end(), address) != own.end();
                       });
  });
}

StatusOr<NamespaceSnapshot> NamespaceScanner::Scan() {
  NamespaceSnapshot snapshot;
  snapshot.taken_at = clock_.Now();
  boot_time_ = BootTime();
  ++scan_number_;
  RETURN_IF_ERROR(proc_fs_.ListProcesses(directories_));
  VisitProcesses(snapshot);
  GroupProcesses(snapshot);
  FindAddresses(snapshot);
  DropUnpermittedHostPods(snapshot);
  return snapshot;
}

}  // namespace network_mapper::sniffer
