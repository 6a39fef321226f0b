// The exchanges of one connection on their way to the observer: adds whose they are, and lets only
// those through that are for the endpoint at its other end: no other one's name is believed.
// Without TLS the first one's Host field says where the connection leads, and no request for
// another host may go there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "aws-visibility/http/exchange_listener.h"
#include "aws-visibility/proxy/exchange_observer.h"
#include "aws-visibility/proxy/proxy_context.h"

namespace network_mapper::aws {

class ConnectionExchanges final : public ExchangeListener {
 public:
  // `context` must outlive this.
  ConnectionExchanges(ProxyContext& context, Scheme scheme, const IpAddress& client)
      : context_(context), scheme_(scheme), client_(client) {}

  bool MayPass(std::string_view host) override;
  BodyNeeds NeedsOf(const RequestHead& head) override;
  void OnExchange(const RequestHead& head, const Body& body, const ResponseHead& response,
                  const Body& response_body) override;

  void OnLoss(Loss loss) override { context_.metrics.Count(loss); }

  // With TLS, before any request: the name that the client was shown a certificate for.
  void SetEndpoint(std::string name) { endpoint_ = std::move(name); }

  // In lower case. Without TLS the name in the first request's Host field, empty when there is
  // none, or one with another port than HTTP's. Absent until it is known.
  const std::optional<std::string>& Endpoint() const { return endpoint_; }

 private:
  bool IsForEndpoint(const RequestHead& head) const;

  ProxyContext& context_;
  const Scheme scheme_;
  const IpAddress client_;
  std::optional<std::string> endpoint_;
};

}  // namespace network_mapper::aws
