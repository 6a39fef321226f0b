#include "tests/faults/ledger.h"

#include <algorithm>

namespace network_mapper::faults {

namespace {

// Fewer than the AWS resources that a client may have on the map.
constexpr uint64_t kEntriesPerClient = 1000;

std::string Edge(const std::string& client, const std::string& server) {
  return client + " -> " + server;
}

}  // namespace

Observation Ledger::Named(uint64_t number, Time time) {
  std::string arn = "arn:aws:s3:::entry-" + std::to_string(number);
  std::string client = "ledger-" + std::to_string(number / kEntriesPerClient);
  Expect(client, arn);
  Observation observation;
  observation.collector = Collector::kAws;
  observation.first_seen = observation.last_seen = time;
  observation.target = AwsTarget{.resource_arn = std::move(arn),
                                 .actions = {"s3:GetObject"},
                                 .iam_role = {},
                                 .client_name = std::move(client),
                                 .client_namespace = "shop"};
  return observation;
}

Observation Ledger::Called(const Call& call, Time time) {
  Expect(call.client, call.server);
  Observation observation;
  observation.collector = Collector::kTcpSyn;
  observation.first_seen = observation.last_seen = time;
  observation.client.ip = call.from;
  observation.target = AddressTarget{
      .address = call.to, .port = uint16_t{80}, .protocol = Protocol::kTcp, .answered = 1};
  return observation;
}

void Ledger::Expect(const std::string& client, const std::string& server) {
  std::lock_guard lock(mutex_);
  ++expected_[Edge(client, server)];
  ++sent_;
}

uint64_t Ledger::Sent() const {
  std::lock_guard lock(mutex_);
  return sent_;
}

Ledger::Comparison Ledger::Compare(const nlohmann::json& intents) const {
  std::lock_guard lock(mutex_);
  Comparison comparison;
  for (const nlohmann::json& intent : intents) {
    const std::string client = intent["client"]["name"];
    if (client == kStranger) {
      continue;
    }
    const std::string edge = Edge(client, intent["server"]["name"]);
    const auto found = expected_.find(edge);
    const uint64_t expected = found == expected_.end() ? 0 : found->second;
    uint64_t count = 0;
    for (const nlohmann::json& evidence : intent["evidence"]) {
      count += evidence["count"].get<uint64_t>();
    }
    comparison.on_map += std::min(count, expected);
    if (count > expected) {
      comparison.surplus += count - expected;
      comparison.surplus_edge = edge;
    }
  }
  return comparison;
}

}  // namespace network_mapper::faults
