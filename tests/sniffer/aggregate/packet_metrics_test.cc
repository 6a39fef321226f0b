#include "sniffer/aggregate/packet_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::sniffer {
namespace {

using ::testing::HasSubstr;

// docs/regressions.md P8: what is lost is counted by cause.
TEST(PacketMetrics, AddsWhatGrewSinceTheLastCall) {
  MetricsRegistry registry;
  PacketMetrics metrics(registry);
  AggregatorStatistics statistics;
  statistics.packets = 10;
  statistics.dns_outcomes[static_cast<size_t>(DnsOutcome::kMalformed)] = 3;
  statistics.syn_duplicates = 2;
  std::vector<InterfaceCaptureStatistics> capture = {
      {.interface_name = "any", .received = 100, .dropped_by_kernel = 5}};
  metrics.Publish(statistics, capture);
  statistics.packets = 14;
  capture[0].received = 130;
  capture[0].lost = true;
  capture[0].losses = 2;
  metrics.Publish(statistics, capture);
  std::string text = registry.RenderText();
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_decoded_packets_total 14"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_captured_packets_total 130"));
  EXPECT_THAT(text,
              HasSubstr("network_mapper_sniffer_dns_messages_total{outcome=\"malformed\"} 3"));
  EXPECT_THAT(text, HasSubstr("{reason=\"syn_duplicate\"} 2"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_capture_dropped_packets_total"
                              "{place=\"kernel\"} 5"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_capture_interfaces_lost 1"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_capture_interface_losses_total 2"));
}

TEST(PacketMetrics, DoesNotFallWhenASourceIsOpenedAgain) {
  MetricsRegistry registry;
  PacketMetrics metrics(registry);
  metrics.Publish({}, {{.interface_name = "any", .received = 100}});
  metrics.Publish({}, {{.interface_name = "any", .received = 7}});
  EXPECT_THAT(registry.RenderText(),
              HasSubstr("network_mapper_sniffer_captured_packets_total 107"));
}

}  // namespace
}  // namespace network_mapper::sniffer
