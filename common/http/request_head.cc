#include "common/http/request_head.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace network_mapper {

namespace {

// The value of the header line when it has this name, without surrounding blanks.
std::optional<std::string_view> ValueOf(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':' ||
      strncasecmp(line.data(), name.data(), name.size()) != 0) {
    return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  constexpr std::string_view kBlank = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  return line.substr(0, line.find_last_not_of(kBlank) + 1);
}

std::optional<uint64_t> ToNumber(std::string_view digits) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<uint64_t> AnnouncedBodyBytes(std::string_view head) {
  // RequestParser reads no body of these, whatever they announce.
  constexpr std::array<std::string_view, 4> kWithoutBody = {"GET ", "HEAD ", "OPTIONS ", "DELETE "};
  if (std::any_of(kWithoutBody.begin(), kWithoutBody.end(),
                  [&](std::string_view method) { return head.starts_with(method); })) {
    return 0;
  }
  std::optional<uint64_t> bytes;
  bool first = true;
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(line.size() + 1, head.size()));
    if (ValueOf(line, "transfer-encoding") || ValueOf(line, "expect")) {
      return std::nullopt;
    }
    if (auto length = ValueOf(line, "content-length"); length && first) {
      first = false;
      bytes = ToNumber(*length);
    }
  }
  return first ? 0 : bytes;
}

}  // namespace network_mapper
