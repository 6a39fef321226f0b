// What a proxy may answer, good and bad: every failure has its reason, nothing is followed, and
// nothing that was cut counts.
#include "istio-watcher/scrape/proxy_scrape.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/net/tcp_listener.h"
#include "tests/istio-watcher/scrape/fake_proxy_command.h"
#include "tests/istio-watcher/scrape/proxy_dump.h"
#include "tests/support/ip.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProxyScrapeTest : public ::testing::Test {
 protected:
  ProxyScrapeTest() {
    options_.timeout = std::chrono::seconds(5);
    options_.reader.max_body = 100'000;
  }

  struct Outcome {
    std::string failure;
    uint64_t calls = 0;
    size_t port = 0;
  };

  Outcome Scrape(std::vector<uint16_t> ports, ProxyKind kind = ProxyKind::kEnvoy) {
    ProxyScrape scrape(options_, {Ip("127.0.0.1"), std::move(ports), kind}, 0, counters_,
                       Clock::System());
    return OutcomeOf(scrape);
  }

  Outcome ScrapeOf(const std::string& name_space, uint16_t port, ProxyKind kind) {
    ProxyScrape scrape(options_, {Ip("127.0.0.1"), {port}, kind, name_space}, 0, counters_,
                       Clock::System());
    return OutcomeOf(scrape);
  }

  Outcome ScrapeByCommand(CommandAnswer answer, const std::string& name_space = "shop") {
    command_.Answer(std::move(answer));
    ProxyScrape scrape(options_, command_, {name_space, "web-1"}, counters_, Clock::System());
    return OutcomeOf(scrape);
  }

  static Outcome OutcomeOf(ProxyScrape& scrape) {
    while (!scrape.IsOver()) {
      pollfd descriptor{scrape.Descriptor(), scrape.Events(), 0};
      poll(&descriptor, 1, 20);
      scrape.Advance();
    }
    Outcome outcome;
    outcome.port = scrape.Port();
    if (scrape.Failure()) {
      outcome.failure = ScrapeFailureName(*scrape.Failure());
    }
    for (const Growth& growth : scrape.TakeResult().growth) {
      outcome.calls += growth.count;
    }
    return outcome;
  }

  Outcome ScrapeAnswer(const std::string& answer) {
    ScriptedServer server([&answer](const ScriptedCall&, ScriptedWire& wire) {
      wire.Raw(answer);
      wire.Close();
    });
    return Scrape({PortOf(server)});
  }

  static uint16_t ClosedPort() {
    const auto listener = ListenOnTcp("127.0.0.1", 0);
    close(listener->fd);
    return listener->port;
  }

  FakeProxyCommand command_;
  ScrapeOptions options_;
  DeltaOptions deltas_;
  SeriesBudget budget_{1000};
  // It started after the watching.
  ProxyCounters counters_{ProxyInstance{{}, Time(std::chrono::seconds(1))}, deltas_, budget_};
};

TEST_F(ProxyScrapeTest, AsksForPlainTextOfOneMetric) {
  ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.Raw(Answer(Line({.value = 3}))); });
  const Outcome outcome = Scrape({PortOf(server)});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.calls, 3U);
  ASSERT_EQ(server.Calls().size(), 1U);
  const ScriptedCall call = server.Calls()[0];
  EXPECT_EQ(call.method, "GET");
  EXPECT_EQ(call.target, "/stats/prometheus?filter=istio_requests_total");
  EXPECT_EQ(call.Header("accept"), "text/plain");
  EXPECT_EQ(call.Header("accept-encoding"), "identity");
  EXPECT_THAT(call.Header("host"), HasSubstr("127.0.0.1:"));
}

TEST_F(ProxyScrapeTest, TakesChunksAndAnswersThatEndWithTheConnection) {
  const std::string line = Line({.value = 3});
  EXPECT_EQ(ScrapeAnswer("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n" +
                         fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", line.size(), line))
                .calls,
            3U);
  EXPECT_EQ(ScrapeAnswer("HTTP/1.0 200 OK\r\ncontent-type: application/openmetrics-text\r\n\r\n" +
                         Line({.value = 5}))
                .calls,
            2U);
}

TEST_F(ProxyScrapeTest, OnlyConnectionsOfAZtunnelAndOnlyRequestsOfAnEnvoy) {
  std::string connections = Line({.value = 3});
  connections.replace(0, std::string("istio_requests_total").size(),
                      "istio_tcp_connections_opened_total");
  ScriptedServer server([&](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(Answer(connections + Line({.value = 50})));
  });
  EXPECT_EQ(Scrape({PortOf(server)}, ProxyKind::kZtunnel).calls, 3U);
  EXPECT_EQ(server.Calls().back().target,
            "/stats/prometheus?filter=istio_tcp_connections_opened_total");
  EXPECT_EQ(Scrape({PortOf(server)}, ProxyKind::kEnvoy).calls, 50U);
}

TEST_F(ProxyScrapeTest, BadAnswersHaveTheirReason) {
  const std::string line = Line({.value = 3});
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "forbidden"},
      {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "forbidden"},
      {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
       "redirect"},
      {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "bad_status"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "bad_status"},
      {Answer(line, "text/html"), "content_type"},
      {Answer(line, "application/vnd.google.protobuf"), "content_type"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "content_type"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b",
       "compressed"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "not_http"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: x\r\n\r\n" + line,
       "not_http"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       "not_http"},
      {std::string(70'000, 'a'), "not_http"},
      {"HTTP/1.1 200 OK\r\nContent-Type: te", "cut"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n" + line, "cut"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + line.substr(0, line.size() - 4),
       "cut"},
      {Answer(std::string(200'000, '#')), "too_long"},
      {"", "unreachable"},
  };
  for (const auto& [answer, failure] : cases) {
    const Outcome outcome = ScrapeAnswer(answer);
    EXPECT_EQ(outcome.failure, failure) << answer.substr(0, 200);
    EXPECT_EQ(outcome.calls, 0U) << answer.substr(0, 200);
  }
  // None of it has changed what is known.
  EXPECT_EQ(counters_.SeriesCount(), 0U);
  EXPECT_TRUE(counters_.GaveUp());
}

TEST_F(ProxyScrapeTest, BytesThatAreNoTextAreNoCalls) {
  std::string garbage =
      "istio_requests_total{reporter=\"source\",source_workload=\"\xff\xfe\"} 3\n";
  garbage += std::string("\0\x01\xff istio_requests_total", 22) + "\n";
  const Outcome outcome = ScrapeAnswer(Answer(garbage + Line({.path = "/\xff", .value = 2})));
  EXPECT_EQ(outcome.failure, "");
  // Without its path, which is no UTF-8.
  EXPECT_EQ(outcome.calls, 2U);
}

TEST_F(ProxyScrapeTest, AnEndlessAnswerEndsAtItsLimit) {
  ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    for (int i = 0; i < 10'000; ++i) {
      wire.Raw(std::string(1000, '#'));
    }
    wire.Close();
  });
  EXPECT_EQ(Scrape({PortOf(server)}).failure, "too_long");
}

TEST_F(ProxyScrapeTest, ASilentOrSlowAnswerEndsInTime) {
  options_.timeout = std::chrono::milliseconds(200);
  ScriptedServer silent([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  EXPECT_EQ(Scrape({PortOf(silent), PortOf(silent)}).failure, "timeout");
  // Another port is not tried: the proxy is there.
  EXPECT_EQ(silent.Calls().size(), 1U);
  ScriptedServer slow([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n" +
             Line({}));
    wire.HoldUntilHangUp();
  });
  const Outcome outcome = Scrape({PortOf(slow)});
  EXPECT_EQ(outcome.failure, "timeout");
  EXPECT_EQ(outcome.calls, 0U);
}

TEST_F(ProxyScrapeTest, FallsBackToTheNextPort) {
  ScriptedServer agent(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.Raw(Answer(Line({.value = 3}))); });
  ScriptedServer other([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(Answer("<html>", "text/html"));
    wire.Close();
  });
  Outcome outcome = Scrape({ClosedPort(), PortOf(agent)});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.port, 1U);
  EXPECT_EQ(outcome.calls, 3U);
  outcome = Scrape({PortOf(other), PortOf(agent)});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.calls, 0U);
  // The reason is that of the port that should have answered.
  EXPECT_EQ(Scrape({PortOf(other), ClosedPort()}).failure, "content_type");
  EXPECT_EQ(Scrape({ClosedPort(), ClosedPort()}).failure, "unreachable");
}

TEST_F(ProxyScrapeTest, TheAgentSaysWhyTheProxyDoesNotListen) {
  ScriptedServer agent([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    wire.Close();
  });
  EXPECT_EQ(Scrape({ClosedPort(), PortOf(agent)}).failure, "forbidden");
  EXPECT_EQ(Scrape({PortOf(agent), ClosedPort()}).failure, "forbidden");
}

TEST_F(ProxyScrapeTest, ACommandAnswersTheSameSeriesAsThePort) {
  ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.Raw(Answer(Line({.value = 3}))); });
  EXPECT_EQ(Scrape({PortOf(server)}).calls, 3U);
  const Outcome outcome = ScrapeByCommand({.output = Line({.value = 5})});
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.calls, 2U);
  ASSERT_EQ(command_.Started().size(), 1U);
  EXPECT_EQ(command_.Started()[0].pod, "shop/web-1");
  EXPECT_THAT(
      command_.Started()[0].words,
      ElementsAre("pilot-agent", "request", "GET", "stats/prometheus?filter=istio_requests_total"));
  EXPECT_EQ(command_.UnderWay(), 0U);
}

TEST_F(ProxyScrapeTest, WhatACommandAnswersIsBoundedAndCountsOnlyOnceItHasSucceeded) {
  options_.timeout = std::chrono::milliseconds(200);
  options_.reader.max_body = 2000;
  const std::string line = Line({.value = 3});
  const std::pair<CommandAnswer, std::string> cases[] = {
      {{.output = line, .failure = ScrapeFailure::kExecFailed}, "exec_failed"},
      {{.failure = ScrapeFailure::kExecForbidden}, "exec_forbidden"},
      {{.output = line.substr(0, line.size() - 4)}, "cut"},
      {{.output = line + std::string(3000, '#'), .hangs = true}, "too_long"},
      {{.output = line, .hangs = true}, "timeout"},
  };
  for (const auto& [answer, failure] : cases) {
    const Outcome outcome = ScrapeByCommand(answer);
    EXPECT_EQ(outcome.failure, failure);
    EXPECT_EQ(outcome.calls, 0U) << failure;
    EXPECT_EQ(command_.UnderWay(), 0U) << failure;
  }
  EXPECT_EQ(counters_.SeriesCount(), 0U);
}

TEST_F(ProxyScrapeTest, AnEnvoyOfAnotherNamespaceIsNotBelieved) {
  ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Raw(Answer(Line({.value = 5})));
    wire.Close();
  });
  EXPECT_EQ(ScrapeOf("bank", PortOf(server), ProxyKind::kEnvoy).calls, 0U);
  EXPECT_EQ(ScrapeByCommand({.output = Line({.value = 6})}, "bank").calls, 0U);
  EXPECT_EQ(ScrapeOf("shop", PortOf(server), ProxyKind::kEnvoy).calls, 5U);
}

TEST_F(ProxyScrapeTest, SpeaksIpv6) {
  const auto listener = ListenOnTcp("::1", 0);
  if (!listener.ok()) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  ProxyScrape scrape(options_, {Ip("::1"), {listener->port}, ProxyKind::kEnvoy}, 0, counters_,
                     Clock::System());
  std::string request;
  int connection = -1;
  while (request.find("\r\n\r\n") == std::string::npos) {
    scrape.Advance();
    connection = connection < 0 ? accept(listener->fd, nullptr, nullptr) : connection;
    char buffer[1000];
    const ssize_t got = connection < 0 ? 0 : recv(connection, buffer, sizeof(buffer), MSG_DONTWAIT);
    request.append(buffer, got > 0 ? static_cast<size_t>(got) : 0);
  }
  EXPECT_THAT(request, HasSubstr(fmt::format("Host: [::1]:{}\r\n", listener->port)));
  close(connection);
  close(listener->fd);
}

}  // namespace
}  // namespace network_mapper::istio
