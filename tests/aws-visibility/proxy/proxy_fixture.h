// A proxy between the peers of tls_peers.h: two authorities, the public one that certifies what
// plays AWS, and the proxy's own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "aws-visibility/proxy/aws_proxy.h"
#include "common/concurrency/waitable.h"
#include "tests/aws-visibility/proxy/tls_peers.h"
#include "tests/support/raw_connection.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper::aws {

inline constexpr std::string_view kSqs = "sqs.eu-west-1.amazonaws.com";

class TestIssuer final : public LeafIssuer {
 public:
  explicit TestIssuer(const TestAuthority& authority, const Clock& clock = Clock::System())
      : authority_(authority), clock_(clock) {}

  StatusOr<IssuedCertificate> Issue(std::string_view server_name) override {
    ++issued;
    if (server_name == "no-leaf.amazonaws.com") {
      return InvalidArgument("not a name for this authority");
    }
    const std::string name(server_name);
    const CertifiedKey key = authority_.Issue("leaf", "DNS:" + name);
    return IssuedCertificate{.chain = key.certificate_pem + authority_.Pem(),
                             .key = key.key_pem,
                             .not_after = clock_.Now() + std::chrono::hours(1)};
  }

  uint64_t Generation() const override { return generation; }

  std::atomic<int> issued{0};
  std::atomic<uint64_t> generation{1};

 private:
  const TestAuthority& authority_;
  const Clock& clock_;
};

// What the proxy told of, as text: "GET sqs.eu-west-1.amazonaws.com / [body] -> 200 [body]", where
// a body that is not whole ends in "...".
class TestObserver final : public ExchangeObserver {
 public:
  BodyNeeds NeedsOf(const RequestHead&) override { return needs; }

  void OnExchange(const ObservedExchange& exchange) override {
    const auto text = [](const Body& body) {
      return "[" + std::string(body.bytes) + (body.complete ? "]" : "...]");
    };
    seen.Change([&](std::vector<std::string>& all) {
      all.push_back(std::string(exchange.head.method) + " " + std::string(exchange.head.host) +
                    " " + std::string(exchange.head.target) + " " + text(exchange.body) + " -> " +
                    std::to_string(exchange.response.status) + " " + text(exchange.response_body));
    });
  }

  std::vector<std::string> All() const {
    return seen.Read([](const std::vector<std::string>& all) { return all; });
  }

  // Waits for the last of so many.
  bool Saw(size_t count) const {
    return seen.WaitFor(std::chrono::seconds(20),
                        [&](const std::vector<std::string>& all) { return all.size() >= count; });
  }

  BodyNeeds needs{.request = 64, .response = 64};
  Waitable<std::vector<std::string>> seen;
};

// Waits for something that is to become true soon.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class ProxyFixture : public testing::Test {
 protected:
  // Before what their threads use of a test's own.
  void TearDown() override {
    proxy_.reset();
    server_.reset();
  }

  // What plays AWS, for every name below amazonaws.com.
  PeerServer& Serve(std::function<void(PeerStream&)> serve, PeerServerOptions options = {}) {
    server_ = std::make_unique<PeerServer>(
        public_.Issue("aws", "DNS:amazonaws.com,DNS:*.eu-west-1.amazonaws.com,DNS:*.amazonaws.com"),
        std::move(serve), options);
    upstream_port_ = server_->Port();
    plain_text_ = options.plain_text;
    return *server_;
  }

  AwsProxyOptions Options() {
    AwsProxyOptions options;
    options.host = "127.0.0.1";
    options.loops = 1;
    options.is_api_endpoint = [](std::string_view name) {
      return name.ends_with(".amazonaws.com");
    };
    options.roots_file = directory_.WriteFile("roots.pem", public_.Pem());
    options.upstream_override = UpstreamOverride{.address = *IpAddress::Parse("127.0.0.1"),
                                                 .port = upstream_port_,
                                                 .plain_text = plain_text_};
    options.stop_grace = std::chrono::milliseconds(500);
    return options;
  }

  AwsProxy& Start(AwsProxyOptions options) {
    proxy_ = std::make_unique<AwsProxy>(std::move(options), issuer_, observer_, metrics_,
                                        Clock::System());
    EXPECT_TRUE(proxy_->Start().ok());
    return *proxy_;
  }

  AwsProxy& Start() { return Start(Options()); }

  PeerConnection Connect(PeerClientOptions options = {}) {
    if (options.roots.empty()) {
      options.roots = own_.Pem();
    }
    return ConnectPeer(proxy_->Port(), options);
  }

  // To the port of those that do not speak TLS.
  RawConnection ConnectPlain() { return RawConnection(proxy_->HttpPort()); }

  double Metric(std::string_view name, const std::string& label, const std::string& value) {
    return metrics_.AddCounter(name, "", {{label, value}}).Value();
  }

  double Outcomes(const std::string& outcome) {
    return Metric("network_mapper_aws_proxy_connections_total", "outcome", outcome);
  }

  double Refused(const std::string& reason) {
    return Metric("network_mapper_aws_proxy_refused_total", "reason", reason);
  }

  double Failed(const std::string& reason) {
    return Metric("network_mapper_aws_proxy_failed_total", "reason", reason);
  }

  double Spliced(const std::string& reason) {
    return Metric("network_mapper_aws_proxy_spliced_total", "reason", reason);
  }

  double Open() {
    return metrics_.AddGauge("network_mapper_aws_proxy_open_connections", "").Value();
  }

  TemporaryDirectory directory_;
  TestAuthority public_{"public authority"};
  TestAuthority own_{"authority of the proxy"};
  TestIssuer issuer_{own_};
  TestObserver observer_;
  MetricsRegistry metrics_;
  uint16_t upstream_port_ = 0;
  bool plain_text_ = false;
  std::unique_ptr<PeerServer> server_;
  std::unique_ptr<AwsProxy> proxy_;
};

// Sends back what comes, until its end.
inline void Echo(PeerStream& stream) {
  while (true) {
    const std::string bytes = stream.ReceiveSome();
    if (bytes.empty() || !stream.Send(bytes)) {
      return;
    }
  }
}

}  // namespace network_mapper::aws
