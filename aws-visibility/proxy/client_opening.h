// What a client sends first, as far as it takes to know where it wants to go: a ClientHello, or the
// head of its first request. In its loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "aws-visibility/http/connection_reader.h"
#include "aws-visibility/proxy/client_hello.h"
#include "aws-visibility/proxy/connection_exchanges.h"
#include "aws-visibility/proxy/endpoint.h"
#include "aws-visibility/proxy/proxy_context.h"

namespace network_mapper::aws {

class ClientOpening {
 public:
  enum class State : uint8_t {
    kWaiting,
    // It names an API endpoint.
    kComplete,
    // See Why.
    kRefused,
    kGone,
  };

  // `kept` is the client's. All must outlive this.
  ClientOpening(Scheme scheme, ProxyContext& context, ConnectionExchanges& exchanges,
                KeepBudget& kept);

  // Reads as long as something is there. `scratch` is memory for one read; nothing stays there.
  State Read(Endpoint& client, std::span<char> scratch);

  Refusal Why() const { return why_; }

  // When it is complete: a name in lower case.
  const std::string& ServerName() const { return hello_.server_name; }

  // As in ClientHello.
  const std::string& Protocols() const { return hello_.protocols; }

  // All that was read, which has to go on.
  std::string TakeBytes() {
    charge_.Set(0);
    return std::exchange(bytes_, {});
  }

  // Has read these bytes; null with TLS.
  std::unique_ptr<ConnectionReader> TakeReader() { return std::move(reader_); }

 private:
  State TakeHello();
  State TakeRequest(std::string_view bytes);
  State CheckName();
  State Refused(Refusal reason);

  ProxyContext& context_;
  ConnectionExchanges& exchanges_;
  std::unique_ptr<ConnectionReader> reader_;
  std::string bytes_;
  KeptCharge charge_;
  ClientHello hello_;
  Refusal why_ = Refusal::kNotTls;
};

}  // namespace network_mapper::aws
