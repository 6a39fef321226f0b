#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/toy_graphql_schema.h"

namespace network_mapper::graphql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

Response Ask(std::string_view query, const std::string& variables = "{}") {
  static ToySchema toy;
  static const Engine engine(toy.schema);
  Zoo zoo;
  return engine.Execute(
      {.query = query, .operation_name = "", .variables = *ValueFromJson(variables)}, &zoo);
}

// The messages of a refused request.
std::vector<std::string> Messages(std::string_view query, const std::string& variables = "{}") {
  Response response = Ask(query, variables);
  EXPECT_EQ(response.outcome, Outcome::kRejected) << query << " gave " << response.body;
  std::vector<std::string> messages;
  Json body = Json::parse(response.body);
  for (const Json& error : body.value("errors", Json::array())) {
    messages.push_back(error["message"]);
    EXPECT_EQ(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
  }
  return messages;
}

TEST(GraphqlValidation, NamesUnknownFieldsAndNearOnes) {
  EXPECT_THAT(
      Messages("{animal {name}}"),
      ElementsAre("Cannot query field \"animal\" on type \"Query\". Did you mean \"animals\"?"));
  EXPECT_THAT(Messages("{animals {zzzzz}}"),
              ElementsAre("Cannot query field \"zzzzz\" on type \"Animal\"."));
}

TEST(GraphqlValidation, ChecksSelectionsOfLeavesAndObjects) {
  EXPECT_THAT(Messages("{animals}"), ElementsAre("Field \"animals\" of type \"[Animal!]!\" must "
                                                 "have a selection of subfields. Did you mean "
                                                 "\"animals { ... }\"?"));
  EXPECT_THAT(
      Messages("{first {name {x}}}"),
      ElementsAre(
          "Field \"name\" must not have a selection since type \"String!\" has no subfields."));
}

TEST(GraphqlValidation, ChecksArguments) {
  EXPECT_THAT(
      Messages("{animals(filtre: {minLegs: 1}) {name}}"),
      ElementsAre(
          "Unknown argument \"filtre\" on field \"Query.animals\". Did you mean \"filter\"?"));
  EXPECT_THAT(Messages("{echo}"), ElementsAre("Field \"echo\" argument \"text\" of type "
                                              "\"String!\" is required, but it was not provided."));
  EXPECT_THAT(Messages("{echo(text: \"a\", text: \"b\")}"),
              ElementsAre("There can be only one argument named \"text\"."));
  EXPECT_THAT(Messages("{echo(text: null)}"),
              ElementsAre("Expected value of type \"String!\", found null."));
  EXPECT_THAT(Messages("{echo(text: 5)}"),
              ElementsAre("String cannot represent a non string value: 5"));
  EXPECT_THAT(Messages("{echo(text: \"a\", times: \"b\")}"),
              ElementsAre("Int cannot represent non-integer value: \"b\""));
  EXPECT_THAT(Messages("{echo(text: \"a\", times: 99999999999999999999)}"),
              ElementsAre(StartsWith("Int cannot represent")));
  EXPECT_THAT(
      Messages("{echo(text: \"a\", diet: MEET)}"),
      ElementsAre("Value \"MEET\" does not exist in \"Diet\" enum. Did you mean \"MEAT\"?"));
  EXPECT_THAT(Messages("{echo(text: \"a\", diet: \"MEAT\")}"),
              ElementsAre("Enum \"Diet\" cannot represent non-enum value: \"MEAT\"."));
  EXPECT_THAT(Messages("{echo(text: \"a\", at: [1])}"),
              ElementsAre("Expected value of type \"Moment\", found [1]."));
}

TEST(GraphqlValidation, ChecksInputObjects) {
  EXPECT_THAT(
      Messages("{animals(filter: {minLeg: 1}) {name}}"),
      ElementsAre("Field \"minLeg\" is not defined by type \"Filter\". Did you mean \"minLegs\"?",
                  "Field \"Filter.minLegs\" of required type \"Int!\" was not provided."));
  EXPECT_THAT(Messages("{animals(filter: {minLegs: 1, minLegs: 2}) {name}}"),
              ElementsAre("There can be only one input field named \"minLegs\"."));
  EXPECT_THAT(Messages("{animals(filter: 5) {name}}"),
              ElementsAre("Expected value of type \"Filter\", found 5."));
}

TEST(GraphqlValidation, ChecksFragments) {
  EXPECT_THAT(Messages("{first {...F}}"), ElementsAre("Unknown fragment \"F\"."));
  EXPECT_THAT(Messages("{first {name}} fragment F on Animal {name}"),
              ElementsAre("Fragment \"F\" is never used."));
  EXPECT_THAT(Messages("{first {...F}} fragment F on Animal {young {...F}}"),
              ElementsAre("Cannot spread fragment \"F\" within itself."));
  EXPECT_THAT(Messages("{first {...F}} fragment F on Animal {...G} fragment G on Animal {...F}"),
              ElementsAre("Cannot spread fragment \"F\" within itself via \"G\"."));
  EXPECT_THAT(
      Messages("{...F} fragment F on Animal {name}"),
      ElementsAre(
          "Fragment \"F\" cannot be spread here as objects of type \"Query\" can never be of type "
          "\"Animal\"."));
  EXPECT_THAT(Messages("{... on String {x}}"),
              ElementsAre("Fragment cannot condition on non composite type \"String\"."));
  EXPECT_THAT(Messages("{... on Nothing {x}}"), ElementsAre("Unknown type \"Nothing\"."));
  EXPECT_THAT(Messages("{first {...F}} fragment F on Animal {name} fragment F on Animal {legs}"),
              ElementsAre("There can be only one fragment named \"F\"."));
}

TEST(GraphqlValidation, ChecksVariables) {
  EXPECT_THAT(Messages("{echo(text: $t)}"), ElementsAre("Variable \"$t\" is not defined."));
  EXPECT_THAT(Messages("query Q {echo(text: $t)}"),
              ElementsAre("Variable \"$t\" is not defined by operation \"Q\"."));
  EXPECT_THAT(Messages("query Q($t: String) {first {name}}"),
              ElementsAre("Variable \"$t\" is never used in operation \"Q\"."));
  EXPECT_THAT(
      Messages("query Q($t: Int!) {echo(text: $t)}", R"({"t":1})"),
      ElementsAre("Variable \"$t\" of type \"Int!\" used in position expecting type \"String!\"."));
  EXPECT_THAT(
      Messages("query Q($t: String) {echo(text: $t)}"),
      ElementsAre(
          "Variable \"$t\" of type \"String\" used in position expecting type \"String!\"."));
  EXPECT_THAT(Messages("query Q($t: Animal) {echo(text: $t)}"),
              ElementsAre("Variable \"$t\" cannot be non-input type \"Animal\"."));
  EXPECT_THAT(Messages("query Q($t: Strin) {echo(text: $t)}"),
              ElementsAre(StartsWith("Unknown type \"Strin\".")));
  EXPECT_THAT(Messages("query Q($t: String!, $t: String!) {echo(text: $t)}", R"({"t":"x"})"),
              ElementsAre("There can be only one variable named \"$t\"."));
  EXPECT_EQ(Ask("query Q($t: String! = \"x\") {echo(text: $t)}").outcome, Outcome::kExecuted);
  EXPECT_EQ(Ask("query Q($n: [String!]!) {animals(names: $n) {name}}", R"({"n":[]})").outcome,
            Outcome::kExecuted);
}

TEST(GraphqlValidation, ChecksOperationsAndDirectives) {
  EXPECT_THAT(Messages("{first {name}} {first {name}}"),
              ElementsAre("This anonymous operation must be the only defined operation.",
                          "This anonymous operation must be the only defined operation."));
  EXPECT_THAT(Messages("query A {first {name}} query A {first {name}}"),
              ElementsAre("There can be only one operation named \"A\"."));
  EXPECT_THAT(Messages("subscription {first {name}}"),
              ElementsAre(HasSubstr("does not support operation type")));
  EXPECT_THAT(Messages("{first @upper {name}}"), ElementsAre("Unknown directive \"@upper\"."));
  EXPECT_THAT(Messages("query @skip(if: true) {first {name}}"),
              ElementsAre("Directive \"@skip\" may not be used on QUERY."));
  EXPECT_THAT(Messages("{first @skip {name}}"),
              ElementsAre(HasSubstr("is required, but it was not provided.")));
  EXPECT_THAT(Messages("query A {first {name}} query B {first {name}}"),
              ElementsAre("operation  not found"));
  EXPECT_THAT(Messages(""), ElementsAre("no operation provided"));
}

TEST(GraphqlValidation, FindsConflictingFields) {
  EXPECT_THAT(Messages("{first {x: name x: legs}}"),
              ElementsAre(HasSubstr(
                  "Fields \"x\" conflict because \"name\" and \"legs\" are different fields.")));
  EXPECT_THAT(Messages("{echo(text: \"a\") echo(text: \"b\")}"),
              ElementsAre(HasSubstr("they have differing arguments")));
  EXPECT_THAT(Messages("{first {young {x: name}} first {young {x: legs}}}"),
              ElementsAre(HasSubstr("conflict")));
  EXPECT_EQ(Ask("{first {name name} first {legs}}").outcome, Outcome::kExecuted);
}

// The path that a bad variable's error has.
std::string VariablePath(std::string_view query, const std::string& variables,
                         std::string_view message) {
  Json body = Json::parse(Ask(query, variables).body);
  EXPECT_EQ(body["errors"].size(), 1U);
  EXPECT_EQ(body["errors"][0]["message"], message);
  EXPECT_FALSE(body["errors"][0].contains("locations"));
  return body["errors"][0]["path"].dump();
}

TEST(GraphqlVariables, SayWhatDoesNotFitAndWhere) {
  constexpr std::string_view kFilter = "query Q($f: Filter!) {animals(filter: $f) {name}}";
  EXPECT_EQ(VariablePath(kFilter, "{}", "must be defined"), R"(["variable","f"])");
  EXPECT_EQ(VariablePath(kFilter, R"({"f":null})", "cannot be null"), R"(["variable","f"])");
  EXPECT_EQ(VariablePath(kFilter, R"({"f":{"minLegs":1,"x":2}})", "unknown field"),
            R"(["variable","f","x"])");
  EXPECT_EQ(VariablePath(kFilter, R"({"f":{}})", "must be defined"),
            R"(["variable","f","minLegs"])");
  EXPECT_EQ(VariablePath(kFilter, R"({"f":{"minLegs":1.5}})", "cannot use float64 as Int"),
            R"(["variable","f","minLegs"])");
  EXPECT_EQ(
      VariablePath(kFilter, R"({"f":{"minLegs":1,"names":["a",5]}})", "cannot use int64 as String"),
      R"(["variable","f","names",1])");
  EXPECT_EQ(
      VariablePath(kFilter, R"({"f":{"minLegs":1,"diet":"FISH"}})", "FISH is not a valid Diet"),
      R"(["variable","f","diet"])");
  EXPECT_EQ(VariablePath(kFilter, R"({"f":[1]})", "must be a Filter"), R"(["variable","f"])");
}

TEST(GraphqlVariables, AreCoercedAsTheOriginalDoes) {
  constexpr std::string_view kFilter = "query Q($f: Filter) {animals(filter: $f) {name}}";
  for (const char* fits :
       {R"({"f":{"minLegs":"4"}})", R"({"f":{"minLegs":4,"names":"one"}})", R"({"f":null})", "{}",
        R"({"f":{"minLegs":4,"diet":"meat"}})", R"({"f":{"minLegs":4000000000000}})", "null",
        R"({"f":{"minLegs":4},"unknown":1})"}) {
    EXPECT_EQ(Ask(kFilter, fits).outcome, Outcome::kExecuted) << fits;
  }
}

}  // namespace
}  // namespace network_mapper::graphql
