#include "common/kube/object_watch.h"

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/kube/recording_handler.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Pod(std::string_view name, int version) {
  return fmt::format(R"({{"metadata":{{"name":"{}","resourceVersion":"{}"}}}})", name, version);
}

std::string Page(const std::vector<std::string>& items, std::string_view more = {}) {
  return fmt::format(
      R"({{"kind":"PodList","metadata":{{"resourceVersion":"100","continue":"{}"}},"items":[{}]}})",
      more, fmt::join(items, ","));
}

std::string Frame(std::string_view type, std::string_view object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}

std::string Failure(int code, std::string_view reason, std::string_view message) {
  return fmt::format(
      R"({{"kind":"Status","status":"Failure","message":"{}","reason":"{}","code":{}}})", message,
      reason, code);
}

bool IsWatch(const ScriptedCall& call) {
  return call.Parameter("watch") == "1";
}

void ListNothingAndHoldTheWatch(const ScriptedCall& call, ScriptedWire& wire) {
  if (IsWatch(call)) {
    wire.BeginChunks();
    wire.HoldUntilHangUp();
  } else {
    wire.Json(200, Page({}));
  }
}

class ObjectWatchTest : public ::testing::Test {
 protected:
  void Run(ScriptedServer::Script script, ObjectWatchOptions options = {}) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    client_ = *Client::Create(*ServerUrlAccess(server_->Url()));
    if (options.path.empty()) {
      options.path = "/api/v1/pods";
    }
    options.first_back_off = std::chrono::milliseconds(10);
    options.longest_back_off = std::chrono::milliseconds(20);
    watch_ = std::make_unique<ObjectWatch>(
        options, ObjectWatch::Dependencies{
                     .client = *client_, .handler = handler_, .metrics = metrics_, .random = [] {
                       return 0.5;
                     }});
    watch_->Start();
  }

  void TearDown() override {
    watch_.reset();
    server_.reset();
  }

  std::vector<ScriptedCall> Watches() const {
    std::vector<ScriptedCall> watches;
    for (const ScriptedCall& call : server_->Calls()) {
      if (IsWatch(call)) {
        watches.push_back(call);
      }
    }
    return watches;
  }

  double Metric(std::string_view name) {
    return metrics_.AddCounter(name, "", {{"resource", "pods"}}).Value();
  }

  // For scripts: they outlive a test's body.
  std::atomic<int> attempts_{0};
  std::atomic<bool> allowed_{false};
  MetricsRegistry metrics_;
  RecordingHandler handler_;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<ObjectWatch> watch_;
};

TEST_F(ObjectWatchTest, FollowsContinueTokensAndWatchesFromTheListsVersion) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.BeginChunks();
      wire.Chunk(Frame("ADDED", Pod("c", 101)) + Frame("ADDED", Pod("c", 101)));
      wire.Chunk(Frame("DELETED", Pod("a", 102)));
      wire.HoldUntilHangUp();
    } else if (call.Parameter("continue").empty()) {
      wire.Json(200, Page({Pod("a", 1)}, "next/+"));
    } else {
      wire.Json(200, Page({Pod("b", 2)}));
    }
  });
  ASSERT_TRUE(handler_.WaitFor(7));
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "upsert a", "upsert b", "end", "upsert c",
                                          "upsert c", "delete a"));
  const std::vector<ScriptedCall> calls = server_->Calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].target, "/api/v1/pods?limit=500");
  EXPECT_EQ(calls[1].target, "/api/v1/pods?limit=500&continue=next%2F%2B");
  EXPECT_EQ(calls[2].Parameter("resourceVersion"), "100");
  EXPECT_EQ(calls[2].Parameter("allowWatchBookmarks"), "true");
  EXPECT_EQ(calls[2].Parameter("timeoutSeconds"), "450");
  const ObjectWatchState state = watch_->State();
  EXPECT_TRUE(state.synced);
  EXPECT_TRUE(state.last_event.has_value());
  EXPECT_THAT(state.last_error, IsOk());
}

TEST_F(ObjectWatchTest, AsksForGzipOnListsButNeverOnWatches) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    } else {
      wire.Json(200, Page({}));
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 1; }));
  EXPECT_EQ(server_->Calls()[0].Header("accept-encoding"), "gzip");
  EXPECT_EQ(Watches()[0].headers.count("accept-encoding"), 0U);
}

TEST_F(ObjectWatchTest, WatchesAgainFromTheLastBookmarkWhenAStreamEnds) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({}));
    } else if (call.Parameter("resourceVersion") == "100") {
      wire.BeginChunks();
      wire.Chunk(Frame("BOOKMARK", R"({"metadata":{"resourceVersion":"150"}})"));
      wire.EndChunks();
    } else {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 2; }));
  EXPECT_EQ(Watches()[1].Parameter("resourceVersion"), "150");
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "end"));
}

TEST_F(ObjectWatchTest, ListsAgainAfterAGoneAnswer) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({Pod("a", 1)}));
    } else if (attempts_++ == 0) {
      wire.Json(410, Failure(410, "Expired", "too old resource version"));
    } else {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 2; }));
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "upsert a", "end", "begin", "upsert a", "end"));
  EXPECT_EQ(watch_->State().relists, 1U);
  EXPECT_EQ(Metric("network_mapper_kube_relists_total"), 1);
  EXPECT_EQ(Metric("network_mapper_kube_lists_total"), 2);
}

TEST_F(ObjectWatchTest, ListsAgainAfterAGoneEvent) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({}));
      return;
    }
    wire.BeginChunks();
    if (attempts_++ == 0) {
      wire.Chunk(Frame("ERROR", Failure(410, "Expired", "too old resource version: 1 (2)")));
      wire.EndChunks();
    } else {
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 2; }));
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "end", "begin", "end"));
}

TEST_F(ObjectWatchTest, StartsTheListAgainWhenItsContinueTokenExpires) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    } else if (call.Parameter("continue").empty()) {
      wire.Json(200, Page({Pod("a", 1)}, "next"));
    } else if (attempts_++ == 0) {
      wire.Json(410, Failure(410, "Expired", "continue token too old"));
    } else {
      wire.Json(200, Page({Pod("b", 2)}));
    }
  });
  ASSERT_TRUE(handler_.WaitFor(6));
  EXPECT_THAT(handler_.Log(),
              ElementsAre("begin", "upsert a", "begin", "upsert a", "upsert b", "end"));
}

TEST_F(ObjectWatchTest, RetriesTheWatchAtTheSameVersionAfterOverload) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({}));
    } else if (attempts_++ == 0) {
      wire.Json(429, Failure(429, "TooManyRequests", "slow down"), "Retry-After: 1\r\n");
    } else {
      wire.BeginChunks();
      wire.Chunk(Frame("ADDED", Pod("a", 101)));
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 1; }));
  const auto refused = std::chrono::steady_clock::now();
  ASSERT_TRUE(handler_.WaitFor(3));
  EXPECT_GE(std::chrono::steady_clock::now() - refused, std::chrono::milliseconds(900));
  EXPECT_EQ(Watches()[1].Parameter("resourceVersion"), "100");
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "end", "upsert a"));
}

TEST_F(ObjectWatchTest, DropsAFrameThatIsCutInMidLineAndGoesOnAfterTheLastWholeOne) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({}));
    } else if (call.Parameter("resourceVersion") == "100") {
      wire.BeginChunks();
      const std::string second = Frame("ADDED", Pod("b", 102));
      wire.Chunk(Frame("ADDED", Pod("a", 101)) + second.substr(0, 20));
      wire.Close();
    } else {
      wire.BeginChunks();
      wire.Chunk(Frame("ADDED", Pod("b", 102)));
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(handler_.WaitFor(4));
  EXPECT_THAT(handler_.Log(), ElementsAre("begin", "end", "upsert a", "upsert b"));
  EXPECT_EQ(Watches()[1].Parameter("resourceVersion"), "101");
}

TEST_F(ObjectWatchTest, RefusesAnOversizedFrameAndListsAgain) {
  ObjectWatchOptions options;
  options.max_frame_bytes = 1000;
  Run(
      [this](const ScriptedCall& call, ScriptedWire& wire) {
        if (!IsWatch(call)) {
          wire.Json(200, Page({}));
          return;
        }
        wire.BeginChunks();
        if (attempts_++ == 0) {
          wire.Chunk(std::string(2000, 'x'));
        }
        wire.HoldUntilHangUp();
      },
      options);
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 2; }));
  EXPECT_EQ(Metric("network_mapper_kube_oversized_frames_total"), 1);
  EXPECT_EQ(watch_->State().relists, 1U);
}

TEST_F(ObjectWatchTest, NamesVerbAndResourceWhenForbiddenAndTriesOn) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (!allowed_) {
      wire.Json(403, Failure(403, "Forbidden", "pods is forbidden: User x cannot list resource"));
    } else if (IsWatch(call)) {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    } else {
      wire.Json(200, Page({}));
    }
  });
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_THAT(watch_->State().last_error,
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("list pods: GET /api/v1/pods: HTTP 403: Forbidden: pods is")));
  EXPECT_FALSE(watch_->State().synced);
  allowed_ = true;
  EXPECT_TRUE(Eventually([&] { return watch_->State().synced; }));
  EXPECT_THAT(watch_->State().last_error, IsOk());
}

// docs/regressions.md P13
TEST_F(ObjectWatchTest, ListsAgainAndAgainWithoutTheRightToWatch) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.Json(403, Failure(403, "Forbidden", "pods is forbidden: User x cannot watch resource"));
    } else {
      wire.Json(200, Page({Pod("a", 1)}));
    }
  });
  ASSERT_TRUE(Eventually([&] { return watch_->State().relists >= 3; }));
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_TRUE(watch_->State().failing_since.has_value());
  EXPECT_TRUE(watch_->State().synced);
}

TEST_F(ObjectWatchTest, WorksAgainOnceASilentWatchHasLasted) {
  Run([this](const ScriptedCall& call, ScriptedWire& wire) {
    if (!IsWatch(call)) {
      wire.Json(200, Page({}));
    } else if (!allowed_) {
      wire.Json(500, Failure(500, "InternalError", "etcd is away"));
    } else {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    }
  });
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_THAT(watch_->State().last_error,
              StatusIs(StatusCode::kUnavailable, HasSubstr("watch pods: GET /api/v1/pods")));
  allowed_ = true;
  EXPECT_TRUE(Eventually([&] { return watch_->State().last_error.ok(); }));
  EXPECT_FALSE(watch_->State().failing_since.has_value());
}

TEST_F(ObjectWatchTest, LeavesAServerThatFreezesAfterABookmark) {
  ObjectWatchOptions options;
  options.longest_silence = std::chrono::milliseconds(200);
  Run(
      [this](const ScriptedCall& call, ScriptedWire& wire) {
        if (!IsWatch(call)) {
          wire.Json(200, Page({Pod("a", 1)}));
          return;
        }
        wire.BeginChunks();
        wire.Chunk(Frame("BOOKMARK", Pod("", 200 + ++attempts_)));
        wire.HoldUntilHangUp();
      },
      options);
  ASSERT_TRUE(Eventually([&] { return Watches().size() >= 3; }));
  EXPECT_EQ(Watches()[0].Parameter("resourceVersion"), "100");
  EXPECT_EQ(Watches()[1].Parameter("resourceVersion"), "201");
  EXPECT_EQ(Watches()[2].Parameter("resourceVersion"), "202");
  EXPECT_EQ(watch_->State().relists, 0U);
  EXPECT_GE(metrics_
                .AddCounter("network_mapper_kube_request_errors_total", "",
                            {{"resource", "pods"}, {"code", "deadline_exceeded"}})
                .Value(),
            2.0);
}

TEST_F(ObjectWatchTest, NoticesAServerThatIsFrozenBeforeItAnswers) {
  ObjectWatchOptions options;
  options.longest_silence = std::chrono::milliseconds(100);
  Run(
      [](const ScriptedCall& call, ScriptedWire& wire) {
        if (IsWatch(call)) {
          wire.HoldUntilHangUp();
        } else {
          wire.Json(200, Page({}));
        }
      },
      options);
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_THAT(watch_->State().last_error,
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("silent for 100 ms")));
  EXPECT_EQ(watch_->State().relists, 0U);
}

TEST_F(ObjectWatchTest, SilenceWithoutBookmarksIsNoFailure) {
  ObjectWatchOptions options;
  options.longest_silence = std::chrono::milliseconds(100);
  Run(ListNothingAndHoldTheWatch, options);
  ASSERT_TRUE(Eventually([&] { return Watches().size() >= 3; }));
  EXPECT_THAT(watch_->State().last_error, IsOk());
  EXPECT_FALSE(watch_->State().failing_since.has_value());
  EXPECT_EQ(watch_->State().relists, 0U);
}

TEST_F(ObjectWatchTest, TakesAnEmptyWatchThatEndsAtOnceForAFailure) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.BeginChunks();
      wire.EndChunks();
    } else {
      wire.Json(200, Page({}));
    }
  });
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_THAT(watch_->State().last_error,
              StatusIs(StatusCode::kUnavailable, HasSubstr("at once and empty")));
}

TEST_F(ObjectWatchTest, SendsSelectorsAndAsksForMetadataOnly) {
  ObjectWatchOptions options;
  options.label_selector = "a in (b)";
  options.field_selector = "spec.nodeName=node-1";
  options.metadata_only = true;
  Run(ListNothingAndHoldTheWatch, options);
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 1; }));
  const ScriptedCall list = server_->Calls()[0];
  EXPECT_EQ(list.Parameter("labelSelector"), "a%20in%20%28b%29");
  EXPECT_EQ(list.Parameter("fieldSelector"), "spec.nodeName%3Dnode-1");
  EXPECT_THAT(list.Header("accept"), HasSubstr("as=PartialObjectMetadataList;"));
  EXPECT_THAT(Watches()[0].Header("accept"), HasSubstr("as=PartialObjectMetadata;"));
  EXPECT_EQ(Watches()[0].Parameter("fieldSelector"), "spec.nodeName%3Dnode-1");
}

TEST_F(ObjectWatchTest, StopsAtOnceWhileAWatchIsOpen) {
  Run([](const ScriptedCall& call, ScriptedWire& wire) {
    if (IsWatch(call)) {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    } else {
      wire.Json(200, Page({}));
    }
  });
  ASSERT_TRUE(Eventually([&] { return Watches().size() == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  watch_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

TEST_F(ObjectWatchTest, StopsAtOnceWhileAListIsSilent) {
  Run([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  ASSERT_TRUE(Eventually([&] { return server_->Calls().size() == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  watch_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

TEST_F(ObjectWatchTest, BacksOffFromAServerThatRefusesConnections) {
  Run([](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  watch_.reset();
  const std::string url = server_->Url();
  server_.reset();
  client_ = *Client::Create(*ServerUrlAccess(url));
  ObjectWatchOptions options;
  options.path = "/api/v1/pods";
  watch_ = std::make_unique<ObjectWatch>(
      options,
      ObjectWatch::Dependencies{.client = *client_, .handler = handler_, .metrics = metrics_});
  watch_->Start();
  ASSERT_TRUE(Eventually([&] { return !watch_->State().last_error.ok(); }));
  EXPECT_THAT(watch_->State().last_error,
              StatusIs(StatusCode::kUnavailable, HasSubstr("cannot connect to 127.0.0.1")));
  const auto begun = std::chrono::steady_clock::now();
  watch_->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

}  // namespace
}  // namespace network_mapper::kube
