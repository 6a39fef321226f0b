#include "aws-visibility/http/http1_connection.h"

#include <utility>

namespace network_mapper::aws {

namespace {

// Requests that a client may send ahead of the answers.
constexpr size_t kMostWaiting = 128;

}  // namespace

void Http1Connection::BreakOff() {
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    if (waiting.exchange != nullptr) {
      waiting.exchange->BreakOff();
    }
  }
}

bool Http1Connection::DropStill() {
  bool more = false;
  for (const Waiting& waiting : waiting_) {
    more = (waiting.exchange != nullptr && waiting.exchange->DropStill()) || more;
  }
  return more;
}

Reading Http1Connection::RequestHandler::OnHead(std::string text, BodyFraming& framing) {
  Http1Head head = ReadRequestHead(std::move(text));
  if (head.reading != Reading::kFollowed) {
    return head.reading;
  }
  if (connection_.waiting_.size() >= kMostWaiting) {
    return Reading::kPipelining;
  }
  if (!connection_.listener_.MayPass(head.head.host.In(head.head.text))) {
    return Reading::kOtherHost;
  }
  framing = head.framing;
  const bool is_head = head.head.method.In(head.head.text) == "HEAD";
  exchange_ =
      KeptExchange::Create(std::move(head.head), connection_.listener_, connection_.budget_);
  connection_.waiting_.push_back({.is_head = is_head, .exchange = exchange_});
  return Reading::kFollowed;
}

void Http1Connection::RequestHandler::OnBody(std::string_view bytes) {
  if (exchange_ != nullptr) {
    exchange_->AddRequestBody(bytes);
  }
}

void Http1Connection::RequestHandler::OnMessageEnd() {
  if (const std::shared_ptr<KeptExchange> exchange = std::exchange(exchange_, nullptr)) {
    exchange->EndRequest();
  }
}

Reading Http1Connection::ResponseHandler::OnHead(std::string text, BodyFraming& framing) {
  if (connection_.waiting_.empty()) {
    return Reading::kUnreadable;
  }
  const Waiting& waiting = connection_.waiting_.front();
  Http1Head head = ReadResponseHead(std::move(text), waiting.is_head);
  if (head.reading != Reading::kFollowed) {
    return head.reading;
  }
  const int status = head.head.status;
  constexpr int kSwitchingProtocols = 101;
  interim_ = status < 200;
  if (waiting.exchange != nullptr && (!interim_ || status == kSwitchingProtocols)) {
    waiting.exchange->SetResponse(std::move(head.head));
  }
  framing = head.framing;
  return status == kSwitchingProtocols ? Reading::kUpgraded : Reading::kFollowed;
}

void Http1Connection::ResponseHandler::OnBody(std::string_view bytes) {
  if (const auto& exchange = connection_.waiting_.front().exchange; exchange != nullptr) {
    exchange->AddResponseBody(bytes);
  }
}

void Http1Connection::ResponseHandler::OnMessageEnd() {
  if (std::exchange(interim_, false)) {
    return;
  }
  if (const auto& exchange = connection_.waiting_.front().exchange; exchange != nullptr) {
    exchange->EndResponse();
  }
  connection_.waiting_.erase(connection_.waiting_.begin());
}

}  // namespace network_mapper::aws
