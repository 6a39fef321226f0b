#include "kafka-watcher/app/saved_state.h"

#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/kube/base64.h"

namespace network_mapper::kafka {

namespace {

using Json = nlohmann::json;

constexpr uint64_t kVersion = 1;
constexpr size_t kLongestInstanceId = 64;
constexpr std::string_view kRemedy =
    "delete it to begin at the present end of the logs; what was written since the last report is "
    "then not on the map";

// Members of an object that must be what they should.
class Members {
 public:
  explicit Members(const Json& object) : object_(object), ok_(object.is_object()) {}

  // Whether all that was asked for was there.
  bool Ok() const { return ok_; }

  const Json& Get(const char* name, Json::value_t type) {
    static const Json null;
    auto found = ok_ ? object_.find(name) : object_.end();
    const bool good = ok_ && found != object_.end() && found->type() == type;
    ok_ = good;
    return good ? *found : null;
  }

  std::string Text(const char* name) {
    const Json& member = Get(name, Json::value_t::string);
    return ok_ ? member.get<std::string>() : std::string();
  }

  uint64_t Number(const char* name) {
    const Json& member = Get(name, Json::value_t::number_unsigned);
    return ok_ ? member.get<uint64_t>() : 0;
  }

  int64_t Signed(const char* name) {
    const uint64_t number = Number(name);
    ok_ = ok_ && number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return ok_ ? static_cast<int64_t>(number) : 0;
  }

 private:
  const Json& object_;
  bool ok_;
};

Json ToJson(const PodLogPosition& position) {
  return {{"namespace", position.name_space},
          {"pod", position.pod},
          {"uid", position.pod_uid},
          {"container", position.container},
          // Never negative, but signed where they come from.
          {"restarts", static_cast<uint64_t>(position.restart_count)},
          {"last_line_at", static_cast<uint64_t>(position.last_line_at)},
          {"lines_at_that_time", position.lines_at_that_time}};
}

Json ToJson(const FileLogPosition& position) {
  return {{"path", position.path},
          {"device", position.device},
          {"inode", position.inode},
          {"offset", position.offset},
          {"mark", position.mark}};
}

std::optional<LogPosition> ToPosition(const Json& json) {
  Members members(json);
  LogPosition position;
  if (json.is_object() && json.contains("path")) {
    position = FileLogPosition{.path = members.Text("path"),
                               .device = members.Number("device"),
                               .inode = members.Number("inode"),
                               .offset = members.Number("offset"),
                               .mark = json.contains("mark") ? members.Number("mark") : 0};
  } else {
    position = PodLogPosition{.name_space = members.Text("namespace"),
                              .pod = members.Text("pod"),
                              .pod_uid = members.Text("uid"),
                              .container = members.Text("container"),
                              .restart_count = members.Signed("restarts"),
                              .last_line_at = members.Signed("last_line_at"),
                              .lines_at_that_time = members.Number("lines_at_that_time")};
  }
  return members.Ok() ? std::optional(std::move(position)) : std::nullopt;
}

std::optional<EncodedBatch> ToBatch(const Json& json) {
  Members members(json);
  const uint64_t observations = members.Number("observations");
  std::optional<std::string> payload = kube::DecodeBase64(members.Text("payload"));
  if (!members.Ok() || !payload) {
    return std::nullopt;
  }
  EncodedBatch batch{.payload = *std::move(payload),
                     .observations = static_cast<size_t>(observations)};
  return IsWhole(batch) ? std::optional(std::move(batch)) : std::nullopt;
}

template <typename Item, typename Convert>
bool Fill(const Json& list, size_t most, std::vector<Item>& items, Convert convert) {
  if (list.size() > most) {
    return false;
  }
  for (const Json& json : list) {
    auto item = convert(json);
    if (!item) {
      return false;
    }
    items.push_back(*std::move(item));
  }
  return true;
}

Status Damaged(std::string_view what) {
  return MakeStatus(StatusCode::kDataLoss, fmt::format("{}; {}", what, kRemedy));
}

}  // namespace

std::string EncodeState(const SavedState& state) {
  Json batches = Json::array();
  for (const EncodedBatch& batch : state.batches.batches) {
    batches.push_back(
        {{"observations", batch.observations}, {"payload", kube::EncodeBase64(batch.payload)}});
  }
  Json positions = Json::array();
  for (const LogPosition& position : state.positions) {
    positions.push_back(std::visit([](const auto& one) { return ToJson(one); }, position));
  }
  const Json json = {{"version", kVersion},
                     {"instance", state.instance_id},
                     {"first_sequence", state.batches.first_sequence},
                     {"lines_read", state.lines_read},
                     {"lines_refused", state.lines_refused},
                     {"batches", std::move(batches)},
                     {"positions", std::move(positions)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StatusOr<SavedState> DecodeState(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  Members members(json);
  const uint64_t version = members.Number("version");
  if (!members.Ok()) {
    return Damaged("this is no state of a Kafka watcher, or not all of it");
  }
  if (version > kVersion) {
    return FailedPrecondition(
        "the state has version {}, of a newer Kafka watcher, and this one knows {}: use the newer "
        "one, or {}",
        version, kVersion, kRemedy);
  }
  SavedState state;
  state.instance_id = members.Text("instance");
  state.batches.first_sequence = members.Number("first_sequence");
  state.lines_read = members.Number("lines_read");
  state.lines_refused = members.Number("lines_refused");
  const Json& batches = members.Get("batches", Json::value_t::array);
  const Json& positions = members.Get("positions", Json::value_t::array);
  // Room for the numbers of all batches to come.
  constexpr uint64_t kHighestSequence = uint64_t{1} << 62U;
  const bool good = members.Ok() && version == kVersion && !state.instance_id.empty() &&
                    state.instance_id.size() <= kLongestInstanceId &&
                    state.batches.first_sequence > 0 &&
                    state.batches.first_sequence < kHighestSequence;
  if (!good) {
    return Damaged("the state of the Kafka watcher is damaged");
  }
  if (!Fill(batches, kMostSavedBatches, state.batches.batches, ToBatch)) {
    return Damaged("a batch in the state of the Kafka watcher is damaged");
  }
  if (!Fill(positions, kMostSavedPositions, state.positions, ToPosition)) {
    return Damaged("a position in the state of the Kafka watcher is damaged");
  }
  return state;
}

std::string LogKey(const LogPosition& position) {
  if (const auto* pod = std::get_if<PodLogPosition>(&position)) {
    return fmt::format("pod/{}/{}/{}/{}", pod->name_space, pod->pod, pod->pod_uid, pod->container);
  }
  return "file/" + std::get<FileLogPosition>(position).path;
}

size_t SavedSize(const Observation& observation) {
  // Everything but the names: tags and lengths, two times, the count, an IPv6 address, the
  // operation; then four characters of Base64 for three bytes.
  constexpr size_t kFixed = 116;
  size_t size = kFixed;
  if (const auto* kafka = std::get_if<KafkaTarget>(&observation.target)) {
    size += kafka->broker_pod.size() + kafka->broker_namespace.size() + kafka->topic.size();
  }
  return (size * 4 + 2) / 3;
}

size_t SavedSize(const LogPosition& position) {
  constexpr size_t kFixedPosition = 224;
  if (const auto* pod = std::get_if<PodLogPosition>(&position)) {
    return kFixedPosition + pod->name_space.size() + pod->pod.size() + pod->pod_uid.size() +
           pod->container.size();
  }
  // A path's characters may need an escape sequence.
  return kFixedPosition + 6 * std::get<FileLogPosition>(position).path.size();
}

}  // namespace network_mapper::kafka
