#include "aws-visibility/proxy/client_opening.h"

#include "aws-visibility/http/http1_reader.h"

namespace network_mapper::aws {

ClientOpening::ClientOpening(Scheme scheme, ProxyContext& context, ConnectionExchanges& exchanges,
                             KeepBudget& kept)
    : context_(context), exchanges_(exchanges), charge_(kept) {
  if (scheme == Scheme::kHttp) {
    reader_ = std::make_unique<ConnectionReader>(exchanges, kept);
  }
}

ClientOpening::State ClientOpening::Read(Endpoint& client, std::span<char> scratch) {
  State state = State::kWaiting;
  while (state == State::kWaiting) {
    size_t size = 0;
    switch (client.Read(scratch.first(kLargestClientHello), size)) {
      case IoResult::kDone:
        break;
      case IoResult::kAgain:
        return State::kWaiting;
      default:
        return State::kGone;
    }
    const std::string_view bytes(scratch.data(), size);
    bytes_.append(bytes);
    state = reader_ == nullptr ? TakeHello() : TakeRequest(bytes);
    if (state == State::kWaiting && !charge_.Set(bytes_.size())) {
      return Refused(Refusal::kNoRoom);
    }
  }
  return state;
}

ClientOpening::State ClientOpening::TakeHello() {
  hello_ = ReadClientHello(bytes_);
  switch (hello_.state) {
    case HelloState::kNeedsMore:
      return State::kWaiting;
    case HelloState::kNotTls:
      return Refused(Refusal::kNotTls);
    case HelloState::kMalformed:
      return Refused(Refusal::kMalformedHello);
    case HelloState::kComplete:
      break;
  }
  return CheckName();
}

ClientOpening::State ClientOpening::TakeRequest(std::string_view bytes) {
  const Reading reading = reader_->FromClient(bytes);
  if (const auto& host = exchanges_.Endpoint()) {
    hello_.server_name = *host;
    if (CheckName() == State::kRefused) {
      return State::kRefused;
    }
  }
  if (reading != Reading::kFollowed) {
    return Refused(IsRefusal(reading)            ? RefusalOf(reading)
                   : reading == Reading::kNoRoom ? Refusal::kNoRoom
                                                 : Refusal::kNotHttp);
  }
  if (exchanges_.Endpoint()) {
    return State::kComplete;
  }
  // HTTP/2 may say a lot before its first request.
  return bytes_.size() > kLargestHead ? Refused(Refusal::kLargeHead) : State::kWaiting;
}

ClientOpening::State ClientOpening::CheckName() {
  if (hello_.server_name.empty()) {
    return Refused(Refusal::kNoServerName);
  }
  return context_.options.is_api_endpoint(hello_.server_name) ? State::kComplete
                                                              : Refused(Refusal::kNotAnApiEndpoint);
}

ClientOpening::State ClientOpening::Refused(Refusal reason) {
  why_ = reason;
  return State::kRefused;
}

}  // namespace network_mapper::aws
