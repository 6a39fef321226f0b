// Client against a TLS server whose certificates are made by the test.
#include <httplib.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/client.h"
#include "tests/support/http_test_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kube {
namespace {

using ::testing::HasSubstr;

// Answers "<SNI>|<common name of the client's certificate>"; 401 when it asked for a certificate
// and got no good one.
class TlsServer {
 public:
  TlsServer(const CertifiedKey& key, const std::string& client_authority,
            const std::string& address = "127.0.0.1") {
    HttpTestTls tls{.certificate = directory_.WriteFile("tls.crt", key.certificate_pem),
                    .key = directory_.WriteFile("tls.key", key.key_pem)};
    if (!client_authority.empty()) {
      tls.client_authority = directory_.WriteFile("clients.crt", client_authority);
    }
    const bool demand = !client_authority.empty();
    auto server = HttpTestServer::Start(
        {.host = address, .tls = std::move(tls)}, [demand](httplib::Server& routes) {
          routes.Get("/who", [demand](const httplib::Request& request,
                                      httplib::Response& response) {
            const char* sni = SSL_get_servername(request.ssl, TLSEXT_NAMETYPE_host_name);
            const std::optional<std::string> client = VerifiedClientName(request);
            response.status = demand && !client ? 401 : 200;
            response.set_content(
                (sni == nullptr ? "" : std::string(sni)) + "|" + client.value_or(""), "text/plain");
          });
        });
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  int Port() const { return server_->Port(); }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<HttpTestServer> server_;
};

class ClientTls : public ::testing::Test {
 protected:
  ClusterAccess AccessTo(const TlsServer& server, const std::string& host) const {
    ClusterAccess access;
    access.server = fmt::format("https://{}:{}", host, server.Port());
    access.certificate_authority.pem = authority_.Pem();
    return access;
  }

  static StatusOr<std::string> Ask(const ClusterAccess& access) {
    ASSIGN_OR_RETURN(const auto client, Client::Create(access));
    ASSIGN_OR_RETURN(const Response answer, client->Get("/who"));
    return answer.body;
  }

  TestAuthority authority_;
};

TEST_F(ClientTls, VerifiesAnAddressByItsAlternativeNameAndSendsNoServerName) {
  const TlsServer server(authority_.Issue("kube", "IP:127.0.0.1"), "");
  const StatusOr<std::string> answer = Ask(AccessTo(server, "127.0.0.1"));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(*answer, "|");
}

TEST_F(ClientTls, VerifiesAnIpv6Address) {
  const TlsServer server(authority_.Issue("kube", "IP:::1"), "", "::1");
  EXPECT_THAT(Ask(AccessTo(server, "[::1]")), IsOk());
}

TEST_F(ClientTls, RefusesAnotherAddress) {
  const TlsServer server(authority_.Issue("127.0.0.1", "IP:127.0.0.2"), "");
  EXPECT_THAT(Ask(AccessTo(server, "127.0.0.1")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("IP address mismatch")));
}

TEST_F(ClientTls, RefusesACommonNameWithoutAlternativeName) {
  const TlsServer server(authority_.Issue("localhost", ""), "");
  EXPECT_THAT(Ask(AccessTo(server, "localhost")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("mismatch")));
}

TEST_F(ClientTls, RefusesAnUnknownAuthority) {
  const TestAuthority other;
  const TlsServer server(other.Issue("kube", "IP:127.0.0.1"), "");
  EXPECT_THAT(Ask(AccessTo(server, "127.0.0.1")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("is not trusted")));
  ClusterAccess insecure = AccessTo(server, "127.0.0.1");
  insecure.insecure_skip_tls_verify = true;
  EXPECT_THAT(Ask(insecure), IsOk());
}

TEST_F(ClientTls, VerifiesAndSendsAnotherServerName) {
  const TlsServer server(authority_.Issue("kube", "DNS:kube.example"), "");
  ClusterAccess access = AccessTo(server, "127.0.0.1");
  EXPECT_THAT(Ask(access), StatusIs(StatusCode::kUnavailable, HasSubstr("mismatch")));
  access.tls_server_name = "kube.example";
  const StatusOr<std::string> answer = Ask(access);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(*answer, "kube.example|");
}

TEST_F(ClientTls, ShowsItsCertificate) {
  const TlsServer server(authority_.Issue("kube", "IP:127.0.0.1"), authority_.Pem());
  ClusterAccess access = AccessTo(server, "127.0.0.1");
  EXPECT_FALSE(Ask(access).ok());
  const TemporaryDirectory directory;
  const CertifiedKey jane = authority_.Issue("jane", "");
  access.client_certificate.path = directory.WriteFile("jane.crt", jane.certificate_pem).string();
  access.client_key.pem = jane.key_pem;
  const StatusOr<std::string> answer = Ask(access);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(*answer, "|jane");
}

TEST_F(ClientTls, TellsAboutUnusableCertificates) {
  const TlsServer server(authority_.Issue("kube", "IP:127.0.0.1"), "");
  ClusterAccess access = AccessTo(server, "127.0.0.1");
  access.certificate_authority.pem = "no certificate";
  EXPECT_THAT(Ask(access), StatusIs(StatusCode::kInvalidArgument, HasSubstr("authority holds no")));
  access = AccessTo(server, "127.0.0.1");
  access.client_certificate.pem = authority_.Issue("a", "").certificate_pem;
  access.client_key.pem = authority_.Issue("b", "").key_pem;
  EXPECT_THAT(Ask(access), StatusIs(StatusCode::kInvalidArgument, HasSubstr("client-key")));
}

}  // namespace
}  // namespace network_mapper::kube
