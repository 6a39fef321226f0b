#include "common/log/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace network_mapper {

namespace {

struct Backend {
  Backend() : logger("network-mapper", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::info);
    logger.flush_on(spdlog::level::trace);
  }

  spdlog::logger logger;
  std::string component;
};

Backend& GetBackend() {
  static Backend backend;
  return backend;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

std::string TimestampNow() {
  auto now = std::chrono::system_clock::now();
  auto day = std::chrono::floor<std::chrono::days>(now);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock{
      std::chrono::floor<std::chrono::milliseconds>(now - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

// Length of the valid UTF-8 sequence at the front of `text`, or 0.
size_t Utf8SequenceLength(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80            ? 1
                  : (lead >> 5U) == 0x6  ? 2
                  : (lead >> 4U) == 0xE  ? 3
                  : (lead >> 3U) == 0x1E ? 4
                                         : 0;
  if (length == 0 || text.size() < length || lead == 0xC0 || lead == 0xC1 || lead > 0xF4) {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::string EscapeJson(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      escaped += "\xEF\xBF\xBD";
      length = 1;
    } else if (byte == '"' || byte == '\\') {
      escaped += '\\';
      escaped += text[0];
    } else if (byte == '\n') {
      escaped += "\\n";
    } else if (byte < 0x20) {
      escaped += fmt::format("\\u{:04x}", byte);
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return escaped;
}

void ConfigureLog(std::string_view component, LogLevel minimum_level) {
  Backend& backend = GetBackend();
  backend.component = component;
  backend.logger.set_level(ToSpdlog(minimum_level));
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Backend& backend = GetBackend();
  if (!backend.logger.should_log(ToSpdlog(level))) {
    return;
  }
  std::string line =
      fmt::format(R"({{"ts":"{}","level":"{}","component":"{}","msg":"{}")", TimestampNow(),
                  LevelName(level), EscapeJson(backend.component), EscapeJson(message));
  for (const LogField& field : fields) {
    if (field.Quoted()) {
      line += fmt::format(R"(,"{}":"{}")", EscapeJson(field.Key()), EscapeJson(field.Value()));
    } else {
      line += fmt::format(R"(,"{}":{})", EscapeJson(field.Key()), field.Value());
    }
  }
  line += '}';
  backend.logger.log(ToSpdlog(level), line);
}

}  // namespace network_mapper
