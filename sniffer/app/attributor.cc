#include "sniffer/app/attributor.h"

#include <algorithm>
#include <utility>

namespace network_mapper::sniffer {

Attributor::Metrics::Metrics(MetricsRegistry& registry)
    : attributed(
          registry.AddCounter("network_mapper_sniffer_attribution_observations_total",
                              "Observations from packets, by whether the client's pod was certain.",
                              {{"result", "pod"}})),
      unattributed(
          registry.AddCounter("network_mapper_sniffer_attribution_observations_total",
                              "Observations from packets, by whether the client's pod was certain.",
                              {{"result", "address_only"}})),
      sockets_beyond_limit(
          registry.AddCounter("network_mapper_sniffer_sockets_beyond_limit_total",
                              "Open connections that were not counted, for want of memory.")),
      tables_read(
          registry.AddCounter("network_mapper_sniffer_socket_tables_total",
                              "Socket tables of network namespaces, by what a scan did with them.",
                              {{"result", "read"}})),
      tables_unchanged(
          registry.AddCounter("network_mapper_sniffer_socket_tables_total",
                              "Socket tables of network namespaces, by what a scan did with them.",
                              {{"result", "unchanged"}})),
      tables_postponed(
          registry.AddCounter("network_mapper_sniffer_socket_tables_total",
                              "Socket tables of network namespaces, by what a scan did with them.",
                              {{"result", "postponed"}})),
      tables_unreadable(
          registry.AddCounter("network_mapper_sniffer_socket_tables_total",
                              "Socket tables of network namespaces, by what a scan did with them.",
                              {{"result", "unreadable"}})),
      malformed_lines(registry.AddCounter("network_mapper_sniffer_socket_lines_malformed_total",
                                          "Lines of socket tables that could not be read.")),
      namespaces(registry.AddGauge("network_mapper_sniffer_network_namespaces",
                                   "Network namespaces of the node.")),
      processes(registry.AddGauge("network_mapper_sniffer_processes", "Processes of the node.")),
      not_permitted(
          registry.AddGauge("network_mapper_sniffer_processes_not_permitted",
                            "Processes whose network namespace cannot be read (CAP_SYS_PTRACE).")),
      conflicting_namespaces(
          registry.AddGauge("network_mapper_sniffer_network_namespaces_conflicting",
                            "Network namespaces with processes of several pods.")),
      addresses_beyond_limit(
          registry.AddGauge("network_mapper_sniffer_addresses_beyond_limit",
                            "Addresses that are left out, of pods that have too many.")) {}

Attributor::Attributor(const ProcFs& proc_fs, const Clock& clock, MetricsRegistry& metrics,
                       AttributorOptions options)
    : clock_(clock),
      options_(options),
      metrics_(metrics),
      namespaces_(proc_fs, clock, options.namespaces),
      sockets_(proc_fs, clock, options.sockets),
      host_sockets_(proc_fs, clock) {}

Status Attributor::ScanNamespaces() {
  ASSIGN_OR_RETURN(snapshot_, namespaces_.Scan());
  attribution_.Update(snapshot_);
  double conflicting = 0;
  for (const NetworkNamespace& network_namespace : snapshot_.namespaces) {
    conflicting += network_namespace.conflicting_pods ? 1 : 0;
  }
  metrics_.namespaces.Set(static_cast<double>(snapshot_.namespaces.size()));
  metrics_.processes.Set(static_cast<double>(snapshot_.processes));
  metrics_.not_permitted.Set(static_cast<double>(snapshot_.namespace_not_permitted));
  metrics_.conflicting_namespaces.Set(conflicting);
  metrics_.addresses_beyond_limit.Set(static_cast<double>(snapshot_.addresses_beyond_limit));
  return OkStatus();
}

void Attributor::ScanHostSockets() {
  host_sockets_.Update(snapshot_);
}

std::optional<PodUid> Attributor::HostOwner(const AggregatedObservation& aggregated) const {
  std::optional<PodUid> owner;
  for (uint16_t port : aggregated.client_ports) {
    std::optional<PodUid> port_owner =
        host_sockets_.OwnerOfPort(port, aggregated.observation.first_seen);
    if (!port_owner || (owner && *owner != *port_owner)) {
      return std::nullopt;
    }
    owner = port_owner;
  }
  return owner;
}

std::vector<Observation> Attributor::Attribute(std::vector<AggregatedObservation> observations) {
  std::vector<Observation> attributed;
  attributed.reserve(observations.size());
  for (AggregatedObservation& aggregated : observations) {
    Observation& observation = aggregated.observation;
    if (observation.client.ip) {
      const IpAddress& address = *observation.client.ip;
      if (attribution_.IsHostAddress(address)) {
        observation.client.pod_uid = HostOwner(aggregated);
      } else if (attribution_.SameOwner(address, observation.first_seen, observation.last_seen)) {
        observation.client.pod_uid = attribution_.OwnerAt(address, observation.first_seen);
      }
    }
    (observation.client.pod_uid ? metrics_.attributed : metrics_.unattributed).Increment();
    attributed.push_back(std::move(observation));
  }
  return attributed;
}

std::optional<PodUid> Attributor::SocketOwner(const NetworkNamespace& network_namespace,
                                              const ClientSocket& socket) const {
  return network_namespace.is_host ? host_sockets_.OwnerOfInode(socket.inode)
                                   : network_namespace.pod_uid;
}

std::optional<Attributor::DueSocket> Attributor::Remember(const SocketKey& key,
                                                          const std::optional<PodUid>& owner,
                                                          SteadyTime now) {
  auto known = known_sockets_.find(key);
  if (known == known_sockets_.end()) {
    if (known_sockets_.size() >= options_.max_known_sockets) {
      metrics_.sockets_beyond_limit.Increment();
      return std::nullopt;
    }
    known_sockets_.emplace(key,
                           KnownSocket{.reported_at = now, .scan = scan_number_, .owner = owner});
    return DueSocket{.count = 1, .owner = owner};
  }
  KnownSocket& socket = known->second;
  socket.scan = scan_number_;
  if (owner) {
    socket.owner = owner;
  }
  if (now - socket.reported_at < options_.socket_refresh_interval) {
    return std::nullopt;
  }
  socket.reported_at = now;
  return DueSocket{.count = 0, .owner = socket.owner};
}

std::vector<Observation> Attributor::ScanSockets() {
  SocketScanStatistics statistics = sockets_.Scan(snapshot_);
  metrics_.tables_read.Increment(static_cast<double>(statistics.tables_read));
  metrics_.tables_unchanged.Increment(static_cast<double>(statistics.unchanged));
  metrics_.tables_postponed.Increment(static_cast<double>(statistics.postponed));
  metrics_.tables_unreadable.Increment(static_cast<double>(statistics.unreadable));
  metrics_.malformed_lines.Increment(static_cast<double>(statistics.malformed_lines));
  ++scan_number_;
  SteadyTime now = clock_.SteadyNow();
  std::map<ConnectionKey, Connections> connections;
  for (const NetworkNamespace& network_namespace : snapshot_.namespaces) {
    const NamespaceSockets& sockets = sockets_.SocketsOf(network_namespace.id);
    for (const ClientSocket& socket : sockets.clients) {
      std::optional<DueSocket> due = Remember({.namespace_id = network_namespace.id,
                                               .local_address = socket.local_address,
                                               .local_port = socket.local_port,
                                               .remote_address = socket.remote_address,
                                               .remote_port = socket.remote_port},
                                              SocketOwner(network_namespace, socket), now);
      if (due) {
        Connections& seen = connections[{.pod_uid = due->owner,
                                         .client = socket.local_address,
                                         .server = socket.remote_address,
                                         .server_port = socket.remote_port}];
        seen.count += due->count;
        seen.seen_at = std::max(seen.seen_at, sockets.seen_at);
      }
    }
  }
  std::erase_if(known_sockets_,
                [this](const auto& entry) { return entry.second.scan != scan_number_; });
  std::vector<Observation> observations;
  observations.reserve(connections.size());
  for (const auto& [key, seen] : connections) {
    Observation observation;
    observation.collector = Collector::kSocketScan;
    observation.first_seen = seen.seen_at;
    observation.last_seen = seen.seen_at;
    observation.count = seen.count;
    observation.client.ip = key.client;
    observation.client.pod_uid = key.pod_uid;
    observation.target = AddressTarget{
        .address = key.server, .port = key.server_port, .protocol = Protocol::kTcp, .answered = 0};
    observations.push_back(std::move(observation));
  }
  return observations;
}

}  // namespace network_mapper::sniffer
