#include "aws-visibility/http/kept_exchange.h"

#include <algorithm>
#include <utility>

#include "common/text/give_back.h"

namespace network_mapper::aws {

namespace {

// Of one exchange: itself, and its places in the connection's books.
constexpr size_t kOverhead = sizeof(KeptExchange) + 128;

}  // namespace

KeptExchange::KeptExchange(ExchangeListener& listener, KeepBudget& budget)
    : listener_(listener), heads_(budget, Kept::kHead), bodies_(budget, Kept::kBody) {}

std::shared_ptr<KeptExchange> KeptExchange::Create(HeadText request, ExchangeListener& listener,
                                                   KeepBudget& budget) {
  auto exchange = std::make_shared<KeptExchange>(listener, budget);
  request.Shrink();
  if (!exchange->heads_.Add(kOverhead + request.Size())) {
    listener.OnLoss(Loss::kNoRoomForHead);
    return nullptr;
  }
  exchange->request_.head = std::move(request);
  const std::vector<Header> headers = exchange->request_.head.Headers();
  const BodyNeeds needs = listener.NeedsOf(exchange->Request(headers));
  exchange->request_.need = needs.request;
  exchange->response_.need = needs.response;
  return exchange;
}

RequestHead KeptExchange::Request(const std::vector<Header>& headers) const {
  const HeadText& head = request_.head;
  return {.method = head.method.In(head.text),
          .host = head.host.In(head.text),
          .target = head.target.In(head.text),
          .headers = headers};
}

bool KeptExchange::Append(Message& message, std::string_view bytes) {
  std::string& body = message.body;
  const size_t size = body.size() + bytes.size();
  if (size > message.paid) {
    const size_t wanted = std::max(size, 2 * message.paid);
    if (!bodies_.Add(wanted - message.paid)) {
      return false;
    }
    message.paid = wanted;
    body.reserve(wanted);
  }
  body.append(bytes);
  return true;
}

void KeptExchange::Message::GiveBackMemory() {
  GiveBack(head.text);
  GiveBack(body);
  head.fields = {};
}

void KeptExchange::Add(Message& message, std::string_view bytes) {
  if (told_ || bytes.empty()) {
    return;
  }
  const std::string_view part =
      bytes.substr(0, message.need - std::min(message.need, message.body.size()));
  message.moved = true;
  if (!message.cut && !Append(message, part)) {
    listener_.OnLoss(Loss::kNoRoomForBody);
    GiveUp();
    return;
  }
  message.cut = message.cut || part.size() < bytes.size();
  TellIfDue();
}

void KeptExchange::AddRequestBody(std::string_view bytes) {
  Add(request_, bytes);
}

void KeptExchange::EndRequest() {
  request_.ended = true;
  TellIfDue();
}

void KeptExchange::SetResponse(HeadText response) {
  if (told_) {
    return;
  }
  answered_ = true;
  response.Shrink();
  // Without room the status is known all the same.
  if (heads_.Add(response.Size())) {
    response_.head = std::move(response);
  } else {
    listener_.OnLoss(Loss::kNoRoomForHead);
    response_.head.status = response.status;
  }
  TellIfDue();
}

void KeptExchange::AddResponseBody(std::string_view bytes) {
  Add(response_, bytes);
}

void KeptExchange::EndResponse() {
  response_.ended = true;
  Tell();
}

void KeptExchange::BreakOff() {
  Tell();
}

bool KeptExchange::DropStill() {
  if (told_) {
    return false;
  }
  const bool request = DropStill(request_);
  const bool response = DropStill(response_);
  TellIfDue();
  return request || response;
}

bool KeptExchange::DropStill(Message& message) {
  if (message.Satisfied() || message.body.empty()) {
    return false;
  }
  if (std::exchange(message.moved, false)) {
    return true;
  }
  message.cut = true;
  GiveBack(message.body);
  message.paid = 0;
  bodies_.Set(request_.paid + response_.paid);
  listener_.OnLoss(Loss::kStillBody);
  if (&message == &request_) {
    GiveUp();
  }
  return false;
}

void KeptExchange::TellIfDue() {
  if (answered_ && request_.Satisfied() && response_.Satisfied()) {
    Tell();
  }
}

void KeptExchange::Tell() {
  if (told_) {
    return;
  }
  const std::vector<Header> headers = request_.head.Headers();
  const std::vector<Header> response_headers = response_.head.Headers();
  listener_.OnExchange(Request(headers), request_.Kept(),
                       {.status = response_.head.status, .headers = response_headers},
                       response_.Kept());
  GiveUp();
}

void KeptExchange::GiveUp() {
  told_ = true;
  // Its bytes may go on for long.
  request_.GiveBackMemory();
  response_.GiveBackMemory();
  heads_.Set(kOverhead);
  bodies_.Set(0);
}

}  // namespace network_mapper::aws
