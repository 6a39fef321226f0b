#include "aws-visibility/proxy/upstream_dial.h"

#include "aws-visibility/proxy/connection.h"
#include "aws-visibility/proxy/event_loop.h"
#include "aws-visibility/proxy/sockets.h"

namespace network_mapper::aws {

namespace {

// The first addresses of a name; of the rest one would not hear before the client gives up.
constexpr size_t kMostAddresses = 4;

}  // namespace

void UpstreamDial::Begin(const std::string& name, const IpAddress& address, uint64_t id) {
  if (const auto& fixed = context_.options.upstream_override) {
    addresses_ = {fixed->address};
    ConnectNext();
    return;
  }
  wait_ = context_.resolver.Resolve(
      address, name, [&loop = loop_, id](const AddressResolver::Addresses& addresses) {
        loop.Post(id, [addresses](Connection& connection) { connection.OnAddresses(addresses); });
      });
}

void UpstreamDial::OnAddresses(const AddressResolver::Addresses& addresses) {
  if (!addresses.ok()) {
    state_ = addresses.status().code() == StatusCode::kResourceExhausted ? State::kTooManyNames
                                                                         : State::kNoAddress;
    return;
  }
  for (const IpAddress& address : *addresses) {
    if (!LeadsHere(address) && addresses_.size() < kMostAddresses) {
      addresses_.push_back(address);
    }
  }
  if (addresses_.empty()) {
    state_ = State::kLoop;
    return;
  }
  ConnectNext();
}

void UpstreamDial::Repeat() {
  next_address_ = 0;
  ConnectNext();
}

UpstreamDial::State UpstreamDial::Proceed() {
  while (state_ == State::kConnecting) {
    switch (ConnectionState(upstream_.Fd())) {
      case SocketState::kConnecting:
        return state_;
      case SocketState::kFailed:
        ConnectNext();
        break;
      case SocketState::kConnected:
        state_ = State::kConnected;
        break;
    }
  }
  return state_;
}

void UpstreamDial::ConnectNext() {
  while (next_address_ < addresses_.size()) {
    const int fd = StartConnecting(addresses_[next_address_++], Port());
    if (fd >= 0) {
      upstream_.Open(fd);
      loop_.Watch(upstream_);
      state_ = State::kConnecting;
      return;
    }
  }
  state_ = State::kNoConnection;
}

uint16_t UpstreamDial::Port() const {
  const AwsProxyOptions& options = context_.options;
  if (options.upstream_override) {
    return options.upstream_override->port;
  }
  return scheme_ == Scheme::kHttps ? options.upstream_port : options.upstream_http_port;
}

bool UpstreamDial::LeadsHere(const IpAddress& address) const {
  return address.IsLoopback() || address.IsUnspecified() || address.IsLinkLocal() ||
         LocalAddress(client_.Fd()) == address;
}

}  // namespace network_mapper::aws
