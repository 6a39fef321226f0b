// What a Kafka watcher saves: its form, and the two places for it.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/concurrency/guarded.h"
#include "kafka-watcher/app/saved_state.h"
#include "kafka-watcher/app/state_store.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kafka {

namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Observation Access(const std::string& topic) {
  Observation observation;
  observation.collector = Collector::kKafka;
  observation.first_seen = Time(std::chrono::seconds(1'767'225'600));
  observation.last_seen = observation.first_seen + std::chrono::nanoseconds(123'456'789);
  observation.count = uint64_t{1} << 47U;
  observation.client.ip = IpAddress::Parse("fd00::1");
  observation.target =
      KafkaTarget{"broker-0", "kafka", topic, KafkaOperation::kDescribeConfigs, false};
  return observation;
}

SavedState Example() {
  SavedState state;
  state.instance_id = "0b0e7c1e-1111-4222-8333-444455556666";
  state.batches = {.first_sequence = 41,
                   .batches = EncodeBatches({Access("orders"), Access("payments")}, {}).batches};
  state.batches.batches.emplace_back();
  state.positions = {PodLogPosition{.name_space = "kafka",
                                    .pod = "broker-0",
                                    .pod_uid = "uid",
                                    .container = "kafka",
                                    .restart_count = 2,
                                    .last_line_at = 1'767'225'600'123'456'789,
                                    .lines_at_that_time = 3},
                     FileLogPosition{.path = "/logs/a \"b\"",
                                     .device = UINT64_MAX,
                                     .inode = 7,
                                     .offset = uint64_t{1} << 63U,
                                     .mark = 9}};
  state.lines_read = 12;
  state.lines_refused = 4;
  return state;
}

TEST(SavedState, SurvivesTheJourney) {
  const SavedState state = Example();
  const auto decoded = DecodeState(EncodeState(state));
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->instance_id, state.instance_id);
  EXPECT_EQ(decoded->batches.first_sequence, 41U);
  ASSERT_EQ(decoded->batches.batches.size(), 2U);
  EXPECT_EQ(decoded->batches.batches[0].payload, state.batches.batches[0].payload);
  EXPECT_EQ(decoded->batches.batches[0].observations, 2U);
  EXPECT_EQ(decoded->batches.batches[1].observations, 0U);
  EXPECT_EQ(decoded->positions, state.positions);
  EXPECT_EQ(decoded->lines_read, 12U);
  EXPECT_EQ(decoded->lines_refused, 4U);
}

TEST(SavedState, IsRefusedWhenAnyByteOfItIsMissing) {
  const std::string text = EncodeState(Example());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(DecodeState(text.substr(0, length)).status().code(), StatusCode::kDataLoss) << length;
  }
}

TEST(SavedState, IsRefusedWhenAMemberIsMissingOrOfAnotherKind) {
  const Json whole = Json::parse(EncodeState(Example()));
  for (const auto& [name, value] : whole.items()) {
    Json part = whole;
    part.erase(name);
    EXPECT_EQ(DecodeState(part.dump()).status().code(), StatusCode::kDataLoss) << name;
    part[name] = -1;
    EXPECT_EQ(DecodeState(part.dump()).status().code(), StatusCode::kDataLoss) << name;
  }
  for (const auto& [name, value] : whole["positions"][0].items()) {
    Json part = whole;
    part["positions"][0].erase(name);
    EXPECT_EQ(DecodeState(part.dump()).status().code(), StatusCode::kDataLoss) << name;
  }
  Json part = whole;
  // Not the observations that it says it holds.
  part["batches"][0]["observations"] = 3;
  EXPECT_EQ(DecodeState(part.dump()).status().code(), StatusCode::kDataLoss);
}

TEST(SavedState, SaysWhatToDoWithOneOfANewerProgram) {
  Json newer = Json::parse(EncodeState(Example()));
  newer["version"] = 2;
  EXPECT_THAT(DecodeState(newer.dump()),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("version 2"), HasSubstr("use the newer one, or"))));
  EXPECT_THAT(DecodeState("garbage"),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr("no state of a Kafka watcher"), HasSubstr("delete it"))));
}

TEST(SavedState, IsNotLargerThanItWasTakenFor) {
  for (const std::string& topic : {std::string("t"), std::string(249, 'x')}) {
    Observation largest = Access(topic);
    std::get<KafkaTarget>(largest.target).broker_pod = std::string(253, 'p');
    SavedState state = Example();
    const size_t before = EncodeState(state).size();
    state.batches.batches.push_back(
        EncodeBatches(std::vector<Observation>(50, largest), {}).batches.at(0));
    constexpr size_t kAroundABatch = 64;
    EXPECT_LE(EncodeState(state).size() - before, 50 * SavedSize(largest) + kAroundABatch);
    PodLogPosition position = std::get<PodLogPosition>(state.positions[0]);
    position.restart_count = INT32_MAX;
    position.lines_at_that_time = UINT64_MAX;
    const size_t without = EncodeState(state).size();
    state.positions.emplace_back(position);
    EXPECT_LE(EncodeState(state).size() - without, SavedSize(LogPosition(position)));
  }
}

TEST(FileState, IsThereAgainAfterARestart) {
  TemporaryDirectory folder;
  const std::string path = (folder.Path() / "state.json").string();
  auto store = MakeFileStateStore(path);
  auto loaded = store->Load();
  ASSERT_THAT(loaded, IsOk());
  EXPECT_FALSE(loaded->has_value());
  ASSERT_THAT(store->Save(Example()), IsOk());
  SavedState second = Example();
  second.lines_read = 99;
  ASSERT_THAT(store->Save(second), IsOk());
  store.reset();
  loaded = MakeFileStateStore(path)->Load();
  ASSERT_THAT(loaded, IsOk());
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->lines_read, 99U);
}

TEST(FileState, BelongsToOneWatcher) {
  TemporaryDirectory folder;
  const std::string path = (folder.Path() / "state.json").string();
  auto first = MakeFileStateStore(path);
  ASSERT_THAT(first->Load(), IsOk());
  EXPECT_THAT(MakeFileStateStore(path)->Load(),
              StatusIs(StatusCode::kAborted, HasSubstr("another Kafka watcher uses " + path)));
  first.reset();
  EXPECT_THAT(MakeFileStateStore(path)->Load(), IsOk());
}

TEST(FileState, IsNeverTakenForAnEmptyOne) {
  TemporaryDirectory folder;
  const std::string path = (folder.Path() / "state.json").string();
  std::ofstream(path) << "";
  EXPECT_THAT(MakeFileStateStore(path)->Load(),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr("option state-file: " + path), HasSubstr("delete it"))));
  EXPECT_THAT(MakeFileStateStore("/no/such/folder/state.json")->Load(),
              StatusIs(StatusCode::kNotFound, HasSubstr("folder must exist")));
  EXPECT_THAT(MakeFileStateStore(folder.Path().string())->Load(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no regular file")));
  const std::string fifo = (folder.Path() / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), S_IRUSR | S_IWUSR), 0);
  EXPECT_THAT(MakeFileStateStore(fifo)->Load(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no regular file")));
}

// An API server with one ConfigMap.
class ConfigMapState : public ::testing::Test {
 protected:
  struct Stored {
    std::string state;
    int version = 1;
    int code = 200;
    // The next writes happen, but their answers are lost.
    int lost_answers = 0;
    std::string label;
  };

  ConfigMapState()
      : server_([this](const ScriptedCall& call, ScriptedWire& wire) {
          stored_.With([&](Stored& stored) { Answer(stored, call, wire); });
        }) {}

  static void Answer(Stored& stored, const ScriptedCall& call, ScriptedWire& wire) {
    if (stored.code != 200) {
      wire.Json(stored.code, R"({"kind":"Status","message":"no"})");
      return;
    }
    if (call.method == "PUT") {
      const Json object = Json::parse(call.body);
      if (object["metadata"]["resourceVersion"] != std::to_string(stored.version)) {
        wire.Json(409, R"({"kind":"Status","message":"the object has been modified"})");
        return;
      }
      stored.state = object["data"]["state.json"];
      stored.label = object["metadata"]["labels"]["app"];
      ++stored.version;
      if (stored.lost_answers > 0) {
        --stored.lost_answers;
        wire.Close();
        return;
      }
    }
    Json object = {{"kind", "ConfigMap"},
                   {"metadata",
                    {{"name", "state"},
                     {"labels", {{"app", stored.label}}},
                     {"resourceVersion", std::to_string(stored.version)}}}};
    if (!stored.state.empty()) {
      object["data"]["state.json"] = stored.state;
    }
    wire.Json(200, object.dump());
  }

  std::unique_ptr<StateStore> Store() {
    kube::ClusterAccess access;
    access.server = server_.Url();
    access.name_space = "mapper";
    return MakeConfigMapStateStore(
        "state", std::shared_ptr<kube::Client>(*kube::Client::Create(std::move(access))));
  }

  void Change(const std::function<void(Stored&)>& change) { stored_.With(change); }

  Guarded<Stored> stored_;
  ScriptedServer server_;
};

TEST_F(ConfigMapState, IsThereAgainAfterARestart) {
  Change([](Stored& stored) { stored.label = "watcher"; });
  auto store = Store();
  auto loaded = store->Load();
  ASSERT_THAT(loaded, IsOk());
  EXPECT_FALSE(loaded->has_value());
  ASSERT_THAT(store->Save(Example()), IsOk());
  ASSERT_THAT(store->Save(Example()), IsOk());
  EXPECT_EQ(server_.Calls()[0].target, "/api/v1/namespaces/mapper/configmaps/state");
  loaded = Store()->Load();
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ((*loaded)->positions, Example().positions);
  // What else the object has stays.
  Change([](Stored& stored) { EXPECT_EQ(stored.label, "watcher"); });
}

// etcd keeps each for some minutes.
TEST_F(ConfigMapState, WantsRestAfterMuchWasSaved) {
  auto store = Store();
  ASSERT_THAT(store->Load(), IsOk());
  SavedState state = Example();
  state.batches.batches.clear();
  ASSERT_THAT(store->Save(state), IsOk());
  EXPECT_LT(store->Rest(), std::chrono::milliseconds(50));
  for (int i = 0; i < 1000; ++i) {
    state.positions.push_back(FileLogPosition{.path = std::string(200, 'p')});
  }
  ASSERT_THAT(store->Save(state), IsOk());
  EXPECT_GT(store->Rest(), std::chrono::milliseconds(900));
  EXPECT_LT(store->Rest(), std::chrono::seconds(4));
}

TEST_F(ConfigMapState, BelongsToOneWatcher) {
  auto one = Store();
  auto other = Store();
  ASSERT_THAT(one->Load(), IsOk());
  ASSERT_THAT(other->Load(), IsOk());
  ASSERT_THAT(one->Save(Example()), IsOk());
  SavedState different = Example();
  different.lines_read = 1;
  EXPECT_THAT(other->Save(different),
              StatusIs(StatusCode::kAborted,
                       HasSubstr("another Kafka watcher uses ConfigMap mapper/state")));
}

TEST_F(ConfigMapState, TakesItsOwnWriteWhoseAnswerWasLostForItsOwn) {
  auto store = Store();
  ASSERT_THAT(store->Load(), IsOk());
  Change([](Stored& stored) { stored.lost_answers = 1; });
  EXPECT_EQ(store->Save(Example()).code(), StatusCode::kUnavailable);
  EXPECT_THAT(store->Save(Example()), IsOk());
  EXPECT_THAT(store->Save(Example()), IsOk());
}

TEST_F(ConfigMapState, BearsThatSomebodySetsALabel) {
  auto store = Store();
  ASSERT_THAT(store->Load(), IsOk());
  ASSERT_THAT(store->Save(Example()), IsOk());
  Change([](Stored& stored) {
    ++stored.version;
    stored.label = "new";
  });
  SavedState next = Example();
  next.lines_read = 50;
  ASSERT_THAT(store->Save(next), IsOk());
  Change([](Stored& stored) { EXPECT_EQ(stored.label, "new"); });
  EXPECT_EQ((*Store()->Load())->lines_read, 50U);
}

TEST_F(ConfigMapState, SaysWhatIsMissing) {
  Change([](Stored& stored) { stored.code = 404; });
  EXPECT_THAT(Store()->Load(),
              StatusIs(StatusCode::kNotFound, HasSubstr("ConfigMap mapper/state must exist")));
  Change([](Stored& stored) { stored.code = 403; });
  EXPECT_THAT(Store()->Load(), StatusIs(StatusCode::kPermissionDenied,
                                        HasSubstr("needs the rights get and update")));
  Change([](Stored& stored) { stored.code = 200; });
  Change([](Stored& stored) { stored.state = "garbage"; });
  EXPECT_THAT(Store()->Load(),
              StatusIs(StatusCode::kDataLoss, HasSubstr("ConfigMap mapper/state, key state.json")));
}

TEST_F(ConfigMapState, DoesNotGrowBeyondWhatKubernetesTakes) {
  auto store = Store();
  ASSERT_THAT(store->Load(), IsOk());
  SavedState large = Example();
  large.batches.batches.push_back({.payload = std::string(800'000, 'x'), .observations = 1});
  EXPECT_THAT(store->Save(large), StatusIs(StatusCode::kResourceExhausted, HasSubstr("1")));
}

}  // namespace

}  // namespace network_mapper::kafka
