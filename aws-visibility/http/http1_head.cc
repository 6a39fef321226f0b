#include "aws-visibility/http/http1_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace network_mapper::aws {

namespace {

constexpr size_t kLongestLength = 18;

bool EqualsLower(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(begin);
  const size_t end = text.find_last_not_of(kBlank);
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

Slice SliceOf(std::string_view part, std::string_view text) {
  return {.begin = static_cast<uint32_t>(part.data() - text.data()),
          .size = static_cast<uint32_t>(part.size())};
}

// Takes the first line off, without its end.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), line.size() + 2));
  return line;
}

struct Line {
  std::string_view name;
  std::string_view value;
};

// Absent: no field. That a blank precedes the colon, or begins the line, makes it none.
std::optional<Line> ReadField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return std::nullopt;
  }
  const std::string_view value = line.substr(colon + 1);
  if (!IsFieldValue(value)) {
    return std::nullopt;
  }
  return Line{.name = line.substr(0, colon), .value = Trimmed(value)};
}

std::optional<uint64_t> ReadLength(std::string_view value) {
  uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, length);
  // from_chars takes no sign and no blank for an unsigned number.
  if (value.empty() || value.size() > kLongestLength || error != std::errc() || stopped != end) {
    return std::nullopt;
  }
  return length;
}

// The fields that decide where the body ends.
struct FramingFields {
  size_t lengths = 0;
  size_t codings = 0;
  size_t hosts = 0;
  std::optional<uint64_t> length;
  bool chunked = false;
  std::string_view host;

  // False: a length that is none.
  bool Note(const Line& line) {
    if (EqualsLower(line.name, "content-length")) {
      ++lengths;
      length = ReadLength(line.value);
      return length.has_value();
    }
    if (EqualsLower(line.name, "transfer-encoding")) {
      ++codings;
      chunked = EqualsLower(line.value, "chunked");
    } else if (EqualsLower(line.name, "host")) {
      ++hosts;
      host = line.value;
    }
    return true;
  }
};

// kAmbiguous: a line is no field. kLargeHead: there are too many.
Reading ReadFields(std::string_view lines, std::string_view whole, HeadText& head,
                   FramingFields& framing) {
  while (true) {
    const std::string_view line = TakeLine(lines);
    if (line.empty()) {
      return Reading::kFollowed;
    }
    const std::optional<Line> field = ReadField(line);
    if (!field || !framing.Note(*field)) {
      return Reading::kAmbiguous;
    }
    if (head.fields.size() == kMostFields) {
      return Reading::kLargeHead;
    }
    head.fields.push_back(
        {.name = SliceOf(field->name, whole), .value = SliceOf(field->value, whole)});
  }
}

Http1Head Ended(Reading reading) {
  Http1Head ended;
  ended.reading = reading;
  return ended;
}

bool IsVersion(std::string_view text) {
  return text == "HTTP/1.1" || text == "HTTP/1.0";
}

bool IsTarget(std::string_view target) {
  // "*" is for OPTIONS. A whole URL would name a host beside the Host field.
  return (target == "*" || target.starts_with('/')) &&
         std::all_of(target.begin(), target.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > 0x20 && byte != 0x7f;
         });
}

}  // namespace

Http1Head ReadRequestHead(std::string text) {
  Http1Head result;
  result.head.text = std::move(text);
  const std::string_view whole = result.head.text;
  std::string_view lines = whole;
  const std::string_view start = TakeLine(lines);
  const size_t first = start.find(' ');
  const size_t last = start.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Ended(Reading::kAmbiguous);
  }
  const std::string_view method = start.substr(0, first);
  const std::string_view target = start.substr(first + 1, last - first - 1);
  const std::string_view version = start.substr(last + 1);
  if (method == "CONNECT") {
    return Ended(Reading::kConnect);
  }
  if (!IsToken(method) || !IsTarget(target) || !IsVersion(version)) {
    return Ended(Reading::kAmbiguous);
  }
  FramingFields framing;
  if (const Reading reading = ReadFields(lines, whole, result.head, framing);
      reading != Reading::kFollowed) {
    return Ended(reading);
  }
  // RFC 9112 6.1: what has both is an attempt to smuggle, or an error.
  const bool plain_coding = framing.chunked && version == "HTTP/1.1" && framing.lengths == 0;
  if (framing.hosts > 1 || framing.lengths > 1 || framing.codings > 1 ||
      (framing.codings == 1 && !plain_coding)) {
    return Ended(Reading::kAmbiguous);
  }
  result.head.method = SliceOf(method, whole);
  result.head.target = SliceOf(target, whole);
  if (framing.hosts == 1) {
    result.head.host = SliceOf(framing.host, whole);
  }
  if (framing.codings == 1) {
    result.framing.kind = BodyFraming::Kind::kChunked;
  } else if (framing.length.value_or(0) > 0) {
    result.framing = {.kind = BodyFraming::Kind::kLength, .length = *framing.length};
  }
  return result;
}

Http1Head ReadResponseHead(std::string text, bool answers_head) {
  constexpr size_t kVersionSize = 8;
  constexpr size_t kStatusSize = 3;
  Http1Head result;
  result.head.text = std::move(text);
  const std::string_view whole = result.head.text;
  std::string_view lines = whole;
  const std::string_view start = TakeLine(lines);
  const std::string_view status = start.substr(std::min(start.size(), kVersionSize + 1));
  FramingFields framing;
  int number = 0;
  const bool has_status = status.size() >= kStatusSize &&
                          std::from_chars(status.data(), status.data() + kStatusSize, number).ptr ==
                              status.data() + kStatusSize &&
                          number >= 100 &&
                          (status.size() == kStatusSize || status[kStatusSize] == ' ');
  if (!IsVersion(start.substr(0, kVersionSize)) || !has_status || start[kVersionSize] != ' ' ||
      ReadFields(lines, whole, result.head, framing) != Reading::kFollowed) {
    return Ended(Reading::kUnreadable);
  }
  result.head.status = number;
  // RFC 9112 6.3, in its order.
  if (answers_head || number < 200 || number == 204 || number == 304) {
    return result;
  }
  if (framing.codings > 1 || (framing.codings == 1 && framing.lengths > 0) || framing.lengths > 1) {
    return Ended(Reading::kUnreadable);
  }
  if (framing.codings == 1) {
    result.framing.kind =
        framing.chunked ? BodyFraming::Kind::kChunked : BodyFraming::Kind::kUntilEnd;
  } else if (framing.lengths == 0) {
    result.framing.kind = BodyFraming::Kind::kUntilEnd;
  } else if (*framing.length > 0) {
    result.framing = {.kind = BodyFraming::Kind::kLength, .length = *framing.length};
  }
  return result;
}

bool AreTrailers(std::string_view text) {
  HeadText head;
  FramingFields framing;
  return ReadFields(text, text, head, framing) == Reading::kFollowed && framing.lengths == 0 &&
         framing.codings == 0 && framing.hosts == 0;
}

}  // namespace network_mapper::aws
