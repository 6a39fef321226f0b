// Attacks on the report port of the mapper's real binary: it stays up, stays small and serves a
// collector as soon as the attack is over.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>

#include "common/report/report_client.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/raw_connection.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;

using Connections = std::vector<std::unique_ptr<RawConnection>>;

Connections Connect(uint16_t port, int count) {
  Connections connections;
  for (int i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<RawConnection>(port));
  }
  return connections;
}

// proc(5): VmRSS of status.
size_t ResidentKib(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string word;
  size_t kib = 0;
  while (status >> word) {
    if (word == "VmRSS:") {
      status >> kib;
    }
  }
  return kib;
}

void ExpectService(MapperProcess& mapper) {
  ASSERT_TRUE(mapper.IsRunning()) << mapper.Log();
  MetricsRegistry metrics;
  ReportClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(mapper.ReportPort());
  options.minimum_backoff = 10ms;
  options.maximum_backoff = 100ms;
  auto client = ReportClient::Create(options, metrics);
  ASSERT_THAT(client, IsOk());
  (*client)->Report({}, {.packets_received = 1});
  EXPECT_TRUE((*client)->Flush(std::chrono::steady_clock::now() + 20s))
      << (*client)->State().last_error;
}

TEST(HostileMapperPeers, CannotMakeItGrowWithGarbage) {
  MapperProcess mapper;
  ASSERT_TRUE(mapper.Start()) << mapper.Log();
  ExpectService(mapper);
  std::mt19937 random(20260103);
  size_t before = ResidentKib(mapper.Id());
  for (int round = 0; round < 10; ++round) {
    Connections connections = Connect(mapper.ReportPort(), 100);
    for (const auto& connection : connections) {
      std::string bytes(round % 2 == 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "");
      std::generate_n(std::back_inserter(bytes), 20'000,
                      [&] { return static_cast<char>(random()); });
      connection->Send(bytes);
    }
  }
  ExpectService(mapper);
  // A thousand connections of 20 kB each; what a hundred at a time may cost.
  EXPECT_LT(ResidentKib(mapper.Id()), before + 30 * 1024);
}

TEST(HostileMapperPeers, CannotMakeItDeafByUsingUpItsOpenFiles) {
  MapperProcess mapper;
  mapper.RunUnder({"/usr/bin/prlimit", "--nofile=256"});
  ASSERT_TRUE(mapper.Start()) << mapper.Log();
  {
    Connections connections = Connect(mapper.ReportPort(), 400);
    auto deadline = std::chrono::steady_clock::now() + 20s;
    while (mapper.Metric("network_mapper_report_server_refused_connections_total") <= 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(20ms);
    }
    // Its API has descriptors left all the while.
    EXPECT_TRUE(mapper.WaitUntilReady());
  }
  ExpectService(mapper);
}

}  // namespace

}  // namespace network_mapper
