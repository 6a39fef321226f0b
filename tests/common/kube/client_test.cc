#include "common/kube/client.h"

#include <array>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/api_error.h"
#include "common/kube/discovery.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kube {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Client> ClientOf(const ScriptedServer& server, ClusterAccess access = {},
                                 std::string_view prefix = "") {
  access.server = server.Url() + std::string(prefix);
  return *Client::Create(std::move(access));
}

TEST(Client, GetsPostsAndPuts) {
  const ScriptedServer server([](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Json(call.method == "POST" ? 201 : 200, "{\"a\":1}",
              "Warning: 299 - \"old\"\r\nWarning: 299 - \"older\"\r\n");
  });
  const auto client = ClientOf(server, {}, "/prefix");
  const auto got = client->Get("/api/v1/pods?limit=1");
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->http_code, 200);
  EXPECT_EQ(got->body, "{\"a\":1}");
  EXPECT_EQ(got->content_type, "application/json");
  EXPECT_EQ(got->warnings.size(), 2U);
  const auto posted = client->Post("/x", "body", "text/plain");
  ASSERT_THAT(posted, IsOk());
  EXPECT_EQ(posted->http_code, 201);
  ASSERT_THAT(client->Put("/y", "new body", "application/json"), IsOk());
  const auto calls = server.Calls();
  EXPECT_EQ(calls[0].target, "/prefix/api/v1/pods?limit=1");
  EXPECT_EQ(calls[0].Header("accept"), "application/json");
  EXPECT_EQ(calls[1].method, "POST");
  EXPECT_EQ(calls[1].body, "body");
  EXPECT_EQ(calls[1].Header("content-type"), "text/plain");
  EXPECT_EQ(calls[2].method, "PUT");
  EXPECT_EQ(calls[2].target, "/prefix/y");
  EXPECT_EQ(calls[2].body, "new body");
  EXPECT_EQ(calls[2].Header("content-type"), "application/json");
}

TEST(Client, PutsAndTellsOfAConflict) {
  const ScriptedServer server([](const ScriptedCall& call, ScriptedWire& wire) {
    wire.Json(call.body == "old" ? 409 : 200, R"({"kind":"Status","message":"modified"})");
  });
  const auto client = ClientOf(server);
  ASSERT_THAT(client->Put("/x", "new", "application/json"), IsOk());
  EXPECT_EQ(server.Calls()[0].method, "PUT");
  EXPECT_EQ(client->Put("/x", "old", "application/json").status().code(), StatusCode::kAborted);
}

TEST(Client, TurnsStatusBodiesIntoErrors) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(404, R"({"kind":"Status","message":"pods \"x\" not found","reason":"NotFound"})");
  });
  const auto answer = ClientOf(server)->Get("/api/v1/namespaces/a/pods/x?secret=1");
  EXPECT_THAT(answer, StatusIs(StatusCode::kNotFound,
                               "GET /api/v1/namespaces/a/pods/x: HTTP 404: NotFound: pods \"x\" "
                               "not found"));
  EXPECT_EQ(HttpCode(answer.status()), 404);
}

TEST(Client, UnpacksCompressedAnswers) {
  // gzip of {"a":1}
  constexpr std::array<unsigned char, 27> kPacked = {
      0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0x4A, 0x54,
      0xB2, 0x32, 0xAC, 0x05, 0x00, 0xAF, 0xAC, 0x1B, 0x56, 0x07, 0x00, 0x00, 0x00};
  const ScriptedServer server([&kPacked](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(200, std::string(kPacked.begin(), kPacked.end()), "Content-Encoding: gzip\r\n");
  });
  const auto answer = ClientOf(server)->Get("/x");
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->body, R"({"a":1})");
  EXPECT_EQ(server.Calls()[0].Header("accept-encoding"), "gzip");
}

TEST(Client, RefusesAnswersThatAreTooLong) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.BeginChunks();
    for (int i = 0; i < 10; ++i) {
      wire.Chunk(std::string(1000, 'x'));
    }
    wire.EndChunks();
  });
  RequestOptions options;
  options.max_response_bytes = 5000;
  EXPECT_THAT(ClientOf(server)->Get("/x", options),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("5000 bytes")));
}

TEST(Client, GivesUpOnASilentServer) {
  const ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  RequestOptions options;
  options.timeout = std::chrono::milliseconds(50);
  EXPECT_THAT(ClientOf(server)->Get("/x", options),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("silent for 50 ms")));
}

TEST(Client, RefusesPathsThatWouldSplitTheRequest) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) { wire.Json(200, ""); });
  const auto client = ClientOf(server);
  for (const std::string_view path : {"/a b", "/a\r\nX: y", "a", ""}) {
    EXPECT_THAT(client->Get(path), StatusIs(StatusCode::kInvalidArgument, _)) << path;
  }
  EXPECT_TRUE(server.Calls().empty());
}

TEST(Client, ReadsTheTokenAgainAfterA401) {
  const TemporaryDirectory directory;
  ClusterAccess access;
  access.token_file = directory.WriteFile("token", "old").string();
  const ScriptedServer server([&](const ScriptedCall& call, ScriptedWire& wire) {
    const bool good = call.Header("authorization") == "Bearer new";
    wire.Json(good ? 200 : 401, "{}");
  });
  const auto client = ClientOf(server, access);
  EXPECT_THAT(client->Get("/x"), StatusIs(StatusCode::kUnauthenticated, HasSubstr("GET /x")));
  EXPECT_EQ(server.Calls().size(), 2U);
  directory.WriteFile("token", "new");
  EXPECT_THAT(client->Get("/x"), IsOk());
}

TEST(Client, SendsAgainWhenAKeptConnectionTurnsOutDead) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(200, "{}");
    wire.Close();
  });
  const auto client = ClientOf(server);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(client->Get("/x"), IsOk());
  }
}

TEST(Client, StreamsChunksUntilTheCallbackHasEnough) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.BeginChunks();
    wire.Chunk("one");
    wire.HoldUntilHangUp();
  });
  std::string text;
  const Status streamed = ClientOf(server)->Stream(
      "/log", {},
      [&text](std::string_view chunk) {
        text += chunk;
        return text != "one";
      },
      std::stop_token());
  EXPECT_THAT(streamed, IsOk());
  EXPECT_EQ(text, "one");
}

TEST(Client, EndsASilentStreamWhenStopIsRequested) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.BeginChunks();
    wire.HoldUntilHangUp();
  });
  const auto client = ClientOf(server);
  Status streamed;
  std::jthread reader([&](const std::stop_token& stop) {
    streamed = client->Stream(
        "/log", {}, [](std::string_view) { return true; }, stop);
  });
  ASSERT_TRUE(Eventually([&] { return server.Calls().size() == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  reader.request_stop();
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_THAT(streamed, StatusIs(StatusCode::kCancelled, _));
}

TEST(Client, DoesNotBeginWhenStopWasRequestedBefore) {
  const ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  std::stop_source source;
  source.request_stop();
  RequestOptions options;
  options.stop = source.get_token();
  EXPECT_THAT(ClientOf(server)->Get("/x", options), StatusIs(StatusCode::kCancelled, _));
}

TEST(DiscoveryRequests, FindsPluralsOnceAndMissingKindsAtMostEveryHalfMinute) {
  const ScriptedServer server([](const ScriptedCall& call, ScriptedWire& wire) {
    if (call.target == "/apis/argoproj.io/v1alpha1") {
      wire.Json(200, R"({"kind":"APIResourceList","resources":[
        {"name":"rollouts","namespaced":true,"kind":"Rollout","verbs":["get"]}]})");
    } else if (call.target == "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/cart") {
      wire.Json(200, R"({"metadata":{"name":"cart"}})");
    } else {
      wire.Json(404, "{}");
    }
  });
  const auto client = ClientOf(server);
  FakeClock clock;
  Discovery discovery(*client, clock);
  for (int i = 0; i < 2; ++i) {
    const auto cart =
        discovery.GetObjectMetadata({"argoproj.io/v1alpha1", "Rollout", "shop", "cart"});
    ASSERT_THAT(cart, IsOk());
    EXPECT_EQ(cart->name, "cart");
  }
  EXPECT_EQ(server.Calls().size(), 3U);
  EXPECT_THAT(server.Calls()[1].Header("accept"), HasSubstr("as=PartialObjectMetadata;"));
  EXPECT_THAT(discovery.FindKind("argoproj.io/v1alpha1", "Other"),
              StatusIs(StatusCode::kNotFound, HasSubstr("no kind Other")));
  EXPECT_THAT(discovery.FindKind("gone/v1", "Other"), StatusIs(StatusCode::kNotFound, _));
  EXPECT_THAT(discovery.FindKind("gone/v1", "Other"), StatusIs(StatusCode::kNotFound, _));
  EXPECT_EQ(server.Calls().size(), 4U);
  clock.Advance(std::chrono::seconds(31));
  EXPECT_FALSE(discovery.FindKind("argoproj.io/v1alpha1", "Other").ok());
  EXPECT_EQ(server.Calls().size(), 5U);
}

}  // namespace
}  // namespace network_mapper::kube
