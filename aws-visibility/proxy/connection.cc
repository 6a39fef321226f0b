#include "aws-visibility/proxy/connection.h"

#include <memory>
#include <utility>

#include "aws-visibility/proxy/event_loop.h"
#include "aws-visibility/proxy/host_name.h"
#include "aws-visibility/proxy/sockets.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

constexpr int kNoAlert = -1;

}  // namespace

Connection::Connection(EventLoop& loop, ProxyContext& context, uint64_t id, Scheme scheme, int fd,
                       const IpAddress& client)
    : loop_(loop),
      context_(context),
      id_(id),
      scheme_(scheme),
      client_address_(client),
      kept_(context.kept.Of(client)),
      client_(*this),
      upstream_(*this),
      exchanges_(context, scheme, client),
      opening_(scheme, context, exchanges_, *kept_),
      trust_(context, client),
      last_activity_(loop.Now()) {
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
      case Stage::kOpening:
        more = ReadOpening();
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
  // Without TLS a client may end its side when it has asked.
  const bool waits_for_upstream =
      scheme_ == Scheme::kHttps && (stage_ == Stage::kDialing || stage_ == Stage::kUpstreamTls);
  if (waits_for_upstream && client_.PeerHungUp()) {
    Fail(Failure::kClientGone);
  }
}

bool Connection::ReadOpening() {
  switch (opening_.Read(client_, loop_.Scratch())) {
    case ClientOpening::State::kWaiting:
      return false;
    case ClientOpening::State::kGone:
      Fail(Failure::kClientGone);
      return false;
    case ClientOpening::State::kRefused:
      Refuse(opening_.Why());
      return false;
    case ClientOpening::State::kComplete:
      break;
  }
  SetDeadline(context_.options.connect_timeout);
  stage_ = Stage::kDialing;
  dial_.emplace(loop_, context_, scheme_, client_, upstream_);
  dial_->Begin(opening_.ServerName(), client_address_, id_);
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
    case UpstreamDial::State::kTooManyNames:
      Refuse(Refusal::kNameLimit);
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
  if (scheme_ == Scheme::kHttp) {
    BecomeRelay(Outcome::kRelayed, opening_.TakeReader());
    relay_->SendFirst(opening_.TakeBytes());
    return true;
  }
  if (context_.splices.Knows(client_address_, opening_.ServerName(), loop_.Now())) {
    return StartSplicing(SpliceReason::kClientDistrust);
  }
  if (context_.splices.Knows(IpAddress(), opening_.ServerName(), loop_.Now())) {
    return StartSplicing(SpliceReason::kClientCertificate);
  }
  if (!MayBeCertified(opening_.ServerName())) {
    return StartSplicing(SpliceReason::kServerName);
  }
  return StartUpstream();
}

bool Connection::StartUpstream() {
  const auto& fixed = context_.options.upstream_override;
  if (fixed && fixed->plain_text) {
    protocol_ = PreferredProtocol(opening_.Protocols());
    return StartClient();
  }
  if (!upstream_.StartTls(context_.tls.ToUpstream(opening_.ServerName(), opening_.Protocols()),
                          {})) {
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
      context_.splices.Remember(IpAddress(), opening_.ServerName(), loop_.Now());
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
    LogWarn(
        "certificate of an endpoint is not trusted",
        {{"server_name", opening_.ServerName()}, {"error", X509_verify_cert_error_string(why)}});
  }
}

bool Connection::StartClient() {
  const StatusOr<std::shared_ptr<const Leaf>> leaf = context_.leaves.For(opening_.ServerName());
  if (!leaf.ok() && loop_.MayWarn()) {
    LogWarn("no certificate for a server name",
            {{"server_name", opening_.ServerName()}, {"error", leaf.status()}});
  }
  if (!leaf.ok() ||
      !client_.StartTls(context_.tls.ToClient(**leaf, protocol_), opening_.TakeBytes())) {
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
    exchanges_.SetEndpoint(opening_.ServerName());
    BecomeRelay(Outcome::kRelayed, std::make_unique<ConnectionReader>(exchanges_, *kept_));
    SetDeadline(context_.options.request_timeout);
    return true;
  }
  Fail(trust_.OnHandshakeEnd(client_, result, opening_.ServerName(), loop_.Now()));
  return false;
}

bool Connection::StartSplicing(SpliceReason reason) {
  context_.metrics.Count(reason);
  spliced_ = true;
  BecomeRelay(Outcome::kSpliced, nullptr);
  relay_->SendFirst(opening_.TakeBytes());
  return true;
}

void Connection::BecomeRelay(Outcome outcome, std::unique_ptr<ConnectionReader> reader) {
  context_.metrics.Count(outcome);
  relay_.emplace(client_, upstream_, context_.metrics, std::move(reader));
  deadline_ = SteadyTime::max();
  dial_.reset();
  stage_ = Stage::kRelaying;
}

bool Connection::Move() {
  const Relay::State state = relay_->Pump(loop_.Scratch());
  if (relay_->FromClient() > 0) {
    deadline_ = SteadyTime::max();
  }
  if (!spliced_) {
    trust_.OnMoved(client_, *relay_, opening_.ServerName(), loop_.Now());
  }
  if (state == Relay::State::kRefused) {
    Refuse(RefusalOf(relay_->Heard()));
    return false;
  }
  if (relay_->Heard() != Reading::kFollowed && !std::exchange(counted_unread_, true)) {
    context_.metrics.CountUnread(relay_->Heard());
  }
  if (still_look_ == SteadyTime::max() && relay_->Reads() && !relay_->Idle()) {
    still_look_ = loop_.Now() + context_.options.still_timeout;
    loop_.WatchTime();
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
      case Stage::kOpening:
        Fail(Failure::kHelloTimeout);
        break;
      case Stage::kDialing:
        Fail(dial_->Current() == UpstreamDial::State::kAddresses ? Failure::kUpstreamAddress
                                                                 : Failure::kUpstreamConnect);
        break;
      case Stage::kUpstreamTls:
        Fail(Failure::kUpstreamTls);
        break;
      case Stage::kRelaying:
        context_.metrics.Count(Refusal::kNoRequest);
        client_.EndWriting(true, true);
        End(false);
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
  if (stage_ == Stage::kRelaying && now >= still_look_) {
    still_look_ = relay_->DropStill() ? now + context_.options.still_timeout : SteadyTime::max();
  }
  return deadline_ != SteadyTime::max() || still_look_ != SteadyTime::max() || idle > 0ms;
}

void Connection::OnDrain() {
  if (stage_ == Stage::kOpening) {
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
  dial_.reset();
  client_.Close(reset);
  upstream_.Close(reset);
  context_.metrics.AddOpen(-1);
  context_.places.Return(client_address_);
  loop_.Forget(id_);
}

void Connection::SetDeadline(std::chrono::milliseconds limit) {
  deadline_ = loop_.Now() + limit;
}

}  // namespace network_mapper::aws
