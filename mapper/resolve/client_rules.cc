// Who reached out: pod UID before address, address as of the observation's time, never a guess.

#include <algorithm>
#include <cstddef>

#include "mapper/resolve/attempt.h"

namespace network_mapper {
namespace {

// A pod's host name is its name unless its spec says otherwise; the kubelet cuts it to the 63
// characters that a host name may have and then takes "-" and "." off its end.
bool IsHostnameOf(std::string_view hostname, std::string_view pod_name) {
  constexpr size_t kLongestHostname = 63;
  if (hostname == pod_name || pod_name.size() <= kLongestHostname) {
    return hostname == pod_name;
  }
  std::string_view cut = pod_name.substr(0, kLongestHostname);
  while (!cut.empty() && (cut.back() == '-' || cut.back() == '.')) {
    cut.remove_suffix(1);
  }
  return hostname == cut;
}

// Address ranges that clusters number their pods from: RFC 1918, RFC 6598, RFC 4193.
bool IsPrivate(const IpAddress& address) {
  const auto bytes = address.Bytes();
  if (!address.IsV4()) {
    return (bytes[0] & 0xFEU) == 0xFC;
  }
  return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xF0U) == 16) ||
         (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 100 && (bytes[1] & 0xC0U) == 64);
}

// Same /16 (IPv4) or /48 (IPv6): clusters with public pod addresses have them from one block.
bool AreNeighbours(const IpAddress& a, const IpAddress& b) {
  if (a.IsV4() != b.IsV4()) {
    return false;
  }
  const auto bytes_a = a.Bytes();
  const auto bytes_b = b.Bytes();
  const std::ptrdiff_t prefix = a.IsV4() ? 2 : 6;
  return std::equal(bytes_a.begin(), bytes_a.begin() + prefix, bytes_b.begin());
}

}  // namespace

Outcome Attempt::FindClient() {
  const ObservedClient& client = observation_.client;
  if (!client.pod_uid.has_value()) {
    return client.ip.has_value() ? FindClientByAddress(*client.ip)
                                 : Outcome(Problem{Refusal::kMissingClient});
  }
  const PodFactsPtr pod = inventory_.PodByUid(*client.pod_uid);
  if (pod == nullptr) {
    return Problem{Refusal::kUnknownClient, true};
  }
  // A UID comes from the processes of the collector's own node.
  if (reporter_.is_proven && IsOnAnotherNode(*pod)) {
    return Problem{Refusal::kForeignNode};
  }
  if (pod->owner_pending) {
    return Problem{Refusal::kClientOwnerPending, true};
  }
  found_.client = {pod->workload, PodName(pod)};
  return std::nullopt;
}

bool Attempt::IsOnAnotherNode(const PodFacts& pod) const {
  return !reporter_.node_name.empty() && pod.node != nullptr && *pod.node != reporter_.node_name;
}

Outcome Attempt::FindClientByAddress(const IpAddress& address) {
  if (inventory_.IsControlPlane(address, std::nullopt)) {
    if (inventory_.IsNode(address) || !inventory_.HostNetworkPods(address, std::nullopt).empty()) {
      return Problem{Refusal::kHostNetworkClient};
    }
    found_.client = {ApiServerWorkload(), nullptr};
    return std::nullopt;
  }
  const PodAnswer answer = inventory_.PodByIp(address, observation_.last_seen);
  if (answer.pod != nullptr) {
    // Packets of other nodes' pods pass by; sockets are the node's own.
    if (observation_.collector == Collector::kSocketScan && reporter_.is_proven &&
        IsOnAnotherNode(*answer.pod)) {
      return Problem{Refusal::kForeignNode};
    }
    const std::string& hostname = observation_.client.hostname;
    if (!hostname.empty() && !IsHostnameOf(hostname, answer.pod->name)) {
      return Problem{Refusal::kHostnameMismatch};
    }
    found_.client = {answer.pod->workload, PodName(answer.pod)};
    found_.counted_elsewhere = CountsElsewhere(*answer.pod);
    return std::nullopt;
  }
  switch (answer.failure) {
    case LookupFailure::kAmbiguous:
      return Problem{Refusal::kAmbiguousClient, true};
    case LookupFailure::kOwnerPending:
      return Problem{Refusal::kClientOwnerPending, true};
    case LookupFailure::kHostNetwork:
      return Problem{Refusal::kHostNetworkClient};
    case LookupFailure::kUnknown:
    case LookupFailure::kNoBackends:
      break;
  }
  if (inventory_.IsNode(address)) {
    return Problem{Refusal::kHostNetworkClient};
  }
  return Problem{Refusal::kUnknownClient, MayBeInCluster(address)};
}

// Seen on the server's node, the destination may be translated already, so that its port is not
// what the client asked for either.
bool Attempt::CountsElsewhere(const PodFacts& client) const {
  // A broker's log, or the proxy before AWS, says who the client was, wherever that is; nobody else
  // reports what it did there.
  const bool is_reported_once =
      observation_.collector == Collector::kKafka || observation_.collector == Collector::kAws;
  return !is_reported_once && IsOnAnotherNode(client) && reporter_.nodes != nullptr &&
         reporter_.nodes->Reports(*client.node, reporter_.now);
}

// Decides about waiting only, never about an identity: almost everything outside has an address
// that is not worth the wait.
bool Attempt::MayBeInCluster(const IpAddress& address) const {
  if (IsPrivate(address)) {
    return true;
  }
  const auto* target = std::get_if<AddressTarget>(&observation_.target);
  return target != nullptr && observation_.client.ip.has_value() &&
         AreNeighbours(*observation_.client.ip, target->address);
}

}  // namespace network_mapper
