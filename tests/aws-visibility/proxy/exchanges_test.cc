// What the proxy tells of, with curl as the client, and what it does not let through.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
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

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kHead = "GET /q HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\n\r\n";

class ProxyExchanges : public ProxyFixture {
 protected:
  // Exit code and output of a request to the name that plays SQS.
  std::pair<int, std::string> Curl(std::vector<std::string> arguments) {
    const std::string port = std::to_string(proxy_->Port());
    const std::filesystem::path output = directory_.Path() / "answer";
    std::vector<std::string> command = {"/usr/bin/curl",
                                        "--silent",
                                        "--show-error",
                                        "--max-time",
                                        "30",
                                        "--cacert",
                                        directory_.WriteFile("own.pem", own_.Pem()).string(),
                                        "--connect-to",
                                        "::127.0.0.1:" + port,
                                        "--output",
                                        output.string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess curl(command, directory_.Path() / "curl.log");
    const int code = curl.WaitForExit();
    return {code, std::filesystem::exists(output) ? ReadFileOrDie(output) : ""};
  }
};

TEST_F(ProxyExchanges, TellsOfARequestOfCurl) {
  Guarded<std::string> head;
  Serve([&](PeerStream& stream) {
    std::string got = stream.ReceiveUntil("\r\n\r\n");
    head.With([&got](std::string& text) { text = std::move(got); });
    stream.ReceiveExactly(5);
    stream.Send(kOk);
    stream.ReceiveSome();
  });
  Start();
  EXPECT_EQ(Curl({"--http1.1", "--data", "A=b&c", "https://sqs.eu-west-1.amazonaws.com/?q=1"}),
            (std::pair<int, std::string>(0, "ok")));
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All(),
              ElementsAre("POST sqs.eu-west-1.amazonaws.com /?q=1 [A=b&c] -> 200 [ok]"));
  head.With([](const std::string& text) {
    EXPECT_THAT(text, HasSubstr("Host: sqs.eu-west-1.amazonaws.com\r\n"));
  });
}

TEST_F(ProxyExchanges, WaitsWithABodyForTheEndpointsLeaveToSendIt) {
  const std::string body(size_t{5} << 20U, 'x');
  std::atomic<size_t> received = 0;
  Serve([&](PeerStream& stream) {
    const std::string head = stream.ReceiveUntil("\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("Expect: 100-continue"));
    stream.Send("HTTP/1.1 100 Continue\r\n\r\n");
    received = stream.ReceiveExactly(body.size()).size();
    stream.Send(kOk);
    stream.ReceiveSome();
  });
  Start();
  // Without the leave curl would wait for a minute, longer than its time.
  EXPECT_EQ(
      Curl({"--http1.1", "--expect100-timeout", "60", "--upload-file",
            directory_.WriteFile("body", body).string(), "https://sqs.eu-west-1.amazonaws.com/"}),
      (std::pair<int, std::string>(0, "ok")));
  EXPECT_EQ(received.load(), body.size());
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All().front(), HasSubstr("xxx...] -> 200 [ok]"));
}

TEST_F(ProxyExchanges, TellsOfHttp2) {
  Serve(ServeHttp2, {.protocols = "h2,http/1.1"});
  Start();
  const std::string body(size_t{3} << 20U, 'y');
  const auto [code, answer] =
      Curl({"--http2", "--data-binary", "@" + directory_.WriteFile("body", body).string(),
            "https://sqs.eu-west-1.amazonaws.com/one", "--next", "--silent", "--http2", "--cacert",
            (directory_.Path() / "own.pem").string(), "--connect-to",
            "::127.0.0.1:" + std::to_string(proxy_->Port()), "--output", "/dev/null", "--data",
            "two", "https://sqs.eu-west-1.amazonaws.com/two"});
  EXPECT_EQ(code, 0) << ReadFileOrDie(directory_.Path() / "curl.log");
  EXPECT_EQ(answer, body);
  ASSERT_TRUE(observer_.Saw(2));
  const std::string part(64, 'y');
  EXPECT_THAT(observer_.All(),
              ElementsAre("POST sqs.eu-west-1.amazonaws.com /one [" + part + "...] -> 200 [" +
                              part + "...]",
                          "POST sqs.eu-west-1.amazonaws.com /two [two] -> 200 [two]"));
}

TEST_F(ProxyExchanges, TellsOfHttp2ThatWasNotNegotiated) {
  Serve(ServeHttp2);
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  // The preface, SETTINGS, and HEADERS with three fields of the static table and :authority.
  const std::string name(kSqs);
  const std::string block =
      "\x82\x84\x87\x41" + std::string(1, static_cast<char>(name.size())) + name;
  connection.stream->Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                          std::string("\0\0\0\x04\0\0\0\0\0", 9) + std::string("\0\0", 2) +
                          static_cast<char>(block.size()) + std::string("\x01\x05\0\0\0\x01", 6) +
                          block);
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All(), ElementsAre("GET " + name + " / [] -> 200 []"));
}

TEST_F(ProxyExchanges, LetsNoAmbiguousRequestThrough) {
  std::atomic<size_t> received{0};
  Serve([&](PeerStream& stream) { received += stream.ReceiveAll().size(); });
  Start();
  const std::vector<std::pair<std::string, std::string>> attempts = {
      {"ambiguous_framing",
       "POST / HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\nContent-Length: 4\r\n"
       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"},
      {"ambiguous_framing", "GET / HTTP/1.1\nHost: sqs.eu-west-1.amazonaws.com\n\n"},
      {"connect_method", "CONNECT example.com:443 HTTP/1.1\r\n\r\n"},
  };
  for (const auto& [reason, bytes] : attempts) {
    const double before = Refused(reason);
    PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send(bytes);
    EXPECT_EQ(connection.stream->ReceiveAll(), "");
    EXPECT_EQ(Refused(reason), before + 1);
  }
  EXPECT_TRUE(Eventually([&] { return Open() == 0; }));
  server_.reset();
  EXPECT_EQ(received, 0);
  EXPECT_THAT(observer_.All(), IsEmpty());
}

TEST_F(ProxyExchanges, RefusesALargeHead) {
  Serve([](PeerStream& stream) { stream.ReceiveAll(); });
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(connection.stream->ReceiveAll(), "");
  EXPECT_EQ(Refused("large_head"), 1);
}

TEST_F(ProxyExchanges, HandsOnUnreadWhereThereIsNoRoomForAHeadThatIsComing) {
  const std::string begun =
      std::string(kHead.substr(0, kHead.size() - 2)) + "X: " + std::string(30'000, 'x');
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.most_kept_bytes = 20'000;
  Start(options);
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(begun);
  EXPECT_EQ(connection.stream->ReceiveExactly(begun.size()), begun);
  EXPECT_TRUE(Eventually(
      [&] { return Metric("network_mapper_aws_proxy_unread_total", "reason", "no_room") == 1; }));
  // A ClientHello that does not end is not waited for, either.
  RawConnection slow(proxy_->Port());
  slow.Send(std::string("\x16\x03\x01\x40\x00\x01\x00\x70\x00", 9) + std::string(16'380, 'x') +
            std::string("\x16\x03\x01\x40\x00", 5) + std::string(10'000, 'x'));
  EXPECT_EQ(slow.ReadAll(), "");
  EXPECT_EQ(Refused("no_room"), 1);
}

TEST_F(ProxyExchanges, NobodyTakesTheRoomOfOthersForHeadsAndBodies) {
  constexpr size_t kBody = size_t{1} << 20U;
  Serve([](PeerStream& stream) {
    const std::string head = stream.ReceiveUntil("\r\n\r\n");
    if (head.starts_with("GET")) {
      stream.Send(kOk);
    }
    while (!stream.ReceiveSome().empty()) {
    }
  });
  AwsProxyOptions options = Options();
  options.most_kept_bytes = 16 * kBody;
  Start(options);
  observer_.needs = {.request = kBody, .response = 64};
  const std::string begun =
      "POST / HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\nContent-Length: " +
      std::to_string(kBody) + "\r\n\r\n" + std::string(kBody - 1, 'x');
  std::vector<PeerConnection> greedy;
  for (int i = 0; i < 20; ++i) {
    greedy.push_back(Connect({.from = "127.0.0.2"}));
    ASSERT_NE(greedy.back().stream, nullptr) << greedy.back().failure;
    greedy.back().stream->Send(begun);
  }
  EXPECT_TRUE(Eventually([&] {
    return Metric("network_mapper_aws_proxy_lost_total", "reason", "no_room_for_body") >= 17;
  }));
  // Its own heads have room, too.
  for (const std::string from : {"127.0.0.1", "127.0.0.2"}) {
    PeerConnection connection = Connect({.from = from});
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    const std::string head = std::string(kHead.substr(0, kHead.size() - 2)) + "X: ";
    connection.stream->Send(head + std::string(10'000, 'x'));
    connection.stream->Send("\r\n\r\n");
    EXPECT_EQ(connection.stream->ReceiveExactly(kOk.size()), kOk);
  }
  EXPECT_TRUE(observer_.Saw(2));
  EXPECT_EQ(Metric("network_mapper_aws_proxy_lost_total", "reason", "no_room_for_head"), 0);
  EXPECT_EQ(Metric("network_mapper_aws_proxy_unread_total", "reason", "no_room"), 0);
}

TEST_F(ProxyExchanges, KeepsNoBodyThatStandsStill) {
  Serve([](PeerStream& stream) {
    stream.ReceiveUntil("\r\n\r\n");
    stream.ReceiveExactly(5);
    stream.Send(kOk);
    stream.ReceiveSome();
  });
  AwsProxyOptions options = Options();
  options.still_timeout = 50ms;
  Start(options);
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(
      "POST /q HTTP/1.1\r\nHost: sqs.eu-west-1.amazonaws.com\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_TRUE(Eventually(
      [&] { return Metric("network_mapper_aws_proxy_lost_total", "reason", "still_body") == 1; }));
  connection.stream->Send("llo");
  EXPECT_EQ(connection.stream->ReceiveExactly(kOk.size()), kOk);
  EXPECT_THAT(observer_.All(), IsEmpty());
}

TEST_F(ProxyExchanges, DoesNotTellOfAHostThatIsNotAws) {
  Serve([](PeerStream& stream) {
    stream.ReceiveUntil("\r\n\r\n");
    stream.Send(kOk);
  });
  Start();
  for (const char* host : {"example.com", "", "sqs.eu-west-1.amazonaws.com.evil.example"}) {
    PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    EXPECT_EQ(connection.stream->ReceiveExactly(kOk.size()), kOk);
  }
  EXPECT_TRUE(Eventually(
      [&] { return Metric("network_mapper_aws_proxy_exchanges_total", "host", "other") == 3; }));
  EXPECT_THAT(observer_.All(), IsEmpty());
}

TEST_F(ProxyExchanges, HandsOnWhatAConnectionWasUpgradedTo) {
  Serve([](PeerStream& stream) {
    stream.ReceiveUntil("\r\n\r\n");
    stream.Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    Echo(stream);
  });
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(kHead);
  connection.stream->ReceiveUntil("\r\n\r\n");
  const std::string frames("\x82\x00\n\nGET", 7);
  connection.stream->Send(frames);
  EXPECT_EQ(connection.stream->ReceiveExactly(frames.size()), frames);
  EXPECT_EQ(Metric("network_mapper_aws_proxy_unread_total", "reason", "upgraded"), 1);
  EXPECT_THAT(observer_.All(), ElementsAre("GET sqs.eu-west-1.amazonaws.com /q [] -> 101 [...]"));
}

TEST_F(ProxyExchanges, TellsOfARequestThatWasNotAnswered) {
  Serve([](PeerStream& stream) { stream.ReceiveUntil("\r\n\r\n"); });
  Start();
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(kHead);
  EXPECT_EQ(connection.stream->ReceiveAll(), "");
  connection.stream.reset();
  ASSERT_TRUE(observer_.Saw(1));
  EXPECT_THAT(observer_.All(), ElementsAre("GET sqs.eu-west-1.amazonaws.com /q [] -> 0 [...]"));
}

TEST_F(ProxyExchanges, EndsIdleConnectionsAtOnceWhenItStops) {
  Serve([](PeerStream& stream) {
    while (!stream.ReceiveUntil("\r\n\r\n").empty() && stream.Send(kOk)) {
    }
  });
  AwsProxyOptions options = Options();
  options.stop_grace = 60s;
  Start(options);
  PeerConnection connection = Connect();
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send(kHead);
  EXPECT_EQ(connection.stream->ReceiveExactly(kOk.size()), kOk);
  const auto begin = std::chrono::steady_clock::now();
  proxy_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_EQ(connection.stream->ReceiveSome(), "");
  EXPECT_EQ(connection.stream->HowItEnded(), "close_notify");
}

}  // namespace
}  // namespace network_mapper::aws
