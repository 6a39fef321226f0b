#include "common/kube/data_object.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/kube/base64.h"
#include "common/kube/paths.h"
#include "common/text/utf8.h"

namespace network_mapper::kube {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kJsonType = "application/json";
// Kubernetes: all values together have at most 1 MiB; base64, and managedFields beside them.
constexpr size_t kMostAnswerBytes = size_t{4} << 20U;

std::string_view KindName(DataKind kind) {
  return kind == DataKind::kSecret ? "Secret" : "ConfigMap";
}

const Json* Member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

// False when a value is no text, or not in base64 where it should be.
bool TakeValues(const Json& object, const char* member, bool base64, DataValues& values) {
  const Json* data = Member(object, member);
  if (data == nullptr) {
    return true;
  }
  for (const auto& [key, value] : data->items()) {
    if (!value.is_string()) {
      return false;
    }
    const auto& text = value.get_ref<const std::string&>();
    std::optional<std::string> bytes = base64 ? DecodeBase64(text) : text;
    if (!bytes) {
      return false;
    }
    values.insert_or_assign(key, *std::move(bytes));
  }
  return true;
}

void Put(const DataName& name, const DataObject& source, Json& object) {
  object["apiVersion"] = "v1";
  object["kind"] = KindName(name.kind);
  object["data"] = Json::object();
  object.erase("binaryData");
  for (const auto& [key, value] : source.values) {
    if (name.kind == DataKind::kSecret) {
      object["data"][key] = EncodeBase64(value);
    } else if (IsUtf8(value)) {
      object["data"][key] = value;
    } else {
      object["binaryData"][key] = EncodeBase64(value);
    }
  }
  Json& metadata = object["metadata"];
  metadata["labels"] = source.labels;
  metadata["annotations"] = source.annotations;
  // Only the server fills it in, and it may be long.
  metadata.erase("managedFields");
}

MetadataPairs PairsOf(const Json& metadata, const char* member) {
  MetadataPairs pairs;
  if (const Json* found = Member(metadata, member)) {
    for (const auto& [key, value] : found->items()) {
      if (value.is_string()) {
        pairs.emplace(key, value.get<std::string>());
      }
    }
  }
  return pairs;
}

std::string Dump(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status Advise(const Status& status, const DataName& name, std::string_view verb) {
  switch (status.code()) {
    case StatusCode::kNotFound:
      return Annotate(status, fmt::format("{} must exist", name.ToString()));
    case StatusCode::kPermissionDenied:
      return Annotate(status, fmt::format("{} needs the right {} for this ServiceAccount",
                                          name.ToString(), verb));
    default:
      return Annotate(status, name.ToString());
  }
}

StatusOr<DataObject> Understand(const StatusOr<Response>& answer, const DataName& name,
                                std::string_view verb) {
  if (!answer.ok()) {
    return Advise(answer.status(), name, verb);
  }
  StatusOr<DataObject> object = ParseDataObject(name.kind, answer->body);
  return object.ok() ? std::move(object) : Annotate(object.status(), name.ToString());
}

}  // namespace

std::string DataName::ToString() const {
  return fmt::format("{} {}/{}", KindName(kind), name_space, name);
}

std::string DataName::CollectionPath() const {
  return fmt::format("/api/v1/namespaces/{}/{}", PercentEncode(name_space),
                     kind == DataKind::kSecret ? "secrets" : "configmaps");
}

std::string DataName::Path() const {
  return fmt::format("{}/{}", CollectionPath(), PercentEncode(name));
}

StatusOr<DataObject> ParseDataObject(DataKind kind, std::string_view json) {
  // The parser's own messages would quote values.
  const Json object = Json::parse(json, nullptr, false);
  const Json* metadata = object.is_object() ? Member(object, "metadata") : nullptr;
  const auto version = metadata == nullptr ? object.end() : metadata->find("resourceVersion");
  if (metadata == nullptr || version == metadata->end() || !version->is_string()) {
    return Unavailable("the answer is no {}", KindName(kind));
  }
  DataObject parsed;
  parsed.resource_version = version->get<std::string>();
  const bool secret = kind == DataKind::kSecret;
  if (!TakeValues(object, "data", secret, parsed.values) ||
      (!secret && !TakeValues(object, "binaryData", true, parsed.values))) {
    return Unavailable("the answer is no {}: a value is no text", KindName(kind));
  }
  parsed.labels = PairsOf(*metadata, "labels");
  parsed.annotations = PairsOf(*metadata, "annotations");
  parsed.json = json;
  return parsed;
}

StatusOr<DataObject> ReadData(Client& client, const DataName& name, RequestOptions options) {
  options.max_response_bytes = kMostAnswerBytes;
  return Understand(client.Get(name.Path(), options), name, "get");
}

StatusOr<DataObject> UpdateData(Client& client, const DataName& name, const DataObject& changed,
                                RequestOptions options) {
  Json object = Json::parse(changed.json, nullptr, false);
  if (!object.is_object()) {
    return FailedPrecondition("{} was not read", name.ToString());
  }
  Put(name, changed, object);
  options.max_response_bytes = kMostAnswerBytes;
  return Understand(client.Put(name.Path(), Dump(object), kJsonType, options), name, "update");
}

StatusOr<DataObject> CreateData(Client& client, const DataName& name, const DataObject& object,
                                RequestOptions options) {
  Json created = {{"metadata", {{"name", name.name}, {"namespace", name.name_space}}}};
  Put(name, object, created);
  options.max_response_bytes = kMostAnswerBytes;
  return Understand(client.Post(name.CollectionPath(), Dump(created), kJsonType, options), name,
                    "create");
}

Status DeleteData(Client& client, const DataName& name, const DataObject& last,
                  const RequestOptions& options) {
  const Json delete_options = {{"apiVersion", "v1"},
                               {"kind", "DeleteOptions"},
                               {"preconditions", {{"resourceVersion", last.resource_version}}}};
  const Status status = client.Delete(name.Path(), Dump(delete_options), options).status();
  if (status.ok() || status.code() == StatusCode::kNotFound) {
    return OkStatus();
  }
  return Advise(status, name, "delete");
}

}  // namespace network_mapper::kube
