#include "aws-visibility/proxy/client_trust.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

// A client that closes so soon after the handshake, without a byte, has looked at the certificate
// and did not like it: pins are checked then.
constexpr auto kSecondThoughts = 2s;

bool IsDistrust(int alert) {
  return alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_BAD_CERTIFICATE ||
         alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
         alert == SSL_AD_ACCESS_DENIED || alert == SSL_AD_UNRECOGNIZED_NAME;
}

}  // namespace

bool ClientTrust::OnHandshakeEnd(const Endpoint& client, IoResult result,
                                 const std::string& server_name, SteadyTime now) {
  // Whoever breaks off right after our flight did so for what is in it.
  const bool left = client.PeerAlert() < 0 && client.SentBytes() > 0 &&
                    (result == IoResult::kEnd || client.WasReset());
  if (!left && !IsDistrust(client.PeerAlert())) {
    return false;
  }
  Note(server_name, now);
  return true;
}

void ClientTrust::OnMoved(const Endpoint& client, const Relay& relay,
                          const std::string& server_name, SteadyTime now) {
  if (noted_ || relay.FromClient() > 0) {
    return;
  }
  const bool left = relay.ClientLeftFirst() && now - since_ < kSecondThoughts;
  if (left || IsDistrust(client.PeerAlert())) {
    Note(server_name, now);
  }
}

void ClientTrust::Note(const std::string& server_name, SteadyTime now) {
  noted_ = true;
  context_.metrics.Count(Failure::kClientDistrust);
  context_.splices.Remember(client_, server_name, now);
}

}  // namespace network_mapper::aws
