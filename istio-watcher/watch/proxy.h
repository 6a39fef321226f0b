// A proxy of the mesh as the cluster shows it: what the watcher gets of the inventory.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "istio-watcher/deltas/growth.h"
#include "istio-watcher/scrape/proxy_command.h"
#include "istio-watcher/scrape/proxy_scrape.h"

namespace network_mapper::istio {

struct Proxy {
  PodUid pod;
  ProxyPod name;
  MeshWorkload workload;
  // When its container started (the kubelet's clock, whole seconds); absent while it does not run.
  std::optional<Time> started;
  // It can be read.
  bool is_ready = false;
  ScrapeAddress address;
};

// All proxies that there are now; absent while that is not known yet. Called from the watcher's
// thread.
using FindProxies = std::function<std::optional<std::vector<Proxy>>()>;

}  // namespace network_mapper::istio
