#include "common/graphql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::graphql {
namespace {

using ::testing::HasSubstr;

Document Parse(std::string_view text) {
  auto result = ParseDocument(text, {});
  const auto* error = std::get_if<Error>(&result);
  EXPECT_EQ(error, nullptr) << (error == nullptr ? "" : error->message) << " in " << text;
  return error == nullptr ? std::get<Document>(std::move(result)) : Document();
}

Error ParseError(std::string_view text) {
  auto result = ParseDocument(text, {});
  EXPECT_TRUE(std::holds_alternative<Error>(result)) << text;
  return std::holds_alternative<Error>(result) ? std::get<Error>(result) : Error();
}

// The value of the only argument of the only field.
Value ValueOf(const std::string& literal) {
  Document document = Parse("{f(a: " + literal + ")}");
  return document.operations.at(0).selections.at(0).arguments.at(0).value;
}

TEST(GraphqlParser, ReadsOperationsFragmentsAndVariables) {
  Document document = Parse(R"(
    # a comment
    query Q($a: [String!]! = ["x"], $b: Int) @include(if: true) { alias: f(x: $a, y: {z: [1, -2.5e3]}) { ...F } ... on T { g } }
    mutation { m }
    fragment F on T @skip(if: false) { h })");
  ASSERT_EQ(document.operations.size(), 2U);
  const OperationNode& query = document.operations[0];
  EXPECT_EQ(query.name, "Q");
  EXPECT_EQ(query.variables[0].type.name, "String");
  EXPECT_EQ(query.variables[0].type.wrappers.size(), 3U);
  EXPECT_EQ(PrintValue(*query.variables[0].default_value), "[\"x\"]");
  EXPECT_EQ(query.selections[0].ResponseKey(), "alias");
  EXPECT_EQ(query.selections[0].name, "f");
  EXPECT_EQ(query.selections[1].type_condition, "T");
  EXPECT_EQ(document.operations[1].kind, OperationKind::kMutation);
  EXPECT_EQ(document.FindFragment("F")->type_condition, "T");
}

TEST(GraphqlParser, ReadsStringsWithEscapesAndBlocks) {
  EXPECT_EQ(ValueOf(R"("a\"\\\n\u00e9\uD83D\uDE00")").Text(), "a\"\\\n\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(ValueOf("\"\"\"\n    one\n      two \\\"\"\"\n\n    \"\"\"").Text(),
            "one\n  two \"\"\"");
  EXPECT_EQ(ValueOf("\"\"").Text(), "");
  EXPECT_EQ(ValueOf("\"\"\"\"\"\"").Text(), "");
}

TEST(GraphqlParser, ReadsNumbersAndWords) {
  EXPECT_EQ(*ValueOf("9223372036854775807").As<int64_t>(), 9223372036854775807);
  EXPECT_NE(ValueOf("9223372036854775808").As<double>(), nullptr);
  EXPECT_EQ(*ValueOf("-0.5").As<double>(), -0.5);
  EXPECT_TRUE(ValueOf("null").IsNull());
  EXPECT_EQ(*ValueOf("true").As<bool>(), true);
  EXPECT_EQ(ValueOf("RED").As<Value::Enum>()->name, "RED");
}

TEST(GraphqlParser, SaysWhereAnErrorIs) {
  Error error = ParseError("{\n  a(b: )\n}");
  EXPECT_EQ(error.message, "Unexpected \")\"");
  EXPECT_EQ(error.locations[0].line, 2U);
  EXPECT_EQ(error.locations[0].column, 8U);
  EXPECT_EQ(error.code, kParseFailed);
}

TEST(GraphqlParser, RefusesWhatTheGrammarDoesNot) {
  for (const char* text : {"{",
                           "}",
                           "{}",
                           "{a",
                           "{a(}",
                           "{a()}",
                           "{a(b:1",
                           "query",
                           "query Q",
                           "query Q()",
                           "query Q($a)",
                           "query Q($a: )",
                           "query Q($a: [Int) {a}",
                           "fragment on on T {a}",
                           "fragment F {a}",
                           "fragment F on {a}",
                           "{...}",
                           "{a @}",
                           "{a:}",
                           "{a(b: 01)}",
                           "{a(b: 1.)}",
                           "{a(b: 1e)}",
                           "{a(b: 1x)}",
                           "{a(b: \"x)}",
                           "{a(b: \"\\q\")}",
                           "{a(b: \"\\u12\")}",
                           "{a(b: \"\\uD800\")}",
                           "{a(b: \"\"\"x)}",
                           "{a(b: $)}",
                           "{a(b: {c})}",
                           "subscription",
                           "type T {a: Int}",
                           "{a ; b}",
                           "{a\xFF}",
                           "query Q($a: Int = $b) {a}",
                           "{a(b: \"line\nbreak\")}"}) {
    ParseError(text);
  }
  std::string with_nul("{a\0b}", 5);
  ParseError(with_nul);
}

TEST(GraphqlParser, BoundsNestingAndTokens) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "{a";
  }
  EXPECT_THAT(ParseError(deep).message, HasSubstr("nested deeper"));
  EXPECT_THAT(ParseError("{a(b: " + std::string(100'000, '[') + ")}").message,
              HasSubstr("nested deeper"));
  EXPECT_THAT(ParseError("query Q($a: " + std::string(100'000, '[') + ") {a}").message,
              HasSubstr("nested deeper"));
  std::string many = "{";
  for (int i = 0; i < 30'000; ++i) {
    many += "a ";
  }
  EXPECT_THAT(ParseError(many + "}").message, HasSubstr("tokens"));
}

TEST(GraphqlParser, SurvivesEveryTruncation) {
  std::string text =
      R"(query Q($a: [Int!] = [1, {b: "x\u00e9"}]) { f(x: $a, y: """b""") @skip(if: true) { ...F ... on T { g } } })";
  for (size_t length = 0; length < text.size(); ++length) {
    (void)ParseDocument(std::string_view(text).substr(0, length), {});
  }
  Parse(text);
}

}  // namespace
}  // namespace network_mapper::graphql
