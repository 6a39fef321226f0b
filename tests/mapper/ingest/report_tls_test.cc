// TLS of the report stream, with certificates made on the spot: what is let through, and how each
// side tells what it refuses.
#include <gmock/gmock.h>

#include "tests/mapper/ingest/report_tls_fixture.h"
#include "tests/support/raw_connection.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(ReportTlsTest, AcceptsTheRightAuthority) {
  auto server = StartServer();
  ExpectDelivery(server->Port());
  EXPECT_EQ(FailedHandshakes(), 0);
}

TEST_F(ReportTlsTest, AcceptsAClientCertificateOfTheRightAuthority) {
  DemandClientsOf(other_authority_);
  UseClientCertificate(other_authority_.Issue("sniffer", ""));
  auto server = StartServer();
  ExpectDelivery(server->Port());
}

TEST_F(ReportTlsTest, AcceptsTheNameThatIsAskedFor) {
  UseServerCertificate(authority_.Issue("mapper", "DNS:mapper.otterize-system.svc"));
  client_options_.tls.server_name = "mapper.otterize-system.svc";
  auto server = StartServer();
  ExpectDelivery(server->Port());
}

TEST_F(ReportTlsTest, RefusesAServerOfAnotherAuthority) {
  client_options_.tls.ca_file = Put("ca.crt", other_authority_.Pem());
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("handshake failed"), HasSubstr("--tls-ca-file")));
}

// All that a server sees of a client that does not accept its certificate.
TEST_F(ReportTlsTest, CountsAClientThatHangsUpDuringTheHandshake) {
  auto server = StartServer();
  ASSERT_TRUE(RawConnection(server->Port()).Connected());
  EXPECT_TRUE(Eventually([&] { return FailedHandshakes() > 0; }));
}

TEST_F(ReportTlsTest, RefusesAServerOfAnAuthorityOfTheSameName) {
  client_options_.tls.ca_file = Put("ca.crt", TestAuthority().Pem());
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("--tls-ca-file"));
}

TEST_F(ReportTlsTest, RefusesAnExpiredServer) {
  UseServerCertificate(authority_.Issue("mapper", kLoopback, -60s));
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("certificate verify failed"), HasSubstr("expired")));
}

TEST_F(ReportTlsTest, RefusesAServerOfAnotherName) {
  UseServerCertificate(authority_.Issue("mapper", "DNS:mapper"));
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("not in peer certificate"), HasSubstr("--tls-server-name")));
}

// docs/regressions.md P16
TEST_F(ReportTlsTest, RefusesAClientWithoutACertificate) {
  DemandClientsOf(authority_);
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("--tls-cert-file"));
  EXPECT_TRUE(Eventually([&] { return FailedHandshakes() > 0; }));
}

TEST_F(ReportTlsTest, RefusesAClientOfAnotherAuthority) {
  DemandClientsOf(authority_);
  UseClientCertificate(other_authority_.Issue("sniffer", ""));
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("--tls-client-ca-file"));
  EXPECT_TRUE(Eventually([&] { return FailedHandshakes() > 0; }));
}

TEST_F(ReportTlsTest, RefusesAnExpiredClient) {
  DemandClientsOf(authority_);
  UseClientCertificate(authority_.Issue("sniffer", "", -60s));
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("--tls-client-ca-file"));
}

// docs/regressions.md P16
TEST_F(ReportTlsTest, RefusesAClientThatSpeaksPlainText) {
  client_options_.tls = {};
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("it may expect TLS, then set --tls-ca-file"));
  EXPECT_TRUE(Eventually([&] { return FailedHandshakes() > 0; }));
}

TEST_F(ReportTlsTest, RefusesAServerThatSpeaksPlainText) {
  server_options_.tls = {};
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("the mapper speaks plain text"));
}

TEST_F(ReportTlsTest, DeliversOnceTheFilesAreMended) {
  client_options_.tls.ca_file = Put("ca.crt", other_authority_.Pem());
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(Eventually([&] { return !client->State().last_error.empty(); }));
  // Cut short first, as a careless copy would: the client must come through that as well.
  Put("ca.crt", "-----BEGIN CERTIFICATE-----\n");
  ASSERT_TRUE(Eventually([&] {
    return client->State().last_error.find("holds no certificate") != std::string::npos;
  }));
  Put("ca.crt", authority_.Pem());
  EXPECT_TRUE(client->Flush(In(10s))) << client->State().last_error;
}

TEST_F(ReportTlsTest, ServesARotatedCertificateWithoutARestart) {
  server_options_.tls.refresh_interval = 0s;
  auto server = StartServer();
  client_options_.tls.ca_file = Put("new-ca.crt", other_authority_.Pem());
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(Eventually([&] { return !client->State().last_error.empty(); }));
  UseServerCertificate(other_authority_.Issue("mapper", kLoopback));
  EXPECT_TRUE(client->Flush(In(20s))) << client->State().last_error;
}

TEST_F(ReportTlsTest, KeepsServingWhileTheFilesOnDiskAreBroken) {
  server_options_.tls.refresh_interval = 0s;
  auto server = StartServer();
  // The key of another certificate, as in the middle of a rotation; nothing; no file at all.
  Put("server.key", other_authority_.Issue("x", kLoopback).key_pem);
  ExpectDelivery(server->Port());
  Put("server.crt", "");
  ExpectDelivery(server->Port());
  std::filesystem::remove(server_options_.tls.key_file);
  ExpectDelivery(server->Port());
}

TEST_F(ReportTlsTest, NamesOptionAndFileThatTheServerCannotUse) {
  const ReportServerTls good = server_options_.tls;
  server_options_.tls.certificate_file = directory_.Path() / "absent.crt";
  EXPECT_THAT(ErrorAtServerStart(),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("option tls-cert-file"), HasSubstr("absent.crt"))));
  server_options_.tls = good;
  // A directory stands for what cannot be read: tests run as root, whom no permission stops.
  server_options_.tls.key_file = directory_.Path();
  EXPECT_THAT(StatusMessage(ErrorAtServerStart()),
              AllOf(HasSubstr("option tls-key-file"), HasSubstr(directory_.Path().string())));
  server_options_.tls = good;
  server_options_.tls.key_file = Put("other.key", other_authority_.Issue("x", "").key_pem);
  EXPECT_THAT(StatusMessage(ErrorAtServerStart()),
              AllOf(HasSubstr("other.key is not the key of"), HasSubstr("server.crt")));
  server_options_.tls = good;
  server_options_.tls.key_file = good.certificate_file;
  EXPECT_THAT(StatusMessage(ErrorAtServerStart()), HasSubstr("no unencrypted private key"));
  server_options_.tls = good;
  server_options_.tls.client_ca_file = Put("empty.crt", "");
  EXPECT_THAT(
      StatusMessage(ErrorAtServerStart()),
      AllOf(HasSubstr("option tls-client-ca-file"), HasSubstr("empty.crt holds no certificate")));
}

TEST_F(ReportTlsTest, NamesOptionAndFileThatTheClientCannotUse) {
  const ReportClientTls good = client_options_.tls;
  client_options_.tls.ca_file = directory_.Path() / "absent.crt";
  EXPECT_THAT(ErrorAtClientStart(),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("option tls-ca-file"), HasSubstr("absent.crt"))));
  client_options_.tls.ca_file = Put("garbage.crt", "garbage");
  EXPECT_THAT(StatusMessage(ErrorAtClientStart()), HasSubstr("garbage.crt holds no certificate"));
  client_options_.tls = good;
  UseClientCertificate(
      {authority_.Issue("a", "").certificate_pem, authority_.Issue("b", "").key_pem});
  EXPECT_THAT(StatusMessage(ErrorAtClientStart()),
              AllOf(HasSubstr("client.key is not the key of"), HasSubstr("option tls-key-file")));
}

}  // namespace

}  // namespace network_mapper
