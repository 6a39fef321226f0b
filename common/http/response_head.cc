#include "common/http/response_head.h"

#include <algorithm>
#include <charconv>

namespace network_mapper {

namespace {

constexpr size_t kLargestHead = size_t{64} << 10U;
constexpr std::string_view kLineEnd = "\r\n";

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "HTTP/1.1 101 Switching Protocols"
std::optional<int> CodeOf(std::string_view line) {
  constexpr size_t kVersion = 9;
  constexpr size_t kDigits = 3;
  const bool known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  const bool ends = line.size() == kVersion + kDigits ||
                    (line.size() > kVersion + kDigits && line[kVersion + kDigits] == ' ');
  return known && ends ? ParseNumber<int>(line.substr(kVersion, kDigits)) : std::nullopt;
}

}  // namespace

std::string_view ResponseHead::Header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : found->second;
}

std::optional<size_t> ResponseHead::ContentLength() const {
  return ParseNumber<size_t>(Header("content-length"));
}

StatusOr<std::optional<ResponseHead>> ParseResponseHead(std::string_view text) {
  const size_t end = text.substr(0, kLargestHead).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() >= kLargestHead) {
      return InvalidArgument("the head of the answer is longer than {} bytes", kLargestHead);
    }
    return std::optional<ResponseHead>();
  }
  ResponseHead head;
  head.size = end + 2 * kLineEnd.size();
  std::string_view lines = text.substr(0, end + kLineEnd.size());
  bool first = true;
  while (!lines.empty()) {
    const size_t length = lines.find(kLineEnd);
    const std::string_view line = lines.substr(0, length);
    lines.remove_prefix(length + kLineEnd.size());
    if (first) {
      const std::optional<int> code = CodeOf(line);
      if (!code) {
        return InvalidArgument("the answer is not HTTP/1");
      }
      head.code = *code;
      first = false;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return InvalidArgument("the answer has a header without a name");
    }
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), Lower);
    head.headers.emplace_back(std::move(name), Trimmed(line.substr(colon + 1)));
  }
  return std::optional(std::move(head));
}

}  // namespace network_mapper
