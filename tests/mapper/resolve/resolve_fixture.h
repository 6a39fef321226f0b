// A small cluster and observations in it, for tests of the resolver.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/resolve/resolver.h"
#include "tests/support/fake_inventory_view.h"

namespace network_mapper {

// Namespace shop: pod web-1 (10.0.0.1) of workload web, pod db-1 (10.0.0.2) of workload db behind
// service db (10.96.0.2). Tests add what they need.
class ResolveFixture : public ::testing::Test {
 protected:
  ResolveFixture() {
    inventory_.AddSimplePod("shop", "web-1", "web", "10.0.0.1");
    inventory_.AddSimplePod("shop", "db-1", "db", "10.0.0.2");
    inventory_.AddService("shop", "db", "10.96.0.2", {Make("shop", "db")});
  }

  static Workload Make(std::string name_space, std::string name) {
    return FakeInventoryView::MakeWorkload(std::move(name_space), std::move(name));
  }

  static Time At(int seconds) { return Time(std::chrono::seconds(1767225600 + seconds)); }

  static Observation From(const std::string& client, Collector collector, int second = 0) {
    Observation observation;
    observation.collector = collector;
    observation.first_seen = At(second);
    observation.last_seen = At(second);
    observation.client.ip = IpAddress::Parse(client);
    return observation;
  }

  static Observation Dns(const std::string& name, const std::string& client = "10.0.0.1") {
    Observation observation = From(client, Collector::kDns);
    observation.target = NameTarget{name, {}, std::nullopt};
    return observation;
  }

  static Observation Tcp(const std::string& server, std::optional<uint16_t> port = 80,
                         const std::string& client = "10.0.0.1") {
    Observation observation = From(client, Collector::kTcpSyn);
    AddressTarget target;
    target.address = FakeInventoryView::Ip(server);
    target.port = port;
    observation.target = target;
    return observation;
  }

  static Observation Socket(const std::string& server, const std::string& client = "10.0.0.1") {
    Observation observation = Tcp(server, 80, client);
    observation.collector = Collector::kSocketScan;
    return observation;
  }

  static Observation WithUid(Observation observation, const std::string& pod) {
    observation.client.pod_uid = FakeInventoryView::UidOf(pod);
    return observation;
  }

  // "namespace/client -> namespace/server", " via service" and " TYPE"; or "hold: reason",
  // "refused: reason". Several sightings are joined by ", ".
  std::string Resolve(const Observation& observation, Patience patience = Patience::kMayHold) {
    sightings_.clear();
    const Verdict verdict =
        Resolver(options_).Resolve(inventory_, observation, patience, sightings_, reporter_);
    if (verdict.kind != Verdict::Kind::kResolved) {
      EXPECT_TRUE(sightings_.empty());
      return (verdict.kind == Verdict::Kind::kHold ? "hold: " : "refused: ") +
             std::string(RefusalName(verdict.refusal));
    }
    std::string text;
    for (const IntentSighting& sighting : sightings_) {
      const WorkloadIdentity& client = *sighting.client.identity;
      const WorkloadIdentity& server = *sighting.server.identity;
      text += (text.empty() ? "" : ", ") + client.name_space + "/" + client.name + " -> " +
              server.name_space + "/" + server.name;
      text += sighting.kubernetes_service ? " via " + *sighting.kubernetes_service : "";
      text += sighting.type ? " " + std::string(IntentTypeName(*sighting.type)) : "";
    }
    return text;
  }

  // The only sighting of the last Resolve.
  const IntentSighting& Only() {
    EXPECT_EQ(sightings_.size(), 1U);
    return sightings_.at(0);
  }

  FakeInventoryView inventory_;
  ResolveOptions options_;
  Reporter reporter_;
  std::vector<IntentSighting> sightings_;
};

}  // namespace network_mapper
