// The exchanges of one connection on their way to the observer: adds whose they are, and lets only
// those through that are for AWS.
#pragma once

#include "aws-visibility/http/exchange_listener.h"
#include "aws-visibility/proxy/exchange_observer.h"
#include "aws-visibility/proxy/proxy_context.h"

namespace network_mapper::aws {

class ConnectionExchanges final : public ExchangeListener {
 public:
  // `context` must outlive this.
  ConnectionExchanges(ProxyContext& context, const IpAddress& client)
      : context_(context), client_(client) {}

  BodyNeeds NeedsOf(const RequestHead& head) override;
  void OnExchange(const RequestHead& head, const Body& body, const ResponseHead& response,
                  const Body& response_body) override;

  void OnLoss(Loss loss) override { context_.metrics.Count(loss); }

 private:
  bool IsForAws(const RequestHead& head) const;

  ProxyContext& context_;
  const IpAddress client_;
};

}  // namespace network_mapper::aws
