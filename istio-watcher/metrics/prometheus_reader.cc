#include "istio-watcher/metrics/prometheus_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace network_mapper::istio {

namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

constexpr std::array<bool, 256> kIsNameCharacter = [] {
  std::array<bool, 256> is_one{};
  for (const char c :
       std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")) {
    is_one[static_cast<unsigned char>(c)] = true;
  }
  return is_one;
}();

bool IsNameCharacter(char c) {
  return kIsNameCharacter[static_cast<unsigned char>(c)];
}

size_t NameLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && IsNameCharacter(text[length])) {
    ++length;
  }
  return length;
}

bool BeginsWith(std::string_view text, std::string_view begin) {
  return text.size() >= begin.size() && std::memcmp(text.data(), begin.data(), begin.size()) == 0;
}

void SkipBlanks(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) {
    text.remove_prefix(1);
  }
}

bool Skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// What comes after the labels: the value; then a time stamp or an exemplar, or both, which may
// follow and say nothing here.
std::optional<std::string_view> ReadValue(std::string_view text) {
  SkipBlanks(text);
  const auto* end = std::find_if(text.begin(), text.end(), IsBlank);
  const std::string_view value = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(value.size());
  SkipBlanks(text);
  const bool goes_on_well = text.empty() || text.front() == '#' || text.front() == '-' ||
                            (text.front() >= '0' && text.front() <= '9');
  return value.empty() || !goes_on_well ? std::nullopt : std::optional(value);
}

enum class Escaping : uint8_t { kBackslash, kNone };

// The labels of one line, one after the other.
class LabelTokenizer {
 public:
  // `text` begins after the "{". Values with escapes go into `scratch`, which never grows beyond
  // its capacity: that of the line is enough.
  LabelTokenizer(std::string_view text, Escaping escaping, std::string& scratch,
                 const LabelSet& labels)
      : text_(text), escaping_(escaping), scratch_(scratch), labels_(labels) {}

  // False: the labels are over, well or not. `known` may be null.
  bool Next(KnownLabel* known) {
    SkipBlanks(text_);
    if (Skip(text_, '}')) {
      is_complete_ = true;
      return false;
    }
    if (!is_first_ && !after_comma_) {
      return false;
    }
    is_first_ = false;
    if (!ReadLabel(escaping_ == Escaping::kBackslash ? known : nullptr)) {
      return false;
    }
    SkipBlanks(text_);
    after_comma_ = Skip(text_, ',');
    return after_comma_ || (!text_.empty() && text_.front() == '}');
  }

  const LabelSet::Name& Name() const { return name_; }

  std::string_view Value() const { return value_; }

  uint64_t Identity() const { return identity_; }

  bool IsComplete() const { return is_complete_; }

  // After the "}".
  std::string_view Rest() const { return text_; }

 private:
  // What begins with the bytes of the known label, up to the quote at its end, is that label.
  bool ReadLabel(KnownLabel* known) {
    if (known != nullptr && known->head > 0 && BeginsWith(text_, known->Head())) {
      name_ = known->name;
      if (BeginsWith(text_, known->text)) {
        value_ = text_.substr(known->head, known->text.size() - known->head - 1);
        identity_ = known->identity;
        text_.remove_prefix(known->text.size());
        return true;
      }
      return ReadNewLabel(text_.substr(0, known->head - 2), known);
    }
    const std::string_view name = text_.substr(0, NameLength(text_));
    name_ = labels_.Find(name);
    return ReadNewLabel(name, known);
  }

  bool ReadNewLabel(std::string_view name, KnownLabel* known) {
    const std::string_view label = text_;
    text_.remove_prefix(name.size());
    SkipBlanks(text_);
    if (name.empty() || !Skip(text_, '=')) {
      return false;
    }
    SkipBlanks(text_);
    if (!Skip(text_, '"') ||
        !(escaping_ == Escaping::kBackslash ? ReadEscaped() : ReadUnescaped(name))) {
      return false;
    }
    identity_ = LabelSet::Identity(name_, value_);
    const size_t length = label.size() - text_.size();
    if (known != nullptr && length <= LabelMemory::kLongest &&
        length == name.size() + value_.size() + 3) {
      known->text = label.substr(0, length);
      known->head = name.size() + 2;
      known->name = name_;
      known->identity = identity_;
    }
    return true;
  }

  bool ReadEscaped() {
    const size_t end = text_.find('"');
    if (end == std::string_view::npos) {
      return false;
    }
    if (std::memchr(text_.data(), '\\', end) == nullptr) {
      value_ = text_.substr(0, end);
      text_.remove_prefix(end + 1);
      return true;
    }
    const size_t begin = scratch_.size();
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        value_ = std::string_view(scratch_).substr(begin);
        text_.remove_prefix(i + 1);
        return true;
      }
      if (text_[i] != '\\' || i + 1 == text_.size()) {
        scratch_ += text_[i];
        continue;
      }
      const char next = text_[++i];
      if (next == 'n') {
        scratch_ += '\n';
      } else {
        if (next != '"' && next != '\\') {
          scratch_ += '\\';
        }
        scratch_ += next;
      }
    }
    return false;
  }

  // The value ends at the first quote after which the line goes on as after a value. What clients
  // cannot choose has no quotes.
  bool ReadUnescaped(std::string_view name) {
    size_t end = text_.find('"');
    const size_t last = labels_.IsFreeText(name) ? std::string_view::npos : end;
    for (; end != std::string_view::npos && end <= last; end = text_.find('"', end + 1)) {
      std::string_view rest = text_.substr(end + 1);
      if (Skip(rest, '}') ? ReadValue(rest).has_value() : GoesOnWithLabel(rest)) {
        value_ = text_.substr(0, end);
        text_.remove_prefix(end + 1);
        return true;
      }
    }
    return false;
  }

  static bool GoesOnWithLabel(std::string_view rest) {
    if (!Skip(rest, ',')) {
      return false;
    }
    if (Skip(rest, '}')) {
      return ReadValue(rest).has_value();
    }
    const size_t name = NameLength(rest);
    return name > 0 && rest.substr(name, 2) == "=\"";
  }

  std::string_view text_;
  Escaping escaping_;
  std::string& scratch_;
  const LabelSet& labels_;
  LabelSet::Name name_;
  std::string_view value_;
  uint64_t identity_ = 0;
  bool is_first_ = true;
  bool after_comma_ = false;
  bool is_complete_ = false;
};

// Absent: they are not well-formed.
std::optional<std::string_view> ReadLabels(std::string_view text, Escaping escaping,
                                           std::string& scratch, LabelMemory& memory,
                                           LabelSet& labels) {
  LabelTokenizer tokens(text, escaping, scratch, labels);
  for (size_t place = 0; tokens.Next(memory.At(place)); ++place) {
    labels.Add(tokens.Name(), tokens.Value(), tokens.Identity());
  }
  return tokens.IsComplete() ? ReadValue(tokens.Rest()) : std::nullopt;
}

bool IsMetric(std::string_view line, std::string_view name) {
  return line.substr(0, name.size()) == name &&
         (line.size() == name.size() || !IsNameCharacter(line[name.size()]));
}

// Whether more text can make a line of that metric of it.
bool MayBecome(std::string_view line, std::string_view name) {
  return line.size() <= name.size() ? name.substr(0, line.size()) == line : IsMetric(line, name);
}

}  // namespace

PrometheusReader::PrometheusReader(const ReaderOptions& options, SeriesSink sink,
                                   std::string own_namespace)
    : options_(options),
      labels_(options, std::move(sink), std::move(own_namespace)),
      requests_name_(options.metric_prefix + "istio_requests_total"),
      connections_name_(options.metric_prefix + "istio_tcp_connections_opened_total") {}

bool PrometheusReader::MayBeOurs(std::string_view line) const {
  return MayBecome(line, requests_name_) || MayBecome(line, connections_name_);
}

Status PrometheusReader::Feed(std::string_view chunk) {
  body_ += chunk.size();
  if (body_ > options_.max_body) {
    return ResourceExhausted("the statistics are longer than {} bytes", options_.max_body);
  }
  while (!chunk.empty()) {
    const size_t end = chunk.find('\n');
    if (end == std::string_view::npos) {
      TakePart(chunk);
      break;
    }
    if (tail_.empty() && !skipping_) {
      TakeLine(chunk.substr(0, end));
    } else {
      TakePart(chunk.substr(0, end));
      if (!skipping_) {
        TakeLine(tail_);
      }
      tail_.clear();
      skipping_ = false;
    }
    chunk.remove_prefix(end + 1);
  }
  return OkStatus();
}

// Of a line that is cut.
void PrometheusReader::TakePart(std::string_view part) {
  if (skipping_) {
    return;
  }
  const size_t room = options_.max_line + 1 - std::min(tail_.size(), options_.max_line + 1);
  tail_ += part.substr(0, room);
  if (!MayBeOurs(tail_)) {
    skipping_ = true;
  } else if (tail_.size() > options_.max_line) {
    labels_.Refuse(SeriesRefusal::kTooLong);
    skipping_ = true;
  }
  if (skipping_) {
    tail_.clear();
  }
}

Status PrometheusReader::Finish() {
  // An application whose metrics are appended may leave out the last line's end.
  if (!tail_.empty()) {
    return InvalidArgument("the statistics end within a line");
  }
  return OkStatus();
}

void PrometheusReader::TakeLine(std::string_view line) {
  if (IsMetric(line, requests_name_)) {
    TakeSeries(Metric::kRequests, line, requests_name_.size());
  } else if (IsMetric(line, connections_name_)) {
    TakeSeries(Metric::kTcpConnectionsOpened, line, connections_name_.size());
  }
}

void PrometheusReader::TakeSeries(Metric metric, std::string_view line, size_t name_length) {
  if (line.size() > options_.max_line) {
    labels_.Refuse(SeriesRefusal::kTooLong);
    return;
  }
  std::string_view rest = line.substr(name_length);
  SkipBlanks(rest);
  if (!Skip(rest, '{')) {
    labels_.Refuse(ReadValue(rest) ? SeriesRefusal::kNoReporter : SeriesRefusal::kMalformed);
    return;
  }
  scratch_.reserve(line.size());
  for (const Escaping escaping : {Escaping::kBackslash, Escaping::kNone}) {
    scratch_.clear();
    labels_.Begin(metric);
    if (const auto value = ReadLabels(rest, escaping, scratch_, memory_, labels_)) {
      labels_.Finish(ParseCounter(*value));
      return;
    }
  }
  labels_.Refuse(SeriesRefusal::kMalformed);
}

}  // namespace network_mapper::istio
