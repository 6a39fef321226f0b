#include "tests/support/kube_stand_in/stored_object.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace network_mapper::stand_in {

namespace {

using nlohmann::json;

// The members of an object without the braces around them.
std::string Members(const json& object) {
  const std::string text = object.dump();
  return text.substr(1, text.size() - 2);
}

std::string TextAt(const json& object, const char* pointer) {
  const json::json_pointer where(pointer);
  if (!object.contains(where)) {
    return {};
  }
  const json& value = object.at(where);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Pairs StringMap(const json& metadata, const char* key) {
  Pairs pairs;
  const auto found = metadata.find(key);
  if (found != metadata.end() && found->is_object()) {
    for (const auto& item : found->items()) {
      pairs.emplace_back(item.key(),
                         item.value().is_string() ? item.value().get<std::string>() : "");
    }
  }
  return pairs;
}

Pairs SelectableFields(const json& object) {
  static constexpr std::pair<const char*, const char*> kFields[] = {
      {"metadata.name", "/metadata/name"},
      {"metadata.namespace", "/metadata/namespace"},
      {"metadata.uid", "/metadata/uid"},
      {"metadata.creationTimestamp", "/metadata/creationTimestamp"},
      {"spec.nodeName", "/spec/nodeName"},
      {"spec.hostNetwork", "/spec/hostNetwork"},
      {"spec.serviceAccountName", "/spec/serviceAccountName"},
      {"status.phase", "/status/phase"},
      {"status.podIP", "/status/podIP"},
  };
  Pairs fields;
  for (const auto& [name, pointer] : kFields) {
    fields.emplace_back(name, TextAt(object, pointer));
  }
  return fields;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

// At commas that are not inside parentheses.
std::vector<std::string_view> SplitTerms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      terms.push_back(Trim(text.substr(begin, i - begin)));
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return terms;
}

void AppendMetadata(const StoredObject& object, std::string& out) {
  out += R"("metadata":{"resourceVersion":")";
  out += std::to_string(object.resource_version);
  out += R"(",)";
  out += object.metadata;
  out += '}';
}

void AppendBody(const StoredObject& object, std::string& out) {
  AppendMetadata(object, out);
  if (!object.rest.empty()) {
    out += ',';
    out += object.rest;
  }
  out += '}';
}

}  // namespace

std::string_view ValueOf(const Pairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

StatusOr<PreparedObject> PrepareObject(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  if (object.is_discarded() || !object.is_object()) {
    return InvalidArgument("not a JSON object");
  }
  const json::json_pointer name_pointer("/metadata/name");
  if (!object.contains(name_pointer) || !object.at(name_pointer).is_string()) {
    return InvalidArgument("metadata.name is missing");
  }
  PreparedObject prepared;
  prepared.api_version = TextAt(object, "/apiVersion");
  prepared.kind = TextAt(object, "/kind");
  if (prepared.api_version.empty() || prepared.kind.empty()) {
    return InvalidArgument("apiVersion or kind is missing");
  }
  prepared.object.name = TextAt(object, "/metadata/name");
  prepared.object.name_space = TextAt(object, "/metadata/namespace");
  prepared.object.fields = SelectableFields(object);
  json& metadata = object["metadata"];
  prepared.object.labels = StringMap(metadata, "labels");
  if (metadata.contains("resourceVersion")) {
    prepared.expected_version = TextAt(object, "/metadata/resourceVersion");
    metadata.erase("resourceVersion");
  }
  prepared.object.metadata = Members(metadata);
  for (const char* key : {"apiVersion", "kind", "metadata"}) {
    object.erase(key);
  }
  prepared.object.rest = Members(object);
  return prepared;
}

void AppendObject(const ResourceType& type, const StoredObject& object, std::string& out) {
  out += R"({"kind":")";
  out += type.kind;
  out += R"(","apiVersion":")";
  out += type.ApiVersion();
  out += R"(",)";
  AppendBody(object, out);
}

void AppendListItem(const ResourceType& type, const StoredObject& object, std::string& out) {
  if (!type.built_in) {
    AppendObject(type, object, out);
    return;
  }
  out += '{';
  AppendBody(object, out);
}

void AppendMetadataOnly(const StoredObject& object, std::string& out) {
  out += R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",)";
  AppendMetadata(object, out);
  out += '}';
}

std::optional<Selector::Term> Selector::ParseTerm(std::string_view text) {
  Term term;
  for (const std::string_view word : {" notin ", " in "}) {
    const size_t at = text.find(word);
    if (at == std::string_view::npos) {
      continue;
    }
    std::string_view values = Trim(text.substr(at + word.size()));
    if (!values.starts_with('(') || !values.ends_with(')')) {
      return std::nullopt;
    }
    term.key = Trim(text.substr(0, at));
    term.test = word == " in " ? Operator::kIn : Operator::kNotIn;
    for (const std::string_view value : SplitTerms(values.substr(1, values.size() - 2))) {
      term.values.emplace_back(value);
    }
    return term;
  }
  const size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    const bool negated = equals > 0 && text[equals - 1] == '!';
    std::string_view value = text.substr(equals + 1);
    if (value.starts_with('=')) {
      value.remove_prefix(1);
    }
    term.key = Trim(text.substr(0, negated ? equals - 1 : equals));
    term.test = negated ? Operator::kNotIn : Operator::kIn;
    term.values.emplace_back(Trim(value));
    return term;
  }
  term.test = text.starts_with('!') ? Operator::kAbsent : Operator::kExists;
  term.key = Trim(text.starts_with('!') ? text.substr(1) : text);
  return term;
}

StatusOr<Selector> Selector::Parse(std::string_view text) {
  Selector selector;
  if (Trim(text).empty()) {
    return selector;
  }
  for (const std::string_view part : SplitTerms(text)) {
    std::optional<Term> term = ParseTerm(part);
    if (!term || term->key.empty()) {
      return InvalidArgument("unable to parse selector {:?}", std::string(text));
    }
    selector.terms_.push_back(*std::move(term));
  }
  return selector;
}

bool Selector::Matches(const Pairs& pairs) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const auto found = std::find_if(pairs.begin(), pairs.end(),
                                    [&](const auto& pair) { return pair.first == term.key; });
    const bool exists = found != pairs.end();
    const bool listed = exists && std::find(term.values.begin(), term.values.end(),
                                            found->second) != term.values.end();
    switch (term.test) {
      case Operator::kIn:
        return listed;
      case Operator::kNotIn:
        return !listed;
      case Operator::kExists:
        return exists;
      case Operator::kAbsent:
        return !exists;
    }
    return false;
  });
}

}  // namespace network_mapper::stand_in
