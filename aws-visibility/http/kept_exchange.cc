#include "aws-visibility/http/kept_exchange.h"

#include <algorithm>
#include <utility>

namespace network_mapper::aws {

KeptExchange::KeptExchange(ExchangeListener& listener, KeepBudget& budget)
    : listener_(listener),
      request_text_(budget),
      response_text_(budget),
      request_(budget),
      response_(budget) {}

std::shared_ptr<KeptExchange> KeptExchange::Create(HeadText request, ExchangeListener& listener,
                                                   KeepBudget& budget) {
  auto exchange = std::make_shared<KeptExchange>(listener, budget);
  if (!exchange->request_text_.Adopt(std::move(request.text))) {
    listener.OnLoss(Loss::kNoRoomForHead);
    return nullptr;
  }
  request.text.clear();
  exchange->request_.head = std::move(request);
  const std::vector<Header> headers =
      exchange->request_.head.Headers(exchange->request_text_.View());
  const BodyNeeds needs = listener.NeedsOf(exchange->Request(headers));
  exchange->request_.need = needs.request;
  exchange->response_.need = needs.response;
  return exchange;
}

RequestHead KeptExchange::Request(const std::vector<Header>& headers) const {
  const std::string_view text = request_text_.View();
  return {.method = request_.head.method.In(text),
          .host = request_.head.host.In(text),
          .target = request_.head.target.In(text),
          .headers = headers};
}

void KeptExchange::Add(Message& message, std::string_view bytes) {
  if (told_ || bytes.empty()) {
    return;
  }
  const std::string_view part =
      bytes.substr(0, message.need - std::min(message.need, message.body.View().size()));
  if (!message.cut && !message.body.Append(part)) {
    listener_.OnLoss(Loss::kNoRoomForBody);
    message.cut = true;
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
  answered_ = true;
  // Without room the status is known all the same.
  if (response_text_.Adopt(std::move(response.text))) {
    response.text.clear();
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

void KeptExchange::TellIfDue() {
  if (answered_ && request_.Satisfied() && response_.Satisfied()) {
    Tell();
  }
}

void KeptExchange::Tell() {
  if (std::exchange(told_, true)) {
    return;
  }
  const std::vector<Header> headers = request_.head.Headers(request_text_.View());
  const std::vector<Header> response_headers = response_.head.Headers(response_text_.View());
  listener_.OnExchange(Request(headers), request_.Kept(),
                       {.status = response_.head.status, .headers = response_headers},
                       response_.Kept());
}

}  // namespace network_mapper::aws
