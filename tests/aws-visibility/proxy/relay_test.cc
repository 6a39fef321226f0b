// The proxy as a pipe: who is let through, what a client sees when something is wrong, and that
// bytes go on as they came.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/aws-visibility/proxy/proxy_fixture.h"
#include "tests/support/raw_connection.h"

namespace network_mapper::aws {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void AnswerOnce(PeerStream& stream) {
  stream.ReceiveUntil("\r\n\r\n");
  stream.Send(kAnswer);
}

using ProxyRelay = ProxyFixture;

TEST_F(ProxyRelay, AnswersWithOwnCertificateAndHandsBytesOn) {
  std::string received;
  std::string name;
  PeerServer& server = Serve([&](PeerStream& stream) {
    name = stream.ServerName();
    received = stream.ReceiveUntil("\r\n\r\n");
    stream.Send(kAnswer);
  });
  Start();
  {
    PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    EXPECT_EQ(connection.stream->PeerIssuer(), "authority of the proxy");
    EXPECT_TRUE(connection.stream->Send(kRequest));
    EXPECT_EQ(connection.stream->ReceiveExactly(kAnswer.size()), kAnswer);
  }
  EXPECT_TRUE(Eventually([&] { return Open() == 0; }));
  EXPECT_EQ(received, kRequest);
  EXPECT_EQ(name, kSqs);
  EXPECT_EQ(server.Accepted(), 1);
  EXPECT_EQ(Outcomes("relayed"), 1);
  EXPECT_EQ(Metric("network_mapper_aws_proxy_received_bytes_total", "from", "clients"),
            static_cast<double>(kRequest.size()));
}

TEST_F(ProxyRelay, KeepsALeafForItsNameUntilTheAuthorityChanges) {
  Serve(AnswerOnce);
  Start();
  for (const int expected : {1, 1, 2}) {
    if (expected == 2) {
      ++issuer_.generation;
    }
    PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send(kRequest);
    EXPECT_EQ(connection.stream->ReceiveExactly(kAnswer.size()), kAnswer);
    EXPECT_EQ(issuer_.issued, expected);
  }
}

struct ProtocolCase {
  std::string client;
  std::string server;
  std::string chosen;
};

TEST_F(ProxyRelay, ChoosesTheProtocolThatTheEndpointChooses) {
  const std::vector<ProtocolCase> cases = {{"h2,http/1.1", "h2,http/1.1", "h2"},
                                           {"h2,http/1.1", "http/1.1", "http/1.1"},
                                           {"http/1.1", "h2,http/1.1", "http/1.1"},
                                           {"", "h2", ""},
                                           {"h2", "http/1.1", ""},
                                           {"x-amzn-mqtt-ca", "x-amzn-mqtt-ca", "x-amzn-mqtt-ca"}};
  for (const ProtocolCase& one : cases) {
    Serve(Echo, {.protocols = one.server});
    Start();
    PeerConnection connection = Connect({.protocols = one.client});
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    EXPECT_EQ(connection.stream->Protocol(), one.chosen) << one.client << " / " << one.server;
  }
}

TEST_F(ProxyRelay, IsNoOpenProxy) {
  PeerServer& server = Serve(AnswerOnce);
  Start();
  EXPECT_EQ(Connect({.server_name = "example.com"}).failure, "reset");
  EXPECT_EQ(Connect({.server_name = ""}).failure, "reset");
  {
    RawConnection garbage(proxy_->Port());
    garbage.Send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(garbage.ReadAll(), "");
  }
  {
    RawConnection garbage(proxy_->Port());
    garbage.Send(std::string_view("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", 10));
    EXPECT_EQ(garbage.ReadAll(), "");
  }
  EXPECT_EQ(Refused("not_an_api_endpoint"), 1);
  EXPECT_EQ(Refused("no_server_name"), 1);
  EXPECT_EQ(Refused("not_tls"), 1);
  EXPECT_EQ(Refused("malformed_hello"), 1);
  EXPECT_EQ(Outcomes("refused"), 4);
  EXPECT_EQ(server.Accepted(), 0);
}

TEST_F(ProxyRelay, GivesUpOnAClientThatSendsNoHello) {
  Serve(AnswerOnce);
  AwsProxyOptions options = Options();
  options.hello_timeout = 100ms;
  Start(options);
  RawConnection silent(proxy_->Port());
  silent.Send("\x16\x03\x01");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(Failed("hello_timeout"), 1);
}

TEST_F(ProxyRelay, ResetsWhenTheEndpointIsDown) {
  { Serve(AnswerOnce); }
  server_.reset();
  Start();
  EXPECT_EQ(Connect().failure, "reset");
  EXPECT_EQ(Failed("upstream_connect"), 1);
}

TEST_F(ProxyRelay, FailsInTlsWhenTheEndpointsCertificateIsBad) {
  PeerServer server(own_.Issue("impostor", "DNS:*.eu-west-1.amazonaws.com"), AnswerOnce);
  upstream_port_ = server.Port();
  Start();
  EXPECT_EQ(Connect().failure, "tls: sslv3 alert bad certificate");
  PeerServer other(public_.Issue("another", "DNS:example.com"), AnswerOnce);
  upstream_port_ = other.Port();
  Start();
  EXPECT_EQ(Connect().failure, "tls: sslv3 alert bad certificate");
  PeerServer expired(public_.Issue("old", "DNS:*.eu-west-1.amazonaws.com", -10s), AnswerOnce);
  upstream_port_ = expired.Port();
  Start();
  EXPECT_EQ(Connect().failure, "tls: sslv3 alert bad certificate");
  EXPECT_EQ(Failed("upstream_tls"), 3);
}

TEST_F(ProxyRelay, FailsInTlsWhereThereIsNoCertificate) {
  Serve(AnswerOnce);
  Start();
  EXPECT_EQ(Connect({.server_name = "no-leaf.amazonaws.com"}).failure,
            "tls: tlsv1 alert internal error");
  EXPECT_EQ(Failed("no_certificate"), 1);
}

TEST_F(ProxyRelay, SplicesAClientThatDoesNotTrustIt) {
  Serve(AnswerOnce);
  Start();
  const PeerClientOptions distrusting{.roots = public_.Pem()};
  EXPECT_THAT(Connect(distrusting).failure, StartsWith("tls: certificate verify failed"));
  ASSERT_TRUE(Eventually([&] { return Failed("client_distrust") == 1; }));
  PeerConnection second = Connect(distrusting);
  ASSERT_NE(second.stream, nullptr) << second.failure;
  EXPECT_EQ(second.stream->PeerIssuer(), "public authority");
  second.stream->Send(kRequest);
  EXPECT_EQ(second.stream->ReceiveExactly(kAnswer.size()), kAnswer);
  EXPECT_EQ(Spliced("client_distrust"), 1);
  // Another name, and another client, are not concerned.
  EXPECT_NE(Connect({.server_name = "sns.eu-west-1.amazonaws.com"}).stream, nullptr);
  PeerConnection another = Connect({.from = "127.0.0.2"});
  ASSERT_NE(another.stream, nullptr) << another.failure;
  EXPECT_EQ(another.stream->PeerIssuer(), "authority of the proxy");
}

TEST_F(ProxyRelay, SplicesANameThatNoCertificateIsFor) {
  Serve(AnswerOnce);
  Start();
  // A bucket of old; some clients accept the endpoint's *.s3 for it.
  const PeerConnection connection =
      Connect({.server_name = "my_logs.amazonaws.com", .roots = public_.Pem()});
  EXPECT_THAT(connection.failure, StartsWith("tls: certificate verify failed"));
  EXPECT_EQ(Spliced("server_name"), 1);
  EXPECT_EQ(Outcomes("spliced"), 1);
  EXPECT_EQ(issuer_.issued, 0);
}

TEST_F(ProxyRelay, SplicesAClientThatLooksAtTheCertificateAfterTheHandshake) {
  Serve(Echo);
  Start();
  for (const int count : {1, 2}) {
    PeerConnection pinned = Connect();
    ASSERT_NE(pinned.stream, nullptr) << pinned.failure;
    EXPECT_EQ(pinned.stream->PeerIssuer(), "authority of the proxy");
    pinned.stream->SayEnd();
    ASSERT_TRUE(
        Eventually([&] { return Failed("client_left") + Failed("client_distrust") == count; }));
    EXPECT_EQ(Failed("client_distrust"), count - 1);
  }
  PeerConnection third = Connect({.roots = public_.Pem()});
  EXPECT_NE(third.stream, nullptr) << third.failure;
}

TEST_F(ProxyRelay, SplicesAClientThatLeavesInTheHandshake) {
  Serve(Echo);
  Start();
  const std::string hello = ReadFileOrDie(TestDataPath("../../fuzz/corpus/aws_client_hello/whole"));
  for (const int count : {1, 2}) {
    {
      RawConnection client(proxy_->Port());
      client.Send(hello);
      EXPECT_NE(client.ReadUntil("\x16"), "");
    }
    ASSERT_TRUE(
        Eventually([&] { return Failed("client_left") + Failed("client_distrust") == count; }));
    EXPECT_EQ(Failed("client_distrust"), count - 1);
  }
}

TEST_F(ProxyRelay, AProbeBetweenCallsMakesNobodyBlind) {
  Serve([](PeerStream& stream) {
    while (!stream.ReceiveUntil("\r\n\r\n").empty() && stream.Send(kAnswer)) {
    }
  });
  Start();
  for (const int count : {1, 2, 3}) {
    {
      // Looks whether somebody answers, in TLS and in TCP.
      PeerConnection probe = Connect();
      ASSERT_NE(probe.stream, nullptr) << probe.failure;
      probe.stream->SayEnd();
      RawConnection silent(proxy_->Port());
    }
    ASSERT_TRUE(Eventually([&] { return Failed("client_left") == count; }));
    PeerConnection worker = Connect();
    ASSERT_NE(worker.stream, nullptr) << worker.failure;
    EXPECT_EQ(worker.stream->PeerIssuer(), "authority of the proxy");
    worker.stream->Send(kRequest);
    EXPECT_EQ(worker.stream->ReceiveExactly(kAnswer.size()), kAnswer);
  }
  EXPECT_EQ(Failed("client_distrust"), 0);
  EXPECT_EQ(Outcomes("spliced"), 0);
}

TEST_F(ProxyRelay, SplicesWhereTheEndpointAsksForAClientsCertificate) {
  Serve(AnswerOnce, {.wants_client_certificate = true});
  Start();
  for (const int count : {1, 2}) {
    PeerConnection connection = Connect({.roots = public_.Pem()});
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send(kRequest);
    EXPECT_EQ(connection.stream->ReceiveExactly(kAnswer.size()), kAnswer);
    EXPECT_EQ(Spliced("client_certificate"), count);
  }
}

TEST_F(ProxyRelay, PassesTheEndOfOneSideAndStillTheAnswer) {
  for (const bool in_tls : {true, false}) {
    std::string ended;
    Serve([&](PeerStream& stream) {
      const std::string all = stream.ReceiveAll();
      ended = stream.HowItEnded();
      stream.Send(all + " after the end");
      stream.SayEnd();
    });
    if (!in_tls) {
      // OpenSSL's server would not write after a truncation; plain text shows it.
      Serve(
          [&](PeerStream& stream) {
            const std::string all = stream.ReceiveAll();
            ended = stream.HowItEnded();
            stream.Send(all + " after the end");
          },
          {.plain_text = true});
    }
    Start();
    PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send("POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\nhalf");
    if (in_tls) {
      connection.stream->SayEnd();
    } else {
      connection.stream->EndSending();
    }
    EXPECT_EQ(connection.stream->ReceiveAll(),
              "POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\nhalf after the end");
    EXPECT_EQ(connection.stream->HowItEnded(), "close_notify");
    EXPECT_EQ(ended, in_tls ? "close_notify" : "end");
  }
}

TEST_F(ProxyRelay, PassesAResetOn) {
  Serve([&](PeerStream& stream) {
    stream.ReceiveUntil("\r\n\r\n");
    stream.Reset();
  });
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(kRequest);
  EXPECT_EQ(connection.stream->ReceiveAll(), "");
  EXPECT_EQ(connection.stream->HowItEnded(), "reset");
}

TEST_F(ProxyRelay, RefusesWhatIsBeyondItsLimitAndGoesOnAfterwards) {
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.most_connections = 2;
  Start(options);
  {
    PeerConnection first = Connect();
    PeerConnection second = Connect();
    ASSERT_NE(second.stream, nullptr) << second.failure;
    EXPECT_EQ(Connect().failure, "reset");
    EXPECT_EQ(Refused("limit"), 1);
    first.stream->Send("POST");
    second.stream->Send("POST");
    EXPECT_EQ(second.stream->ReceiveExactly(4), "POST");
  }
  ASSERT_TRUE(Eventually([&] { return Open() == 0; }));
  EXPECT_NE(Connect().stream, nullptr);
}

TEST_F(ProxyRelay, KeepsPlacesForOtherAddresses) {
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.loops = 2;
  options.most_connections = 4;
  options.most_peer_connections = 2;
  AwsProxy& proxy = Start(options);
  // Without a word.
  const RawConnection first(proxy.Port());
  const RawConnection second(proxy.HttpPort());
  ASSERT_TRUE(Eventually([&] { return Open() == 2; }));
  EXPECT_EQ(Connect().failure, "reset");
  EXPECT_EQ(Refused("peer_limit"), 1);
  EXPECT_TRUE(proxy.Ready().ok());
  PeerConnection other = Connect({.from = "127.0.0.2"});
  EXPECT_NE(other.stream, nullptr) << other.failure;
  PeerConnection last = Connect({.from = "127.0.0.3"});
  EXPECT_NE(last.stream, nullptr) << last.failure;
  // Names lead to AWS again until there are places.
  EXPECT_FALSE(proxy.Ready().ok());
  EXPECT_EQ(Connect({.from = "127.0.0.4"}).failure, "reset");
  EXPECT_EQ(Refused("limit"), 1);
  other.stream.reset();
  EXPECT_TRUE(Eventually([&] { return proxy.Ready().ok(); }));
  last = Connect({.from = "127.0.0.2"});
  EXPECT_NE(last.stream, nullptr) << last.failure;
}

TEST_F(ProxyRelay, EndsAConnectionThatAsksNothing) {
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.request_timeout = std::chrono::milliseconds(1500);
  Start(options);
  PeerConnection silent = Connect();
  PeerConnection asking = Connect();
  ASSERT_NE(asking.stream, nullptr) << asking.failure;
  asking.stream->Send("POST");
  EXPECT_EQ(asking.stream->ReceiveExactly(4), "POST");
  EXPECT_EQ(silent.stream->ReceiveAll(), "");
  EXPECT_EQ(silent.stream->HowItEnded(), "close_notify");
  EXPECT_EQ(Refused("no_request"), 1);
  EXPECT_TRUE(Eventually([&] { return Open() == 1; }));
  EXPECT_EQ(Outcomes("relayed"), 2);
  asking.stream->Send("more");
  EXPECT_EQ(asking.stream->ReceiveExactly(4), "more");
}

TEST_F(ProxyRelay, RefusesANameThatLeadsToItself) {
  Serve(AnswerOnce);
  AwsProxyOptions options = Options();
  options.upstream_override.reset();
  options.own_name = "proxy.otterize-system.svc.cluster.local";
  options.look_up = [](const std::string& name) -> StatusOr<std::vector<IpAddress>> {
    if (name == "down.amazonaws.com") {
      return Unavailable("no such name");
    }
    const bool here = name.starts_with("sqs") || name.starts_with("proxy");
    return std::vector{*IpAddress::Parse(here ? "10.96.0.7" : "127.0.0.1")};
  };
  Start(options);
  EXPECT_EQ(Connect().failure, "reset");
  EXPECT_EQ(Connect({.server_name = "sns.eu-west-1.amazonaws.com"}).failure, "reset");
  EXPECT_EQ(Refused("loop"), 2);
  EXPECT_EQ(Connect({.server_name = "down.amazonaws.com"}).failure, "reset");
  EXPECT_EQ(Failed("upstream_address"), 1);
}

TEST_F(ProxyRelay, EndsIdleConnectionsOnlyWhenToldTo) {
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.idle_timeout = 300ms;
  Start(options);
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send("POST");
  EXPECT_EQ(connection.stream->ReceiveExactly(4), "POST");
  EXPECT_EQ(connection.stream->ReceiveSome(), "");
  EXPECT_EQ(connection.stream->HowItEnded(), "reset");
}

TEST_F(ProxyRelay, LetsConnectionsEndBeforeItStops) {
  std::atomic<bool> asked{false};
  std::atomic<bool> go_on{false};
  Serve([&](PeerStream& stream) {
    asked = !stream.ReceiveUntil("\r\n\r\n").empty() || asked;
    while (!go_on) {
      std::this_thread::sleep_for(1ms);
    }
    stream.Send(kAnswer);
    stream.SayEnd();
  });
  AwsProxyOptions options = Options();
  options.stop_grace = 20s;
  Start(options);
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(kRequest);
  ASSERT_TRUE(Eventually([&] { return asked.load(); }));
  std::jthread stopping([&] { proxy_->Stop(); });
  EXPECT_TRUE(Eventually([&] { return !Connect({}).failure.empty(); }));
  go_on = true;
  EXPECT_EQ(connection.stream->ReceiveAll(), kAnswer);
  connection.stream.reset();
  stopping.join();
  EXPECT_EQ(Open(), 0);
  // Before what its threads refer to is gone.
  server_.reset();
}

TEST_F(ProxyRelay, WaitsForASlowReceiverWithoutKeepingWhatItDidNotTake) {
  constexpr size_t kSize = size_t{32} << 20U;
  std::atomic<size_t> sent{0};
  Serve([&](PeerStream& stream) {
    stream.ReceiveExactly(4);
    const std::string block(size_t{1} << 20U, 'x');
    for (size_t i = 0; i < kSize / block.size(); ++i) {
      stream.Send(block);
      sent += block.size();
    }
    stream.SayEnd();
  });
  Start();
  PeerConnection connection = Connect({.receive_buffer = 4096});
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send("POST");
  size_t before = 0;
  // Until nothing moves any more.
  ASSERT_TRUE(Eventually([&] {
    const size_t last = std::exchange(before, sent.load());
    std::this_thread::sleep_for(100ms);
    return before > 0 && before == last;
  }));
  EXPECT_LT(sent, kSize / 2);
  EXPECT_EQ(connection.stream->ReceiveAll().size(), kSize);
}

// SHA-256 of a stream that a seed makes, so that neither side has to keep it.
class Hash {
 public:
  void Add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }

  Hash() { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }

  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  ~Hash() { EVP_MD_CTX_free(context_); }

  std::string End() {
    std::string digest(32, '\0');
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

TEST_F(ProxyRelay, HandsOnALargeBodyByteForByteBothWays) {
  // A GiB with NETWORK_MAPPER_LARGE_BODY set; a 16th otherwise, for the sake of slow builds.
  const size_t size =
      std::getenv("NETWORK_MAPPER_LARGE_BODY") != nullptr ? size_t{1} << 30U : size_t{1} << 26U;
  Serve([&](PeerStream& stream) {
    stream.Send(stream.ReceiveUntil("\r\n\r\n"));
    size_t echoed = 0;
    while (echoed < size) {
      const std::string bytes = stream.ReceiveSome();
      if (bytes.empty() || !stream.Send(bytes)) {
        return;
      }
      echoed += bytes.size();
    }
    stream.SayEnd();
  });
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  const std::string head = "PUT /x HTTP/1.1\r\nHost: " + std::string(kSqs) +
                           "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  connection.stream->Send(head);
  EXPECT_EQ(connection.stream->ReceiveExactly(head.size()), head);
  Hash sent;
  Hash received;
  uint64_t state = 88172645463325252ULL;
  std::string block(size_t{32} << 10U, '\0');
  for (size_t done = 0; done < size; done += block.size()) {
    for (size_t i = 0; i < block.size(); i += sizeof(state)) {
      state ^= state << 13U;
      state ^= state >> 7U;
      state ^= state << 17U;
      std::memcpy(block.data() + i, &state, sizeof(state));
    }
    sent.Add(block);
    ASSERT_TRUE(connection.stream->Send(block));
    received.Add(connection.stream->ReceiveExactly(block.size()));
  }
  EXPECT_EQ(sent.End(), received.End());
  EXPECT_EQ(connection.stream->ReceiveSome(), "");
  EXPECT_EQ(connection.stream->HowItEnded(), "close_notify");
}

TEST_F(ProxyRelay, ServesManyKeptAliveConnections) {
  Serve([](PeerStream& stream) {
    while (!stream.ReceiveUntil("\r\n\r\n").empty() && stream.Send(kAnswer)) {
    }
  });
  AwsProxyOptions options = Options();
  options.loops = 2;
  Start(options);
  std::vector<PeerConnection> connections;
  for (int i = 0; i < 200; ++i) {
    connections.push_back(Connect());
    ASSERT_NE(connections.back().stream, nullptr) << connections.back().failure;
  }
  for (int round = 0; round < 3; ++round) {
    for (PeerConnection& connection : connections) {
      ASSERT_TRUE(connection.stream->Send(kRequest));
    }
    for (PeerConnection& connection : connections) {
      ASSERT_EQ(connection.stream->ReceiveExactly(kAnswer.size()), kAnswer);
    }
  }
  EXPECT_EQ(Open(), 200);
}

}  // namespace
}  // namespace network_mapper::aws
