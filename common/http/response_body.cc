#include "common/http/response_body.h"

#include <algorithm>
#include <charconv>

namespace network_mapper {

namespace {

// A size, an extension that nobody uses; a field of a trailer.
constexpr size_t kLongestLine = 1024;
constexpr size_t kMostTrailers = 64;

size_t CountOfHeader(const ResponseHead& head, std::string_view name) {
  return static_cast<size_t>(
      std::count_if(head.headers.begin(), head.headers.end(),
                    [name](const auto& header) { return header.first == name; }));
}

bool IsChunked(std::string_view encoding) {
  constexpr std::string_view kChunked = "chunked";
  return std::equal(
      encoding.begin(), encoding.end(), kChunked.begin(), kChunked.end(),
      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

std::optional<size_t> ParseChunkSize(std::string_view line) {
  constexpr int kHexadecimal = 16;
  line = line.substr(0, line.find(';'));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  size_t size = 0;
  const auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), size, kHexadecimal);
  const bool whole = error == std::errc() && end == line.data() + line.size();
  return whole ? std::optional(size) : std::nullopt;
}

}  // namespace

StatusOr<ResponseBody> ResponseBody::After(const ResponseHead& head) {
  const bool has_length = CountOfHeader(head, "content-length") > 0;
  if (CountOfHeader(head, "transfer-encoding") > 0) {
    if (has_length || CountOfHeader(head, "transfer-encoding") > 1 ||
        !IsChunked(head.Header("transfer-encoding"))) {
      return InvalidArgument("the answer's body is framed in no way that is known");
    }
    return ResponseBody(State::kChunkSize, 0);
  }
  if (!has_length) {
    return ResponseBody(State::kUntilEnd, 0);
  }
  const std::optional<size_t> length = head.ContentLength();
  if (!length || CountOfHeader(head, "content-length") > 1) {
    return InvalidArgument("the answer's length is no number");
  }
  return ResponseBody(*length == 0 ? State::kOver : State::kLength, *length);
}

Status ResponseBody::Feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty() && state_ != State::kOver) {
    if (state_ == State::kUntilEnd) {
      return take(bytes);
    }
    if (state_ == State::kLength || state_ == State::kChunk) {
      const std::string_view part = bytes.substr(0, left_);
      bytes.remove_prefix(part.size());
      left_ -= part.size();
      RETURN_IF_ERROR(take(part));
      if (left_ == 0) {
        state_ = state_ == State::kLength ? State::kOver : State::kChunkEnd;
      }
      continue;
    }
    const size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, std::min(end, kLongestLine + 1)));
    if (line_.size() > kLongestLine) {
      return InvalidArgument("a chunk of the answer's body has no valid size");
    }
    if (end == std::string_view::npos) {
      return OkStatus();
    }
    bytes.remove_prefix(end + 1);
    RETURN_IF_ERROR(TakeLine());
    line_.clear();
  }
  return OkStatus();
}

Status ResponseBody::TakeLine() {
  std::string_view line(line_);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) {
      return InvalidArgument("a chunk of the answer's body is longer than its size");
    }
    state_ = State::kChunkSize;
    return OkStatus();
  }
  if (state_ == State::kTrailer) {
    if (line.empty()) {
      state_ = State::kOver;
    } else if (++lines_ > kMostTrailers) {
      return InvalidArgument("the answer's trailer is too long");
    }
    return OkStatus();
  }
  const std::optional<size_t> size = ParseChunkSize(line);
  if (!size) {
    return InvalidArgument("a chunk of the answer's body has no valid size");
  }
  left_ = *size;
  state_ = *size == 0 ? State::kTrailer : State::kChunk;
  return OkStatus();
}

Status ResponseBody::EndOfConnection() {
  if (state_ == State::kUntilEnd) {
    state_ = State::kOver;
  }
  return IsOver() ? OkStatus() : Unavailable("the connection ended within the answer");
}

}  // namespace network_mapper
