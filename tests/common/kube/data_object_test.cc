#include "common/kube/data_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(DataObjectTest, ReadsValuesOfBothKinds) {
  const auto secret = ParseDataObject(
      DataKind::kSecret, R"({"metadata":{"resourceVersion":"1"},"data":{"a":"YgA="}})");
  ASSERT_THAT(secret, IsOk());
  EXPECT_EQ(secret->values.at("a"), std::string("b\0", 2));
  const auto config_map = ParseDataObject(
      DataKind::kConfigMap,
      R"({"metadata":{"resourceVersion":"1","labels":{"l":"m"}},"data":{"a":"YgA="},"binaryData":{"b":"/w=="}})");
  ASSERT_THAT(config_map, IsOk());
  EXPECT_EQ(config_map->values, (DataValues{{"a", "YgA="}, {"b", "\xff"}}));
  EXPECT_EQ(config_map->labels, (Labels{{"l", "m"}}));
}

TEST(DataObjectTest, RefusesWhatIsNoObjectWithoutQuotingIt) {
  for (const char* text : {"", "SECRET", "[]", R"({"data":{"a":"SECRET"}})", R"({"metadata":{}})",
                           R"({"metadata":{"resourceVersion":"1"},"data":{"a":"SECRET!"}})",
                           R"({"metadata":{"resourceVersion":"1"},"data":{"a":3}})"}) {
    EXPECT_THAT(
        ParseDataObject(DataKind::kSecret, text),
        StatusIs(StatusCode::kUnavailable, AllOf(HasSubstr("Secret"), Not(HasSubstr("SECRET")))))
        << text;
  }
}

TEST(DataObjectTest, IsCreatedUpdatedAndDeleted) {
  const auto cluster = stand_in::KubeStandIn::Start({});
  ASSERT_THAT(cluster, IsOk());
  const auto client = Client::Create(*ServerUrlAccess((*cluster)->Url()));
  for (const DataKind kind : {DataKind::kConfigMap, DataKind::kSecret}) {
    const DataName name{.kind = kind, .name_space = "shop", .name = "values"};
    EXPECT_THAT(ReadData(**client, name),
                StatusIs(StatusCode::kNotFound, HasSubstr(name.ToString())));
    const DataValues values{{"text", "a\n"}, {"bytes", std::string("\xfe\xed\0", 3)}};
    const auto created = CreateData(**client, name, {{"l", "m"}}, values);
    ASSERT_THAT(created, IsOk());
    EXPECT_THAT(CreateData(**client, name, {}, {}), StatusIs(StatusCode::kAborted, HasSubstr("")));
    const auto read = ReadData(**client, name);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->values, values);
    EXPECT_EQ(read->labels, (Labels{{"l", "m"}}));
    EXPECT_THAT(UpdateData(**client, name, *read, {{"text", "b"}}), IsOk());
    // `read` is old now.
    EXPECT_THAT(UpdateData(**client, name, *read, {{"text", "c"}}),
                StatusIs(StatusCode::kAborted, HasSubstr(name.ToString())));
    const auto again = ReadData(**client, name);
    EXPECT_EQ(again->values, (DataValues{{"text", "b"}}));
    EXPECT_EQ(again->labels, (Labels{{"l", "m"}}));
    EXPECT_THAT(DeleteData(**client, name), IsOk());
    EXPECT_THAT(DeleteData(**client, name), IsOk());
  }
}

}  // namespace
}  // namespace network_mapper::kube
