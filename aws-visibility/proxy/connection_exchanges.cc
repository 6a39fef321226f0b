#include "aws-visibility/proxy/connection_exchanges.h"

#include <utility>

#include "aws-visibility/proxy/host_name.h"

namespace network_mapper::aws {

bool ConnectionExchanges::MayPass(std::string_view host) {
  if (scheme_ == Scheme::kHttps) {
    // The client was shown a certificate for the endpoint's name; what it asks there for other
    // names is between the two.
    return true;
  }
  constexpr uint16_t kHttpPort = 80;
  std::optional<HostField> field = ReadHostField(host);
  const bool valid = field && (field->port == 0 || field->port == kHttpPort);
  std::string name = valid ? std::move(field->name) : std::string();
  if (!first_host_) {
    first_host_ = std::move(name);
    return context_.options.is_api_endpoint(*first_host_);
  }
  return name == *first_host_;
}

bool ConnectionExchanges::IsForAws(const RequestHead& head) const {
  const std::optional<HostField> field = ReadHostField(head.host);
  return field && context_.options.is_api_endpoint(field->name);
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
