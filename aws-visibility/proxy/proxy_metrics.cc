#include "aws-visibility/proxy/proxy_metrics.h"

#include <string>

namespace network_mapper::aws {

namespace {

template <size_t kSize>
std::array<Counter*, kSize> AddCounters(MetricsRegistry& registry, std::string_view name,
                                        std::string_view help, const std::string& label,
                                        const std::array<std::string_view, kSize>& values) {
  std::array<Counter*, kSize> counters{};
  for (size_t i = 0; i < kSize; ++i) {
    counters[i] = &registry.AddCounter(name, help, {{label, std::string(values[i])}});
  }
  return counters;
}

Counter& AddExchanges(MetricsRegistry& registry, const std::string& host) {
  return registry.AddCounter("network_mapper_aws_proxy_exchanges_total",
                             "Requests and their answers, by what the Host field names",
                             {{"host", host}});
}

Counter& AddBytes(MetricsRegistry& registry, const std::string& from) {
  return registry.AddCounter("network_mapper_aws_proxy_received_bytes_total",
                             "Bytes handed on, without the proxy's TLS", {{"from", from}});
}

}  // namespace

Refusal RefusalOf(Reading reading) {
  switch (reading) {
    case Reading::kLargeHead:
      return Refusal::kLargeHead;
    case Reading::kConnect:
      return Refusal::kConnectMethod;
    case Reading::kPipelining:
      return Refusal::kPipelining;
    case Reading::kOtherHost:
      return Refusal::kOtherHost;
    default:
      return Refusal::kAmbiguousFraming;
  }
}

ProxyMetrics::ProxyMetrics(MetricsRegistry& registry)
    : outcomes(AddCounters<4>(registry, "network_mapper_aws_proxy_connections_total",
                              "Connections of pods, by what became of them", "outcome",
                              {"relayed", "spliced", "refused", "failed"})),
      refusals(AddCounters<kRefusals>(
          registry, "network_mapper_aws_proxy_refused_total",
          "Connections that the proxy closed rather than hand on, by reason", "reason",
          {"not_tls", "not_http", "malformed_hello", "no_server_name", "not_an_api_endpoint",
           "limit", "peer_limit", "loop", "stopping", "no_room", "ambiguous_framing", "large_head",
           "connect_method", "pipelining", "other_host", "no_request", "name_limit"})),
      failures(AddCounters<kFailures>(
          registry, "network_mapper_aws_proxy_failed_total",
          "Connections that did not come about, by reason", "reason",
          {"hello_timeout", "client_gone", "upstream_address", "upstream_connect", "upstream_tls",
           "no_certificate", "client_tls", "client_left", "client_distrust"})),
      splices(AddCounters<3>(registry, "network_mapper_aws_proxy_spliced_total",
                             "Connections handed on without a look inside, by reason", "reason",
                             {"client_distrust", "client_certificate", "server_name"})),
      exchanges(AddExchanges(registry, "aws")),
      exchanges_of_others(AddExchanges(registry, "other")),
      losses(AddCounters<4>(
          registry, "network_mapper_aws_proxy_lost_total",
          "Exchanges that are not told of, or without their body, by reason", "reason",
          {"no_room_for_head", "no_room_for_body", "too_many_streams", "still_body"})),
      unread(AddCounters<4>(registry, "network_mapper_aws_proxy_unread_total",
                            "Connections handed on unread from some byte on, by reason", "reason",
                            {"not_http", "upgraded", "unreadable", "no_room"})),
      bytes_from_clients(AddBytes(registry, "clients")),
      bytes_from_upstream(AddBytes(registry, "upstream")),
      open(registry.AddGauge("network_mapper_aws_proxy_open_connections",
                             "Connections of pods that are open")) {}

}  // namespace network_mapper::aws
