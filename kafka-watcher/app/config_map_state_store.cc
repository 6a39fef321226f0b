#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kafka-watcher/app/state_store.h"

namespace network_mapper::kafka {

namespace {

using Json = nlohmann::json;

constexpr char kKey[] = "state.json";
// Kubernetes: all values of a ConfigMap together have at most 1 MiB.
constexpr size_t kMostConfigMapBytes = size_t{1} << 20U;
// An object around it has metadata; managedFields may be long.
constexpr size_t kMostAnswerBytes = 4 * kMostConfigMapBytes;
// etcd keeps what is overwritten for five to ten minutes, 150 MiB then, and has 2 GiB for the whole
// cluster. A flood of topics must not fill it.
constexpr size_t kMostBytesASecond = size_t{256} << 10U;

// What the ConfigMap holds; metadata as it is.
struct StoredObject {
  Json object;
  // Absent: the key is not there or its value is empty.
  std::optional<std::string> state;
};

std::string TextAt(const Json& object, const char* outer, const char* inner) {
  const auto found = object.find(outer);
  if (found == object.end() || !found->is_object()) {
    return {};
  }
  const auto text = found->find(inner);
  return text != found->end() && text->is_string() ? text->get<std::string>() : std::string();
}

class ConfigMapStateStore final : public StateStore {
 public:
  ConfigMapStateStore(std::string name, std::shared_ptr<kube::Client> client)
      : client_(std::move(client)),
        place_(fmt::format("ConfigMap {}/{}", client_->Namespace(), name)),
        path_(fmt::format("/api/v1/namespaces/{}/configmaps/{}", client_->Namespace(), name)) {}

  StatusOr<std::optional<SavedState>> Load() override {
    ASSIGN_OR_RETURN(StoredObject stored, Read());
    std::optional<SavedState> state;
    if (stored.state) {
      StatusOr<SavedState> decoded = DecodeState(*stored.state);
      if (!decoded.ok()) {
        return Annotate(decoded.status(), fmt::format("{}, key {}", place_, kKey));
      }
      state = *std::move(decoded);
    }
    Adopt(std::move(stored));
    return state;
  }

  Status Save(const SavedState& state) override {
    std::string text = EncodeState(state);
    if (text.size() > kMostConfigMapBytes) {
      return ResourceExhausted("{}: {} bytes of state are more than a ConfigMap holds", place_,
                               text.size());
    }
    if (!object_) {
      return FailedPrecondition("{} was not read", place_);
    }
    Status outcome = Write(text);
    if (outcome.code() == StatusCode::kAborted) {
      // Changed meanwhile: by an earlier attempt whose answer was lost, by somebody who set a
      // label, or by another watcher.
      ASSIGN_OR_RETURN(StoredObject stored, Read());
      if (stored.state == text) {
        Adopt(std::move(stored));
        return OkStatus();
      }
      if (stored.state != last_) {
        return MakeStatus(StatusCode::kAborted,
                          fmt::format("another Kafka watcher uses {}: let one run at a time, or "
                                      "give each its own by --state-config-map",
                                      place_));
      }
      Adopt(std::move(stored));
      outcome = Write(text);
      if (outcome.code() == StatusCode::kAborted) {
        return Unavailable("{} is being changed all the time", place_);
      }
    }
    return outcome;
  }

  size_t MostBytes() const override { return kMostConfigMapBytes; }

  std::chrono::milliseconds Rest() const override {
    return std::chrono::milliseconds(last_ ? last_->size() * 1000 / kMostBytesASecond : 0);
  }

 private:
  StatusOr<StoredObject> Read() {
    kube::RequestOptions options;
    options.max_response_bytes = kMostAnswerBytes;
    StatusOr<kube::Response> answer = client_->Get(path_, options);
    if (!answer.ok()) {
      return Annotate(answer.status(), Advice(answer.status().code()));
    }
    StoredObject stored{.object = Json::parse(answer->body, nullptr, false), .state = {}};
    if (!stored.object.is_object() ||
        TextAt(stored.object, "metadata", "resourceVersion").empty()) {
      return Unavailable("{}: the answer is no ConfigMap", place_);
    }
    std::string text = TextAt(stored.object, "data", kKey);
    if (!text.empty()) {
      stored.state = std::move(text);
    }
    return stored;
  }

  Status Write(const std::string& text) {
    Json object = *object_;
    if (!object["data"].is_object()) {
      object["data"] = Json::object();
    }
    object["data"][kKey] = text;
    // Only the server fills it in, and it may be long.
    object["metadata"].erase("managedFields");
    kube::RequestOptions options;
    options.max_response_bytes = kMostAnswerBytes;
    StatusOr<kube::Response> answer =
        client_->Put(path_, object.dump(-1, ' ', false, Json::error_handler_t::replace),
                     "application/json", options);
    if (!answer.ok()) {
      return Annotate(answer.status(), Advice(answer.status().code()));
    }
    Json written = Json::parse(answer->body, nullptr, false);
    if (!written.is_object() || TextAt(written, "metadata", "resourceVersion").empty()) {
      return Unavailable("{}: the answer is no ConfigMap", place_);
    }
    Adopt({.object = std::move(written), .state = text});
    return OkStatus();
  }

  void Adopt(StoredObject stored) {
    object_ = std::move(stored.object);
    last_ = std::move(stored.state);
  }

  std::string Advice(StatusCode code) const {
    switch (code) {
      case StatusCode::kNotFound:
        return fmt::format("{} must exist: kubectl create configmap makes one", place_);
      case StatusCode::kPermissionDenied:
        return fmt::format("{} needs the rights get and update for this ServiceAccount", place_);
      default:
        return place_;
    }
  }

  std::shared_ptr<kube::Client> client_;
  const std::string place_;
  const std::string path_;
  // As the server had it last.
  std::optional<Json> object_;
  std::optional<std::string> last_;
};

}  // namespace

std::unique_ptr<StateStore> MakeConfigMapStateStore(std::string name,
                                                    std::shared_ptr<kube::Client> client) {
  return std::make_unique<ConfigMapStateStore>(std::move(name), std::move(client));
}

}  // namespace network_mapper::kafka
