// Whether one client trusts the certificate that it is shown, as far as what it does tells: whoever
// says in an alert that it does not, or leaves without a word twice in a row, is spliced from the
// next connection on. In its loop's thread only.
#pragma once

#include <string>

#include "aws-visibility/proxy/endpoint.h"
#include "aws-visibility/proxy/proxy_context.h"
#include "aws-visibility/proxy/relay.h"
#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class ClientTrust {
 public:
  // `context` must outlive this.
  ClientTrust(ProxyContext& context, const IpAddress& client)
      : context_(context), client_(client) {}

  // The handshake for a name ended with `result`, which is not kDone: what that is to be counted
  // as.
  Failure OnHandshakeEnd(const Endpoint& client, IoResult result, const std::string& server_name,
                         SteadyTime now);

  void OnHandshakeDone(SteadyTime now) { since_ = now; }

  // After bytes were moved, or an end was. Counts what it makes of it.
  void OnMoved(const Endpoint& client, const Relay& relay, const std::string& server_name,
               SteadyTime now);

 private:
  // `left`: it did not say why.
  Failure Note(bool left, const std::string& server_name, SteadyTime now);

  ProxyContext& context_;
  const IpAddress client_;
  SteadyTime since_;
  bool decided_ = false;
};

}  // namespace network_mapper::aws
