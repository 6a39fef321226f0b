#include "aws-visibility/proxy/connection_exchanges.h"

#include <string>
#include <string_view>

namespace network_mapper::aws {

bool ConnectionExchanges::IsForAws(const RequestHead& head) const {
  // No name is as long, so nothing is copied but names.
  constexpr size_t kLongestName = 256;
  std::string_view host = head.host.substr(0, head.host.find(':'));
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.empty() || host.size() > kLongestName) {
    return false;
  }
  std::string lower(host);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return context_.options.is_api_endpoint(lower);
}

BodyNeeds ConnectionExchanges::NeedsOf(const RequestHead& head) {
  return IsForAws(head) ? context_.observer.NeedsOf(head) : BodyNeeds{};
}

void ConnectionExchanges::OnExchange(const RequestHead& head, const Body& body,
                                     const ResponseHead& response, const Body& response_body) {
  if (!IsForAws(head)) {
    context_.metrics.exchanges_of_others.Increment();
    return;
  }
  context_.metrics.exchanges.Increment();
  context_.observer.OnExchange({.client = client_,
                                .time = context_.clock.Now(),
                                .head = head,
                                .body = body,
                                .response = response,
                                .response_body = response_body});
}

}  // namespace network_mapper::aws
