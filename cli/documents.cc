#include "cli/documents.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/screen_text.h"

namespace network_mapper::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;

bool IsYamlWord(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  constexpr std::array<std::string_view, 9> kWords = {"true", "false", "null", "yes", "no",
                                                      "on",   "off",   "y",    "n"};
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// Whether every reader, of YAML 1.1 or 1.2, takes `text`, written plain behind "key: " or "- ", for
// the same string. What begins as a number does is never plain: 0x10, 1e3, .5, 1:30, 2001-01-01.
bool IsPlainYaml(std::string_view text) {
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`~=<+.0123456789";
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') {
    return false;
  }
  if (kIndicators.find(text.front()) != std::string_view::npos) {
    return false;
  }
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  return OnScreen(text) == text && !IsYamlWord(text);
}

std::string YamlScalar(const std::string& text) {
  return IsPlainYaml(text) ? text
                           : LinesOnScreen(OrderedJson(text).dump(
                                 -1, ' ', false, OrderedJson::error_handler_t::replace));
}

// An empty list is written, too: the schema of ClientIntents requires these keys.
void AppendStrings(std::string& out, const std::string& indent, std::string_view key,
                   const std::vector<std::string>& items) {
  out += fmt::format("{}{}:{}\n", indent, key, items.empty() ? " []" : "");
  for (const std::string& item : items) {
    out += fmt::format("{}  - {}\n", indent, YamlScalar(item));
  }
}

void AppendTopics(std::string& out, const std::string& indent, std::string_view key,
                  const std::vector<KafkaTopicRule>& topics) {
  out += fmt::format("{}{}:\n", indent, key);
  for (const KafkaTopicRule& topic : topics) {
    out += fmt::format("{}  - name: {}\n", indent, YamlScalar(topic.name));
    AppendStrings(out, indent + "    ", "operations", topic.operations);
  }
}

void AppendHttp(std::string& out, const std::string& indent, std::string_view key,
                const std::vector<HttpRule>& rules) {
  if (rules.empty()) {
    return;
  }
  out += fmt::format("{}{}:\n", indent, key);
  for (const HttpRule& rule : rules) {
    out += fmt::format("{}  - path: {}\n", indent, YamlScalar(rule.path));
    AppendStrings(out, indent + "    ", "methods", rule.methods);
  }
}

void AppendActions(std::string& out, const std::string& indent, std::string_view key,
                   const std::vector<std::string>& actions) {
  if (!actions.empty()) {
    AppendStrings(out, indent, key, actions);
  }
}

// What a target's name is called in v2beta1.
std::string_view NameKey(Target::Kind kind) {
  return kind == Target::Kind::kAws ? "arn" : "name";
}

std::string_view TargetKeyword(Target::Kind kind) {
  switch (kind) {
    case Target::Kind::kKubernetes:
      return "kubernetes";
    case Target::Kind::kService:
      return "service";
    case Target::Kind::kKafka:
      return "kafka";
    case Target::Kind::kAws:
      return "aws";
  }
  return "kubernetes";
}

std::string Header(const ClientIntents& client, std::string_view api_version) {
  std::string out = fmt::format("apiVersion: {}\nkind: ClientIntents\nmetadata:\n  name: {}\n",
                                api_version, YamlScalar(client.name));
  if (!client.name_space.empty()) {
    out += fmt::format("  namespace: {}\n", YamlScalar(client.name_space));
  }
  return out + "spec:\n";
}

std::string YamlV2(const ClientIntents& client) {
  std::string out = Header(client, "k8s.otterize.com/v2beta1");
  out += fmt::format("  workload:\n    name: {}\n", YamlScalar(client.name));
  if (!client.workload_kind.empty()) {
    out += fmt::format("    kind: {}\n", YamlScalar(client.workload_kind));
  }
  out += "  targets:\n";
  for (const Target& target : client.targets) {
    out += fmt::format("    - {}:\n        {}: {}\n", TargetKeyword(target.kind),
                       NameKey(target.kind), YamlScalar(target.name));
    AppendActions(out, "        ", "actions", target.actions);
    if (!target.workload_kind.empty()) {
      out += fmt::format("        kind: {}\n", YamlScalar(target.workload_kind));
    }
    if (target.kind == Target::Kind::kKafka) {
      AppendTopics(out, "        ", "topics", target.topics);
    }
    AppendHttp(out, "        ", "http", target.http);
  }
  return out;
}

std::string YamlV1(const ClientIntents& client) {
  std::string out = Header(client, "k8s.otterize.com/v1alpha3");
  out += fmt::format("  service:\n    name: {}\n  calls:\n", YamlScalar(client.name));
  for (const Target& target : client.targets) {
    bool api_server = target.kind == Target::Kind::kService && ServerName(target) == "kubernetes" &&
                      ServerNamespace(target, client) == "default";
    if (api_server) {
      out += fmt::format("    - name: {}\n", YamlScalar("svc:" + target.name));
      continue;
    }
    out += fmt::format("    - name: {}\n", YamlScalar(target.name));
    if (target.kind == Target::Kind::kAws) {
      out += "      type: aws\n";
      AppendActions(out, "      ", "awsActions", target.actions);
    } else if (target.kind == Target::Kind::kKafka) {
      out += "      type: kafka\n";
      AppendTopics(out, "      ", "kafkaTopics", target.topics);
    } else if (!target.http.empty()) {
      out += "      type: http\n";
      AppendHttp(out, "      ", "HTTPResources", target.http);
    }
  }
  return out;
}

OrderedJson TargetJson(const Target& target) {
  OrderedJson body = {{std::string(NameKey(target.kind)), target.name}};
  if (!target.workload_kind.empty()) {
    body["kind"] = target.workload_kind;
  }
  for (const HttpRule& rule : target.http) {
    body["http"].push_back({{"path", rule.path}, {"methods", rule.methods}});
  }
  for (const KafkaTopicRule& topic : target.topics) {
    body["topics"].push_back({{"name", topic.name}, {"operations", topic.operations}});
  }
  if (!target.actions.empty()) {
    body["actions"] = target.actions;
  }
  return {{std::string(TargetKeyword(target.kind)), body}};
}

OrderedJson ClientJson(const ClientIntents& client) {
  OrderedJson workload = {{"name", client.name}};
  if (!client.workload_kind.empty()) {
    workload["kind"] = client.workload_kind;
  }
  OrderedJson targets = OrderedJson::array();
  for (const Target& target : client.targets) {
    targets.push_back(TargetJson(target));
  }
  OrderedJson metadata = {{"name", client.name}};
  if (!client.name_space.empty()) {
    metadata["namespace"] = client.name_space;
  }
  metadata["creationTimestamp"] = nullptr;
  return {{"kind", "ClientIntents"},
          {"apiVersion", "k8s.otterize.com/v2beta1"},
          {"metadata", metadata},
          {"spec", {{"workload", workload}, {"targets", targets}}},
          {"status", {{"upToDate", false}, {"observedGeneration", 0}}}};
}

// As Go's encoding/json writes them.
std::string EscapeAsGo(const std::string& json) {
  std::string escaped;
  for (char c : json) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

void ShowAll(std::vector<std::string>& texts) {
  for (std::string& text : texts) {
    text = OnScreen(text);
  }
}

Target Shown(Target target) {
  target.name = OnScreen(target.name);
  for (KafkaTopicRule& topic : target.topics) {
    topic.name = OnScreen(topic.name);
  }
  for (HttpRule& rule : target.http) {
    rule.path = OnScreen(rule.path);
  }
  ShowAll(target.actions);
  return target;
}

std::string ServerText(const Target& target, const ClientIntents& client) {
  return target.kind == Target::Kind::kAws ? fmt::format("{} in AWS", target.name)
                                           : fmt::format("{} in namespace {}", ServerName(target),
                                                         ServerNamespace(target, client));
}

}  // namespace

std::string ListText(const std::vector<ClientIntents>& clients) {
  std::string out;
  for (const ClientIntents& client : clients) {
    out += fmt::format("{} in namespace {} calls:\n", OnScreen(client.name),
                       OnScreen(client.name_space));
    for (const Target& exact : client.targets) {
      const Target target = Shown(exact);
      out += fmt::format("  - {}{}\n", ServerText(target, client),
                         target.attempted_only ? " (attempted only)" : "");
      for (const KafkaTopicRule& topic : target.topics) {
        out += fmt::format("    - Kafka topic: {}, operations: [{}]\n", topic.name,
                           fmt::join(topic.operations, " "));
      }
      for (const HttpRule& rule : target.http) {
        out +=
            fmt::format("    - path {}, methods: [{}]\n", rule.path, fmt::join(rule.methods, ","));
      }
      if (!target.actions.empty()) {
        out += fmt::format("    - actions: [{}]\n", fmt::join(target.actions, " "));
      }
    }
  }
  return out;
}

std::string YamlDocuments(const std::vector<ClientIntents>& clients, DocumentVersion version) {
  std::string out;
  for (const ClientIntents& client : clients) {
    std::string document = version == DocumentVersion::kV2Beta1 ? YamlV2(client) : YamlV1(client);
    document.pop_back();
    out += out.empty() ? document : "\n---\n" + document;
  }
  return out;
}

std::string JsonDocuments(const std::vector<ClientIntents>& clients) {
  OrderedJson documents = OrderedJson::array();
  for (const ClientIntents& client : clients) {
    documents.push_back(ClientJson(client));
  }
  return EscapeAsGo(
      LinesOnScreen(documents.dump(2, ' ', false, OrderedJson::error_handler_t::replace)));
}

}  // namespace network_mapper::cli
