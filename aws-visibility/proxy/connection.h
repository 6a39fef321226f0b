// A pod's connection, from its first byte to its end: where it wants to go, the address of the real
// endpoint, TLS with the endpoint, TLS with the client, and then bytes. Without TLS these two are
// left out. In its loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "aws-visibility/proxy/address_resolver.h"
#include "aws-visibility/proxy/client_opening.h"
#include "aws-visibility/proxy/client_trust.h"
#include "aws-visibility/proxy/connection_exchanges.h"
#include "aws-visibility/proxy/endpoint.h"
#include "aws-visibility/proxy/proxy_context.h"
#include "aws-visibility/proxy/relay.h"
#include "aws-visibility/proxy/upstream_dial.h"

namespace network_mapper::aws {

class EventLoop;

class Connection {
 public:
  Connection(EventLoop& loop, ProxyContext& context, uint64_t id, Scheme scheme, int fd,
             const IpAddress& client);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // After the loop has it. Returns the client's place when it ends.
  void Begin();
  void OnEvents(Endpoint& endpoint, uint32_t events);
  void OnAddresses(const AddressResolver::Addresses& addresses);
  // Goes on where it stopped to let others have their turn.
  void Advance();
  // Ends what takes too long. Whether it is to be asked again.
  bool OnTime(SteadyTime now);
  // The loop stops: ends now what loses nothing by it.
  void OnDrain();

 private:
  enum class Stage : uint8_t {
    kOpening,
    kDialing,
    kUpstreamTls,
    kClientTls,
    kRelaying,
    kOver,
  };

  // Each returns whether to go on at once.
  bool ReadOpening();
  bool Dial();
  bool ShakeHandsUpstream();
  bool ShakeHandsWithClient();
  bool Move();

  bool StartUpstream();
  bool StartClient();
  bool StartSplicing(SpliceReason reason);
  void BecomeRelay(Outcome outcome, std::unique_ptr<ConnectionReader> reader);
  void NoteBadCertificate();

  void Refuse(Refusal reason);
  void Fail(Failure reason);
  void FailTls(Failure reason, int alert);
  void End(bool reset);
  void SetDeadline(std::chrono::milliseconds limit);

  EventLoop& loop_;
  ProxyContext& context_;
  const uint64_t id_;
  const Scheme scheme_;
  const IpAddress client_address_;
  // Before those who keep something.
  const std::shared_ptr<KeepBudget> kept_;
  Stage stage_ = Stage::kOpening;
  bool spliced_ = false;
  Endpoint client_;
  Endpoint upstream_;
  ConnectionExchanges exchanges_;
  ClientOpening opening_;
  ClientTrust trust_;
  // Until bytes are handed on.
  std::optional<UpstreamDial> dial_;
  // What the endpoint chose of the client's protocols.
  std::string protocol_;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime last_activity_;
  // When to look whether bodies stand still.
  SteadyTime still_look_ = SteadyTime::max();
  std::optional<Relay> relay_;
  bool counted_unread_ = false;
};

}  // namespace network_mapper::aws
