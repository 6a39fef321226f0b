#include "common/kube/watch_stream.h"

#include <simdjson.h>

#include <optional>

namespace network_mapper::kube {

namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

std::optional<WatchEventType> TypeFromName(std::string_view name) {
  if (name == "ADDED") {
    return WatchEventType::kAdded;
  }
  if (name == "MODIFIED") {
    return WatchEventType::kModified;
  }
  if (name == "DELETED") {
    return WatchEventType::kDeleted;
  }
  if (name == "BOOKMARK") {
    return WatchEventType::kBookmark;
  }
  if (name == "ERROR") {
    return WatchEventType::kError;
  }
  return std::nullopt;
}

}  // namespace

Status LineSplitter::Push(std::string_view bytes,
                          const std::function<bool(std::string_view)>& on_line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (begun_.size() + part.size() > longest_) {
      return ResourceExhausted("a watch frame is longer than {} bytes", longest_);
    }
    if (end == std::string_view::npos) {
      begun_.append(part);
      return OkStatus();
    }
    bytes.remove_prefix(end + 1);
    std::string_view line = part;
    if (!begun_.empty()) {
      begun_.append(part);
      line = begun_;
    }
    const bool go_on = line.empty() || on_line(line);
    begun_.clear();
    if (!go_on) {
      return OkStatus();
    }
  }
  return OkStatus();
}

class WatchEventParser::Implementation {
 public:
  StatusOr<WatchEvent> Parse(std::string_view line) {
    // The parser reads some bytes beyond the end.
    text_.assign(line);
    text_.reserve(line.size() + simdjson::SIMDJSON_PADDING);
    std::string_view type_name;
    std::string_view object;
    if (const error_code error = SplitFrame(type_name, object)) {
      return InvalidArgument("malformed watch frame: {}", simdjson::error_message(error));
    }
    WatchEvent event;
    const std::optional<WatchEventType> type = TypeFromName(type_name);
    if (!type.has_value() || object.empty()) {
      return InvalidArgument("a watch frame has no known type or no object");
    }
    event.type = *type;
    event.object_json = object;
    if (event.type == WatchEventType::kError) {
      event.error = ParseApiStatus(object).value_or(ApiStatus{});
      return event;
    }
    version_.clear();
    if (const error_code error = ReadVersion(object)) {
      return InvalidArgument("malformed object in a watch frame: {}",
                             simdjson::error_message(error));
    }
    if (version_.empty()) {
      return InvalidArgument("an object in a watch frame has an empty resourceVersion");
    }
    event.resource_version = version_;
    return event;
  }

 private:
  error_code SplitFrame(std::string_view& type, std::string_view& object) {
    json::document document;
    if (const error_code error =
            frame_parser_.iterate(text_.data(), text_.size(), text_.capacity()).get(document)) {
      return error;
    }
    json::object root;
    if (const error_code error = document.get_object().get(root)) {
      return error;
    }
    for (auto field : root) {
      std::string_view key;
      if (const error_code error = field.unescaped_key().get(key)) {
        return error;
      }
      json::value value;
      if (const error_code error = field.value().get(value)) {
        return error;
      }
      error_code error = simdjson::SUCCESS;
      if (key == "type") {
        error = value.get_string().get(type);
      } else if (key == "object") {
        json::object inner;
        error = value.get_object().get(inner);
        if (error == simdjson::SUCCESS) {
          error = inner.raw_json().get(object);
        }
      }
      if (error != simdjson::SUCCESS) {
        return error;
      }
    }
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS
               ? simdjson::SUCCESS
               : simdjson::TRAILING_CONTENT;
  }

  // `object` is a part of text_, so that there is room behind it.
  error_code ReadVersion(std::string_view object) {
    const auto offset = static_cast<size_t>(object.data() - text_.data());
    json::document document;
    if (const error_code error =
            object_parser_.iterate(object.data(), object.size(), text_.capacity() - offset)
                .get(document)) {
      return error;
    }
    json::object root;
    json::object metadata;
    if (const error_code error = document.get_object().get(root)) {
      return error;
    }
    if (const error_code error = Find(root, "metadata", metadata)) {
      return error;
    }
    std::string_view version;
    if (const error_code error = Find(metadata, "resourceVersion", version)) {
      return error;
    }
    version_ = version;
    return simdjson::SUCCESS;
  }

  template <typename T>
  static error_code Find(json::object& object, std::string_view key, T& found) {
    json::value value;
    if (const error_code error = object.find_field_unordered(key).get(value)) {
      return error;
    }
    return value.get(found);
  }

  json::parser frame_parser_;
  json::parser object_parser_;
  std::string text_;
  std::string version_;
};

WatchEventParser::WatchEventParser() : implementation_(std::make_unique<Implementation>()) {}

WatchEventParser::~WatchEventParser() = default;

StatusOr<WatchEvent> WatchEventParser::Parse(std::string_view line) {
  return implementation_->Parse(line);
}

}  // namespace network_mapper::kube
