// The exchanges of one connection on their way to the observer: adds whose they are, and lets only
// those through that are for AWS. Without TLS the first one's Host field says where the connection
// leads, and no request for another host may go there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

  // Without TLS: the name in the first request's Host field, in lower case, empty when there is
  // none, or one with another port than HTTP's; absent until there was a request.
  const std::optional<std::string>& FirstHost() const { return first_host_; }

 private:
  bool IsForAws(const RequestHead& head) const;

  ProxyContext& context_;
  const Scheme scheme_;
  const IpAddress client_;
  std::optional<std::string> first_host_;
};

}  // namespace network_mapper::aws
