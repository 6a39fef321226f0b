#include "aws-visibility/proxy/aws_proxy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "aws-visibility/proxy/event_loop.h"
#include "aws-visibility/proxy/proxy_context.h"
#include "common/net/tcp_listener.h"

namespace network_mapper::aws {

namespace {

constexpr unsigned kMostLoops = 4;

}  // namespace

struct AwsProxy::Implementation {
  Implementation(AwsProxyOptions given, LeafIssuer& issuer, ExchangeObserver& observer,
                 MetricsRegistry& registry, const Clock& clock)
      : options(std::move(given)), context(options, issuer, observer, registry, clock) {}

  const AwsProxyOptions options;
  ProxyContext context;
  TcpListener listener;
  TcpListener http_listener;
  std::vector<std::unique_ptr<EventLoop>> loops;
};

AwsProxy::AwsProxy(AwsProxyOptions options, LeafIssuer& issuer, ExchangeObserver& observer,
                   MetricsRegistry& metrics, const Clock& clock)
    : implementation_(
          std::make_unique<Implementation>(std::move(options), issuer, observer, metrics, clock)) {}

AwsProxy::~AwsProxy() {
  Stop();
}

Status AwsProxy::Start() {
  Implementation& it = *implementation_;
  ASSIGN_OR_RETURN(it.context.tls, TlsContexts::Create(it.options.roots_file, it.context.clock));
  ASSIGN_OR_RETURN(it.listener, ListenOnTcp(it.options.host, it.options.port));
  ASSIGN_OR_RETURN(it.http_listener, ListenOnTcp(it.options.host, it.options.http_port));
  const std::vector<Listener> listeners = {{it.listener.fd, Scheme::kHttps},
                                           {it.http_listener.fd, Scheme::kHttp}};
  const unsigned count = it.options.loops != 0
                             ? it.options.loops
                             : std::clamp(std::thread::hardware_concurrency(), 1U, kMostLoops);
  for (unsigned i = 0; i < count; ++i) {
    it.loops.push_back(std::make_unique<EventLoop>(it.context, listeners));
    RETURN_IF_ERROR(it.loops.back()->Start());
  }
  return OkStatus();
}

uint16_t AwsProxy::Port() const {
  return implementation_->listener.port;
}

uint16_t AwsProxy::HttpPort() const {
  return implementation_->http_listener.port;
}

Status AwsProxy::Ready() const {
  const Implementation& it = *implementation_;
  return it.context.places.Full() ? Unavailable("{} connections are open, as many as there may be",
                                                it.options.most_connections)
                                  : it.context.resolver.Ready();
}

void AwsProxy::Stop() {
  Implementation& it = *implementation_;
  const SteadyTime end = it.context.clock.SteadyNow() + it.options.stop_grace;
  for (const auto& loop : it.loops) {
    loop->Drain(end);
  }
  // Whoever comes now is refused rather than left waiting. Closed when no loop can refer to it.
  for (const TcpListener* listener : {&it.listener, &it.http_listener}) {
    if (listener->fd >= 0) {
      shutdown(listener->fd, SHUT_RD);
    }
  }
  for (const auto& loop : it.loops) {
    loop->Join();
  }
  it.context.resolver.Stop();
  for (TcpListener* listener : {&it.listener, &it.http_listener}) {
    if (listener->fd >= 0) {
      close(std::exchange(listener->fd, -1));
    }
  }
}

}  // namespace network_mapper::aws
