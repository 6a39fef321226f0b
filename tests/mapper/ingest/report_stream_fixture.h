// What the tests of the report stream share: both ends on the loopback and synthetic observations.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/report/report_client.h"
#include "mapper/ingest/report_server.h"
#include "mapper/ingest/report_server_metrics.h"
#include "tests/support/fake_batch_sink.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {

inline Observation NamedObservation(const std::string& name) {
  Observation observation;
  observation.first_seen = Time(std::chrono::seconds(1'700'000'000));
  observation.last_seen = observation.first_seen;
  observation.client.ip = IpAddress::Parse("10.0.0.1");
  observation.target = NameTarget{.name = name, .addresses = {}, .ttl = {}};
  return observation;
}

inline SteadyTime In(std::chrono::milliseconds duration) {
  return std::chrono::steady_clock::now() + duration;
}

// Polls; for conditions that no object can be waited on for.
template <typename Condition>
bool Eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  SteadyTime deadline = In(limit);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class ReportStreamTest : public ::testing::Test {
 protected:
  std::unique_ptr<ReportServer> StartServer(uint16_t port = 0) {
    server_options_.host = "127.0.0.1";
    server_options_.port = port;
    auto server = ReportServer::Create(server_options_, sink_, server_metrics_, identify_);
    EXPECT_THAT(server, IsOk());
    return server.ok() ? std::move(server).value() : nullptr;
  }

  std::unique_ptr<ReportClient> StartClient(uint16_t port) {
    client_options_.address = "127.0.0.1:" + std::to_string(port);
    client_options_.component = "test";
    client_options_.node_name = "node-1";
    client_options_.minimum_backoff = std::chrono::milliseconds(10);
    client_options_.maximum_backoff = std::chrono::milliseconds(50);
    auto client = ReportClient::Create(client_options_, client_metrics_);
    EXPECT_THAT(client, IsOk());
    return client.ok() ? std::move(client).value() : nullptr;
  }

  FakeBatchSink sink_;
  MetricsRegistry server_metrics_;
  MetricsRegistry client_metrics_;
  ReportServerOptions server_options_;
  IdentifyCollector identify_;
  ReportClientOptions client_options_;
};

}  // namespace network_mapper
