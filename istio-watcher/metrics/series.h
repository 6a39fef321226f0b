// One series of a proxy's statistics that says who called whom: istio_requests_total or
// istio_tcp_connections_opened_total, as Envoy's filter istio_stats, Istio's older Wasm plugin and
// ztunnel count it. What the readers of this folder hand out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "common/observation/observation.h"

namespace network_mapper::istio {

enum class Metric : uint8_t { kRequests, kTcpConnectionsOpened };

// Whose proxy counted. One request is counted by up to three of them.
enum class Reporter : uint8_t {
  kSource,       // the client's sidecar or ztunnel, a gateway
  kDestination,  // the server's
  kWaypoint,     // the ambient waypoint of the server
};

// Why a line or entry with the name of one of the metrics is no series to count.
enum class SeriesRefusal : uint8_t {
  kMalformed,        // it does not go on like a series, or breaks off
  kTooLong,          // over the limit of a line
  kNoReporter,       // an application's metric of the same name, or a proxy's that is cut down
  kUnknownReporter,  // neither source nor destination nor waypoint
  kDuplicateLabel,   // a label that matters stands there twice
  kBadValue,         // not a number, negative, fractional, or more than any proxy counts
  kUnknownClient,    // the source workload or its namespace is empty or "unknown"
  kUnknownServer,    // the same of the destination
  kOutsideMesh,      // the destination is Envoy's PassthroughCluster or BlackHoleCluster
  kBadName,          // a workload's name that Kubernetes cannot have
  kForeign,          // a proxy counts it for a workload of another namespace
};
inline constexpr std::array kAllSeriesRefusals = {
    SeriesRefusal::kMalformed,       SeriesRefusal::kTooLong,        SeriesRefusal::kNoReporter,
    SeriesRefusal::kUnknownReporter, SeriesRefusal::kDuplicateLabel, SeriesRefusal::kBadValue,
    SeriesRefusal::kUnknownClient,   SeriesRefusal::kUnknownServer,  SeriesRefusal::kOutsideMesh,
    SeriesRefusal::kBadName,         SeriesRefusal::kForeign};
// "malformed", "too_long", ...: the value of a metric's label.
std::string_view SeriesRefusalName(SeriesRefusal refusal);

// Why a series counts for its edge only, without method and path.
enum class ResourceRefusal : uint8_t {
  kUnknownMethod,  // none that an HTTP resource can have, as HEAD
  kPathTooLong,    // a cut path would be another path
  kPathNotUtf8,
  kControlCharacter,  // in the path
};
inline constexpr std::array kAllResourceRefusals = {
    ResourceRefusal::kUnknownMethod, ResourceRefusal::kPathTooLong, ResourceRefusal::kPathNotUtf8,
    ResourceRefusal::kControlCharacter};
// "unknown_method", "path_too_long", ...: the value of a metric's label.
std::string_view ResourceRefusalName(ResourceRefusal refusal);

// A workload is called as istiod calls it: by its owner's name, as a Deployment's.
struct SeriesWorkload {
  std::string_view name;
  std::string_view name_space;
  // Label service.istio.io/canonical-name of its pods; not unique.
  std::string_view canonical_name;
};

// More than any proxy counts; sums of many stay far from overflow.
inline constexpr uint64_t kMostEvents = uint64_t{1} << 48;

// Texts are valid while the callback runs. Empty: the label is empty or not there.
struct Series {
  Metric metric = Metric::kRequests;
  Reporter reporter = Reporter::kSource;
  // Both with name and namespace.
  SeriesWorkload source;
  SeriesWorkload destination;
  // Host name, Service and its namespace that were called.
  std::string_view destination_service;
  std::string_view destination_service_name;
  std::string_view destination_service_namespace;
  // "http", "grpc", "tcp".
  std::string_view request_protocol;
  // A number, "0" when there was no response.
  std::string_view response_code;
  std::string_view grpc_response_status;
  // "-" or a list, e.g. "UF,URX".
  std::string_view response_flags;
  // "mutual_tls", "none", "unknown" (always, of the source side).
  std::string_view connection_security;
  // Absent for connections, where the mesh does not say it, and where it is refused. gRPC is POST.
  std::optional<HttpMethod> method;
  // Without the query, clean (CleanPath); empty where the mesh does not say it or it is refused.
  std::string_view path;
  std::optional<ResourceRefusal> resource_refusal;
  // Whether the mesh is configured to say them at all: a label of one of the names was there.
  bool has_method_label = false;
  bool has_path_label = false;
  // At most kMostEvents.
  uint64_t value = 0;
  // Hash of the metric and of all labels that are not empty, in any order: the same series has the
  // same one in every form, scrape and program. Kept in snapshots, so how it is made never changes.
  uint64_t identity = 0;
};

using SeriesSink = std::function<void(const Series&)>;

// What a reader met.
struct ReaderCounts {
  // Handed out.
  uint64_t series = 0;
  // By SeriesRefusal.
  std::array<uint64_t, kAllSeriesRefusals.size()> refused{};
  // By ResourceRefusal; these were handed out.
  std::array<uint64_t, kAllResourceRefusals.size()> without_resource{};
  // HTTP series that were handed out and have no label for the path.
  uint64_t without_path_label = 0;

  ReaderCounts& operator+=(const ReaderCounts& other);
};

}  // namespace network_mapper::istio
