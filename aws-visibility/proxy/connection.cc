#include "aws-visibility/proxy/connection.h"

#include <memory>
#include <utility>

#include "aws-visibility/proxy/event_loop.h"
#include "aws-visibility/proxy/sockets.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

constexpr int kNoAlert = -1;

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
      trust_(context, client),
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
      case Stage::kDialing:
        more = Dial();
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
      case Stage::kOver:
        more = false;
        break;
    }
  }
  const bool waits_for_upstream = stage_ == Stage::kDialing || stage_ == Stage::kUpstreamTls;
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
  stage_ = Stage::kDialing;
  dial_.emplace(loop_, context_, client_, upstream_);
  dial_->Begin(hello_.server_name, id_);
  return true;
}

void Connection::OnAddresses(const AddressResolver::Addresses& addresses) {
  if (stage_ == Stage::kDialing) {
    dial_->OnAddresses(addresses);
    Advance();
  }
}

bool Connection::Dial() {
  switch (dial_->Proceed()) {
    case UpstreamDial::State::kAddresses:
    case UpstreamDial::State::kConnecting:
      return false;
    case UpstreamDial::State::kNoAddress:
      Fail(Failure::kUpstreamAddress);
      return false;
    case UpstreamDial::State::kLoop:
      Refuse(Refusal::kLoop);
      return false;
    case UpstreamDial::State::kNoConnection:
      Fail(Failure::kUpstreamConnect);
      return false;
    case UpstreamDial::State::kConnected:
      break;
  }
  if (context_.splices.Knows(client_address_, hello_.server_name, loop_.Now())) {
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
      dial_->Repeat();
      stage_ = Stage::kDialing;
      return true;
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
    trust_.OnHandshakeDone(loop_.Now());
    BecomeRelay(Outcome::kRelayed);
    return true;
  }
  if (trust_.OnHandshakeEnd(client_, result, hello_.server_name, loop_.Now())) {
    context_.metrics.Count(Outcome::kFailed);
    End(true);
  } else {
    Fail(Failure::kClientTls);
  }
  return false;
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
  deadline_ = SteadyTime::max();
  dial_.reset();
  stage_ = Stage::kRelaying;
}

bool Connection::Move() {
  const Relay::State state = relay_->Pump(loop_.Scratch());
  if (!spliced_) {
    trust_.OnMoved(client_, *relay_, hello_.server_name, loop_.Now());
  }
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
      case Stage::kDialing:
        Fail(dial_->Current() == UpstreamDial::State::kAddresses ? Failure::kUpstreamAddress
                                                                 : Failure::kUpstreamConnect);
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
