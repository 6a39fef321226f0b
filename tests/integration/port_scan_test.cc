// Somebody without credentials scans the mapper's ports: random bytes, half requests, connections
// that say nothing, mutations with made-up tokens. Only counters may change. For some seconds, or
// as many as PORT_SCAN_SECONDS says.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

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

constexpr char kAudience[] = "network-mapper";
constexpr char kCollector[] = "otterize-system/otterize-network-sniffer";
constexpr char kAdmin[] = "otterize-system/otterize-network-mapper-admin";
constexpr char kMap[] = "{intents{client{name} server{name}}}";

std::chrono::seconds ScanTime() {
  const char* text = std::getenv("PORT_SCAN_SECONDS");
  return std::chrono::seconds(text == nullptr ? 5 : std::atoi(text));
}

std::string Post(std::string_view body, std::string_view headers = "") {
  return fmt::format(
      "POST /query HTTP/1.1\r\nContent-Type: application/json\r\n{}Connection: close\r\n"
      "Content-Length: {}\r\n\r\n{}",
      headers, body.size(), body);
}

// What one connection of the scan sends.
std::string Probe(std::mt19937& random) {
  std::string noise(random() % 5'000, '\0');
  std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
  switch (random() % 8) {
    case 0:
      return "";
    case 1:
      return "GET /query?query=";
    case 2:
      return "POST /query HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + noise;
    case 3:
      return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + noise;
    case 4:
      // The beginning of a TLS handshake.
      return std::string("\x16\x03\x01\x02\x00\x01", 6) + noise;
    case 5:
      return Post(R"({"query":"mutation { resetCapture }"})");
    case 6:
      return Post(R"({"query":"mutation { reportCaptureResults(results: {results: []}) }"})",
                  "Authorization: Bearer made.up.token\r\n");
    default:
      return noise;
  }
}

class PortScan : public ::testing::Test {
 protected:
  std::string Put(const std::string& name, const std::string& content) {
    return directory_.WriteFile(name, content).string();
  }

  static stand_in::KubeStandInOptions Kubernetes() {
    stand_in::KubeStandInOptions options;
    options.service_accounts = {kCollector, kAdmin};
    return options;
  }

  static void AddPod(stand_in::KubeStandIn& kubernetes, const std::string& name,
                     const std::string& address, int number) {
    ASSERT_THAT(
        kubernetes.Objects().Apply(fmt::format(
            R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{0}","namespace":"shop",
                "uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a6{2}","creationTimestamp":"2026-01-01T10:00:00Z"}},
                "spec":{{"nodeName":"node-1"}},"status":{{"phase":"Running","podIP":"{1}",
                "podIPs":[{{"ip":"{1}"}}],"startTime":"2026-01-01T10:00:00Z"}}}})",
            name, address, number)),
        IsOk());
  }

  // As a collector with its credentials.
  Status ReportCall(const std::string& client, const std::string& server) {
    MetricsRegistry metrics;
    ReportClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(mapper_.ReportPort());
    options.tls = {.enabled = true,
                   .ca_file = Put("ca.crt", authority_.Pem()),
                   .certificate_file = "",
                   .key_file = "",
                   .server_name = ""};
    options.token_file = Put("token", stand_in::TokenOf(kCollector, kAudience));
    options.minimum_backoff = 10ms;
    options.maximum_backoff = 100ms;
    auto reporter = ReportClient::Create(options, metrics);
    RETURN_IF_ERROR(reporter.status());
    Observation observation;
    observation.collector = Collector::kTcpSyn;
    observation.first_seen = Clock::System().Now();
    observation.last_seen = observation.first_seen;
    observation.client.ip = IpAddress::Parse(client);
    AddressTarget target;
    target.address = *IpAddress::Parse(server);
    target.port = 80;
    observation.target = target;
    (*reporter)->Report({observation}, {});
    bool acknowledged = (*reporter)->Flush(std::chrono::steady_clock::now() + 20s);
    return acknowledged ? OkStatus() : Unavailable("{}", (*reporter)->State().last_error);
  }

  int Mutate(const std::string& account) {
    httplib::Client client("127.0.0.1", mapper_.ApiPort());
    httplib::Headers headers = {
        {"Authorization", "Bearer " + stand_in::TokenOf(account, kAudience)}};
    auto answer = client.Post("/query", headers, R"({"query":"mutation { resetCapture }"})",
                              "application/json");
    return answer ? answer->status : 0;
  }

  TemporaryDirectory directory_;
  TestAuthority authority_;
  CertifiedKey key_ = authority_.Issue("mapper", "IP:127.0.0.1");
  MapperProcess mapper_{{"--tls-cert-file=" + Put("tls.crt", key_.certificate_pem),
                         "--tls-key-file=" + Put("tls.key", key_.key_pem),
                         std::string("--collector-service-accounts=") + kCollector,
                         std::string("--admin-service-accounts=") + kAdmin},
                        {},
                        Kubernetes()};
};

TEST_F(PortScan, ChangesNothingButCounters) {
  AddPod(mapper_.Kubernetes(), "web", "10.0.0.1", 1);
  AddPod(mapper_.Kubernetes(), "cart", "10.0.0.2", 2);
  AddPod(mapper_.Kubernetes(), "late", "10.0.0.3", 3);
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  ASSERT_THAT(ReportCall("10.0.0.1", "10.0.0.2"), IsOk());
  const nlohmann::json map = mapper_.Query(kMap);
  ASSERT_EQ(map["intents"].size(), 1U) << map;
  const size_t before = ResidentKib(mapper_.Id());
  const double observations = mapper_.Metric("network_mapper_report_server_observations_total");
  const double refusals = mapper_.Metric("network_mapper_api_mutation_refusals_total");

  const auto middle = std::chrono::steady_clock::now() + ScanTime() / 2;
  const auto end = std::chrono::steady_clock::now() + ScanTime();
  size_t halfway = 0;
  std::atomic<int> connections{0};
  {
    std::vector<std::jthread> scanners;
    for (uint16_t port : {mapper_.ApiPort(), mapper_.ReportPort(), mapper_.MetricsPort()}) {
      scanners.emplace_back([&, port] {
        std::mt19937 random(port);
        // Half of them stay open a while, as a scanner's would.
        std::vector<std::unique_ptr<RawConnection>> open;
        while (std::chrono::steady_clock::now() < end) {
          auto connection = std::make_unique<RawConnection>(port);
          connection->Send(Probe(random));
          ++connections;
          open.push_back(std::move(connection));
          if (open.size() >= 200) {
            open.erase(open.begin(), open.begin() + 100);
          }
        }
      });
    }
    // Whoever belongs there is served all the while.
    while (std::chrono::steady_clock::now() + 1s < end) {
      EXPECT_TRUE(mapper_.WaitUntilReady());
      if (halfway == 0 && std::chrono::steady_clock::now() > middle) {
        halfway = ResidentKib(mapper_.Id());
      }
      std::this_thread::sleep_for(200ms);
    }
  }

  ASSERT_TRUE(mapper_.IsRunning()) << mapper_.Log();
  EXPECT_GT(connections, 100);
  EXPECT_EQ(mapper_.Query(kMap), map);
  EXPECT_GT(mapper_.Metric("network_mapper_api_mutation_refusals_total"), refusals);
  EXPECT_GT(mapper_.Metric("network_mapper_report_server_failed_handshakes_total"), 0);
  EXPECT_EQ(mapper_.Metric("network_mapper_report_server_observations_total"), observations);
  // What hundreds of connections at a time cost is kept by the allocator; more time costs no more.
  const size_t after = ResidentKib(mapper_.Id());
  RecordProperty("connections", connections);
  RecordProperty("resident_kib", fmt::format("{} {} {}", before, halfway, after));
  EXPECT_LT(after, before + 100 * 1024);
  EXPECT_LT(after, halfway + 20 * 1024);
  EXPECT_THAT(mapper_.Log(), ::testing::Not(::testing::HasSubstr("made.up.token")));
  // With credentials all is as before.
  EXPECT_THAT(ReportCall("10.0.0.3", "10.0.0.2"), IsOk());
  EXPECT_EQ(mapper_.Query(kMap)["intents"].size(), 2U);
  EXPECT_EQ(Mutate(kCollector), 403);
  EXPECT_EQ(mapper_.Query(kMap)["intents"].size(), 2U);
  EXPECT_EQ(Mutate(kAdmin), 200);
  EXPECT_EQ(mapper_.Query(kMap)["intents"].size(), 0U);
}

}  // namespace

}  // namespace network_mapper
