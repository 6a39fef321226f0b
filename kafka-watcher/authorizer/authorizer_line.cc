#include "kafka-watcher/authorizer/authorizer_line.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace network_mapper::kafka {

namespace {

constexpr std::string_view kAuditBegin = "Principal = ";
constexpr std::string_view kRequestBegin = " for request = ";
constexpr size_t kLongestTopic = 249;

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsOperationCharacter(char c) {
  return IsLetter(c) || c == '_';
}

bool IsTopicCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || c == '.' || c == '_' || c == '-';
}

bool IsNoBlank(char c) {
  return c != ' ';
}

size_t Find(std::string_view searched, std::string_view text) {
  if (text.empty()) {
    return std::string_view::npos;
  }
  const void* found = memmem(text.data(), text.size(), searched.data(), searched.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// What is left of the line.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}

  std::string_view Text() const { return text_; }

  bool Skip(std::string_view expected) {
    const bool found = text_.starts_with(expected);
    text_.remove_prefix(found ? expected.size() : 0);
    return found;
  }

  bool SkipPast(std::string_view searched) {
    const size_t found = Find(searched, text_);
    text_.remove_prefix(found == std::string_view::npos ? text_.size() : found + searched.size());
    return found != std::string_view::npos;
  }

  // The longest run of such characters; may be empty.
  template <typename Predicate>
  std::string_view Take(Predicate belongs) {
    const auto* const end = std::find_if_not(text_.begin(), text_.end(), belongs);
    const std::string_view run = text_.substr(0, static_cast<size_t>(end - text_.begin()));
    text_.remove_prefix(run.size());
    return run;
  }

 private:
  std::string_view text_;
};

struct Decision {
  bool allowed = false;
  // By StandardAuthorizer, whose lines always name the request.
  bool names_request = false;
};

// The principal is whatever stands before the first decision that an operation follows. The first
// one, since what is further right may be a client's imitation. Absent: there is none.
std::optional<Decision> TakeDecision(Rest& rest) {
  while (rest.SkipPast(" is")) {
    Rest ahead = rest;
    const bool allowed = ahead.Skip(" Allowed ");
    if (!allowed && !ahead.Skip(" Denied ")) {
      continue;
    }
    const bool names_request = ahead.Skip("operation = ");
    if (names_request || ahead.Skip("Operation = ")) {
      rest = ahead;
      return Decision{allowed, names_request};
    }
  }
  return std::nullopt;
}

struct AuditText {
  Decision decision;
  std::string_view operation;
  std::string_view host;
  std::string_view resource_type;
};

// Up to the colon behind the resource's type. Absent when the text is none of the three shapes.
std::optional<AuditText> TakeAuditText(Rest& rest) {
  const std::optional<Decision> decision = TakeDecision(rest);
  if (!decision) {
    return std::nullopt;
  }
  AuditText audit;
  audit.decision = *decision;
  audit.operation = rest.Take(IsOperationCharacter);
  if (audit.operation.empty() || !rest.Skip(" from host = ")) {
    return std::nullopt;
  }
  audit.host = rest.Take(IsNoBlank);
  if (rest.Skip(" via listener ")) {
    rest.Take(IsNoBlank);
  }
  if (!rest.Skip(" on resource = ")) {
    return std::nullopt;
  }
  audit.resource_type = rest.Take(IsLetter);
  if (audit.resource_type.empty() || !rest.Skip(":")) {
    return std::nullopt;
  }
  return audit;
}

bool IsBounded(std::string_view text, size_t begin, size_t size) {
  const auto is_word = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; };
  const size_t end = begin + size;
  return (begin == 0 || !is_word(text[begin - 1])) && (end == text.size() || !is_word(text[end]));
}

// Every layout writes the level as a word before the message, but JSON may have it behind: quoted,
// which nothing inside the message can imitate, for its quotes are escaped.
bool IsTrace(std::string_view before, std::string_view behind, bool quoted) {
  constexpr std::string_view kTrace = "TRACE";
  for (size_t found = before.find(kTrace); found != std::string_view::npos;
       found = before.find(kTrace, found + kTrace.size())) {
    if (IsBounded(before, found, kTrace.size())) {
      return true;
    }
  }
  return quoted && Find("\"TRACE\"", behind) != std::string_view::npos;
}

// Absent: no name that a topic can have. A name with a line break ends like an old authorizer's
// line and is none of StandardAuthorizer's; one that imitates a request has the real one behind it.
std::optional<std::string_view> TakeTopic(Rest& rest, bool names_request, bool quoted) {
  const std::string_view topic = rest.Take(IsTopicCharacter);
  std::string_view behind = rest.Text();
  bool complete = false;
  if (behind.starts_with(kRequestBegin)) {
    behind.remove_prefix(kRequestBegin.size());
    complete = Find(kRequestBegin, behind) == std::string_view::npos;
  } else {
    complete = !names_request &&
               (behind.empty() || behind.starts_with(" (") || (quoted && behind.starts_with("\"")));
  }
  if (!complete || topic.empty() || topic.size() > kLongestTopic || topic == "." || topic == "..") {
    return std::nullopt;
  }
  return topic;
}

// How often the resource stands in the request: whether it is more than 0. Shapes without a request
// are about a topic that is there. Absent: the line has a request and no number.
std::optional<bool> TakeIsReferenced(Rest& rest) {
  if (!rest.Skip(kRequestBegin)) {
    return true;
  }
  rest.Take(IsNoBlank);
  if (!rest.Skip(" with resourceRefCount = ")) {
    return std::nullopt;
  }
  const std::string_view count = rest.Take(IsDigit);
  if (count.empty()) {
    return std::nullopt;
  }
  return count.find_first_not_of('0') != std::string_view::npos;
}

// 0:0:0:0:0:0:0:6, from which a sidecar of Istio hands connections on. (127.0.0.6 for IPv4.)
bool IsSidecarV6(const IpAddress& address) {
  static constexpr std::array<uint8_t, 16> kPassthrough = {0, 0, 0, 0, 0, 0, 0, 0,
                                                           0, 0, 0, 0, 0, 0, 0, 6};
  return std::ranges::equal(address.Bytes(), kPassthrough);
}

std::variant<IpAddress, LineRefusal> ParseClient(std::string_view host) {
  const std::optional<IpAddress> client = IpAddress::Parse(host.substr(0, host.find('%')));
  if (!client || client->IsUnspecified() || client->IsMulticast()) {
    return LineRefusal::kBadHost;
  }
  if (client->IsLoopback() || client->IsLinkLocal() || IsSidecarV6(*client)) {
    return LineRefusal::kHiddenClient;
  }
  return *client;
}

}  // namespace

std::string_view LineRefusalName(LineRefusal refusal) {
  static constexpr std::array<std::string_view, kAllLineRefusals.size()> kNames = {
      "other_resource", "probe",    "trace",         "unknown_operation",
      "illegal_topic",  "bad_host", "hidden_client", "malformed"};
  return kNames[static_cast<size_t>(refusal)];
}

LineOutcome ParseAuthorizerLine(std::string_view line) {
  const size_t begin = Find(kAuditBegin, line);
  if (begin == std::string_view::npos) {
    return NoAuditLine{};
  }
  // A container with a terminal ends its lines with CR LF.
  Rest rest(line.substr(begin + kAuditBegin.size(),
                        line.size() - begin - kAuditBegin.size() - (line.ends_with('\r') ? 1 : 0)));
  const std::optional<AuditText> audit = TakeAuditText(rest);
  if (!audit) {
    return LineRefusal::kMalformed;
  }
  if (audit->resource_type != "Topic") {
    return LineRefusal::kOtherResource;
  }
  const std::string_view before = line.substr(0, begin);
  // The message is a string of JSON or the like: the next quote ends it.
  const bool quoted = before.find('"') != std::string_view::npos;
  if (IsTrace(before, rest.Text(), quoted)) {
    return LineRefusal::kTrace;
  }
  if (rest.Skip("UNKNOWN:")) {
    return LineRefusal::kProbe;
  }
  // A resource is always LITERAL; older brokers do not say so.
  if (!rest.Skip("LITERAL:")) {
    rest.Skip("PREFIXED:");
  }
  const std::optional<std::string_view> topic =
      TakeTopic(rest, audit->decision.names_request, quoted);
  if (!topic) {
    return LineRefusal::kIllegalTopic;
  }
  const std::optional<bool> is_referenced = TakeIsReferenced(rest);
  if (!is_referenced) {
    return LineRefusal::kMalformed;
  }
  if (!*is_referenced) {
    return LineRefusal::kProbe;
  }
  const std::optional<KafkaOperation> operation = ParseKafkaAuthorizerOperation(audit->operation);
  if (!operation) {
    return LineRefusal::kUnknownOperation;
  }
  const std::variant<IpAddress, LineRefusal> client = ParseClient(audit->host);
  if (const auto* refusal = std::get_if<LineRefusal>(&client)) {
    return *refusal;
  }
  return TopicAccess{std::get<IpAddress>(client), *topic, *operation, audit->decision.allowed};
}

}  // namespace network_mapper::kafka
