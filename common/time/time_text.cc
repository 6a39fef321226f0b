#include "common/time/time_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace network_mapper {

namespace {

using std::chrono::nanoseconds;

// Takes exactly `digits` decimal digits from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, size_t digits) {
  if (text.size() < digits) {
    return std::nullopt;
  }
  int value = 0;
  for (char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool TakeChar(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// ".123456789" at the front of `text`; zero when there is no fraction.
std::optional<nanoseconds> TakeFraction(std::string_view& text) {
  if (!TakeChar(text, '.')) {
    return nanoseconds(0);
  }
  int64_t value = 0;
  size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 9) {
      value = value * 10 + (text.front() - '0');
    }
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) {
    return std::nullopt;
  }
  for (size_t i = digits; i < 9; ++i) {
    value *= 10;
  }
  return nanoseconds(value);
}

// "Z" or "+hh:mm" / "-hh:mm" as the rest of `text`.
std::optional<std::chrono::minutes> TakeZone(std::string_view text) {
  if (text == "Z" || text == "z") {
    return std::chrono::minutes(0);
  }
  bool negative = TakeChar(text, '-');
  if (!negative && !TakeChar(text, '+')) {
    return std::nullopt;
  }
  std::optional<int> hours = TakeNumber(text, 2);
  if (!hours || !TakeChar(text, ':')) {
    return std::nullopt;
  }
  std::optional<int> minutes = TakeNumber(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  int total = *hours * 60 + *minutes;
  return std::chrono::minutes(negative ? -total : total);
}

struct DurationUnit {
  std::string_view suffix;
  nanoseconds length;
};

// Longest first.
constexpr std::array<DurationUnit, 6> kDurationUnits = {{
    {"h", std::chrono::hours(1)},
    {"m", std::chrono::minutes(1)},
    {"s", std::chrono::seconds(1)},
    {"ms", std::chrono::milliseconds(1)},
    {"us", std::chrono::microseconds(1)},
    {"ns", nanoseconds(1)},
}};

}  // namespace

std::optional<Time> ParseRfc3339(std::string_view text) {
  std::optional<int> year = TakeNumber(text, 4);
  if (!year || !TakeChar(text, '-')) {
    return std::nullopt;
  }
  std::optional<int> month = TakeNumber(text, 2);
  if (!month || !TakeChar(text, '-')) {
    return std::nullopt;
  }
  std::optional<int> day = TakeNumber(text, 2);
  if (!day || text.empty() || (text.front() != 'T' && text.front() != 't')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  std::optional<int> hour = TakeNumber(text, 2);
  if (!hour || !TakeChar(text, ':')) {
    return std::nullopt;
  }
  std::optional<int> minute = TakeNumber(text, 2);
  if (!minute || !TakeChar(text, ':')) {
    return std::nullopt;
  }
  std::optional<int> second = TakeNumber(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  std::optional<nanoseconds> fraction = TakeFraction(text);
  std::optional<std::chrono::minutes> zone = TakeZone(text);
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(*month)),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  // A 64-bit count of nanoseconds reaches from 1678 to 2261.
  if (!fraction || !zone || !date.ok() || *year < 1678 || *year > 2261) {
    return std::nullopt;
  }
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute) + std::chrono::seconds(*second) + *fraction - *zone;
}

std::string FormatRfc3339(Time time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss<nanoseconds> clock{nanoseconds(time - day)};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) {
    text += fmt::format(".{:09}", clock.subseconds().count());
    text.erase(text.find_last_not_of('0') + 1);
  }
  text += 'Z';
  return text;
}

std::optional<nanoseconds> ParseDuration(std::string_view text) {
  bool negative = TakeChar(text, '-');
  if (text == "0") {
    return nanoseconds(0);
  }
  if (text.empty()) {
    return std::nullopt;
  }
  long double total = 0;
  while (!text.empty()) {
    double number = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    std::string_view suffix = text.substr(0, text.find_first_of("0123456789."));
    const DurationUnit* unit = nullptr;
    for (const DurationUnit& candidate : kDurationUnits) {
      if (candidate.suffix == suffix) {
        unit = &candidate;
      }
    }
    if (unit == nullptr) {
      return std::nullopt;
    }
    text.remove_prefix(suffix.size());
    total += static_cast<long double>(number) * static_cast<long double>(unit->length.count());
    if (total > static_cast<long double>(std::numeric_limits<int64_t>::max())) {
      return std::nullopt;
    }
  }
  auto count = static_cast<int64_t>(std::llround(total));
  return nanoseconds(negative ? -count : count);
}

std::string FormatDuration(nanoseconds duration) {
  if (duration.count() == 0) {
    return "0s";
  }
  std::string text = duration.count() < 0 ? "-" : "";
  int64_t rest = std::abs(duration.count());
  for (const DurationUnit& unit : kDurationUnits) {
    int64_t whole = rest / unit.length.count();
    if (whole > 0) {
      text += fmt::format("{}{}", whole, unit.suffix);
      rest -= whole * unit.length.count();
    }
  }
  return text;
}

}  // namespace network_mapper
