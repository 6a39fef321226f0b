// Structured logs: one JSON object a line on standard error, with ts, level, component, msg and the
// fields given. The message is a constant; what varies goes into fields: LogWarn("mapper
// unreachable", {{"address", a}, {"error", e}}). error: someone must act; warn: degraded; info:
// life cycle; debug: per batch. Nothing is logged per packet. A field with an empty text is left
// out.
#pragma once

#include <chrono>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "common/status/status.h"

namespace network_mapper {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

class LogField {
 public:
  LogField(std::string_view key, std::string_view value)
      : key_(key), value_(value), quoted_(true) {}

  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}

  LogField(std::string_view key, const std::string& value)
      : LogField(key, std::string_view(value)) {}

  LogField(std::string_view key, const Status& status)
      : key_(key), value_(StatusMessage(status)), quoted_(true) {}

  LogField(std::string_view key, bool value)
      : key_(key), value_(value ? "true" : "false"), quoted_(false) {}

  template <typename T>

  requires(std::integral<T> || std::floating_point<T>) LogField(std::string_view key, T value)
      : key_(key), value_(fmt::format("{}", value)), quoted_(false) {}

  const std::string& Key() const { return key_; }

  const std::string& Value() const { return value_; }

  // Whether the value is text, as opposed to a number or a boolean.
  bool Quoted() const { return quoted_; }

 private:
  std::string key_;
  std::string value_;
  bool quoted_;
};

// Called once, before the first log line; until then lines have an empty component and level info
// is on.
void ConfigureLog(std::string_view component, LogLevel minimum_level);

// Thread-safe.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}

inline void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}

inline void LogWarn(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarn, message, fields);
}

inline void LogError(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

// Lets one line through per interval: if (limit_.Allow(clock.SteadyNow())) LogWarn(...). Not
// thread-safe.
class LogRateLimit {
 public:
  explicit LogRateLimit(std::chrono::steady_clock::duration interval) : interval_(interval) {}

  bool Allow(std::chrono::steady_clock::time_point now) {
    if (now < next_) {
      return false;
    }
    next_ = now + interval_;
    return true;
  }

 private:
  std::chrono::steady_clock::duration interval_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace network_mapper
