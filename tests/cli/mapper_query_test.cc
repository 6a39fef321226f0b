#include "cli/mapper_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Answers the n-th request with the n-th reply and remembers the requests.
class ScriptedMapper {
 public:
  explicit ScriptedMapper(std::vector<HttpReply> replies) : replies_(std::move(replies)) {}

  QueryTransport Transport() {
    return [this](const std::string& body) -> StatusOr<HttpReply> {
      requests.push_back(body);
      return replies_.at(requests.size() - 1);
    };
  }

  std::vector<std::string> requests;

 private:
  std::vector<HttpReply> replies_;
};

constexpr const char* kOldAnswer =
    R"({"data":{"serviceIntents":[{"client":{"name":"a","namespace":"x"},"intents":[{"name":"b","namespace":"y"}]}]}})";

TEST(MapperQuery, SendsFiltersAsVariables) {
  ScriptedMapper mapper({{.status = 200, .body = R"({"data":{"intents":[]}})"}});
  IntentFilter filter{.namespaces = {"shop"},
                      .exclude_labels = {"team=blue"},
                      .distinct_by_label = "team",
                      .server = ServerFilter{.name = "db", .name_space = "data"}};
  ASSERT_THAT(QueryIntents(mapper.Transport(), filter), IsOk());
  EXPECT_THAT(mapper.requests[0], HasSubstr(R"("namespaces":["shop"])"));
  EXPECT_THAT(mapper.requests[0], HasSubstr(R"("includedLabels":["team"])"));
  EXPECT_THAT(mapper.requests[0], HasSubstr(R"("excludeServiceWithLabels":["team=blue"])"));
  EXPECT_THAT(mapper.requests[0], HasSubstr(R"("server":{"name":"db","namespace":"data"})"));
  EXPECT_THAT(mapper.requests[0], HasSubstr(R"("operationName":"Intents")"));
}

TEST(MapperQuery, FallsBackForOlderMappers) {
  ScriptedMapper mapper({{.status = 422, .body = "{}"},
                         {.status = 422, .body = "{}"},
                         {.status = 200, .body = kOldAnswer}});
  StatusOr<QueryResult> result = QueryIntents(mapper.Transport(), {});
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->old_mapper);
  ASSERT_EQ(result->intents.size(), 1U);
  EXPECT_EQ(result->intents[0].server.name_space, "y");
  EXPECT_THAT(mapper.requests[2], HasSubstr("ServiceIntentsUpToMapperV017"));
}

constexpr const char* kOriginalAnswer =
    R"({"data":{"intents":[{"client":{"name":"a","namespace":"x"},"server":{"name":"b","namespace":"y"}}]}})";

TEST(MapperQuery, DoesNotGuessHowSureTheOriginalIs) {
  ScriptedMapper mapper({{.status = 422, .body = "{}"}, {.status = 200, .body = kOriginalAnswer}});
  StatusOr<QueryResult> result = QueryIntents(mapper.Transport(), {});
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->old_mapper);
  ASSERT_EQ(result->intents.size(), 1U);
  EXPECT_EQ(result->intents[0].strength, std::nullopt);
  EXPECT_FALSE(result->intents[0].AttemptedOnly());
  EXPECT_THAT(mapper.requests[1], Not(HasSubstr("strength")));

  ScriptedMapper asked({{.status = 422, .body = "{}"}});
  IntentFilter filter;
  filter.weakest = Strength::kConnected;
  EXPECT_THAT(QueryIntents(asked.Transport(), filter),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("--evidence")));
}

TEST(MapperQuery, SaysThatAnOldMapperCannotFilterByLabel) {
  ScriptedMapper mapper({{.status = 422, .body = "{}"},
                         {.status = 422, .body = "{}"},
                         {.status = 422, .body = "{}"}});
  IntentFilter filter;
  filter.distinct_by_label = "team";
  EXPECT_THAT(QueryIntents(mapper.Transport(), filter),
              StatusIs(StatusCode::kFailedPrecondition,
                       "listing intents with labels filter is not supported by your network "
                       "mapper. Please upgrade"));
}

TEST(MapperQuery, SurvivesAnswersOfTheWrongShape) {
  for (const char* body :
       {R"({"data":null})", R"({"data":{"intents":7}})",
        R"({"data":{"intents":[7,{"client":[]}]}})", "[]", "",
        R"({"data":{"intents":[{"client":{"name":5},"kafkaTopics":[{"operations":[null]}]}]}})"}) {
    ScriptedMapper mapper({{.status = 200, .body = body}});
    (void)QueryIntents(mapper.Transport(), {});
    EXPECT_EQ(mapper.requests.size(), 1U) << body;
  }
}

TEST(MapperQuery, ChecksServerFilters) {
  EXPECT_THAT(ParseServerFilter("a.b"), IsOk());
  for (const char* text : {"", "a", ".b", "a.", "a.b.c"}) {
    EXPECT_FALSE(ParseServerFilter(text).ok()) << text;
  }
}

}  // namespace
}  // namespace network_mapper::cli
