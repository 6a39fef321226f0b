// The frames of a WATCH answer (apimachinery meta/v1 WatchEvent): one JSON object a line, whatever
// the chunks they arrive in. Used by ObjectWatch. No input or output of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/kube/api_error.h"
#include "common/status/status.h"

namespace network_mapper::kube {

// Cuts a stream of bytes into lines of bounded length.
class LineSplitter {
 public:
  explicit LineSplitter(size_t longest) : longest_(longest) {}

  // Calls `on_line` with each line that is complete now, without its end; empty lines are skipped.
  // False from the callback stops. ResourceExhausted when a line is too long: the stream is then of
  // no more use.
  Status Push(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);

 private:
  size_t longest_;
  std::string begun_;
};

enum class WatchEventType : uint8_t { kAdded, kModified, kDeleted, kBookmark, kError };

// Views are valid until the parser's next call.
struct WatchEvent {
  WatchEventType type = WatchEventType::kError;
  std::string_view object_json;
  // Empty for kError.
  std::string_view resource_version;
  // For kError only.
  ApiStatus error;
};

// Keeps its buffers between frames. Not thread-safe.
class WatchEventParser {
 public:
  WatchEventParser();
  WatchEventParser(const WatchEventParser&) = delete;
  WatchEventParser& operator=(const WatchEventParser&) = delete;
  ~WatchEventParser();

  StatusOr<WatchEvent> Parse(std::string_view line);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kube
