// The proxy between pods and AWS. DNS leads a pod's API-shaped AWS names here; the proxy shows a
// certificate of its own authority for the name that the client asks for, speaks TLS with the real
// endpoint, and hands every byte on unchanged, both ways. On the way passive readers (http) tell
// what is called. A client that does not trust the certificate is handed on without a look inside,
// from its next connection on. HTTP without TLS goes to the endpoint that its Host field names,
// without TLS, too. Names that are no API endpoints are refused: it is no open proxy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/ca/leaf_issuer.h"
#include "aws-visibility/proxy/exchange_observer.h"
#include "common/metrics/metrics.h"
#include "common/net/ip_address.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

// All names lead there: for tests with something that plays AWS.
struct UpstreamOverride {
  IpAddress address;
  uint16_t port = 0;
  bool plain_text = false;
};

struct AwsProxyOptions {
  // Empty: all addresses.
  std::string host;
  // 0: any free one. For TLS, and for HTTP as it is.
  uint16_t port = 0;
  uint16_t http_port = 0;
  // Threads that move bytes; 0: one a core, four at most.
  unsigned loops = 0;
  // Which server names are let through, in lower case. Thread-safe.
  std::function<bool(std::string_view server_name)> is_api_endpoint;
  // PEM of the authorities that endpoints are certified by; empty: the system's.
  std::string roots_file;
  uint16_t upstream_port = 443;
  uint16_t upstream_http_port = 80;
  std::optional<UpstreamOverride> upstream_override;
  // DNS name of the proxy's Service: a name that leads to its addresses would lead in a circle.
  std::string own_name;
  // Further ones are reset, of all clients and of one address.
  size_t most_connections = 10'000;
  size_t most_peer_connections = 2'500;
  // What is kept of heads and bodies at a time, over all connections, also of heads that are still
  // coming; a quarter of it for one client. Beyond it bytes are handed on all the same, but are not
  // told of; a client that has not said yet where it wants to go is reset.
  size_t most_kept_bytes = size_t{64} * 1024 * 1024;
  std::chrono::milliseconds hello_timeout = std::chrono::seconds(10);
  // For all addresses of a name together.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  // Of TLS, each side.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(15);
  // After it until the first byte of a request: the connection is ended.
  std::chrono::milliseconds request_timeout = std::chrono::minutes(1);
  // Of a body that is kept: when nothing of it came for so long, to twice as long, it is not kept.
  std::chrono::milliseconds still_timeout = std::chrono::minutes(1);
  // Nothing came or went for so long: the connection is reset. 0: never; long polls and event
  // streams may be silent for long.
  std::chrono::milliseconds idle_timeout{0};
  // How long a client that does not trust us is spliced.
  std::chrono::milliseconds splice_duration = std::chrono::minutes(10);
  // How long Stop waits for connections to end by themselves.
  std::chrono::milliseconds stop_grace = std::chrono::seconds(10);
  // In place of the system's resolver; for tests. Called by threads of its own, may block.
  std::function<StatusOr<std::vector<IpAddress>>(const std::string& name)> look_up;
};

class AwsProxy {
 public:
  // All must outlive this.
  AwsProxy(AwsProxyOptions options, LeafIssuer& issuer, ExchangeObserver& observer,
           MetricsRegistry& metrics, const Clock& clock);
  AwsProxy(const AwsProxy&) = delete;
  AwsProxy& operator=(const AwsProxy&) = delete;
  // Stops.
  ~AwsProxy();

  // Once. Errors: a port is taken, no authorities.
  Status Start();
  // After Start.
  uint16_t Port() const;
  uint16_t HttpPort() const;
  // Unavailable from when there are as many connections as there may be until some places are free,
  // and while names wait long to be looked up.
  Status Ready() const;
  // Takes no more connections, lets those that are open end within the grace, ends the rest. May be
  // called again.
  void Stop();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
