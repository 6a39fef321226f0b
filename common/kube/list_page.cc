#include "common/kube/list_page.h"

#include <simdjson.h>

namespace network_mapper::kube {

namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

Status Malformed(error_code error) {
  return InvalidArgument("malformed list: {}", simdjson::error_message(error));
}

error_code ReadMetadata(json::value value, ListPage& page) {
  json::object metadata;
  if (const error_code error = value.get_object().get(metadata)) {
    return error;
  }
  for (auto field : metadata) {
    std::string_view key;
    if (const error_code error = field.unescaped_key().get(key)) {
      return error;
    }
    std::string* target = key == "resourceVersion" ? &page.resource_version
                          : key == "continue"      ? &page.continue_token
                                                   : nullptr;
    if (target == nullptr) {
      continue;
    }
    std::string_view text;
    if (const error_code error = field.value().get_string().get(text)) {
      return error;
    }
    *target = text;
  }
  return simdjson::SUCCESS;
}

error_code ReadItems(json::value value, const std::function<void(std::string_view)>& on_item,
                     ListPage& page) {
  bool is_null = false;
  if (const error_code error = value.is_null().get(is_null)) {
    return error;
  }
  if (is_null) {
    return simdjson::SUCCESS;
  }
  json::array items;
  if (const error_code error = value.get_array().get(items)) {
    return error;
  }
  for (auto item : items) {
    json::object object;
    if (const error_code error = item.get_object().get(object)) {
      return error;
    }
    std::string_view raw;
    if (const error_code error = object.raw_json().get(raw)) {
      return error;
    }
    ++page.items;
    on_item(raw);
  }
  return simdjson::SUCCESS;
}

}  // namespace

StatusOr<ListPage> ReadListPage(std::string& body,
                                const std::function<void(std::string_view)>& on_item) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  ListPage page;
  json::parser parser;
  json::document document;
  if (const error_code error =
          parser.iterate(body.data(), body.size(), body.capacity()).get(document)) {
    return Malformed(error);
  }
  json::object root;
  if (const error_code error = document.get_object().get(root)) {
    return Malformed(error);
  }
  bool has_items = false;
  for (auto field : root) {
    std::string_view key;
    if (const error_code error = field.unescaped_key().get(key)) {
      return Malformed(error);
    }
    json::value value;
    if (const error_code error = field.value().get(value)) {
      return Malformed(error);
    }
    error_code error = simdjson::SUCCESS;
    if (key == "metadata") {
      error = ReadMetadata(value, page);
    } else if (key == "items") {
      has_items = true;
      error = ReadItems(value, on_item, page);
    }
    if (error != simdjson::SUCCESS) {
      return Malformed(error);
    }
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return Malformed(simdjson::TRAILING_CONTENT);
  }
  if (!has_items || page.resource_version.empty()) {
    return InvalidArgument("the answer is no list: items or metadata.resourceVersion is missing");
  }
  return page;
}

}  // namespace network_mapper::kube
