// HttpServer over TLS, with clients of OpenSSL's that are good, slow or no TLS at all.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "common/http/http_server.h"
#include "tests/support/raw_connection.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

namespace network_mapper {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsClient {
 public:
  explicit TlsClient(uint16_t port, long version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    SSL_CTX_set_max_proto_version(context_, version);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ssl_ = SSL_new(context_);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
                 SSL_set_fd(ssl_, fd_) == 1 && SSL_connect(ssl_) == 1;
  }

  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }

  bool Connected() const { return connected_; }

  std::string PeerName() const {
    X509* certificate = SSL_get0_peer_certificate(ssl_);
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof(name));
    return name;
  }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  std::string ReadUntil(std::string_view end) {
    std::string all;
    char buffer[16384];
    int got = 0;
    while ((end.empty() || all.find(end) == std::string::npos) &&
           (got = SSL_read(ssl_, buffer, sizeof(buffer))) > 0) {
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  SSL_CTX* context_;
  int fd_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
};

class HttpServerTls : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.host = "127.0.0.1";
    options.tls = tls_;
    options.metrics = &metrics_;
    auto server = HttpServer::Start(options, [](const HttpRequest& request) {
      HttpResponse response;
      response.content_type = "text/plain";
      response.body = fmt::format("{} {} {}", request.method, request.path, request.body);
      return response;
    });
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  void Use(const std::string& name) {
    const CertifiedKey key = authority_.Issue(name, "DNS:" + name);
    ASSERT_THAT(tls_->SetCertificate(key.certificate_pem, key.key_pem), IsOk());
  }

  static std::string Post(std::string_view path, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", path,
                       body.size(), body);
  }

  TestAuthority authority_;
  std::shared_ptr<TlsServerContext> tls_ = std::make_shared<TlsServerContext>();
  MetricsRegistry registry_;
  HttpServerMetrics metrics_{registry_};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTls, ServesRequestsOfAllSizesOnOneConnection) {
  Use("first");
  Start();
  for (const long version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server_->Port(), version);
    ASSERT_TRUE(client.Connected());
    for (const size_t size : {0UL, 1UL, 16'000UL, 17'000UL, 3'000'000UL}) {
      const std::string body = std::string(size, 'x') + "<end>";
      ASSERT_TRUE(client.Send(Post("/a", body)));
      EXPECT_THAT(client.ReadUntil("<end>"), EndsWith("POST /a " + body));
    }
  }
}

TEST_F(HttpServerTls, ServesRequestsThatComeTogetherOrInPieces) {
  Use("first");
  Start();
  TlsClient client(server_->Port());
  // In one record: poll tells of the first only.
  ASSERT_TRUE(client.Send(Post("/a", "1<end1>") + Post("/b", "2<end2>") + Post("/c", "3<end3>")));
  EXPECT_THAT(client.ReadUntil("<end3>"), HasSubstr("POST /c 3<end3>"));
  for (const char byte : Post("/d", "4<end4>")) {
    ASSERT_TRUE(client.Send(std::string_view(&byte, 1)));
  }
  EXPECT_THAT(client.ReadUntil("<end4>"), HasSubstr("POST /d 4<end4>"));
}

TEST_F(HttpServerTls, TakesANewCertificateWhileItRuns) {
  Use("first");
  Start();
  TlsClient before(server_->Port());
  EXPECT_EQ(before.PeerName(), "first");
  Use("second");
  TlsClient after(server_->Port());
  EXPECT_EQ(after.PeerName(), "second");
  // The connection that was there goes on.
  ASSERT_TRUE(before.Send(Post("/a", "<end>")));
  EXPECT_THAT(before.ReadUntil("<end>"), HasSubstr("POST /a <end>"));
}

TEST_F(HttpServerTls, KeepsTheCertificateWhenTheNextOneIsBad) {
  Use("first");
  Start();
  const CertifiedKey one = authority_.Issue("one", "DNS:one");
  const CertifiedKey other = authority_.Issue("other", "DNS:other");
  EXPECT_THAT(tls_->SetCertificate(one.certificate_pem, other.key_pem),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("does not belong")));
  EXPECT_THAT(tls_->SetCertificate("", one.key_pem),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("the certificate is no")));
  EXPECT_THAT(tls_->SetCertificate(one.certificate_pem, "x"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no private key")));
  EXPECT_EQ(TlsClient(server_->Port()).PeerName(), "first");
}

TEST_F(HttpServerTls, RefusesWhatIsNoTls) {
  Use("first");
  Start();
  RawConnection plain(server_->Port());
  ASSERT_TRUE(plain.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(plain.ReadAll().find("HTTP/1.1"), std::string::npos);
  EXPECT_FALSE(TlsClient(server_->Port(), TLS1_1_VERSION).Connected());
  EXPECT_TRUE(TlsClient(server_->Port()).Connected());
  EXPECT_EQ(metrics_.failed_handshakes.Value(), 2);
}

TEST_F(HttpServerTls, ServesNobodyBeforeTheFirstCertificate) {
  Start();
  EXPECT_FALSE(TlsClient(server_->Port()).Connected());
  Use("first");
  EXPECT_TRUE(TlsClient(server_->Port()).Connected());
}

TEST_F(HttpServerTls, EndsASlowHandshake) {
  Use("first");
  HttpServerOptions options;
  options.request_timeout = 300ms;
  options.idle_timeout = 60s;
  Start(options);
  RawConnection silent(server_->Port());
  RawConnection slow(server_->Port());
  ASSERT_TRUE(slow.Send("\x16\x03\x01"));
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(slow.ReadAll(), "");
  EXPECT_EQ(metrics_.slow_requests.Value(), 2);
}

TEST_F(HttpServerTls, ServesManyAtOnceWhileTheCertificateChanges) {
  Use("name");
  HttpServerOptions options;
  options.threads = 4;
  Start(options);
  std::atomic<int> served{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int round = 0; round < 10; ++round) {
          TlsClient client(server_->Port());
          if (client.Send(Post("/a", std::string(20'000, 'y') + "<end>")) &&
              client.ReadUntil("<end>").ends_with("<end>")) {
            ++served;
          }
        }
      });
    }
    for (int i = 0; i < 10; ++i) {
      Use("name");
    }
  }
  EXPECT_EQ(served, 80);
  server_->Stop();
}

}  // namespace
}  // namespace network_mapper
