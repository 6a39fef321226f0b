// HTTP without TLS: where it leads, what is told of it, and what does not go on.
#include <atomic>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/concurrency/guarded.h"
#include "tests/aws-visibility/proxy/http2_peer.h"
#include "tests/aws-visibility/proxy/proxy_fixture.h"
#include "tests/support/child_process.h"

namespace network_mapper::aws {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kYes = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
constexpr std::string_view kAsk = "GET /q HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\n\r\n";

class ProxyPlain : public ProxyFixture {
 protected:
  // What plays AWS answers each head, and keeps all that it got.
  void ServeYes() {
    Serve(
        [this](PeerStream& stream) {
          while (true) {
            const std::string head = stream.ReceiveUntil("\r\n\r\n");
            got_.With([&](std::string& got) { got += head; });
            if (head.empty() || !stream.Send(kYes)) {
              return;
            }
          }
        },
        {.plain_text = true});
  }

  std::string Got() {
    return got_.With([](const std::string& got) { return got; });
  }

  // What comes back for it.
  std::string Ask(std::string_view bytes) {
    RawConnection client = ConnectPlain();
    client.Send(bytes);
    return client.ReadUntil("yes");
  }

  int Curl(std::vector<std::string> arguments) {
    std::vector<std::string> command = {"/usr/bin/curl",
                                        "--silent",
                                        "--show-error",
                                        "--max-time",
                                        "30",
                                        "--connect-to",
                                        "::127.0.0.1:" + std::to_string(proxy_->HttpPort()),
                                        "--output",
                                        (directory_.Path() / "answer").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess curl(command, directory_.Path() / "curl.log");
    return curl.WaitForExit();
  }

  Guarded<std::string> got_;
};

TEST_F(ProxyPlain, HandsOnAndTellsOfRequestsToTheHostTheyName) {
  ServeYes();
  Start();
  const std::string head =
      "POST /q?x=1 HTTP/1.1\r\nhOST: SQS.eu-west-1.amazonaws.com:80\r\nX:  y \r\n\r\n";
  {
    RawConnection client = ConnectPlain();
    client.Send(std::string_view(head).substr(0, 40));
    client.Send(std::string_view(head).substr(40));
    EXPECT_EQ(client.ReadUntil("yes"), kYes);
    client.Send(kAsk);
    EXPECT_EQ(client.ReadUntil("yes"), kYes);
  }
  ASSERT_TRUE(observer_.Saw(2));
  EXPECT_THAT(observer_.All(),
              ElementsAre("POST SQS.eu-west-1.amazonaws.com:80 /q?x=1 [] -> 200 [yes]",
                          "GET sqs.eu-west-1.amazonaws.com /q [] -> 200 [yes]"));
  EXPECT_TRUE(Eventually([&] { return Open() == 0; }));
  EXPECT_EQ(Got(), head + std::string(kAsk));
  EXPECT_EQ(Outcomes("relayed"), 1);
  EXPECT_EQ(Metric("network_mapper_aws_proxy_received_bytes_total", "from", "clients"),
            static_cast<double>(Got().size()));
}

TEST_F(ProxyPlain, IsNoOpenProxy) {
  ServeYes();
  Start();
  const std::string name(kSqs);
  const std::vector<std::pair<std::string, std::string>> attempts = {
      {"not_an_api_endpoint", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"},
      {"not_an_api_endpoint", "GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"},
      {"not_an_api_endpoint", "GET / HTTP/1.1\r\nHost: " + name + ".evil.example\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.1\r\nHost: " + name + ":443\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.1\r\nHost: " + name + ":6379\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.1\r\nHost: " + name + "@example.com\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"no_server_name", "GET / HTTP/1.0\r\n\r\n"},
      {"ambiguous_framing", "GET http://" + name + "/ HTTP/1.1\r\nHost: " + name + "\r\n\r\n"},
      {"ambiguous_framing", "GET http://example.com/ HTTP/1.1\r\nHost: " + name + "\r\n\r\n"},
      {"ambiguous_framing", "GET / HTTP/1.1\r\nHost: " + name + "\r\nHost: example.com\r\n\r\n"},
      {"connect_method", "CONNECT " + name + ":80 HTTP/1.1\r\nHost: " + name + "\r\n\r\n"},
      {"not_http", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
      {"large_head", "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x')},
  };
  double refused = 0;
  for (const auto& [reason, bytes] : attempts) {
    const double before = Refused(reason);
    EXPECT_EQ(Ask(bytes), "") << bytes.substr(0, 100);
    EXPECT_EQ(Refused(reason), before + 1) << bytes.substr(0, 100);
    EXPECT_EQ(Outcomes("refused"), ++refused);
  }
  EXPECT_EQ(server_->Accepted(), 0);
  EXPECT_THAT(observer_.All(), IsEmpty());
  EXPECT_EQ(Ask(kAsk), kYes);
}

TEST_F(ProxyPlain, LetsNoAmbiguousRequestThrough) {
  ServeYes();
  Start();
  EXPECT_EQ(Ask("POST / HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\nContent-Length: 4\r\n"
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
            "");
  EXPECT_EQ(Refused("ambiguous_framing"), 1);
  // Nor one after a request that is none.
  RawConnection client = ConnectPlain();
  client.Send(kAsk);
  EXPECT_EQ(client.ReadUntil("yes"), kYes);
  client.Send("GET / HTTP/1.1\nHost: sqs.eu-west-1.amazonaws.com\n\n");
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_EQ(Refused("ambiguous_framing"), 2);
  EXPECT_EQ(Got(), kAsk);
}

TEST_F(ProxyPlain, ClosesAConnectionThatAsksForAnotherHost) {
  ServeYes();
  Start();
  const std::string other = "GET / HTTP/1.1\r\nHost: sns.eu-west-1.amazonaws.com\r\n\r\n";
  {
    RawConnection client = ConnectPlain();
    client.Send(kAsk);
    EXPECT_EQ(client.ReadUntil("yes"), kYes);
    client.Send(other);
    EXPECT_EQ(client.ReadAll(), "");
    EXPECT_EQ(Refused("other_host"), 1);
  }
  // On a connection of its own it goes through.
  EXPECT_EQ(Ask(other), kYes);
  ASSERT_TRUE(Eventually([&] { return Got() == std::string(kAsk) + other; })) << Got();
  // Both at once: neither does.
  EXPECT_EQ(Ask(std::string(kAsk) + other), "");
  EXPECT_EQ(Refused("other_host"), 2);
  EXPECT_EQ(Got(), std::string(kAsk) + other);
}

TEST_F(ProxyPlain, AnswersAClientThatEndsItsSideFirst) {
  ServeYes();
  Start();
  RawConnection client = ConnectPlain();
  client.Send(kAsk);
  client.EndSending();
  EXPECT_EQ(client.ReadAll(), kYes);
}

TEST_F(ProxyPlain, GivesUpOnAHeadThatDoesNotEnd) {
  ServeYes();
  AwsProxyOptions options = Options();
  options.hello_timeout = 100ms;
  Start(options);
  EXPECT_EQ(Ask("GET / HTTP/1.1\r\n"), "");
  EXPECT_EQ(Ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "");
  EXPECT_EQ(Failed("hello_timeout"), 2);
}

TEST_F(ProxyPlain, WaitsForNoLongHeadWhereThereIsNoRoom) {
  ServeYes();
  AwsProxyOptions options = Options();
  options.most_kept_bytes = 20'000;
  Start(options);
  const std::string begun = std::string(kAsk.substr(0, kAsk.size() - 2)) + "X: ";
  EXPECT_EQ(Ask(begun + std::string(30'000, 'x')), "");
  EXPECT_EQ(Refused("no_room"), 1);
  EXPECT_EQ(Ask(begun + "x\r\n\r\n"), kYes);
}

TEST_F(ProxyPlain, ResetsNobodyForWantOfTheRoomThatAnotherTook) {
  constexpr size_t kBody = size_t{1} << 20U;
  Serve(
      [](PeerStream& stream) {
        if (stream.ReceiveUntil("\r\n\r\n").starts_with("GET")) {
          stream.Send(kYes);
        }
        while (!stream.ReceiveSome().empty()) {
        }
      },
      {.plain_text = true});
  AwsProxyOptions options = Options();
  options.most_kept_bytes = 16 * kBody;
  Start(options);
  observer_.needs = {.request = kBody, .response = 64};
  std::vector<PeerConnection> greedy;
  for (int i = 0; i < 40; ++i) {
    greedy.push_back(Connect({.from = "127.0.0.2"}));
    ASSERT_NE(greedy.back().stream, nullptr) << greedy.back().failure;
    greedy.back().stream->Send(
        "POST / HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\nContent-Length: " +
        std::to_string(kBody) + "\r\n\r\n" + std::string(kBody - 1, 'x'));
  }
  EXPECT_TRUE(Eventually([&] {
    return Metric("network_mapper_aws_proxy_lost_total", "reason", "no_room_for_body") >= 20;
  }));
  RawConnection client = ConnectPlain();
  // More than is read at once.
  client.Send("GET /q HTTP/1.1\r\nX: " + std::string(40'000, 'x') +
              "\r\nHost: sqs.eu-west-1.amazonaws.com\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("yes"), kYes);
  EXPECT_EQ(Refused("no_room"), 0);
  EXPECT_TRUE(observer_.Saw(1));
}

TEST_F(ProxyPlain, RefusesANameThatLeadsToItself) {
  ServeYes();
  AwsProxyOptions options = Options();
  options.upstream_override.reset();
  options.look_up = [](const std::string&) -> StatusOr<std::vector<IpAddress>> {
    return std::vector{*IpAddress::Parse("127.0.0.1")};
  };
  Start(options);
  EXPECT_EQ(Ask(kAsk), "");
  EXPECT_EQ(Refused("loop"), 1);
}

TEST_F(ProxyPlain, WaitsWithABodyForTheEndpointsLeaveToSendIt) {
  const std::string body(size_t{5} << 20U, 'x');
  std::atomic<size_t> received = 0;
  Serve(
      [&](PeerStream& stream) {
        EXPECT_THAT(stream.ReceiveUntil("\r\n\r\n"), HasSubstr("Expect: 100-continue"));
        stream.Send("HTTP/1.1 100 Continue\r\n\r\n");
        received = stream.ReceiveExactly(body.size()).size();
        stream.Send(kYes);
        stream.ReceiveSome();
      },
      {.plain_text = true});
  Start();
  EXPECT_EQ(
      Curl({"--expect100-timeout", "60", "--upload-file",
            directory_.WriteFile("body", body).string(), "http://b.s3.eu-west-1.amazonaws.com/k"}),
      0);
  EXPECT_EQ(received.load(), body.size());
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All().front(), HasSubstr("PUT b.s3.eu-west-1.amazonaws.com /k [xxx"));
}

TEST_F(ProxyPlain, TellsOfHttp2) {
  Serve(ServeHttp2, {.plain_text = true});
  Start();
  EXPECT_EQ(
      Curl({"--http2-prior-knowledge", "--data", "two", "http://sqs.eu-west-1.amazonaws.com/two"}),
      0);
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All(),
              ElementsAre("POST sqs.eu-west-1.amazonaws.com /two [two] -> 200 [two]"));
}

}  // namespace
}  // namespace network_mapper::aws
