// Status codes, bodies and headers, as the original's HTTP server gives them.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/mapper/api/api_fixture.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpFace : public ApiTest {
 protected:
  HttpResponse Get(std::map<std::string, std::string, std::less<>> parameters) {
    HttpRequest request = MakeRequest("GET", "/query");
    request.parameters = std::move(parameters);
    return handler_.Handle(request);
  }

  // Status 422, one error with this code, data null.
  static void ExpectRejected(const HttpResponse& response, const std::string& code,
                             const std::string& message_part) {
    EXPECT_EQ(response.status, 422);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_THAT(response.body, StartsWith(R"({"errors":[)"));
    Json body = Json::parse(response.body);
    ASSERT_TRUE(body.contains("data"));
    EXPECT_EQ(body["data"], nullptr);
    EXPECT_EQ(body["errors"][0]["extensions"]["code"], code);
    EXPECT_THAT(body["errors"][0]["message"].get<std::string>(), HasSubstr(message_part));
  }
};

TEST_F(HttpFace, JsonWithParametersInTheContentTypeIsJson) {
  HttpResponse response = PostBody(R"({"query":"{health}"})", "application/json; charset=utf-8");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"data":{"health":true}})");
  EXPECT_EQ(response.content_type, "application/json");
}

TEST_F(HttpFace, OtherTransportsAreNotSupported) {
  for (const char* type : {"", "text/plain", "application/graphql", "multipart/form-data"}) {
    HttpResponse response = PostBody(R"({"query":"{health}"})", type);
    EXPECT_EQ(response.status, 400) << type;
    EXPECT_EQ(response.body, R"({"errors":[{"message":"transport not supported"}],"data":null})");
    EXPECT_THAT(response.content_type, StartsWith("text/plain"));
  }
  for (const char* method : {"PUT", "PATCH", "DELETE"}) {
    HttpRequest request = MakeRequest(method, "/query");
    request.headers["content-type"] = "application/json";
    EXPECT_EQ(handler_.Handle(request).status, 400) << method;
  }
}

TEST_F(HttpFace, ADocumentThatDoesNotParseIsRejectedWithItsPlace) {
  HttpResponse response = Post("{\n  health(");
  ExpectRejected(response, "GRAPHQL_PARSE_FAILED", "");
  Json body = Json::parse(response.body);
  EXPECT_EQ(body["errors"][0]["locations"][0]["line"], 2);
  EXPECT_TRUE(body["errors"][0]["locations"][0].contains("column"));
}

TEST_F(HttpFace, EachViolationIsOneError) {
  HttpResponse response = Post("{ intents(x: 1) { a b } nothing }");
  EXPECT_EQ(response.status, 422);
  Json body = Json::parse(response.body);
  std::vector<std::string> messages;
  for (const Json& error : body["errors"]) {
    messages.push_back(error["message"]);
    EXPECT_EQ(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
  }
  EXPECT_THAT(messages, ElementsAre(R"(Unknown argument "x" on field "Query.intents".)",
                                    R"(Cannot query field "a" on type "Intent".)",
                                    R"(Cannot query field "b" on type "Intent".)",
                                    R"(Cannot query field "nothing" on type "Query".)"));
}

TEST_F(HttpFace, MessagesOfValidationAreTheUsualOnes) {
  ExpectRejected(Post("{ intent { type } }"), "GRAPHQL_VALIDATION_FAILED",
                 R"(Cannot query field "intent" on type "Query". Did you mean "intents"?)");
  ExpectRejected(Post("{ intents }"), "GRAPHQL_VALIDATION_FAILED",
                 R"(Field "intents" of type "[Intent!]!" must have a selection of subfields.)");
  ExpectRejected(Post("mutation { reportTrafficLevelResults }"), "GRAPHQL_VALIDATION_FAILED",
                 "is required, but it was not provided.");
}

TEST_F(HttpFace, OperationsThatAreNotThereAreRejected) {
  ExpectRejected(PostBody(R"({"query":"query A { health }","operationName":"B"})"),
                 "GRAPHQL_VALIDATION_FAILED", "operation B not found");
  ExpectRejected(PostBody("{}"), "GRAPHQL_VALIDATION_FAILED", "no operation provided");
  ExpectRejected(Post(""), "GRAPHQL_VALIDATION_FAILED", "no operation provided");
  ExpectRejected(Get({}), "GRAPHQL_VALIDATION_FAILED", "no operation provided");
  ExpectRejected(Post("subscription { health }"), "GRAPHQL_VALIDATION_FAILED", "subscription");
}

TEST_F(HttpFace, BadVariablesAreRejectedWithTheirPath) {
  struct Case {
    const char* variables;
    const char* path;
    const char* message;
  };

  const Case cases[] = {
      {"{}", R"(["variable","results"])", "must be defined"},
      {R"({"results":null})", R"(["variable","results"])", "cannot be null"},
      {R"({"results":{}})", R"(["variable","results","results"])", "must be defined"},
      {R"({"results":{"results":[],"more":1}})", R"(["variable","results","more"])",
       "unknown field"},
      {R"({"results":{"results":[{"srcIp":1,"srcHostname":"","destinations":[]}]}})",
       R"(["variable","results","results",0,"srcIp"])", "cannot use"},
  };
  for (const Case& one : cases) {
    HttpResponse response = Post(
        "mutation M ($results: CaptureTCPResults!) { reportTCPCaptureResults(results: $results) }",
        Json::parse(one.variables));
    ExpectRejected(response, "GRAPHQL_VALIDATION_FAILED", one.message);
    Json body = Json::parse(response.body);
    EXPECT_EQ(body["errors"][0]["path"], Json::parse(one.path)) << one.variables;
    EXPECT_FALSE(body["errors"][0].contains("locations"));
  }
}

TEST_F(HttpFace, BodiesThatAreNoRequestAreBadRequests) {
  for (const char* body :
       {"", "not json", "{", "[]", R"([{"query":"{health}"}])", R"("text")", R"({"query":5})",
        R"({"query":"{health}","variables":[1]})", R"({"query":"{health}","operationName":{}})"}) {
    HttpResponse response = PostBody(body);
    EXPECT_EQ(response.status, 400) << body;
    Json parsed = Json::parse(response.body);
    auto message = parsed["errors"][0]["message"].get<std::string>();
    EXPECT_THAT(message, StartsWith("json request body could not be decoded: "));
    EXPECT_THAT(message, HasSubstr(std::string(" body:") + body));
    EXPECT_EQ(parsed["data"], nullptr);
  }
}

TEST_F(HttpFace, AQuotedBodyThatIsNoTextStaysJson) {
  HttpResponse response = PostBody("\xFF\xFE{\"\n");
  EXPECT_EQ(response.status, 400);
  EXPECT_TRUE(Json::accept(response.body));
}

TEST_F(HttpFace, OnlyTheFirstJsonValueCounts) {
  EXPECT_EQ(PostBody(R"({"query":"{health}"} trailing words)").status, 200);
  EXPECT_EQ(PostBody(R"({"query":"{health}"}{"query":"{nothing}"})").status, 200);
}

TEST_F(HttpFace, TheJsonLiteralNullIsAnInternalError) {
  HttpResponse response = PostBody("null");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.body, R"({"errors":[{"message":"internal system error"}],"data":null})");
}

TEST_F(HttpFace, UnknownRequestKeysAndNullsAreIgnored) {
  EXPECT_EQ(PostBody(R"({"query":"{health}","variables":null,"operationName":null,)"
                     R"("extensions":null,"more":[]})")
                .status,
            200);
}

TEST_F(HttpFace, PersistedQueriesAreNeverFound) {
  HttpResponse response =
      PostBody(R"({"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Json::parse(response.body)["errors"][0]["extensions"]["code"],
            "PERSISTED_QUERY_NOT_FOUND");
}

TEST_F(HttpFace, GetAnswersQueriesOnly) {
  EXPECT_EQ(Get({{"query", "{health}"}}).body, R"({"data":{"health":true}})");
  EXPECT_EQ(Get({{"query", "query A {health} query B {b: health}"}, {"operationName", "B"}}).body,
            R"({"data":{"b":true}})");
  EXPECT_EQ(Get({{"query", "query Q($n: [String!]) {intents(namespaces: $n) {type}}"},
                 {"variables", R"({"n":["a"]})"}})
                .status,
            200);
  HttpResponse mutation = Get({{"query", "mutation {resetCapture}"}});
  EXPECT_EQ(mutation.status, 406);
  EXPECT_EQ(mutation.body,
            R"({"errors":[{"message":"GET requests only allow query operations"}],"data":null})");
}

TEST_F(HttpFace, VariablesOfAGetMustBeAJsonObject) {
  for (const char* variables : {"{", "[]", "5"}) {
    HttpResponse response = Get({{"query", "{health}"}, {"variables", variables}});
    EXPECT_EQ(response.status, 400) << variables;
    EXPECT_EQ(response.body,
              R"({"errors":[{"message":"variables could not be decoded"}],"data":null})");
  }
}

TEST_F(HttpFace, HeadOnQueryIsNotAllowed) {
  HttpResponse response = handler_.Handle(MakeRequest("HEAD", "/query"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.body, "");
}

TEST_F(HttpFace, OtherPathsAreNotFound) {
  for (const char* path : {"/", "/query/", "/Query", "/metrics", "/healthz/"}) {
    HttpResponse response = handler_.Handle(MakeRequest("GET", path));
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.body, "{\"message\":\"Not Found\"}\n");
    EXPECT_EQ(response.content_type, "application/json; charset=UTF-8");
  }
}

TEST_F(HttpFace, HealthzLivesAndAllowsGetOnly) {
  HttpResponse response = handler_.Handle(MakeRequest("GET", "/healthz"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  response = handler_.Handle(MakeRequest("POST", "/healthz"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.body, "{\"message\":\"Method Not Allowed\"}\n");
  EXPECT_EQ(HeaderOf(response, "Allow"), "OPTIONS, GET");
}

TEST_F(HttpFace, ReadyzNamesWhatIsMissing) {
  bool synced = false;
  ApiHandler handler({.store = store_,
                      .sink = sink_,
                      .metrics = metrics_,
                      .clock = clock_,
                      .completeness = [] { return Completeness(); }},
                     {{"inventory", [&synced] {
                         return synced ? OkStatus() : FailedPrecondition("pods are not listed yet");
                       }}});
  HttpResponse response = handler.Handle(MakeRequest("GET", "/readyz"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(Json::parse(response.body)["checks"]["inventory"], "pods are not listed yet");
  synced = true;
  EXPECT_EQ(handler.Handle(MakeRequest("GET", "/readyz")).status, 200);
}

TEST_F(HttpFace, EveryAnswerVariesByOrigin) {
  for (const char* path : {"/query", "/healthz", "/none"}) {
    HttpResponse plain = handler_.Handle(MakeRequest("GET", path));
    EXPECT_EQ(HeaderOf(plain, "Vary"), "Origin");
    EXPECT_EQ(HeaderOf(plain, "Access-Control-Allow-Origin"), "");
    HttpRequest from_page = MakeRequest("GET", path);
    from_page.headers["origin"] = "http://page";
    EXPECT_EQ(HeaderOf(handler_.Handle(from_page), "Access-Control-Allow-Origin"), "*");
  }
}

TEST_F(HttpFace, PreflightsAreAnsweredOnEveryPath) {
  HttpRequest request = MakeRequest("OPTIONS", "/anything");
  EXPECT_EQ(handler_.Handle(request).status, 204);
  EXPECT_EQ(HeaderOf(handler_.Handle(request), "Access-Control-Allow-Methods"), "");
  request.headers["origin"] = "http://page";
  request.headers["access-control-request-headers"] = "content-type,x-one";
  HttpResponse response = handler_.Handle(request);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(HeaderOf(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(HeaderOf(response, "Access-Control-Allow-Methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
  EXPECT_EQ(HeaderOf(response, "Access-Control-Allow-Headers"), "content-type,x-one");
  EXPECT_EQ(HeaderOf(response, "Vary"),
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
}

}  // namespace
}  // namespace network_mapper
