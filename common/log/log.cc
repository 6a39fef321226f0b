#include "common/log/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/text/json_string.h"

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

}  // namespace

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
    if (field.Quoted() && field.Value().empty()) {
      continue;
    }
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
