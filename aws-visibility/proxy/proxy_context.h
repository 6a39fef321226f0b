// What all connections of a proxy share. Thread-safe.
#pragma once

#include <cstdint>
#include <utility>

#include "aws-visibility/proxy/address_resolver.h"
#include "aws-visibility/proxy/aws_proxy.h"
#include "aws-visibility/proxy/connection_places.h"
#include "aws-visibility/proxy/exchange_observer.h"
#include "aws-visibility/proxy/keep_shares.h"
#include "aws-visibility/proxy/leaf_cache.h"
#include "aws-visibility/proxy/proxy_metrics.h"
#include "aws-visibility/proxy/splice_memory.h"
#include "aws-visibility/proxy/tls_contexts.h"

namespace network_mapper::aws {

// What clients speak on a port: HTTP in TLS, or as it is.
enum class Scheme : uint8_t { kHttps, kHttp };

struct ProxyContext {
  ProxyContext(const AwsProxyOptions& given, LeafIssuer& issuer, ExchangeObserver& given_observer,
               MetricsRegistry& registry, const Clock& given_clock)
      : options(given),
        observer(given_observer),
        clock(given_clock),
        kept(given.most_kept_bytes),
        places(given.most_connections, given.most_peer_connections),
        metrics(registry),
        leaves(issuer, given_clock),
        splices(given.splice_duration),
        resolver({.own_name = given.own_name, .look_up = given.look_up}, given_clock) {}

  const AwsProxyOptions& options;
  ExchangeObserver& observer;
  const Clock& clock;
  KeepShares kept;
  ConnectionPlaces places;
  ProxyMetrics metrics;
  LeafCache leaves;
  SpliceMemory splices;
  TlsContexts tls;
  AddressResolver resolver;
};

}  // namespace network_mapper::aws
