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
  EXPECT_EQ(config_map->labels, (MetadataPairs{{"l", "m"}}));
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
    const DataObject wanted{.values = {{"text", "a\n"}, {"bytes", std::string("\xfe\xed\0", 3)}},
                            .labels = {{"l", "m"}},
                            .annotations = {{"n", "o"}},
                            .resource_version = {},
                            .json = {}};
    ASSERT_THAT(CreateData(**client, name, wanted), IsOk());
    EXPECT_THAT(CreateData(**client, name, wanted), StatusIs(StatusCode::kAborted, HasSubstr("")));
    auto read = ReadData(**client, name);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->values, wanted.values);
    EXPECT_EQ(read->labels, wanted.labels);
    EXPECT_EQ(read->annotations, wanted.annotations);
    read->values = {{"text", "b"}};
    read->annotations.clear();
    EXPECT_THAT(UpdateData(**client, name, *read), IsOk());
    // `read` is old now.
    EXPECT_THAT(UpdateData(**client, name, *read),
                StatusIs(StatusCode::kAborted, HasSubstr(name.ToString())));
    EXPECT_THAT(DeleteData(**client, name, *read),
                StatusIs(StatusCode::kAborted, HasSubstr(name.ToString())));
    RequestOptions metadata_only;
    metadata_only.accept = kMetadataOnly;
    const auto again = ReadData(**client, name, metadata_only);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->values, DataValues());
    EXPECT_EQ(again->labels, wanted.labels);
    EXPECT_EQ(again->annotations, MetadataPairs());
    EXPECT_THAT(DeleteData(**client, name, *again), IsOk());
    EXPECT_THAT(DeleteData(**client, name, *again), IsOk());
  }
}

}  // namespace
}  // namespace network_mapper::kube
