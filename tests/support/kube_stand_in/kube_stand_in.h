// A small Kubernetes API server for tests and the demo: HTTP or TLS, one process, objects given by
// the test, faults on demand. Part of it is a binary of the same name (main.cc). It checks no
// schema, runs no controller and lets everybody do everything who has the token or a certificate.
//
// Beside the API it serves
//   GET|POST|DELETE /stand-in/faults       what shall go wrong (fault_plan.h); 200 with {"pending"}
//   POST            /stand-in/compact      every resourceVersion handed out so far is now too old
//   POST            /stand-in/end-watches  every open watch ends, as after its timeout
//   POST            /stand-in/log?namespace=&pod=&container=   lines that the container writes now
//   POST            /stand-in/apply        YAML or JSON documents: create or replace
//   GET             /stand-in/statistics   {"lists","watches","openWatches","requests"}
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status/status.h"
#include "tests/support/http_test_server.h"
#include "tests/support/kube_stand_in/fault_plan.h"
#include "tests/support/kube_stand_in/object_store.h"
#include "tests/support/kube_stand_in/pod_logs.h"
#include "tests/support/kube_stand_in/service_proxy.h"
#include "tests/support/kube_stand_in/tokens.h"

namespace network_mapper::stand_in {

struct KubeStandInOptions {
  std::string host = "127.0.0.1";
  // 0: any free one.
  int port = 0;
  // Each open watch and each kept-alive connection takes one.
  size_t threads = 64;
  std::chrono::milliseconds bookmark_interval{std::chrono::minutes(1)};
  // HTTPS with these files.
  std::optional<HttpTestTls> tls;
  // When this or a client authority is given, a request needs the bearer token or a certificate of
  // the authority; 401 without.
  std::string token;
  // Fills the store before the first request is taken.
  std::function<Status(ObjectStore&)> load;
  // For .../services/<service>:<port>/proxy/.
  ServiceBackends proxies;
  // "namespace/name" of those that tokens (tokens.h) are issued to.
  std::vector<std::string> service_accounts{};
};

struct StandInStatistics {
  uint64_t requests = 0;
  uint64_t lists = 0;
  uint64_t watches = 0;
  uint64_t open_watches = 0;
};

class KubeStandIn {
 public:
  static StatusOr<std::unique_ptr<KubeStandIn>> Start(KubeStandInOptions options);

  KubeStandIn(const KubeStandIn&) = delete;
  KubeStandIn& operator=(const KubeStandIn&) = delete;
  // Ends every watch and waits for all requests.
  ~KubeStandIn();

  int Port() const;
  // "http://127.0.0.1:port", or with "https:".
  std::string Url() const;

  ObjectStore& Objects();
  FaultPlan& Faults();
  PodLogs& Logs();
  void EndWatches();
  StandInStatistics Statistics() const;

 private:
  class Impl;

  explicit KubeStandIn(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace network_mapper::stand_in
