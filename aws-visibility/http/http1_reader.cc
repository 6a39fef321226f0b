#include "aws-visibility/http/http1_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/text/give_back.h"

namespace network_mapper::aws {

namespace {

constexpr size_t kLongestChunkLine = 1024;
// Of a chunk's size; with fifteen it cannot overflow.
constexpr size_t kMostHexDigits = 15;

}  // namespace

Reading Http1Reader::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kHead:
      case State::kChunkSize:
      case State::kChunkEnd:
      case State::kTrailers:
        if (const Reading reading = TakeText(bytes); reading != Reading::kFollowed) {
          return reading;
        }
        break;
      case State::kLength:
      case State::kChunkData:
      case State::kUntilEnd:
        TakeBody(bytes);
        break;
    }
  }
  return Reading::kFollowed;
}

void Http1Reader::End() {
  if (state_ == State::kUntilEnd) {
    Finish();
  }
}

Http1Reader::LineState Http1Reader::TakeLine(std::string_view& bytes, size_t limit) {
  const size_t end = bytes.find('\n');
  const bool whole = end != std::string_view::npos;
  const std::string_view part = bytes.substr(0, whole ? end + 1 : bytes.size());
  // A CR stands before a LF, and a LF after a CR, and nowhere else: what takes either for the end
  // of a line sees what we see.
  const bool after_cr = line_size_ > 0 && text_.back() == '\r';
  const size_t cr = part.find('\r');
  const size_t cr_place = whole ? part.size() - 2 : part.size() - 1;
  if ((after_cr && part != "\n") || (cr != std::string_view::npos && cr != cr_place) ||
      (whole && cr == std::string_view::npos && !after_cr)) {
    return LineState::kBad;
  }
  if (text_.size() + part.size() > limit) {
    return LineState::kTooLong;
  }
  text_.append(part);
  line_size_ += part.size();
  bytes.remove_prefix(part.size());
  return whole ? LineState::kWhole : LineState::kPart;
}

Reading Http1Reader::TakeText(std::string_view& bytes) {
  const bool one_line = state_ == State::kChunkSize || state_ == State::kChunkEnd;
  switch (TakeLine(bytes, one_line ? kLongestChunkLine : kLargestHead)) {
    case LineState::kPart:
      // What must be an empty line is none already.
      return state_ == State::kChunkEnd && text_ != "\r" ? Reading::kAmbiguous : Reading::kFollowed;
    case LineState::kBad:
      return Reading::kAmbiguous;
    case LineState::kTooLong:
      return one_line ? Reading::kAmbiguous : Reading::kLargeHead;
    case LineState::kWhole:
      break;
  }
  const bool empty_line = std::exchange(line_size_, 0) == 2;
  switch (state_) {
    case State::kChunkSize:
      return TakeChunkSize();
    case State::kChunkEnd:
      text_.clear();
      state_ = State::kChunkSize;
      return empty_line ? Reading::kFollowed : Reading::kAmbiguous;
    case State::kTrailers:
      if (!empty_line) {
        return Reading::kFollowed;
      }
      if (!AreTrailers(text_)) {
        return Reading::kAmbiguous;
      }
      GiveBack(text_);
      Finish();
      return Reading::kFollowed;
    default:
      break;
  }
  if (!empty_line) {
    return Reading::kFollowed;
  }
  // An empty line before a message: some readers skip it, some do not.
  return text_.size() == 2 ? Reading::kAmbiguous : TakeHeadEnd();
}

Reading Http1Reader::TakeHeadEnd() {
  BodyFraming framing;
  const Reading reading = handler_.OnHead(std::exchange(text_, {}), framing);
  if (reading != Reading::kFollowed) {
    return reading;
  }
  left_ = framing.length;
  switch (framing.kind) {
    case BodyFraming::Kind::kNone:
      Finish();
      break;
    case BodyFraming::Kind::kLength:
      state_ = State::kLength;
      break;
    case BodyFraming::Kind::kChunked:
      state_ = State::kChunkSize;
      break;
    case BodyFraming::Kind::kUntilEnd:
      state_ = State::kUntilEnd;
      break;
  }
  return Reading::kFollowed;
}

Reading Http1Reader::TakeChunkSize() {
  const std::string line = std::exchange(text_, {});
  const char* const end = line.data() + line.size() - 2;
  const auto [stopped, error] = std::from_chars(line.data(), end, left_, 16);
  const auto digits = static_cast<size_t>(stopped - line.data());
  const bool clean =
      std::all_of(stopped, end, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
  if (error != std::errc() || digits > kMostHexDigits || (stopped != end && *stopped != ';') ||
      !clean) {
    return Reading::kAmbiguous;
  }
  state_ = left_ == 0 ? State::kTrailers : State::kChunkData;
  return Reading::kFollowed;
}

void Http1Reader::TakeBody(std::string_view& bytes) {
  if (state_ == State::kUntilEnd) {
    handler_.OnBody(std::exchange(bytes, {}));
    return;
  }
  const std::string_view part = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
  handler_.OnBody(part);
  bytes.remove_prefix(part.size());
  left_ -= part.size();
  if (left_ > 0) {
    return;
  }
  if (state_ == State::kChunkData) {
    state_ = State::kChunkEnd;
  } else {
    Finish();
  }
}

void Http1Reader::Finish() {
  state_ = State::kHead;
  handler_.OnMessageEnd();
}

}  // namespace network_mapper::aws
