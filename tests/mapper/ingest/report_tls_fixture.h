// What the tests of the report stream's TLS share: both ends with certificates made on the spot.
#pragma once

#include <string>

#include "tests/mapper/ingest/report_stream_fixture.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper {

inline constexpr char kLoopback[] = "IP:127.0.0.1";

class ReportTlsTest : public ReportStreamTest {
 protected:
  void SetUp() override {
    UseServerCertificate(authority_.Issue("mapper", kLoopback));
    server_options_.tls.enabled = true;
    client_options_.tls.enabled = true;
    client_options_.tls.ca_file = Put("ca.crt", authority_.Pem());
  }

  std::string Put(const std::string& name, const std::string& content) {
    return directory_.WriteFile(name, content).string();
  }

  void UseServerCertificate(const CertifiedKey& key) {
    server_options_.tls.certificate_file = Put("server.crt", key.certificate_pem);
    server_options_.tls.key_file = Put("server.key", key.key_pem);
  }

  void UseClientCertificate(const CertifiedKey& key) {
    client_options_.tls.certificate_file = Put("client.crt", key.certificate_pem);
    client_options_.tls.key_file = Put("client.key", key.key_pem);
  }

  void DemandClientsOf(const TestAuthority& authority) {
    server_options_.tls.client_ca_file = Put("client-ca.crt", authority.Pem());
  }

  double FailedHandshakes() {
    return ReportServerMetrics(server_metrics_).failed_handshakes.Value();
  }

  void ExpectDelivery(uint16_t port) {
    auto client = StartClient(port);
    client->Report({NamedObservation("a")}, {});
    EXPECT_TRUE(client->Flush(In(std::chrono::seconds(10)))) << client->State().last_error;
  }

  // Connects in vain, and returns what the client says about it.
  std::string ExpectRefusal(const ReportServer& server) {
    auto client = StartClient(server.Port());
    client->Report({NamedObservation("secret")}, {});
    EXPECT_TRUE(Eventually([&] { return !client->State().last_error.empty(); }));
    EXPECT_EQ(client->State().acknowledged_observations, 0U);
    EXPECT_EQ(client->State().spool_observations, 1U);
    EXPECT_EQ(sink_.Observations(), 0U);
    return client->State().last_error;
  }

  Status ErrorAtServerStart() {
    server_options_.host = "127.0.0.1";
    return ReportServer::Create(server_options_, sink_, server_metrics_).status();
  }

  Status ErrorAtClientStart() {
    client_options_.address = "127.0.0.1:1";
    return ReportClient::Create(client_options_, client_metrics_).status();
  }

  TemporaryDirectory directory_;
  TestAuthority authority_;
  TestAuthority other_authority_{"another authority"};
};

}  // namespace network_mapper
