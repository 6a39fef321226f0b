#include "aws-visibility/proxy/client_trust.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

// A client that closes so soon after the handshake, without a byte, may have looked at the
// certificate and did not like it: pins are checked then.
constexpr auto kSecondThoughts = 2s;

bool IsDistrust(int alert) {
  return alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_BAD_CERTIFICATE ||
         alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
         alert == SSL_AD_ACCESS_DENIED || alert == SSL_AD_UNRECOGNIZED_NAME;
}

}  // namespace

Failure ClientTrust::OnHandshakeEnd(const Endpoint& client, IoResult result,
                                    const std::string& server_name, SteadyTime now) {
  // Whoever breaks off right after our flight may do so for what is in it.
  const bool left = client.PeerAlert() < 0 && client.SentBytes() > 0 &&
                    (result == IoResult::kEnd || client.WasReset());
  return left || IsDistrust(client.PeerAlert()) ? Note(left, server_name, now)
                                                : Failure::kClientTls;
}

void ClientTrust::OnMoved(const Endpoint& client, const Relay& relay,
                          const std::string& server_name, SteadyTime now) {
  if (decided_) {
    return;
  }
  if (relay.FromClient() > 0) {
    decided_ = true;
    context_.splices.Trust(client_, server_name);
    return;
  }
  const bool alert = IsDistrust(client.PeerAlert());
  if (alert || (relay.ClientLeftFirst() && now - since_ < kSecondThoughts)) {
    decided_ = true;
    context_.metrics.Count(Note(!alert, server_name, now));
  }
}

Failure ClientTrust::Note(bool left, const std::string& server_name, SteadyTime now) {
  if (!left) {
    context_.splices.Remember(client_, server_name, now);
    return Failure::kClientDistrust;
  }
  return context_.splices.Suspect(client_, server_name, now) ? Failure::kClientDistrust
                                                             : Failure::kClientLeft;
}

}  // namespace network_mapper::aws
