// From a name to a TCP connection with the real endpoint: its addresses, those left out that lead
// back here, and the first of them that answers. In its loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aws-visibility/proxy/address_resolver.h"
#include "aws-visibility/proxy/endpoint.h"
#include "aws-visibility/proxy/proxy_context.h"

namespace network_mapper::aws {

class EventLoop;

class UpstreamDial {
 public:
  enum class State : uint8_t {
    kAddresses,
    kConnecting,
    kConnected,
    // It came to nothing: the name has no address, too many names are asked for, it has no address
    // that does not lead here, or none that answers.
    kNoAddress,
    kTooManyNames,
    kLoop,
    kNoConnection,
  };

  // `client`: who it is for; `upstream` is opened. All must outlive this.
  UpstreamDial(EventLoop& loop, ProxyContext& context, Scheme scheme, const Endpoint& client,
               Endpoint& upstream)
      : loop_(loop), context_(context), scheme_(scheme), client_(client), upstream_(upstream) {}

  // Once; where addresses are to be asked for, it is in the turn of the client's `address`, and the
  // loop's connection `id` is told of them.
  void Begin(const std::string& name, const IpAddress& address, uint64_t id);
  void OnAddresses(const AddressResolver::Addresses& addresses);
  // Connects anew, after it was connected.
  void Repeat();
  // Goes on as far as it goes at once.
  State Proceed();

  State Current() const { return state_; }

 private:
  void ConnectNext();
  uint16_t Port() const;
  bool LeadsHere(const IpAddress& address) const;

  EventLoop& loop_;
  ProxyContext& context_;
  const Scheme scheme_;
  const Endpoint& client_;
  Endpoint& upstream_;
  State state_ = State::kAddresses;
  AddressResolver::Wait wait_;
  std::vector<IpAddress> addresses_;
  size_t next_address_ = 0;
};

}  // namespace network_mapper::aws
