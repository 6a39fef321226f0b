#include "cli/intents_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "cli/mapper_call.h"

namespace network_mapper::cli {

namespace {

constexpr size_t kMostBytes = size_t{256} << 20;
constexpr size_t kMostDepth = 32;

// Makes JSON of YAML's events; all scalars are texts. Throws YAML::ParserException for what it
// refuses. Not YAML::LoadAll: that reads no further than a stray "," and makes empty documents of
// it for ever.
class JsonBuilder : public YAML::EventHandler {
 public:
  // No text has more values than bytes, unless aliases make much of little.
  explicit JsonBuilder(const std::string& text) : values_left_(text.size() + 1) {}

  std::vector<Json> TakeDocuments() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_start_) {
      throw YAML::ParserException(mark, "neither a document nor the end of one");
    }
    last_start_ = mark.pos;
  }

  void OnDocumentEnd() override { anchors_.clear(); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Add(mark, anchor, Json()); }

  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& value) override {
    Add(mark, anchor, Json(value));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw YAML::ParserException(mark, "an alias of a value that contains it");
    }
    const auto& [json, values] = found->second;
    Count(mark, values);
    Attach(mark, json);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, anchor, Json::array());
  }

  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, anchor, Json::object());
  }

  void OnMapEnd() override { Close(); }

 private:
  // A list or an object that is being read.
  struct Level {
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    size_t values_left = 0;
    Json json;
    std::optional<std::string> key;
  };

  void Count(const YAML::Mark& mark, size_t values) {
    if (values > values_left_) {
      throw YAML::ParserException(mark, "aliases make it too large");
    }
    values_left_ -= values;
  }

  void Add(const YAML::Mark& mark, YAML::anchor_t anchor, Json json) {
    Count(mark, 1);
    Remember(anchor, json, 1);
    Attach(mark, std::move(json));
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, Json json) {
    if (levels_.size() == kMostDepth) {
      throw YAML::ParserException(mark, "nested too deeply");
    }
    const size_t values_left = values_left_;
    Count(mark, 1);
    levels_.push_back({mark, anchor, values_left, std::move(json), std::nullopt});
  }

  void Close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    Remember(level.anchor, level.json, level.values_left - values_left_);
    Attach(level.mark, std::move(level.json));
  }

  void Remember(YAML::anchor_t anchor, const Json& json, size_t values) {
    if (anchor != YAML::NullAnchor) {
      anchors_.insert_or_assign(anchor, std::pair(json, values));
    }
  }

  void Attach(const YAML::Mark& mark, Json json) {
    if (levels_.empty()) {
      if (!json.is_null()) {
        documents_.push_back(std::move(json));
      }
      return;
    }
    Level& level = levels_.back();
    if (level.json.is_array()) {
      level.json.push_back(std::move(json));
    } else if (level.key.has_value()) {
      level.json[*std::exchange(level.key, std::nullopt)] = std::move(json);
    } else if (json.is_string()) {
      level.key = json.get<std::string>();
    } else {
      throw YAML::ParserException(mark, "a key that is no text");
    }
  }

  size_t values_left_;
  int last_start_ = -1;
  std::vector<Level> levels_;
  // Each value with the number of values that it is made of.
  std::map<YAML::anchor_t, std::pair<Json, size_t>> anchors_;
  std::vector<Json> documents_;
};

StatusOr<std::vector<Json>> ReadYaml(const std::string& text) {
  JsonBuilder builder(text);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    return InvalidArgument("not valid YAML: {}", error.what());
  }
  return builder.TakeDocuments();
}

// Whether the values nest so deeply that reading them would exhaust the stack.
bool IsTooDeep(const std::string& json) {
  size_t depth = 0;
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
    } else if (depth > 0 && (c == ']' || c == '}')) {
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
      {"kafka", Target::Kind::kKafka},
      {"aws", Target::Kind::kAws}};
  for (const auto& [key, kind] : kKinds) {
    const Json& body = ObjectOf(json, key);
    if (!body.empty()) {
      return Target{.kind = kind,
                    .name = TextOf(body, kind == Target::Kind::kAws ? "arn" : "name"),
                    .workload_kind = TextOf(body, "kind"),
                    .http = ReadHttp(body, "http"),
                    .topics = ReadTopics(body, "topics"),
                    .actions = TextsOf(body, "actions")};
    }
  }
  return InvalidArgument("a target that is neither kubernetes, service, kafka nor aws");
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
  } else if (TextOf(json, "type") == "aws") {
    target.kind = Target::Kind::kAws;
    target.actions = TextsOf(json, "awsActions");
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
