// Requests that are meant to hurt: each gets a refusal, and the next one an answer.
#include <string>

#include <gmock/gmock.h>

#include "tests/mapper/api/api_fixture.h"

namespace network_mapper {
namespace {

using ::testing::HasSubstr;

class HostileRequests : public ApiTest {
 protected:
  void TearDown() override { EXPECT_EQ(Post("{health}").status, 200); }
};

std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

TEST_F(HostileRequests, DeepNestingIsRefused) {
  EXPECT_EQ(Post(Repeat("{a", 100'000)).status, 422);
  EXPECT_EQ(Post("{" + Repeat("...{", 10'000) + "health" + Repeat("}", 10'001)).status, 422);
  EXPECT_EQ(Post("{intents(namespaces: " + Repeat("[", 50'000)).status, 422);
  EXPECT_EQ(Post("query($a: " + Repeat("[", 50'000) + "Int){health}").status, 422);
  EXPECT_EQ(PostBody(R"({"query":"{health}","variables":)" + Repeat("[", 500'000)).status, 400);
  EXPECT_EQ(PostBody(R"({"query":"{health}","variables":{"a":)" + Repeat(R"({"a":)", 5000) + "1" +
                     Repeat("}", 5002))
                .status,
            400);
}

TEST_F(HostileRequests, FragmentsThatMultiplyAreRefused) {
  std::string document = "{...F0}";
  for (int i = 0; i < 30; ++i) {
    std::string next = "...F" + std::to_string(i + 1) + " ";
    document += " fragment F" + std::to_string(i) + " on Query {" + next + next + "}";
  }
  document += " fragment F30 on Query {health}";
  HttpResponse response = Post(document);
  EXPECT_EQ(response.status, 422);
  EXPECT_THAT(response.body, HasSubstr("more than"));
}

TEST_F(HostileRequests, FragmentsInACircleAreRefused) {
  EXPECT_EQ(Post("{...A} fragment A on Query {...B} fragment B on Query {...A}").status, 422);
}

TEST_F(HostileRequests, TheSameListManyTimesIsRefused) {
  std::string document = "{";
  for (int i = 0; i < 1000; ++i) {
    document += " a" + std::to_string(i) + ": intents { type }";
  }
  EXPECT_EQ(Post(document + "}").status, 422);
}

TEST_F(HostileRequests, IntrospectionThatFeedsOnItselfIsRefused) {
  HttpResponse response =
      Post("{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}");
  EXPECT_EQ(response.status, 422);
}

TEST_F(HostileRequests, ErrorsAreNotReportedWithoutEnd) {
  HttpResponse response = Post("{" + Repeat("nothing ", 5000) + "}");
  EXPECT_EQ(response.status, 422);
  EXPECT_LE(Json::parse(response.body)["errors"].size(), 100U);
}

TEST_F(HostileRequests, LongDocumentsAreRefused) {
  EXPECT_EQ(Post("{health #" + std::string(2'000'000, 'x') + "\n}").status, 422);
}

TEST_F(HostileRequests, ANullThatComesThroughADefaultIsRefused) {
  See(store_, MakeSighting("web", "db"));
  for (const char* argument : {"server: {name: $n, namespace: \"y\"}", "namespaces: [$n]"}) {
    HttpResponse response =
        Post("query Q($n: String = \"x\") { intents(" + std::string(argument) + ") { type } }",
             {{"n", nullptr}});
    EXPECT_EQ(response.status, 422) << argument;
    EXPECT_THAT(response.body, HasSubstr("null value")) << argument;
  }
}

TEST_F(HostileRequests, ManyUsesOfDeepTypesByManyOperationsAreRefused) {
  std::string type = Repeat("[", 30) + "Int" + Repeat("]", 30);
  std::string uses;
  for (int i = 0; i < 900; ++i) {
    uses += " a" + std::to_string(i) + ": intents(namespaces: $x) {type}";
  }
  std::string document = "fragment F on Query {" + uses + "}";
  for (int i = 0; i < 80; ++i) {
    document += " query Q" + std::to_string(i) + "($x: " + type + ") {...F}";
  }
  EXPECT_EQ(Post(document).status, 422);
}

TEST_F(HostileRequests, BodiesOfManySmallPartsAreRefused) {
  EXPECT_EQ(PostBody(R"({"query":"{health}","variables":{"a":[)" + Repeat("0,", 1'100'000) + "0]}}")
                .status,
            400);
}

}  // namespace
}  // namespace network_mapper
