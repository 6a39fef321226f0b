// What a proxy's counters grew by between two scrapes, in terms of the map: series that differ only
// in what the map ignores (response codes, versions, principals) are one Call.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

// Namespace and name as istiod knows them.
struct MeshWorkload {
  std::string name_space;
  std::string name;

  friend auto operator<=>(const MeshWorkload&, const MeshWorkload&) = default;
};

// A client as far as one metric goes: a ztunnel counts its connections, nobody its requests.
struct CallSource {
  Metric metric = Metric::kRequests;
  MeshWorkload workload;

  friend auto operator<=>(const CallSource&, const CallSource&) = default;
};

struct Call {
  Metric metric = Metric::kRequests;
  Reporter reporter = Reporter::kSource;
  MeshWorkload source;
  MeshWorkload destination;
  // The Kubernetes Service that was addressed; empty when it is not known.
  std::string service;
  std::string path;
  std::optional<HttpMethod> method;
  // See WasAnswered.
  bool answered = true;

  friend auto operator<=>(const Call&, const Call&) = default;
};

struct Growth {
  Call call;
  uint64_t count = 0;
  // It happened after `after`, and not after `until`.
  Time after;
  Time until;
};

// Whether the server answered, as far as the series can tell; an observation is then `used` (TCP:
// `connected`), else only `attempted`.
//   no response (code 0)                     no: broken off or never reached
//   401, 403, gRPC 7 and 16                  no: denied. An AuthorizationPolicy's 403 looks like
//   the
//                                            application's own from the client's proxy
//   gRPC 14                                  no: unavailable
//   another code below 400                   yes, whatever came later; for gRPC as for 400 and
//   above 400 and above with response flags        no: Envoy's own answer (UF, UH, UO, NR, RL,
//   UAEX, ...);
//                                            DC (the client left), DI (delayed on purpose) and URX
//                                            (retries used up) do not say so
//   400 and above without                    yes: the server's own answer
//   TCP with any other flag than these       no
// A label that the mesh leaves out says nothing against an answer.
bool WasAnswered(const Series& series);

}  // namespace network_mapper::istio
