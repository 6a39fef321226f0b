// Attacks on the report port of the mapper's real binary: it stays up, stays small and serves a
// collector as soon as the attack is over.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/report/report_client.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/process_memory.h"
#include "tests/support/raw_connection.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

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

class MapperWithTls : public ::testing::Test {
 protected:
  std::string Put(const std::string& name, const std::string& content) {
    return directory_.WriteFile(name, content).string();
  }

  TemporaryDirectory directory_;
  TestAuthority authority_;
  CertifiedKey key_ = authority_.Issue("mapper", "IP:127.0.0.1");
  std::string certificate_ = "--tls-cert-file=" + Put("tls.crt", key_.certificate_pem);
};

TEST_F(MapperWithTls, CountsEveryFailedHandshakeButLogsItsCauseOnce) {
  MapperProcess mapper({certificate_, "--tls-key-file=" + Put("tls.key", key_.key_pem)});
  ASSERT_TRUE(mapper.Start()) << mapper.Log();
  constexpr int kPeers = 50;
  for (const auto& peer : Connect(mapper.ReportPort(), kPeers)) {
    peer->Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    peer->ReadAll();
  }
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (mapper.Metric("network_mapper_report_server_failed_handshakes_total") < kPeers) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(20ms);
  }
  std::istringstream lines(mapper.Log());
  int told = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("{")) << line;
    told += line.find("Handshake failed") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(told, 1);
}

TEST_F(MapperWithTls, DoesNotStartWithAKeyOfAnotherCertificate) {
  CertifiedKey other = authority_.Issue("other", "");
  MapperProcess mapper({certificate_, "--tls-key-file=" + Put("other.key", other.key_pem)});
  EXPECT_FALSE(mapper.Start());
  EXPECT_FALSE(mapper.IsRunning());
  EXPECT_THAT(mapper.Log(), ::testing::HasSubstr("option tls-key-file: "));
  EXPECT_THAT(mapper.Log(), ::testing::HasSubstr("other.key is not the key of"));
}

}  // namespace

}  // namespace network_mapper
