#include "common/http/http_server.h"

#include <httplib.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/raw_connection.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

HttpResponse Echo(const HttpRequest& request) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + " " + request.body;
  return response;
}

std::unique_ptr<HttpServer> StartOrDie(HttpServerOptions options, HttpHandler handler = Echo) {
  options.host = "127.0.0.1";
  auto server = HttpServer::Start(options, std::move(handler));
  EXPECT_THAT(server, IsOk());
  return std::move(server).value();
}

TEST(HttpServer, PassesMethodPathParametersHeadersAndBodyToTheHandler) {
  HttpRequest seen;
  auto server = StartOrDie({}, [&](const HttpRequest& request) {
    seen = request;
    return HttpResponse{};
  });
  httplib::Client client("127.0.0.1", server->Port());
  auto answer = client.Post("/some%20path?q=a%26b&empty=", httplib::Headers{{"X-One", "1"}},
                            "content", "text/plain");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/some path");
  EXPECT_EQ(seen.Parameter("q"), "a&b");
  EXPECT_EQ(seen.Parameter("empty"), "");
  EXPECT_EQ(seen.Parameter("absent"), std::nullopt);
  EXPECT_EQ(seen.Header("x-one"), "1");
  EXPECT_EQ(seen.Header("x-two"), std::nullopt);
  EXPECT_EQ(seen.body, "content");
}

TEST(HttpServer, ServesSeveralRequestsOnOneConnection) {
  auto server = StartOrDie({});
  httplib::Client client("127.0.0.1", server->Port());
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  for (int i = 0; i < 20; ++i) {
    auto answer = client.Put("/p", std::to_string(i), "text/plain");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "PUT /p " + std::to_string(i));
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  auto server = StartOrDie({});
  RawConnection connection(server->Port());
  connection.Send(
      "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
      "GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  std::string all = connection.ReadAll();
  size_t first = all.find("POST /1 abc");
  size_t second = all.find("GET /2 ");
  ASSERT_NE(first, std::string::npos) << all;
  ASSERT_NE(second, std::string::npos) << all;
  EXPECT_LT(first, second);
}

TEST(HttpServer, RefusesWhatIsTooLargeOrPacked) {
  HttpServerOptions options;
  options.max_body_bytes = 100;
  options.max_header_bytes = 4096;
  auto server = StartOrDie(options);
  const std::pair<std::string, std::string> cases[] = {
      {"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", "400"},
      {"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", "415"},
      {"GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n\r\n", "414"},
      {"garbage\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n" + std::string(128, 'a') +
           "\r\n0\r\n\r\n",
       "413"},
  };
  for (const auto& [request, status] : cases) {
    RawConnection connection(server->Port());
    connection.Send(request);
    EXPECT_THAT(connection.ReadAll(), StartsWith("HTTP/1.1 " + status)) << request;
  }
}

TEST(HttpServer, CutsOffAnEndlessHead) {
  HttpServerOptions options;
  options.max_header_bytes = 4096;
  auto server = StartOrDie(options);
  RawConnection connection(server->Port());
  connection.Send("GET / HTTP/1.1\r\n");
  std::string line = "X-Filler: " + std::string(1000, 'a') + "\r\n";
  for (int i = 0; i < 64 && connection.Send(line); ++i) {
  }
  EXPECT_THAT(connection.ReadAll(), Not(StartsWith("HTTP/1.1 200")));
}

TEST(HttpServer, GivesASlowSenderNoMoreThanTheRequestTimeout) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry);
  HttpServerOptions options;
  options.request_timeout = 150ms;
  options.metrics = &metrics;
  auto server = StartOrDie(options);
  RawConnection connection(server->Port());
  connection.Send("GET / HTTP/1.1\r\nX-Slow: ");
  // Ends only when the server has closed; the head never does.
  std::jthread drip([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && connection.Send("a")) {
      std::this_thread::sleep_for(5ms);
    }
  });
  auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(connection.ReadAll(), AnyOf(IsEmpty(), StartsWith("HTTP/1.1 408")));
  // RawConnection itself gives up after 20 s.
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(metrics.slow_requests.Value(), 1);
}

// As many connections as threads, each with this much of a request and no more.
std::vector<std::unique_ptr<RawConnection>> SendPart(const HttpServer& server, size_t count,
                                                     std::string_view part) {
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (size_t i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<RawConnection>(server.Port()));
    EXPECT_TRUE(connections.back()->Send(part));
  }
  return connections;
}

class HalfSentRequests : public ::testing::TestWithParam<std::tuple<size_t, const char*>> {};

TEST_P(HalfSentRequests, DoNotKeepAHealthCheckWaiting) {
  auto [threads, part] = GetParam();
  HttpServerOptions options;
  options.threads = threads;
  // Beyond the patience of RawConnection: whoever waits for a thread gets no answer.
  options.request_timeout = 10min;
  options.stop_timeout = 0ms;
  auto server = StartOrDie(options);
  auto half_sent = SendPart(*server, threads + 1, part);
  RawConnection probe(server->Port());
  probe.Send("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(probe.ReadAll(), HasSubstr("GET /healthz"));
  RawConnection query(server->Port());
  query.Send("POST /query HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
  EXPECT_THAT(query.ReadAll(), HasSubstr("POST /query abc"));
}

TEST_P(HalfSentRequests, AreClosedAfterTheRequestTimeout) {
  auto [threads, part] = GetParam();
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry);
  HttpServerOptions options;
  options.threads = threads;
  options.request_timeout = 150ms;
  options.idle_timeout = 10min;
  options.metrics = &metrics;
  auto server = StartOrDie(options);
  auto half_sent = SendPart(*server, threads + 1, part);
  auto start = std::chrono::steady_clock::now();
  for (auto& connection : half_sent) {
    EXPECT_THAT(connection->ReadAll(), Not(StartsWith("HTTP/1.1 200")));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(metrics.slow_requests.Value() + metrics.busy_refusals.Value(), half_sent.size());
}

INSTANTIATE_TEST_SUITE_P(
    HttpServer, HalfSentRequests,
    ::testing::Combine(
        ::testing::Values(2, 8),
        ::testing::Values("P", "POST /query HTTP/1.1\r\nHost: x\r\n",
                          "POST /query HTTP/1.1\r\nContent-Length: 1000\r\n\r\na",
                          "POST /query HTTP/1.1\r\nContent-Length: 100000\r\n\r\na",
                          " POST /query HTTP/1.1\r\nContent-Length: %31000\r\n\r\na",
                          "POST /query HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
                          "POST /query HTTP/1.1\r\nExpect: 100-continue\r\n"
                          "Content-Length: 1000\r\n\r\n")));

TEST(HttpServer, ServesBodiesThatComeInPieces) {
  auto server = StartOrDie({});
  for (size_t size : {size_t{100}, size_t{16384}, size_t{16385}, size_t{1000000}}) {
    RawConnection connection(server->Port());
    const std::string body(size, 'b');
    connection.Send("POST /p HTTP/1.1\r\nConnection: close\r\nContent-Le");
    connection.Send("ngth: " + std::to_string(size) + "\r\n\r");
    connection.Send("\n" + body.substr(0, size / 2));
    connection.Send(body.substr(size / 2));
    EXPECT_THAT(connection.ReadAll(), EndsWith("POST /p " + body)) << size;
  }
}

TEST(HttpServer, LongBodiesWaitForAThreadAndAreServed) {
  HttpServerOptions options;
  options.threads = 3;
  auto server = StartOrDie(options);
  const std::string head =
      "POST /p HTTP/1.1\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n";
  auto half_sent = SendPart(*server, 6, head);
  for (auto& connection : half_sent) {
    connection->Send(std::string(100'000, 'b'));
  }
  for (auto& connection : half_sent) {
    EXPECT_THAT(connection->ReadAll(), StartsWith("HTTP/1.1 200"));
  }
}

TEST(HttpServer, AsksForABodyThatWaitsToBeAskedFor) {
  auto server = StartOrDie({});
  RawConnection connection(server->Port());
  connection.Send(
      "POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_THAT(connection.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  connection.Send("abc");
  EXPECT_THAT(connection.ReadAll(), HasSubstr("POST /p abc"));
}

TEST(HttpServer, ServesAClientThatSendsNoMoreAfterItsRequests) {
  auto server = StartOrDie({});
  RawConnection connection(server->Port());
  connection.Send("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\nGET /3");
  connection.EndSending();
  std::string all = connection.ReadAll();
  EXPECT_THAT(all, HasSubstr("POST /1 abc"));
  EXPECT_THAT(all, HasSubstr("GET /2 "));
}

TEST(HttpServer, IdleConnectionsTakeNoThread) {
  HttpServerOptions options;
  options.threads = 1;
  auto server = StartOrDie(options);
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(std::make_unique<RawConnection>(server->Port()));
    ASSERT_TRUE(idle.back()->Connected());
  }
  httplib::Client client("127.0.0.1", server->Port());
  auto answer = client.Get("/alive");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
}

TEST(HttpServer, AnswersBusyBeyondItsConnections) {
  HttpServerOptions options;
  options.max_connections = 2;
  auto server = StartOrDie(options);
  RawConnection first(server->Port());
  first.Send("GET / HTTP/1.1\r\n\r\n");
  first.ReadUntil("GET / ");
  RawConnection second(server->Port());
  second.Send("GET / HTTP/1.1\r\n\r\n");
  second.ReadUntil("GET / ");
  RawConnection third(server->Port());
  EXPECT_THAT(third.ReadAll(), StartsWith("HTTP/1.1 503"));
}

TEST(HttpServer, ANewConnectionTakesThePlaceOfAnIdleOneOfTheSamePeer) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry);
  HttpServerOptions options;
  options.max_connections_per_peer = 3;
  options.metrics = &metrics;
  auto server = StartOrDie(options);
  RawConnection first(server->Port());
  first.Send("GET / HTT");
  std::vector<std::unique_ptr<RawConnection>> more;
  for (int i = 0; i < 20; ++i) {
    more.push_back(std::make_unique<RawConnection>(server->Port()));
  }
  // Whoever sends a request is served all the while.
  RawConnection probe(server->Port());
  probe.Send("GET /alive HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(probe.ReadAll(), HasSubstr("GET /alive"));
  EXPECT_THAT(first.ReadAll(), IsEmpty());
  EXPECT_EQ(metrics.peer_refusals.Value(), 19);
}

TEST(HttpServer, RefusesAPeerWhoseConnectionsAllHaveRequests) {
  std::promise<void> may_leave;
  auto leave = may_leave.get_future().share();
  std::atomic<int> entered{0};
  HttpServerOptions options;
  options.max_connections_per_peer = 2;
  auto server = StartOrDie(options, [&](const HttpRequest& request) {
    EXPECT_EQ(request.peer.ToString(), "127.0.0.1");
    ++entered;
    leave.wait();
    return Echo(request);
  });
  RawConnection first(server->Port());
  RawConnection second(server->Port());
  first.Send("GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n");
  second.Send("GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  while (entered < 2) {
    std::this_thread::yield();
  }
  RawConnection third(server->Port());
  EXPECT_THAT(third.ReadAll(), StartsWith("HTTP/1.1 429"));
  may_leave.set_value();
  EXPECT_THAT(first.ReadAll(), HasSubstr("GET /1"));
  EXPECT_THAT(second.ReadAll(), HasSubstr("GET /2"));
  RawConnection later(server->Port());
  later.Send("GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(later.ReadAll(), HasSubstr("GET /3"));
}

TEST(HttpServer, ClosesIdleConnectionsAfterTheTimeout) {
  HttpServerOptions options;
  options.idle_timeout = 50ms;
  auto server = StartOrDie(options);
  RawConnection connection(server->Port());
  EXPECT_THAT(connection.ReadAll(), IsEmpty());
}

TEST(HttpServer, AHandlerThatThrowsIsAnInternalServerError) {
  auto server = StartOrDie(
      {}, [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("broken"); });
  httplib::Client client("127.0.0.1", server->Port());
  auto answer = client.Get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->body, "{\"message\":\"Internal Server Error\"}\n");
}

TEST(HttpServer, DoesNotCutOrPackTheAnswer) {
  auto server = StartOrDie({}, [](const HttpRequest&) {
    HttpResponse response;
    response.content_type = "application/json";
    response.body = std::string(100'000, 'x');
    return response;
  });
  RawConnection connection(server->Port());
  connection.Send(
      "GET / HTTP/1.1\r\nRange: bytes=0-1\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n"
      "\r\n");
  std::string answer = connection.ReadAll();
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("200 OK"));
  EXPECT_THAT(answer.substr(0, 200), Not(HasSubstr("Content-Encoding")));
  EXPECT_GT(answer.size(), 100'000U);
}

TEST(HttpServer, SaysWhenThePortIsTaken) {
  auto first = StartOrDie({});
  HttpServerOptions options;
  options.host = "127.0.0.1";
  options.port = first->Port();
  EXPECT_THAT(HttpServer::Start(options, Echo),
              StatusIs(StatusCode::kUnavailable, HasSubstr(std::to_string(first->Port()))));
}

TEST(HttpServer, ListensOnIpv4WhenNoHostIsNamed) {
  auto server = HttpServer::Start({}, Echo);
  ASSERT_THAT(server, IsOk());
  httplib::Client client("127.0.0.1", (*server)->Port());
  EXPECT_TRUE(client.Get("/"));
}

TEST(HttpServer, StopWaitsForTheRequestThatRuns) {
  std::promise<void> entered;
  std::promise<void> may_leave;
  auto leave = may_leave.get_future().share();
  auto server = StartOrDie({}, [&](const HttpRequest& request) {
    entered.set_value();
    leave.wait();
    return Echo(request);
  });
  std::future<std::string> answer = std::async(std::launch::async, [&] {
    RawConnection connection(server->Port());
    connection.Send("GET /late HTTP/1.1\r\n\r\n");
    return connection.ReadAll();
  });
  entered.get_future().wait();
  std::jthread stopper([&] { server->Stop(); });
  may_leave.set_value();
  EXPECT_THAT(answer.get(), HasSubstr("GET /late"));
}

TEST(HttpServer, StopEndsIdleConnectionsAtOnce) {
  auto server = StartOrDie({});
  RawConnection connection(server->Port());
  connection.Send("GET / HTTP/1.1\r\n\r\n");
  connection.ReadUntil("GET / ");
  auto start = std::chrono::steady_clock::now();
  server->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_THAT(connection.ReadAll(), IsEmpty());
}

TEST(HttpServer, ServesManyClientsAtOnce) {
  std::atomic<int> served{0};
  auto server = StartOrDie({}, [&](const HttpRequest& request) {
    ++served;
    return Echo(request);
  });
  std::vector<std::jthread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&] {
      httplib::Client client("127.0.0.1", server->Port());
      client.set_keep_alive(true);
      client.set_tcp_nodelay(true);
      for (int j = 0; j < 25; ++j) {
        auto answer = client.Post("/x", "b", "text/plain");
        EXPECT_TRUE(answer && answer->body == "POST /x b");
      }
    });
  }
  clients.clear();
  EXPECT_EQ(served, 16 * 25);
}

}  // namespace
}  // namespace network_mapper
