#include "cli/intents_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "cli/mapper_call.h"

namespace network_mapper::cli {

namespace {

constexpr size_t kMostBytes = size_t{256} << 20;
constexpr int kMostDepth = 32;

// YAML as JSON, in which all scalars are texts.
class YamlReader {
 public:
  // No text has more values than bytes, unless aliases make much of little.
  explicit YamlReader(const std::string& text) : most_values_(text.size() + 1) {}

  StatusOr<Json> Read(const YAML::Node& node, int depth = 0) {
    if (depth > kMostDepth || ++values_ > most_values_) {
      return InvalidArgument("nested too deeply or too large");
    }
    if (node.IsScalar()) {
      return Json(node.Scalar());
    }
    if (node.IsSequence()) {
      Json list = Json::array();
      for (const YAML::Node& item : node) {
        ASSIGN_OR_RETURN(Json value, Read(item, depth + 1));
        list.push_back(std::move(value));
      }
      return list;
    }
    if (node.IsMap()) {
      Json object = Json::object();
      for (const auto& member : node) {
        if (!member.first.IsScalar()) {
          return InvalidArgument("a key that is no text");
        }
        ASSIGN_OR_RETURN(Json value, Read(member.second, depth + 1));
        object[member.first.Scalar()] = std::move(value);
      }
      return object;
    }
    return Json();
  }

 private:
  size_t most_values_;
  size_t values_ = 0;
};

StatusOr<std::vector<Json>> ReadYaml(const std::string& text) {
  std::vector<Json> documents;
  try {
    YamlReader reader(text);
    for (const YAML::Node& node : YAML::LoadAll(text)) {
      ASSIGN_OR_RETURN(Json document, reader.Read(node));
      if (!document.is_null()) {
        documents.push_back(std::move(document));
      }
    }
  } catch (const YAML::Exception& error) {
    return InvalidArgument("not valid YAML: {}", error.what());
  }
  return documents;
}

// Whether the values nest so deeply that reading them would exhaust the stack.
bool IsTooDeep(const std::string& json) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      i += c == '\\' ? 1 : 0;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    }
    if (depth > kMostDepth) {
      return true;
    }
  }
  return false;
}

StatusOr<std::vector<Json>> ReadJson(const std::string& text) {
  Json json = IsTooDeep(text) ? Json(Json::value_t::discarded) : Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return InvalidArgument("not valid JSON, or nested too deeply");
  }
  if (!json.is_array()) {
    return std::vector<Json>{std::move(json)};
  }
  return std::vector<Json>(std::make_move_iterator(json.begin()),
                           std::make_move_iterator(json.end()));
}

// JSON texts begin so; the YAML that is like them is read as JSON, too.
bool LooksLikeJson(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && (text[first] == '[' || text[first] == '{');
}

std::vector<HttpRule> ReadHttp(const Json& target, const char* key) {
  std::vector<HttpRule> rules;
  for (const Json& rule : ListOf(target, key)) {
    rules.push_back({.path = TextOf(rule, "path"), .methods = TextsOf(rule, "methods")});
  }
  return rules;
}

std::vector<KafkaTopicRule> ReadTopics(const Json& target, const char* key) {
  std::vector<KafkaTopicRule> rules;
  for (const Json& rule : ListOf(target, key)) {
    rules.push_back({.name = TextOf(rule, "name"), .operations = TextsOf(rule, "operations")});
  }
  return rules;
}

StatusOr<Target> ReadV2Target(const Json& json) {
  constexpr std::pair<const char*, Target::Kind> kKinds[] = {
      {"kubernetes", Target::Kind::kKubernetes},
      {"service", Target::Kind::kService},
      {"kafka", Target::Kind::kKafka}};
  for (const auto& [key, kind] : kKinds) {
    const Json& body = ObjectOf(json, key);
    if (!body.empty()) {
      return Target{.kind = kind,
                    .name = TextOf(body, "name"),
                    .workload_kind = TextOf(body, "kind"),
                    .http = ReadHttp(body, "http"),
                    .topics = ReadTopics(body, "topics")};
    }
  }
  return InvalidArgument("a target that is neither kubernetes, service nor kafka");
}

Target ReadV1Target(const Json& json) {
  constexpr std::string_view kServicePrefix = "svc:";
  Target target;
  target.name = TextOf(json, "name");
  target.http = ReadHttp(json, "HTTPResources");
  target.topics = ReadTopics(json, "kafkaTopics");
  if (target.name.starts_with(kServicePrefix)) {
    target.kind = Target::Kind::kService;
    target.name.erase(0, kServicePrefix.size());
  } else if (TextOf(json, "type") == "kafka") {
    target.kind = Target::Kind::kKafka;
  }
  return target;
}

StatusOr<ClientIntents> ReadDocument(const Json& document) {
  if (!document.is_object() || TextOf(document, "kind") != "ClientIntents") {
    return InvalidArgument("a document that is not of kind ClientIntents");
  }
  const Json& metadata = ObjectOf(document, "metadata");
  const Json& spec = ObjectOf(document, "spec");
  const Json& workload = ObjectOf(spec, "workload");
  const Json& service = ObjectOf(spec, "service");
  ClientIntents client{.name = TextOf(workload.empty() ? service : workload, "name"),
                       .name_space = TextOf(metadata, "namespace"),
                       .workload_kind = TextOf(workload, "kind"),
                       .targets = {}};
  if (client.name.empty()) {
    return InvalidArgument("ClientIntents that name no workload");
  }
  for (const Json& target : ListOf(spec, "targets")) {
    ASSIGN_OR_RETURN(Target read, ReadV2Target(target));
    client.targets.push_back(std::move(read));
  }
  for (const Json& call : ListOf(spec, "calls")) {
    client.targets.push_back(ReadV1Target(call));
  }
  return client;
}

StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return ErrnoStatus(errno, fmt::format("could not read {}", path));
  }
  std::string text;
  std::vector<char> block(size_t{1} << 16);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    text.append(block.data(), static_cast<size_t>(file.gcount()));
    if (text.size() > kMostBytes) {
      return InvalidArgument("{} is larger than {} bytes", path, kMostBytes);
    }
  }
  return text;
}

StatusOr<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    return InvalidArgument("could not read directory {}: {}", path, error.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

StatusOr<std::vector<ClientIntents>> ParseClientIntents(const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<Json> documents,
                   LooksLikeJson(text) ? ReadJson(text) : ReadYaml(text));
  std::vector<ClientIntents> clients;
  for (const Json& document : documents) {
    ASSIGN_OR_RETURN(ClientIntents client, ReadDocument(document));
    clients.push_back(std::move(client));
  }
  return clients;
}

StatusOr<std::vector<ClientIntents>> ReadClientIntents(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, FilesOf(path));
  std::vector<ClientIntents> all;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(std::string text, ReadFile(file));
    StatusOr<std::vector<ClientIntents>> clients = ParseClientIntents(text);
    if (!clients.ok()) {
      return Annotate(clients.status(), file);
    }
    std::move(clients->begin(), clients->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace network_mapper::cli
