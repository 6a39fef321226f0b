// What a DNS answer costs the sniffer: parsing alone, and the whole way from frame to aggregate
// with 100 clients, 500 names (50,000 keys, drawn at random) and one or two sightings of each
// answer.
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/dns/dns_message.h"
#include "tests/support/packet_builder.h"

namespace network_mapper::sniffer {
namespace {

constexpr size_t kNames = 500;
constexpr size_t kClients = 100;
constexpr size_t kFrames = 200000;

std::vector<Bytes> AnswerFrames(size_t sightings) {
  std::vector<Bytes> frames;
  frames.reserve(kFrames);
  std::mt19937 random(1);
  for (size_t i = 0; frames.size() < kFrames; ++i) {
    size_t index = random() % kNames;
    size_t client_index = random() % kClients;
    std::string name = fmt::format("service-{}.namespace-{}.svc.cluster.local", index, index % 20);
    DnsResponse response(name, static_cast<uint16_t>(random()));
    response.Record(
        Bytes{0xC0, 12}, kDnsTypeA, 30,
        Bytes{10, 96, static_cast<uint8_t>(index / 250), static_cast<uint8_t>(index % 250)});
    std::string client = fmt::format("10.88.0.{}", client_index + 1);
    Sight sight{.source = "10.88.1.3",
                .destination = client,
                .source_port = 53,
                .destination_port = static_cast<uint16_t>(32768 + i % 20000),
                .interface_index = 3,
                .direction = PacketDirection::kOtherHost};
    frames.push_back(UdpPacket(sight, response.Message()));
    for (size_t seen = 1; seen < sightings; ++seen) {
      sight.source = "10.96.0.2";
      sight.interface_index = static_cast<uint32_t>(4 + client_index);
      sight.direction = PacketDirection::kOutgoing;
      frames.push_back(UdpPacket(sight, response.Message()));
    }
  }
  return frames;
}

void BM_ParseDnsAnswer(benchmark::State& state) {
  DnsResponse response("cart.shop.svc.cluster.local");
  response.Record(Bytes{0xC0, 12}, kDnsTypeA, 30, Bytes{10, 96, 0, 10});
  DnsResponseParser parser;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.Parse(response.Message()));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_ParseDnsAnswer);

void BM_ParseDnsCnameChain(benchmark::State& state) {
  DnsResponse response("www.shop.example");
  response.Cname("www.shop.example", "edge.cdn.example")
      .Cname("edge.cdn.example", "host.pool.example")
      .Address("host.pool.example", "10.1.2.3")
      .Address("host.pool.example", "10.1.2.4");
  DnsResponseParser parser;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.Parse(response.Message()));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_ParseDnsCnameChain);

// Frames a second; a flush, with its allocations, after every 200,000.
void BM_DecodeAndAggregate(benchmark::State& state) {
  std::vector<Bytes> frames = AnswerFrames(static_cast<size_t>(state.range(0)));
  PacketAggregator aggregator({.max_dns_keys = 2 * kNames * kClients});
  Time now{std::chrono::seconds(1000)};
  size_t next = 0;
  for (auto _ : state) {
    now += std::chrono::microseconds(20);
    aggregator.Add({.time = now, .link_type = LinkType::kLinuxSll2, .bytes = frames[next]});
    if (++next == frames.size()) {
      next = 0;
      benchmark::DoNotOptimize(aggregator.Flush(now));
    }
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_DecodeAndAggregate)->Arg(1)->Arg(2)->ArgName("sightings");

void BM_DecodeAndAggregateSyn(benchmark::State& state) {
  std::vector<Bytes> frames;
  for (uint32_t i = 0; i < kFrames; ++i) {
    std::string client = fmt::format("10.88.0.{}", i % kClients + 1);
    std::string server = fmt::format("10.96.0.{}", i % 50 + 1);
    Sight sight{.source = client,
                .destination = server,
                .source_port = static_cast<uint16_t>(32768 + i % 20000),
                .destination_port = 80,
                .interface_index = 3};
    frames.push_back(TcpPacket(sight, {.sequence = i * 2654435761U}));
  }
  PacketAggregator aggregator({});
  Time now{std::chrono::seconds(1000)};
  size_t next = 0;
  for (auto _ : state) {
    now += std::chrono::microseconds(20);
    aggregator.Add({.time = now, .link_type = LinkType::kLinuxSll2, .bytes = frames[next]});
    if (++next == frames.size()) {
      next = 0;
      benchmark::DoNotOptimize(aggregator.Flush(now));
    }
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_DecodeAndAggregateSyn);

}  // namespace
}  // namespace network_mapper::sniffer
