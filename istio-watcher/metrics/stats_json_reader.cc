#include "istio-watcher/metrics/stats_json_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "istio-watcher/metrics/json_text.h"
#include "istio-watcher/metrics/stat_name.h"

namespace network_mapper::istio {

namespace {

constexpr unsigned kDeepest = 64;
constexpr size_t kLongestScalar = 64;
// Where things stand: {"stats":[{"name":...}]}.
constexpr unsigned kTop = 1;
constexpr unsigned kStatsArray = 2;
constexpr unsigned kEntry = 3;

bool IsJsonBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool EndsScalar(char c) {
  return IsJsonBlank(c) || c == ',' || c == ']' || c == '}';
}

bool BeginsScalar(char c) {
  return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

bool IsScalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") {
    return true;
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  // Beyond a double's range is still JSON.
  return result.ptr == end && result.ec != std::errc::invalid_argument &&
         (text.front() == '-' || (text.front() >= '0' && text.front() <= '9'));
}

}  // namespace

StatsJsonReader::StatsJsonReader(const ReaderOptions& options, SeriesSink sink)
    : options_(options), labels_(options, std::move(sink)) {}

Status StatsJsonReader::Broken(std::string_view what) const {
  return InvalidArgument("the statistics are no JSON: {} (within {} bytes)", what, body_);
}

Status StatsJsonReader::Feed(std::string_view chunk) {
  body_ += chunk.size();
  if (body_ > options_.max_body) {
    return ResourceExhausted("the statistics are longer than {} bytes", options_.max_body);
  }
  while (!chunk.empty()) {
    switch (state_) {
      case State::kString:
        RETURN_IF_ERROR(TakeString(chunk));
        break;
      case State::kScalar:
        RETURN_IF_ERROR(TakeScalar(chunk));
        break;
      default: {
        const char c = chunk.front();
        chunk.remove_prefix(1);
        if (!IsJsonBlank(c)) {
          RETURN_IF_ERROR(TakeToken(c));
        }
      }
    }
  }
  return OkStatus();
}

Status StatsJsonReader::Finish() {
  return state_ == State::kEnd ? OkStatus() : Broken("it breaks off");
}

Status StatsJsonReader::TakeToken(char c) {
  switch (state_) {
    case State::kFirstKey:
      if (c == '}') {
        return Close();
      }
      [[fallthrough]];
    case State::kKey:
      if (c != '"') {
        return Broken("a key is missing");
      }
      BeginString(/*is_key=*/true);
      return OkStatus();
    case State::kColon:
      if (c != ':') {
        return Broken("a colon is missing");
      }
      state_ = State::kValue;
      return OkStatus();
    case State::kFirstElement:
      if (c == ']') {
        return Close();
      }
      [[fallthrough]];
    case State::kValue:
      return BeginValue(c);
    case State::kNext:
      if (c == ',') {
        state_ = InObject() ? State::kKey : State::kValue;
        return OkStatus();
      }
      return c == (InObject() ? '}' : ']') ? Close() : Broken("a comma is missing");
    default:
      return Broken("something follows it");
  }
}

Status StatsJsonReader::BeginValue(char c) {
  if (c == '{' || c == '[') {
    return Open(c == '{');
  }
  if (c == '"') {
    BeginString(/*is_key=*/false);
    return OkStatus();
  }
  if (!BeginsScalar(c)) {
    return Broken("a value is missing");
  }
  token_.assign(1, c);
  state_ = State::kScalar;
  return OkStatus();
}

Status StatsJsonReader::Open(bool is_object) {
  if (depth_ == kDeepest) {
    return Broken("it is nested too deeply");
  }
  if (depth_ == kTop && key_ == Key::kStats && !is_object) {
    in_stats_ = true;
  }
  objects_ = (objects_ << 1U) | (is_object ? 1U : 0U);
  ++depth_;
  state_ = is_object ? State::kFirstKey : State::kFirstElement;
  if (in_stats_ && depth_ == kEntry) {
    name_.clear();
    value_.clear();
    name_too_long_ = false;
  }
  key_ = Key::kOther;
  return OkStatus();
}

Status StatsJsonReader::Close() {
  if (in_stats_ && depth_ == kEntry && InObject()) {
    EndEntry();
  }
  in_stats_ = in_stats_ && depth_ > kStatsArray;
  objects_ >>= 1U;
  --depth_;
  EndValue();
  return OkStatus();
}

void StatsJsonReader::EndValue() {
  key_ = Key::kOther;
  state_ = depth_ == 0 ? State::kEnd : State::kNext;
}

void StatsJsonReader::BeginString(bool is_key) {
  state_ = State::kString;
  is_key_ = is_key;
  token_.clear();
  token_too_long_ = false;
  has_escapes_ = false;
  in_escape_ = false;
}

Status StatsJsonReader::TakeString(std::string_view& chunk) {
  size_t end = 0;
  bool is_over = false;
  for (; end < chunk.size() && !is_over; ++end) {
    const char c = chunk[end];
    if (in_escape_) {
      in_escape_ = false;
    } else if (c == '\\') {
      in_escape_ = true;
      has_escapes_ = true;
    } else {
      is_over = c == '"';
    }
  }
  if (is_key_ || key_ == Key::kName) {
    const std::string_view part = chunk.substr(0, is_over ? end - 1 : end);
    token_ += part.substr(0, options_.max_line - token_.size());
    token_too_long_ = token_too_long_ || token_.size() == options_.max_line;
  }
  chunk.remove_prefix(end);
  return is_over ? EndString() : OkStatus();
}

Status StatsJsonReader::EndString() {
  // A cut token may end within an escape.
  if (has_escapes_ && !token_too_long_ && !DecodeJsonText(token_)) {
    return Broken("a bad escape");
  }
  if (is_key_) {
    state_ = State::kColon;
    key_ = Key::kOther;
    if (depth_ == kTop && token_ == "stats") {
      key_ = Key::kStats;
    } else if (in_stats_ && depth_ == kEntry) {
      key_ = token_ == "name" ? Key::kName : token_ == "value" ? Key::kValue : Key::kOther;
    }
    return OkStatus();
  }
  if (key_ == Key::kName) {
    name_.swap(token_);
    name_too_long_ = token_too_long_;
  }
  EndValue();
  return OkStatus();
}

Status StatsJsonReader::TakeScalar(std::string_view& chunk) {
  const auto* end = std::find_if(chunk.begin(), chunk.end(), EndsScalar);
  const auto length = static_cast<size_t>(end - chunk.begin());
  if (token_.size() + length > kLongestScalar) {
    return Broken("a number or word is too long");
  }
  token_ += chunk.substr(0, length);
  const bool is_over = length < chunk.size();
  chunk.remove_prefix(length);
  return is_over ? EndScalar() : OkStatus();
}

Status StatsJsonReader::EndScalar() {
  if (!IsScalar(token_)) {
    return Broken("neither a number nor a word");
  }
  if (key_ == Key::kValue) {
    value_.swap(token_);
  }
  EndValue();
  return OkStatus();
}

void StatsJsonReader::EndEntry() {
  if (name_.empty() || value_.empty()) {
    return;
  }
  if (name_too_long_) {
    labels_.Refuse(SeriesRefusal::kTooLong);
  } else if (ReadStatName(name_, options_, labels_)) {
    labels_.Finish(ParseCounter(value_));
  }
}

}  // namespace network_mapper::istio
