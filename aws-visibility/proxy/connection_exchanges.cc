#include "aws-visibility/proxy/connection_exchanges.h"

#include <utility>

#include "aws-visibility/proxy/host_name.h"

namespace network_mapper::aws {

bool ConnectionExchanges::MayPass(std::string_view host) {
  if (scheme_ == Scheme::kHttps) {
    // What it asks there for other names is between the two.
    return true;
  }
  constexpr uint16_t kHttpPort = 80;
  std::optional<HostField> field = ReadHostField(host);
  const bool valid = field && (field->port == 0 || field->port == kHttpPort);
  std::string name = valid ? std::move(field->name) : std::string();
  if (!endpoint_) {
    endpoint_ = std::move(name);
    return context_.options.is_api_endpoint(*endpoint_);
  }
  return name == *endpoint_;
}

bool ConnectionExchanges::IsForEndpoint(const RequestHead& head) const {
  const std::optional<HostField> field = ReadHostField(head.host);
  return field && endpoint_ && field->name == *endpoint_;
}

BodyNeeds ConnectionExchanges::NeedsOf(const RequestHead& head) {
  return IsForEndpoint(head) ? context_.observer.NeedsOf(head) : BodyNeeds{};
}

void ConnectionExchanges::OnExchange(const RequestHead& head, const Body& body,
                                     const ResponseHead& response, const Body& response_body) {
  if (!IsForEndpoint(head)) {
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
