#include "common/graphql/engine.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"
#include "tests/support/toy_graphql_schema.h"

namespace network_mapper::graphql {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Zoo SomeZoo() {
  Animal cub{.name = "Si\"mba", .legs = 4, .foods = {}, .young = {}, .ill = false};
  Animal lion{
      .name = "Mufasa", .legs = 4, .foods = {"meat", "more\nmeat"}, .young = {cub}, .ill = false};
  Animal bird{.name = "Zazu", .legs = 2, .foods = {}, .young = {}, .ill = true};
  return {.animals = {lion, bird}};
}

class GraphqlEngine : public ::testing::Test {
 protected:
  Response Execute(std::string_view query, const std::string& variables = "{}") {
    return engine_.Execute(
        {.query = query, .operation_name = "", .variables = *ValueFromJson(variables)}, &zoo_);
  }

  std::string Body(std::string_view query, const std::string& variables = "{}") {
    Response response = Execute(query, variables);
    EXPECT_EQ(response.outcome, Outcome::kExecuted) << response.body;
    return response.body;
  }

  ToySchema toy_;
  Engine engine_{toy_.schema};
  Zoo zoo_ = SomeZoo();
};

TEST_F(GraphqlEngine, WritesFieldsInTheOrderOfTheQuery) {
  EXPECT_EQ(
      Body("{animals {legs n: name foods young {name} __typename}}"),
      R"({"data":{"animals":[{"legs":4,"n":"Mufasa","foods":["meat","more\nmeat"],"young":[{"name":"Si\"mba"}],)"
      R"("__typename":"Animal"},{"legs":2,"n":"Zazu","foods":[],"young":[],"__typename":"Animal"}]}})");
}

TEST_F(GraphqlEngine, SpreadsAndMergesFragments) {
  EXPECT_EQ(
      Body("{first {...A ... on Animal {legs} ... {young {legs}}}} fragment A on Animal {name "
           "young {...B}} "
           "fragment B on Animal {name}"),
      R"({"data":{"first":{"name":"Mufasa","young":[{"name":"Si\"mba","legs":4}],"legs":4}}})");
}

TEST_F(GraphqlEngine, SkipsAndIncludes) {
  EXPECT_EQ(Body("query Q($y: Boolean!) {first {name @skip(if: $y) legs @include(if: $y) ...F "
                 "@include(if: false)}} "
                 "fragment F on Animal {foods}",
                 R"({"y":true})"),
            R"({"data":{"first":{"legs":4}}})");
  EXPECT_EQ(Body("{first {name @skip(if: true)}}"), R"({"data":{"first":{}}})");
}

TEST_F(GraphqlEngine, GivesArgumentsAndDefaults) {
  EXPECT_EQ(Body("{a: echo(text: \"x\") b: echo(text: \"x\", times: 7)}"),
            R"({"data":{"a":"x1","b":"x7"}})");
  EXPECT_EQ(Body("query Q($f: Filter) {animals(filter: $f) {name}}", R"({"f":{"minLegs":3}})"),
            R"({"data":{"animals":[{"name":"Mufasa"}]}})");
  EXPECT_EQ(Body("query Q($n: Int!) {animals(filter: {minLegs: $n}) {name}}", R"({"n":3})"),
            R"({"data":{"animals":[{"name":"Mufasa"}]}})");
}

TEST_F(GraphqlEngine, KeepsGoingAfterAnErrorInANullableField) {
  EXPECT_EQ(
      Body("{animals {name health}}"),
      R"({"errors":[{"message":"Zazu is at the vet","path":["animals",1,"health"]}],)"
      R"("data":{"animals":[{"name":"Mufasa","health":"well"},{"name":"Zazu","health":null}]}})");
}

TEST_F(GraphqlEngine, AnErrorInANonNullFieldTakesItsParentsWithIt) {
  EXPECT_EQ(
      Body("{animals {name weight}}"),
      R"({"errors":[{"message":"Zazu was not weighed","path":["animals",1,"weight"]}],"data":null})");
  zoo_.animals.erase(zoo_.animals.begin());
  EXPECT_EQ(
      Body("{first {weight}}"),
      R"({"errors":[{"message":"Zazu was not weighed","path":["first","weight"]}],"data":{"first":null}})");
}

TEST_F(GraphqlEngine, ReplacesBytesThatAreNoUtf8) {
  zoo_.animals = {
      {.name = "a\xFF\xC3(\xED\xA0\x80", .legs = 1, .foods = {}, .young = {}, .ill = false}};
  EXPECT_TRUE(Json::accept(Body("{first {name}}")));
}

TEST_F(GraphqlEngine, RefusesMutationsWhereOnlyQueriesMayBe) {
  Request request{
      .query = "mutation {feed}", .operation_name = "", .variables = {}, .queries_only = true};
  Response response = engine_.Execute(request, &zoo_);
  EXPECT_EQ(response.outcome, Outcome::kMutationRefused);
  EXPECT_EQ(response.body,
            R"({"errors":[{"message":"GET requests only allow query operations"}],"data":null})");
  request.queries_only = false;
  EXPECT_EQ(engine_.Execute(request, &zoo_).body, R"({"data":{"feed":true}})");
}

TEST_F(GraphqlEngine, ChoosesTheOperationByName) {
  Request request{.query = "query A {first {name}} query B {first {legs}}",
                  .operation_name = "B",
                  .variables = {}};
  EXPECT_EQ(engine_.Execute(request, &zoo_).body, R"({"data":{"first":{"legs":4}}})");
  request.operation_name = "C";
  EXPECT_THAT(engine_.Execute(request, &zoo_).body, HasSubstr("operation C not found"));
}

TEST_F(GraphqlEngine, ReportsParseErrorsWithTheirPlace) {
  Response response = Execute("{first {name}");
  EXPECT_EQ(response.outcome, Outcome::kRejected);
  EXPECT_EQ(
      response.body,
      R"({"errors":[{"message":"Expected Name, found <EOF>","locations":[{"line":1,"column":14}],)"
      R"("extensions":{"code":"GRAPHQL_PARSE_FAILED"}}],"data":null})");
}

TEST_F(GraphqlEngine, DescribesItsSchema) {
  Json schema =
      Json::parse(Body("{__schema {queryType {name} mutationType {name} subscriptionType {name} "
                       "types {kind name fields(includeDeprecated: "
                       "true) {name args {name defaultValue type {kind name ofType {name}}} type "
                       "{kind name ofType {kind name}}} inputFields "
                       "{name defaultValue} enumValues {name} interfaces {name} possibleTypes "
                       "{name}} directives {name locations args "
                       "{name type {kind ofType {name}}}}}}"));
  const Json& data = schema["data"]["__schema"];
  EXPECT_EQ(data["queryType"]["name"], "Query");
  EXPECT_EQ(data["mutationType"]["name"], "Mutation");
  EXPECT_TRUE(data["subscriptionType"].is_null());
  EXPECT_EQ(data["directives"].size(), 2U);
  bool found = false;
  for (const Json& type : data["types"]) {
    if (type["name"] == "Query") {
      found = true;
      EXPECT_EQ(type["fields"].size(), 3U) << "introspection fields are not listed";
      EXPECT_EQ(type["fields"][2]["args"][3]["defaultValue"], "1");
    }
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(
      Body("{__type(name: \"Diet\") {kind enumValues {name}} none: __type(name: \"X\") {name} "
           "__typename}"),
      R"({"data":{"__type":{"kind":"ENUM","enumValues":[{"name":"MEAT"},{"name":"PLANTS"}]},"none":null,)"
      R"("__typename":"Query"}})");
}

TEST_F(GraphqlEngine, BoundsFragmentsThatMultiply) {
  std::string bomb = "{first {...F0}} ";
  for (int i = 0; i < 30; ++i) {
    std::string next = std::to_string(i + 1);
    bomb += "fragment F" + std::to_string(i) + " on Animal {...F" + next + " ...F" + next + "} ";
  }
  bomb += "fragment F30 on Animal {name}";
  Response response = Execute(bomb);
  EXPECT_EQ(response.outcome, Outcome::kRejected);
  EXPECT_THAT(response.body, HasSubstr("selects more than"));
}

TEST_F(GraphqlEngine, BoundsTheDocumentAndTheErrors) {
  EXPECT_THAT(Execute(std::string(300'000, ' ')).body, HasSubstr("longer than"));
  std::string wrong = "{";
  for (int i = 0; i < 1000; ++i) {
    wrong += "x" + std::to_string(i) + " ";
  }
  Json body = Json::parse(Execute(wrong + "}").body);
  EXPECT_EQ(body["errors"].size(), 50U);
}

TEST_F(GraphqlEngine, GivesUpAResponseThatIsTooLong) {
  Limits limits;
  limits.response_bytes = 60;
  ToySchema toy;
  Engine engine(toy.schema, limits);
  Request request{
      .query = "{first {name} animals {legs foods}}", .operation_name = "", .variables = {}};
  zoo_.animals.resize(5000);
  Response response = engine.Execute(request, &zoo_);
  EXPECT_EQ(response.outcome, Outcome::kExecuted);
  Json body = Json::parse(response.body);
  EXPECT_EQ(body["errors"].size(), 1U);
  EXPECT_THAT(body["errors"][0]["message"].get<std::string>(), HasSubstr("longer than 60 bytes"));
  EXPECT_LT(response.body.size(), 1000U);
}

TEST_F(GraphqlEngine, BoundsRootFieldsAndListsOfTypes) {
  std::string many = "{";
  for (int i = 0; i < 51; ++i) {
    many += "a" + std::to_string(i) + ": first {name} ";
  }
  EXPECT_THAT(Execute(many + "}").body, HasSubstr("more than 50 root fields"));
  EXPECT_EQ(Execute("{__schema {types {fields {type {fields {name}}}}}}").outcome,
            Outcome::kExecuted);
  EXPECT_THAT(
      Execute("{__schema {types {fields {type {fields {type {inputFields {name}}}}}}}}").body,
      HasSubstr("nested too deeply"));
}

TEST_F(GraphqlEngine, KeysThatLookLikeNumbersStayNamesInPaths) {
  for (const char* key : {"00", "1", ""}) {
    Response response = Execute("query Q($f: Filter) {animals(filter: $f) {name}}",
                                R"({"f":{")" + std::string(key) + R"(":1,"names":"x"}})");
    EXPECT_EQ(response.outcome, Outcome::kRejected);
    Json path = Json::parse(response.body)["errors"][0]["path"];
    EXPECT_EQ(path, (Json{"variable", "f", key})) << response.body;
  }
}

TEST(GraphqlValue, ReadsJson) {
  EXPECT_EQ(PrintValue(*ValueFromJson(R"({"a":[1,-2.5,"x",true,null,{}]})")),
            R"({a: [1, -2.5, "x", true, null, {}]})");
  EXPECT_FALSE(ValueFromJson("{").ok());
  EXPECT_FALSE(ValueFromJson("").ok());
  EXPECT_FALSE(ValueFromJson("1 2").ok());
  EXPECT_EQ(PrintValue(*FirstValueFromJson(R"({"a":[1]} 2)")), "{a: [1]}");
  EXPECT_EQ(PrintValue(*ValueFromJson(R"({"a":1,"b":2,"a":3})")), "{b: 2, a: 3}");
  EXPECT_EQ(PrintValue(*ValueFromJson("-9223372036854775808")), "-9223372036854775808");
  EXPECT_NE(ValueFromJson("9223372036854775808")->As<double>(), nullptr);
  EXPECT_THAT(ValueFromJson("[1,[2],3]", {.values = 4}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("too many")));
  EXPECT_THAT(ValueFromJson("[1,[2],3]", {.values = 5}), IsOk());
  EXPECT_THAT(ValueFromJson(std::string(1000, '[') + std::string(1000, ']')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("deep")));
}

}  // namespace
}  // namespace network_mapper::graphql
