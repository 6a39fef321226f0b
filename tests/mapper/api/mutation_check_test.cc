// Who may change the map, and what one hears who may not.
#include "mapper/api/mutation_check.h"

#include <gmock/gmock.h>

#include "tests/mapper/api/api_fixture.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kReset = "mutation { resetCapture }";
constexpr const char* kReport = "mutation { reportCaptureResults(results: {results: []}) }";

// "collector" and "admin" are tokens of these roles; "late" is one that nobody can check.
Status HasRole(Role role, const std::string& token) {
  if (token.empty()) {
    return Unauthenticated("no token was shown");
  }
  if (token == "late") {
    return Unavailable("the API server does not answer");
  }
  const bool fits = token == (role == Role::kCollector ? "collector" : "admin");
  return fits ? OkStatus() : PermissionDenied("{} lacks the role", token);
}

class MutationCheck : public ApiTest {
 protected:
  HttpResponse Send(const std::string& query, const std::string& authorization,
                    const std::string& own = {}, ApiAccess access = ApiAccess::kFull) {
    HttpRequest request = MakeRequest("POST", "/query");
    request.headers["content-type"] = "application/json";
    if (!authorization.empty()) {
      request.headers["authorization"] = authorization;
    }
    if (!own.empty()) {
      request.headers["x-network-mapper-token"] = own;
    }
    request.body = Json{{"query", query}}.dump();
    return guarded_.Handle(request, access);
  }

  static Json ErrorOf(const HttpResponse& response) {
    Json body = Json::parse(response.body);
    EXPECT_EQ(body["data"], nullptr);
    return body["errors"][0];
  }

  void SetUp() override { See(store_, MakeSighting("web", "cart")); }

  ApiHandler guarded_{Root(), {}, {.check_role = HasRole}};
};

TEST_F(MutationCheck, QueriesNeedNoToken) {
  EXPECT_EQ(Send("{health}", "").status, 200);
  EXPECT_EQ(Send("query { intents { client { name } } }", "Bearer nonsense").status, 200);
}

TEST_F(MutationCheck, WithoutATokenNothingChanges) {
  for (const char* query : {kReset, kReport, "mutation { a: resetCapture }",
                            "mutation { forgetIntents(namespaces: [\"shop\"]) }",
                            "mutation M { ...F } fragment F on Mutation { resetCapture }"}) {
    for (const char* authorization : {"", "Bearer", "Basic YTpi", "bearer-ish admin"}) {
      HttpResponse response = Send(query, authorization);
      EXPECT_EQ(response.status, 401) << query << authorization;
      EXPECT_EQ(HeaderOf(response, "WWW-Authenticate"), "Bearer");
      EXPECT_EQ(ErrorOf(response)["extensions"]["code"], "UNAUTHENTICATED");
    }
  }
  EXPECT_EQ(store_.Size(), 1U);
  EXPECT_TRUE(sink_.batches.empty());
  EXPECT_EQ(metrics_.unauthenticated_mutations.Value(), 20);
}

TEST_F(MutationCheck, SaysHowToGetWhatIsMissing) {
  EXPECT_THAT(ErrorOf(Send(kReset, ""))["message"].get<std::string>(),
              AllOf(HasSubstr("admin-service-accounts"), HasSubstr("create serviceaccounts/token"),
                    HasSubstr("X-Network-Mapper-Token")));
  EXPECT_THAT(ErrorOf(Send(kReport, ""))["message"].get<std::string>(),
              HasSubstr("mapper.unauthenticatedMutations=true"));
}

TEST_F(MutationCheck, EachRoleMayDoItsOwn) {
  EXPECT_EQ(Send(kReport, "Bearer admin").status, 403);
  EXPECT_EQ(Send(kReset, "Bearer collector").status, 403);
  EXPECT_EQ(ErrorOf(Send(kReset, "Bearer collector"))["extensions"]["code"], "FORBIDDEN");
  // One document, both kinds of change.
  EXPECT_EQ(Send("mutation { reportCaptureResults(results: {results: []}) resetCapture }",
                 "Bearer collector")
                .status,
            403);
  EXPECT_EQ(store_.Size(), 1U);
  EXPECT_EQ(Send(kReport, "Bearer collector").status, 200);
  EXPECT_EQ(Send(kReset, "Bearer admin").status, 200);
  EXPECT_EQ(store_.Size(), 0U);
}

TEST_F(MutationCheck, TakesItsOwnHeaderBeforeTheOneThatProxiesUse) {
  EXPECT_EQ(Send(kReset, "Bearer collector", "admin").status, 200);
  EXPECT_EQ(Send(kReset, "Bearer admin", "collector").status, 403);
  EXPECT_EQ(Send(kReset, "", "admin").status, 200);
}

TEST_F(MutationCheck, ATokenThatCannotBeCheckedIsNoFaultOfItsHolder) {
  HttpResponse response = Send(kReset, "Bearer late");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(ErrorOf(response)["extensions"]["code"], "UNAVAILABLE");
  EXPECT_EQ(store_.Size(), 1U);
}

TEST_F(MutationCheck, TheReadOnlyPortTakesQueriesOnlyWhateverIsShown) {
  for (const char* query : {kReset, kReport, "mutation { __typename }"}) {
    HttpResponse response = Send(query, "Bearer admin", "", ApiAccess::kReadOnly);
    EXPECT_EQ(response.status, 403) << query;
    EXPECT_EQ(ErrorOf(response)["extensions"]["code"], "FORBIDDEN");
  }
  EXPECT_EQ(Send("{health}", "", "", ApiAccess::kReadOnly).status, 200);
  EXPECT_EQ(store_.Size(), 1U);
  // Also where nobody needs a token.
  HttpRequest request = MakeRequest("POST", "/query");
  request.headers["content-type"] = "application/json";
  request.body = Json{{"query", kReset}}.dump();
  EXPECT_EQ(handler_.Handle(request, ApiAccess::kReadOnly).status, 403);
  EXPECT_EQ(handler_.Handle(request).status, 200);
}

TEST_F(MutationCheck, OneAddressMayNotAskTooOften) {
  ApiHandler limited{Root(), {}, {.peer_requests_per_second = 5}};
  auto ask = [&](const char* peer, const char* path) {
    HttpRequest request = MakeRequest("GET", path);
    request.parameters["query"] = "{health}";
    request.peer = *IpAddress::Parse(peer);
    return limited.Handle(request).status;
  };
  int served = 0;
  for (int i = 0; i < 100; ++i) {
    served += ask("10.0.0.1", "/query") == 200 ? 1 : 0;
  }
  EXPECT_EQ(served, 10);
  EXPECT_EQ(ask("10.0.0.1", "/query"), 429);
  EXPECT_EQ(metrics_.too_fast_requests.Value(), 91);
  // Not for others, nor for probes, nor for a forwarded port.
  EXPECT_EQ(ask("10.0.0.2", "/query"), 200);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(ask("10.0.0.1", "/healthz"), 200);
    ASSERT_EQ(ask("127.0.0.1", "/query"), 200);
  }
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(ask("10.0.0.1", "/query"), 200);
}

TEST_F(MutationCheck, SkippedFieldsNeedNoRole) {
  EXPECT_EQ(Send("mutation { resetCapture @skip(if: true) "
                 "reportCaptureResults(results: {results: []}) }",
                 "Bearer collector")
                .status,
            200);
  EXPECT_EQ(Send("mutation { __typename }", "").status, 200);
}

}  // namespace
}  // namespace network_mapper
