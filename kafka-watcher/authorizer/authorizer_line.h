// One line of a Kafka broker's or controller's log -> the access to a topic that its authorizer
// decided about. Covers SimpleAclAuthorizer (0.9 to 2.8), AclAuthorizer (2.4 to 3.9) and
// StandardAuthorizer (3.3 and later) in every layout, JSON lines too: the audit text is searched
// for, not anchored. Lines are partly written by clients: the first match wins, and a result is an
// observation, not proof. Pure; allocates nothing.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>
#include <variant>

#include "common/net/ip_address.h"
#include "common/observation/observation.h"

namespace network_mapper::kafka {

// Why an audit line is no access to report.
enum class LineRefusal : uint8_t {
  kOtherResource,     // a group, the cluster, a transactional id, ...
  kProbe,             // nobody reached for it: resourceRefCount 0, pattern UNKNOWN
  kTrace,             // logged at TRACE: a list or a filter, not an access
  kUnknownOperation,  // none of Kafka's words for what can be done to a topic
  kIllegalTopic,      // a name that no topic can have: lines are written before names are checked
  kBadHost,           // no IP address that a client can have
  kHiddenClient,  // loopback, link-local or a sidecar's address: no pod's own, so not the client
  kMalformed,     // begins like an audit line and does not go on like one; cut off
};

inline constexpr std::array kAllLineRefusals = {
    LineRefusal::kOtherResource,    LineRefusal::kProbe,        LineRefusal::kTrace,
    LineRefusal::kUnknownOperation, LineRefusal::kIllegalTopic, LineRefusal::kBadHost,
    LineRefusal::kHiddenClient,     LineRefusal::kMalformed};

// "other_resource", "probe", ...: the value of a metric's label.
std::string_view LineRefusalName(LineRefusal refusal);

struct TopicAccess {
  // Without the zone, if one was written.
  IpAddress client;
  // Points into the line.
  std::string_view topic;
  KafkaOperation operation = KafkaOperation::kAll;
  bool allowed = true;

  friend auto operator<=>(const TopicAccess&, const TopicAccess&) = default;
};

// Any line without an audit text.
struct NoAuditLine {};

using LineOutcome = std::variant<NoAuditLine, TopicAccess, LineRefusal>;

// `line` is without its end. Any bytes are fine; the time is linear in the length. A line that was
// cut off within a topic's name cannot be told from a whole one: hand over whole lines only.
LineOutcome ParseAuthorizerLine(std::string_view line);

}  // namespace network_mapper::kafka
