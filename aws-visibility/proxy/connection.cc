#include "aws-visibility/proxy/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "aws-visibility/proxy/event_loop.h"
#include "aws-visibility/proxy/sockets.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

// A client that closes so soon after the handshake, without a byte, has looked at the certificate
// and did not like it: pins are checked then.
constexpr auto kSecondThoughts = 2s;
// The first addresses of a name; of the rest one would not hear before the client gives up.
constexpr size_t kMostAddresses = 4;
constexpr int kNoAlert = -1;

bool IsDistrust(int alert) {
  return alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_BAD_CERTIFICATE ||
         alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
         alert == SSL_AD_ACCESS_DENIED || alert == SSL_AD_UNRECOGNIZED_NAME;
}

Refusal RefusalOf(Reading reading) {
  switch (reading) {
    case Reading::kLargeHead:
      return Refusal::kLargeHead;
    case Reading::kConnect:
      return Refusal::kConnectMethod;
    case Reading::kPipelining:
      return Refusal::kPipelining;
    default:
      return Refusal::kAmbiguousFraming;
  }
}

}  // namespace

Connection::Connection(EventLoop& loop, ProxyContext& context, uint64_t id, int fd,
                       const IpAddress& client)
    : loop_(loop),
      context_(context),
      id_(id),
      client_address_(client),
      client_(*this),
      upstream_(*this),
      last_activity_(loop.Now()),
      exchanges_(context, client) {
  client_.Open(fd);
  context_.metrics.AddOpen(1);
}

Connection::~Connection() {
  End(true);
}

void Connection::Begin() {
  SetDeadline(context_.options.hello_timeout);
  loop_.Watch(client_);
  Advance();
}

void Connection::OnEvents(Endpoint& endpoint, uint32_t events) {
  endpoint.NoteEvents(events);
  last_activity_ = loop_.Now();
  Advance();
}

void Connection::Advance() {
  bool more = true;
  while (more) {
    switch (stage_) {
      case Stage::kHello:
        more = ReadHello();
        break;
      case Stage::kConnecting:
        more = FinishConnecting();
        break;
      case Stage::kUpstreamTls:
        more = ShakeHandsUpstream();
        break;
      case Stage::kClientTls:
        more = ShakeHandsWithClient();
        break;
      case Stage::kRelaying:
        more = Move();
        break;
      case Stage::kAddresses:
      case Stage::kOver:
        more = false;
        break;
    }
  }
  const bool waits_for_upstream =
      stage_ == Stage::kAddresses || stage_ == Stage::kConnecting || stage_ == Stage::kUpstreamTls;
  if (waits_for_upstream && client_.PeerHungUp()) {
    Fail(Failure::kClientGone);
  }
}

bool Connection::ReadHello() {
  size_t size = 0;
  switch (client_.Read(loop_.Scratch().first(kLargestClientHello), size)) {
    case IoResult::kDone:
      break;
    case IoResult::kAgain:
      return false;
    default:
      Fail(Failure::kClientGone);
      return false;
  }
  early_.append(loop_.Scratch().data(), size);
  hello_ = ReadClientHello(early_);
  switch (hello_.state) {
    case HelloState::kNeedsMore:
      return true;
    case HelloState::kNotTls:
      Refuse(Refusal::kNotTls);
      return false;
    case HelloState::kMalformed:
      Refuse(Refusal::kMalformedHello);
      return false;
    case HelloState::kComplete:
      return Admit();
  }
  return false;
}

bool Connection::Admit() {
  if (hello_.server_name.empty()) {
    Refuse(Refusal::kNoServerName);
    return false;
  }
  if (!context_.options.is_api_endpoint(hello_.server_name)) {
    Refuse(Refusal::kNotAnApiEndpoint);
    return false;
  }
  SetDeadline(context_.options.connect_timeout);
  if (const auto& fixed = context_.options.upstream_override) {
    addresses_ = {fixed->address};
    return ConnectNext();
  }
  stage_ = Stage::kAddresses;
  context_.resolver.Resolve(
      hello_.server_name, [&loop = loop_, id = id_](const AddressResolver::Addresses& addresses) {
        loop.Post(id, [addresses](Connection& connection) { connection.OnAddresses(addresses); });
      });
  return false;
}

void Connection::OnAddresses(const AddressResolver::Addresses& addresses) {
  if (stage_ != Stage::kAddresses) {
    return;
  }
  if (!addresses.ok()) {
    Fail(Failure::kUpstreamAddress);
    return;
  }
  for (const IpAddress& address : *addresses) {
    if (!LeadsHere(address) && addresses_.size() < kMostAddresses) {
      addresses_.push_back(address);
    }
  }
  if (addresses_.empty()) {
    Refuse(Refusal::kLoop);
    return;
  }
  if (ConnectNext()) {
    Advance();
  }
}

bool Connection::LeadsHere(const IpAddress& address) const {
  const auto& own = context_.options.own_addresses;
  return address.IsLoopback() || address.IsUnspecified() || address.IsLinkLocal() ||
         std::find(own.begin(), own.end(), address) != own.end() ||
         LocalAddress(client_.Fd()) == address;
}

bool Connection::ConnectNext() {
  const auto& fixed = context_.options.upstream_override;
  while (next_address_ < addresses_.size()) {
    const int fd = StartConnecting(addresses_[next_address_++],
                                   fixed ? fixed->port : context_.options.upstream_port);
    if (fd >= 0) {
      upstream_.Open(fd);
      loop_.Watch(upstream_);
      stage_ = Stage::kConnecting;
      return true;
    }
  }
  Fail(Failure::kUpstreamConnect);
  return false;
}

bool Connection::FinishConnecting() {
  switch (ConnectionState(upstream_.Fd())) {
    case SocketState::kConnecting:
      return false;
    case SocketState::kFailed:
      return ConnectNext();
    case SocketState::kConnected:
      break;
  }
  if (spliced_ || context_.splices.Knows(client_address_, hello_.server_name, loop_.Now())) {
    return StartSplicing(SpliceReason::kClientDistrust);
  }
  if (context_.splices.Knows(IpAddress(), hello_.server_name, loop_.Now())) {
    return StartSplicing(SpliceReason::kClientCertificate);
  }
  return StartUpstream();
}

bool Connection::StartUpstream() {
  const auto& fixed = context_.options.upstream_override;
  if (fixed && fixed->plain_text) {
    protocol_ = PreferredProtocol(hello_.protocols);
    return StartClient();
  }
  if (!upstream_.StartTls(context_.tls.ToUpstream(hello_.server_name, hello_.protocols), {})) {
    Fail(Failure::kUpstreamTls);
    return false;
  }
  SetDeadline(context_.options.handshake_timeout);
  stage_ = Stage::kUpstreamTls;
  return true;
}

bool Connection::ShakeHandsUpstream() {
  switch (upstream_.Handshake()) {
    case IoResult::kDone:
      break;
    case IoResult::kAgain:
      return false;
    case IoResult::kWantsCertificate:
      // The client may have one, and must then speak with the endpoint itself: it was not answered
      // yet, so it does not notice.
      context_.splices.Remember(IpAddress(), hello_.server_name, loop_.Now());
      next_address_ = 0;
      return ConnectNext();
    case IoResult::kFailed:
      if (SSL_get_verify_result(upstream_.Tls()) != X509_V_OK) {
        NoteBadCertificate();
        FailTls(Failure::kUpstreamTls, SSL_AD_BAD_CERTIFICATE);
      } else if (upstream_.PeerAlert() >= 0) {
        FailTls(Failure::kUpstreamTls, upstream_.PeerAlert());
      } else if (upstream_.WasReset()) {
        Fail(Failure::kUpstreamTls);
      } else {
        FailTls(Failure::kUpstreamTls, SSL_AD_HANDSHAKE_FAILURE);
      }
      return false;
    case IoResult::kEnd:
    case IoResult::kCloseNotify:
      FailTls(Failure::kUpstreamTls, kNoAlert);
      return false;
  }
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(upstream_.Tls(), &chosen, &size);
  protocol_.assign(reinterpret_cast<const char*>(chosen), size);
  return StartClient();
}

void Connection::NoteBadCertificate() {
  if (loop_.MayWarn()) {
    const long why = SSL_get_verify_result(upstream_.Tls());
    LogWarn("certificate of an endpoint is not trusted",
            {{"server_name", hello_.server_name}, {"error", X509_verify_cert_error_string(why)}});
  }
}

bool Connection::StartClient() {
  const StatusOr<std::shared_ptr<const Leaf>> leaf = context_.leaves.For(hello_.server_name);
  if (!leaf.ok() && loop_.MayWarn()) {
    LogWarn("no certificate for a server name",
            {{"server_name", hello_.server_name}, {"error", leaf.status()}});
  }
  if (!leaf.ok() ||
      !client_.StartTls(context_.tls.ToClient(**leaf, protocol_), std::exchange(early_, {}))) {
    FailTls(Failure::kNoCertificate, SSL_AD_INTERNAL_ERROR);
    return false;
  }
  SetDeadline(context_.options.handshake_timeout);
  stage_ = Stage::kClientTls;
  return true;
}

bool Connection::ShakeHandsWithClient() {
  const IoResult result = client_.Handshake();
  if (result == IoResult::kAgain) {
    return false;
  }
  if (result == IoResult::kDone) {
    BecomeRelay(Outcome::kRelayed);
    return true;
  }
  // Whoever breaks off right after our flight did so for what is in it.
  const bool left = client_.PeerAlert() < 0 && client_.SentBytes() > 0 &&
                    (result == IoResult::kEnd || client_.WasReset());
  if (left || IsDistrust(client_.PeerAlert())) {
    NoteDistrust();
    context_.metrics.Count(Outcome::kFailed);
    End(true);
  } else {
    Fail(Failure::kClientTls);
  }
  return false;
}

void Connection::NoteDistrust() {
  distrusted_ = true;
  context_.metrics.Count(Failure::kClientDistrust);
  context_.splices.Remember(client_address_, hello_.server_name, loop_.Now());
}

bool Connection::StartSplicing(SpliceReason reason) {
  context_.metrics.Count(reason);
  spliced_ = true;
  BecomeRelay(Outcome::kSpliced);
  relay_->SendFirst(std::exchange(early_, {}));
  return true;
}

void Connection::BecomeRelay(Outcome outcome) {
  context_.metrics.Count(outcome);
  relay_.emplace(client_, upstream_, context_.metrics,
                 outcome == Outcome::kSpliced
                     ? nullptr
                     : std::make_unique<ConnectionReader>(exchanges_, context_.kept));
  relaying_since_ = loop_.Now();
  deadline_ = SteadyTime::max();
  addresses_ = {};
  stage_ = Stage::kRelaying;
}

bool Connection::Move() {
  const Relay::State state = relay_->Pump(loop_.Scratch());
  NoticeSecondThoughts();
  if (state == Relay::State::kRefused) {
    Refuse(RefusalOf(relay_->Heard()));
    return false;
  }
  if (relay_->Heard() != Reading::kFollowed && !std::exchange(counted_unread_, true)) {
    context_.metrics.CountUnread(relay_->Heard());
  }
  if (state == Relay::State::kWaiting) {
    if (loop_.Draining()) {
      OnDrain();
    }
    return false;
  }
  if (state == Relay::State::kMore) {
    loop_.Again(id_);
    return false;
  }
  End(state == Relay::State::kBroken);
  return false;
}

void Connection::NoticeSecondThoughts() {
  if (spliced_ || distrusted_ || relay_->FromClient() > 0) {
    return;
  }
  const bool left = relay_->ClientLeftFirst() && loop_.Now() - relaying_since_ < kSecondThoughts;
  if (left || IsDistrust(client_.PeerAlert())) {
    NoteDistrust();
  }
}

bool Connection::OnTime(SteadyTime now) {
  const std::chrono::milliseconds idle = context_.options.idle_timeout;
  if (stage_ == Stage::kOver) {
    return false;
  }
  if (now >= deadline_) {
    switch (stage_) {
      case Stage::kHello:
        Fail(Failure::kHelloTimeout);
        break;
      case Stage::kAddresses:
        Fail(Failure::kUpstreamAddress);
        break;
      case Stage::kConnecting:
        Fail(Failure::kUpstreamConnect);
        break;
      case Stage::kUpstreamTls:
        Fail(Failure::kUpstreamTls);
        break;
      default:
        Fail(Failure::kClientTls);
        break;
    }
    return false;
  }
  if (stage_ == Stage::kRelaying && idle > 0ms && now - last_activity_ >= idle) {
    End(true);
    return false;
  }
  return deadline_ != SteadyTime::max() || idle > 0ms;
}

void Connection::OnDrain() {
  if (stage_ == Stage::kHello) {
    Refuse(Refusal::kStopping);
  } else if (stage_ == Stage::kRelaying && relay_->Idle()) {
    client_.EndWriting(true, true);
    End(false);
  }
}

void Connection::Refuse(Refusal reason) {
  context_.metrics.Count(reason);
  if (stage_ != Stage::kRelaying) {
    context_.metrics.Count(Outcome::kRefused);
  }
  End(true);
}

void Connection::Fail(Failure reason) {
  context_.metrics.Count(reason);
  context_.metrics.Count(Outcome::kFailed);
  End(true);
}

void Connection::FailTls(Failure reason, int alert) {
  context_.metrics.Count(reason);
  context_.metrics.Count(Outcome::kFailed);
  if (alert != kNoAlert) {
    SendAlert(client_.Fd(), alert);
  }
  End(false);
}

void Connection::End(bool reset) {
  if (stage_ == Stage::kOver) {
    return;
  }
  stage_ = Stage::kOver;
  deadline_ = SteadyTime::max();
  client_.Close(reset);
  upstream_.Close(reset);
  context_.metrics.AddOpen(-1);
  loop_.Forget(id_);
}

void Connection::SetDeadline(std::chrono::milliseconds limit) {
  deadline_ = loop_.Now() + limit;
}

}  // namespace network_mapper::aws
