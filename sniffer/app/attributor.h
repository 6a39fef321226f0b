// Puts pod UIDs into observations and turns open sockets into observations: the place where capture
// and procfs meet. Owned by the sniffer's loop thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/observation/observation.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/procfs/host_sockets.h"
#include "sniffer/procfs/namespace_scanner.h"
#include "sniffer/procfs/pod_attribution.h"
#include "sniffer/procfs/proc_fs.h"
#include "sniffer/procfs/socket_scanner.h"

namespace network_mapper::sniffer {

struct AttributorOptions {
  std::chrono::nanoseconds socket_refresh_interval = std::chrono::seconds(30);
  // Open connections that are remembered, so that each is counted once.
  size_t max_known_sockets = 200'000;
  NamespaceScannerOptions namespaces{};
  SocketScannerOptions sockets{};
};

// Not thread-safe. What is passed by reference must outlive it.
class Attributor {
 public:
  Attributor(const ProcFs& proc_fs, const Clock& clock, MetricsRegistry& metrics,
             AttributorOptions options);

  // Looks which namespaces, pods and addresses there are now.
  Status ScanNamespaces();

  // Looks for new sockets in the host's namespace, to tell host-network pods apart.
  void ScanHostSockets();

  // Sets client.pod_uid where it is certain. Everything must have been seen before the last
  // ScanNamespaces.
  std::vector<Observation> Attribute(std::vector<AggregatedObservation> observations);

  // The client connections of all namespaces that are new or due for a refresh. A connection counts
  // when it is first seen; a refresh has count 0 and only says that it is still there.
  std::vector<Observation> ScanSockets();

 private:
  struct SocketKey {
    NamespaceId namespace_id;
    IpAddress local_address;
    uint16_t local_port = 0;
    IpAddress remote_address;
    uint16_t remote_port = 0;

    friend auto operator<=>(const SocketKey&, const SocketKey&) = default;
  };

  struct KnownSocket {
    SteadyTime reported_at;
    uint64_t scan = 0;
    // The host's namespace is read less often than its sockets are looked for: it may be gone
    // there.
    std::optional<PodUid> owner;
  };

  // To be reported, with its count.
  struct DueSocket {
    uint64_t count = 0;
    std::optional<PodUid> owner;
  };

  // Sockets of one client to one server port, within one scan.
  struct ConnectionKey {
    std::optional<PodUid> pod_uid;
    IpAddress client;
    IpAddress server;
    uint16_t server_port = 0;

    friend auto operator<=>(const ConnectionKey&, const ConnectionKey&) = default;
  };

  struct Connections {
    uint64_t count = 0;
    Time seen_at;
  };

  struct Metrics {
    explicit Metrics(MetricsRegistry& registry);

    Counter& attributed;
    Counter& unattributed;
    Counter& sockets_beyond_limit;
    Counter& tables_read;
    Counter& tables_unchanged;
    Counter& tables_postponed;
    Counter& tables_unreadable;
    Counter& malformed_lines;
    Gauge& namespaces;
    Gauge& processes;
    Gauge& not_permitted;
    Gauge& conflicting_namespaces;
    Gauge& addresses_beyond_limit;
  };

  std::optional<PodUid> HostOwner(const AggregatedObservation& aggregated) const;
  std::optional<PodUid> SocketOwner(const NetworkNamespace& network_namespace,
                                    const ClientSocket& socket) const;
  // Absent: not to be reported now.
  std::optional<DueSocket> Remember(const SocketKey& key, const std::optional<PodUid>& owner,
                                    SteadyTime now);

  const Clock& clock_;
  AttributorOptions options_;
  Metrics metrics_;
  NamespaceScanner namespaces_;
  SocketScanner sockets_;
  HostSockets host_sockets_;
  PodAttribution attribution_;
  NamespaceSnapshot snapshot_;
  std::map<SocketKey, KnownSocket> known_sockets_;
  uint64_t scan_number_ = 0;
};

}  // namespace network_mapper::sniffer
