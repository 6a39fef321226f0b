#include "aws-visibility/http/http2_connection.h"

#include <utility>

namespace network_mapper::aws {

namespace {

// Servers allow a hundred or so at a time.
constexpr size_t kMostStreams = 256;
constexpr size_t kMostSettings = 32;
constexpr size_t kLargestDecodedHead = size_t{64} * 1024;
// RFC 9113 6.5.1.
constexpr size_t kSettingSize = 6;
constexpr uint32_t kHeaderTableSize = 1;

uint32_t BigEndian(std::string_view bytes) {
  uint32_t number = 0;
  for (const char c : bytes) {
    number = (number << 8U) | static_cast<uint8_t>(c);
  }
  return number;
}

}  // namespace

Reading Http2Connection::FromServer(std::string_view bytes) {
  const Reading reading = server_.frames.Take(bytes);
  // What an endpoint sends is its client's to judge.
  return IsRefusal(reading) ? Reading::kUnreadable : reading;
}

void Http2Connection::BreakOff() {
  for (const auto& [id, stream] : std::exchange(streams_, {})) {
    stream.exchange->BreakOff();
  }
}

bool Http2Connection::DropStill() {
  bool more = false;
  for (const auto& [id, stream] : streams_) {
    more = stream.exchange->DropStill() || more;
  }
  return more;
}

KeptExchange* Http2Connection::Find(uint32_t stream) {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.exchange.get();
}

Reading Http2Connection::Side::OnHeaderBlock(uint32_t stream, std::string_view block,
                                             bool ends_stream, bool promise) {
  HeaderDecoder::Block decoded = headers.Decode(block, kLargestDecodedHead);
  if (decoded.reading != Reading::kFollowed) {
    return decoded.reading;
  }
  if (promise) {
    return is_client_ ? Reading::kAmbiguous : Reading::kFollowed;
  }
  if (!is_client_) {
    connection_.TakeResponse(stream, std::move(decoded.head), ends_stream);
    return Reading::kFollowed;
  }
  return connection_.TakeRequest(stream, std::move(decoded.head), ends_stream);
}

Reading Http2Connection::TakeRequest(uint32_t stream, HeadText head, bool ends_stream) {
  if (stream % 2 == 0) {
    return Reading::kAmbiguous;
  }
  if (stream > last_stream_) {
    last_stream_ = stream;
    if (head.method.In(head.text) == "CONNECT") {
      return Reading::kConnect;
    }
    if (!listener_.MayPass(head.host.In(head.text))) {
      return Reading::kOtherHost;
    }
    if (streams_.size() >= kMostStreams) {
      listener_.OnLoss(Loss::kTooManyStreams);
    } else if (auto exchange = KeptExchange::Create(std::move(head), listener_, budget_)) {
      streams_[stream] = {.exchange = std::move(exchange)};
    }
  }
  // Else trailers, or of a stream whose answer has ended.
  if (ends_stream) {
    EndRequest(stream);
  }
  return Reading::kFollowed;
}

void Http2Connection::TakeResponse(uint32_t stream, HeadText head, bool ends_stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) {
    return;
  }
  if (!found->second.answered && head.status >= 200) {
    found->second.answered = true;
    found->second.exchange->SetResponse(std::move(head));
  }
  if (ends_stream) {
    EndResponse(stream);
  }
}

void Http2Connection::EndRequest(uint32_t stream) {
  if (KeptExchange* exchange = Find(stream)) {
    exchange->EndRequest();
  }
}

void Http2Connection::EndResponse(uint32_t stream) {
  if (KeptExchange* exchange = Find(stream)) {
    exchange->EndResponse();
    streams_.erase(stream);
  }
}

void Http2Connection::Side::OnData(uint32_t stream, std::string_view bytes) {
  KeptExchange* const exchange = connection_.Find(stream);
  if (exchange == nullptr) {
    return;
  }
  if (is_client_) {
    exchange->AddRequestBody(bytes);
  } else {
    exchange->AddResponseBody(bytes);
  }
}

void Http2Connection::Side::OnStreamEnd(uint32_t stream) {
  if (is_client_) {
    connection_.EndRequest(stream);
  } else {
    connection_.EndResponse(stream);
  }
}

void Http2Connection::Side::OnReset(uint32_t stream) {
  if (KeptExchange* exchange = connection_.Find(stream)) {
    exchange->BreakOff();
    connection_.streams_.erase(stream);
  }
}

size_t Http2Connection::Side::Pending() const {
  size_t bytes = frames.Pending();
  for (const std::vector<uint32_t>& sizes : table_sizes) {
    bytes += sizes.size() * sizeof(uint32_t);
  }
  return bytes;
}

Reading Http2Connection::Side::OnSettings(std::string_view payload, bool acknowledgement) {
  if (!acknowledgement) {
    std::vector<uint32_t> sizes;
    for (; payload.size() >= kSettingSize; payload.remove_prefix(kSettingSize)) {
      if (BigEndian(payload.substr(0, 2)) == kHeaderTableSize) {
        sizes.push_back(BigEndian(payload.substr(2, 4)));
      }
    }
    table_sizes.push_back(std::move(sizes));
    return table_sizes.size() > kMostSettings ? Reading::kUnreadable : Reading::kFollowed;
  }
  // From here on this side writes its header blocks as the other side's settings allow.
  Side& other = is_client_ ? connection_.server_ : connection_.client_;
  if (other.table_sizes.empty()) {
    return Reading::kAmbiguous;
  }
  for (const uint32_t size : other.table_sizes.front()) {
    if (!headers.SetTableSize(size)) {
      return Reading::kUnreadable;
    }
  }
  other.table_sizes.erase(other.table_sizes.begin());
  return Reading::kFollowed;
}

}  // namespace network_mapper::aws
