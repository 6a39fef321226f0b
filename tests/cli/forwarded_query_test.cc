// The commands with rights for only one way to the mapper, or for none: an API server that answers
// as RBAC would, in front of the real API of a mapper.
#include "cli/forwarded_query.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/mapper_connection.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/common/kube/scripted_web_socket.h"
#include "tests/mapper/api/api_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint8_t kBinary = 0x82;

class OneRight : public ApiTest {
 protected:
  void SetUp() override {
    See(store_, MakeSighting("web", "cart"));
    server_ = std::make_unique<ScriptedServer>(
        [this](const ScriptedCall& call, ScriptedWire& wire) { Answer(call, wire); });
    options_.kubeconfig =
        directory_
            .WriteFile("config", fmt::format("clusters: [{{name: c, cluster: {{server: '{}'}}}}]\n"
                                             "contexts: [{{name: x, context: {{cluster: c}}}}]\n"
                                             "current-context: x\n",
                                             server_->Url()))
            .string();
  }

  // By path: the resource, and whether it is forbidden.
  void Answer(const ScriptedCall& call, ScriptedWire& wire) {
    const std::string& target = call.target;
    if (target.find("/services/otterize-network-mapper:9090/proxy/query") != std::string::npos) {
      Allowed("services/proxy", wire) && Reply(call.body, wire);
    } else if (target.ends_with("/services/otterize-network-mapper")) {
      Allowed("services", wire) && Send(service_, wire);
    } else if (target.find("/portforward?") != std::string::npos) {
      Allowed("pods/portforward", wire) && Forward(call, wire);
    } else {
      pods_target_ = target;
      Allowed("pods", wire) && Send(pods_, wire);
    }
  }

  bool Allowed(const std::string& resource, const ScriptedWire& wire) const {
    if (forbidden_.contains(resource)) {
      wire.Json(403, R"({"kind":"Status","message":"may not use )" + resource + R"("})");
      return false;
    }
    return true;
  }

  static bool Send(const std::string& body, const ScriptedWire& wire) {
    wire.Json(200, body);
    return true;
  }

  bool Reply(const std::string& body, const ScriptedWire& wire) {
    return Send(PostBody(body).body, wire);
  }

  // In pieces, as a node might.
  bool Forward(const ScriptedCall& call, ScriptedWire& wire) {
    forwarded_target_ = call.target;
    wire.Raw(WebSocketAcceptance(call));
    for (const char* channel : {"\x00\x82\x23", "\x01\x82\x23"}) {
      wire.Raw(ServerFrame(kBinary, std::string_view(channel, 3)));
    }
    ClientFrames frames(wire);
    const std::string request = frames.Next().value_or(ClientFrame{}).payload;
    forwarded_request_ = request.substr(0, request.find("\r\n\r\n"));
    const std::string body = PostBody(request.substr(request.find("\r\n\r\n") + 4)).body;
    const std::string reply =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
    for (size_t at = 0; at < reply.size(); at += 50) {
      wire.Raw(ServerFrame(kBinary, std::string(1, '\0') + reply.substr(at, 50)));
    }
    wire.Close();
    return true;
  }

  // The number of intents that the map has, over the way that the rights allow.
  StatusOr<size_t> Query() {
    ASSIGN_OR_RETURN(const QueryTransport transport, ConnectToMapper(options_));
    ASSIGN_OR_RETURN(const QueryResult result, QueryIntents(transport, {}));
    return result.intents.size();
  }

  std::string service_ = R"({"spec":{"selector":{"app":"mapper","tier":"x y"},
      "ports":[{"port":9091,"targetPort":"report"},{"port":9090,"targetPort":"graphql"}]}})";
  std::string pods_ = R"({"items":[
      {"metadata":{"name":"old","deletionTimestamp":"2026-01-01T00:00:00Z"},
       "spec":{"containers":[{"ports":[{"name":"graphql","containerPort":8000}]}]},
       "status":{"conditions":[{"type":"Ready","status":"True"}]}},
      {"metadata":{"name":"mapper-1"},
       "spec":{"containers":[{},{"ports":[{"name":"graphql","containerPort":8000}]}]},
       "status":{"conditions":[{"type":"Ready","status":"True"}]}}]})";
  std::set<std::string> forbidden_;
  std::string pods_target_;
  std::string forwarded_target_;
  std::string forwarded_request_;
  TemporaryDirectory directory_;
  CliOptions options_;
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(OneRight, TakesTheProxyWhereItMay) {
  forbidden_ = {"pods", "services", "pods/portforward"};
  EXPECT_EQ(*Query(), 1U);
  EXPECT_EQ(forwarded_target_, "");
}

TEST_F(OneRight, ForwardsThePortThatTheServiceNames) {
  forbidden_ = {"services/proxy"};
  const auto intents = Query();
  ASSERT_THAT(intents, IsOk());
  EXPECT_EQ(*intents, 1U);
  EXPECT_EQ(pods_target_,
            "/api/v1/namespaces/otterize-system/pods?labelSelector=app%3Dmapper%2Ctier%3Dx%20y");
  EXPECT_EQ(forwarded_target_,
            "/api/v1/namespaces/otterize-system/pods/mapper-1/portforward?ports=8000");
  EXPECT_THAT(forwarded_request_, HasSubstr("POST /query HTTP/1.1\r\nHost: "));
}

TEST_F(OneRight, ForwardsThePortOfTheChartWhereServicesAreForbidden) {
  forbidden_ = {"services/proxy", "services"};
  const auto intents = Query();
  ASSERT_THAT(intents, IsOk());
  EXPECT_EQ(*intents, 1U);
  EXPECT_THAT(pods_target_, HasSubstr("labelSelector=app%3Dotterize-network-mapper"));
  EXPECT_THAT(forwarded_target_, HasSubstr("/mapper-1/portforward?ports=9090"));
}

TEST_F(OneRight, AsksTheProxyOnlyOnce) {
  forbidden_ = {"services/proxy"};
  const auto transport = ConnectToMapper(options_);
  ASSERT_THAT(transport, IsOk());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(QueryIntents(*transport, {}), IsOk());
  }
  int asked = 0;
  for (const ScriptedCall& call : server_->Calls()) {
    asked += call.target.ends_with("/proxy/query") ? 1 : 0;
  }
  EXPECT_EQ(asked, 1);
}

TEST_F(OneRight, NamesTheRightsForBothWays) {
  const auto says_what_is_missing = [](const std::string& of_the_server) {
    return StatusIs(
        StatusCode::kPermissionDenied,
        AllOf(HasSubstr("the right to create services/proxy"), HasSubstr("rights to list pods"),
              HasSubstr("get and create pods/portforward"), HasSubstr("namespace otterize-system"),
              HasSubstr("--verb=create --resource=services/proxy"),
              HasSubstr("may not use services/proxy"), HasSubstr(of_the_server)));
  };
  forbidden_ = {"services/proxy", "pods"};
  EXPECT_THAT(Query(), says_what_is_missing("may not use pods"));
  forbidden_ = {"services/proxy", "pods/portforward"};
  EXPECT_THAT(Query(), says_what_is_missing("may not use pods/portforward"));
}

TEST_F(OneRight, SaysThatNoPodIsReady) {
  forbidden_ = {"services/proxy"};
  for (const char* pods :
       {R"({"items":[]})", R"({"items":[{"metadata":{"name":"a"}}]})", "[", "{}"}) {
    pods_ = pods;
    EXPECT_THAT(Query(), StatusIs(StatusCode::kUnavailable,
                                  AllOf(HasSubstr("right to create services/proxy"),
                                        HasSubstr("no pod with app=mapper,tier=x y"))))
        << pods;
  }
  service_ = "{}";
  EXPECT_THAT(Query(), StatusIs(StatusCode::kNotFound, HasSubstr("selects no pods")));
}

}  // namespace
}  // namespace network_mapper::cli
