#include "aws-visibility/iam/transforms.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "aws-visibility/iam/endpoint.h"
#include "aws-visibility/iam/request_text.h"
#include "common/text/utf8.h"

namespace network_mapper::aws {
namespace {

using Text = std::optional<std::string>;

constexpr size_t kMostArnPart = 2048;

std::string_view AfterLast(std::string_view text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

// An ARN of service and resource where the request is.
std::string ArnHere(std::string_view service, std::string_view account, std::string_view resource,
                    const ArnPlace& place) {
  const auto or_star = [](std::string_view part) { return part.empty() ? "*" : part; };
  return fmt::format("arn:{}:{}:{}:{}:{}", or_star(place.partition), service, or_star(place.region),
                     or_star(account), resource);
}

Text Arn(std::string_view value, const ArnPlace& /*place*/) {
  return IsArn(value) ? Text(value) : std::nullopt;
}

Text RoleArn(std::string_view value, const ArnPlace& /*place*/) {
  return IsArn(value) && value.find(":role/") != std::string_view::npos ? Text(value)
                                                                        : std::nullopt;
}

Text Account(std::string_view value, const ArnPlace& /*place*/) {
  return IsAccount(value) ? Text(value) : std::nullopt;
}

// https://sqs.eu-west-1.amazonaws.com/123456789012/orders; a name alone is one, too.
Text Queue(std::string_view value, const ArnPlace& place) {
  if (value.empty() || IsArn(value)) {
    return value.empty() ? Text() : Text(value);
  }
  const std::string_view name = AfterLast(value, '/');
  std::string_view before = value.substr(0, value.size() - name.size());
  before = before.substr(0, before.empty() ? 0 : before.size() - 1);
  const std::string_view account = AfterLast(before, '/');
  if (name.empty()) {
    return std::nullopt;
  }
  return ArnHere("sqs", IsAccount(account) ? account : place.account, name, place);
}

// Which key an alias stands for only the answer tells.
Text Key(std::string_view value, const ArnPlace& /*place*/) {
  if (value.starts_with("alias/")) {
    return "*";
  }
  const size_t alias = IsArn(value) ? value.find(":alias/") : std::string_view::npos;
  if (alias != std::string_view::npos) {
    return fmt::format("{}:key/*", value.substr(0, alias));
  }
  return value.empty() ? std::nullopt : Text(value);
}

// A name, name:qualifier, 123456789012:function:name, or an ARN.
Text Lambda(std::string_view value, const ArnPlace& place) {
  if (IsArn(value)) {
    return Text(value);
  }
  if (value.size() > 13 && IsAccount(value.substr(0, 12)) &&
      value.substr(12).starts_with(":function:")) {
    return ArnHere("lambda", value.substr(0, 12), value.substr(13), place);
  }
  if (value.starts_with("function:")) {
    value.remove_prefix(std::string_view("function:").size());
  }
  return value.empty() ? std::nullopt : Text(value);
}

Text AfterSlash(std::string_view value, const ArnPlace& /*place*/) {
  value = AfterLast(value, '/');
  return value.empty() ? std::nullopt : Text(value);
}

Text Arnless(std::string_view value, const ArnPlace& place) {
  return IsArn(value) ? AfterSlash(value, place) : Text(value);
}

Text BeforePipe(std::string_view value, const ArnPlace& place) {
  return Arn(value.substr(0, value.find('|')), place);
}

// A subscription's ARN is its topic's and a UUID.
Text Topic(std::string_view value, const ArnPlace& place) {
  if (std::count(value.begin(), value.end(), ':') < 6) {
    return std::nullopt;
  }
  return Arn(value.substr(0, value.rfind(':')), place);
}

// Names get six characters; the wildcard is ours.
Text Secret(std::string_view value, const ArnPlace& /*place*/) {
  return IsArn(value) ? Text(value) : Text(fmt::format("{}-??????", value));
}

// No slash at the front, no :version or :label.
Text Parameter(std::string_view value, const ArnPlace& /*place*/) {
  if (IsArn(value)) {
    return Text(value);
  }
  value.remove_prefix(value.starts_with('/') ? 1 : 0);
  return Text(value.substr(0, value.find(':')));
}

// The rules of the default bus have no bus in their names.
Text Bus(std::string_view value, const ArnPlace& place) {
  const Text name = AfterSlash(value, place);
  return name == "default" ? std::nullopt : name;
}

Text Revision(std::string_view value, const ArnPlace& /*place*/) {
  return fmt::format("{}{}", value, value.find(':') == std::string_view::npos ? ":*" : "");
}

// "Name <a@example.com>"
Text Email(std::string_view value, const ArnPlace& /*place*/) {
  const size_t open = value.rfind('<');
  if (open != std::string_view::npos) {
    value = value.substr(open + 1, value.find('>', open) - open - 1);
  }
  return value.find('@') == std::string_view::npos || value.find(' ') != std::string_view::npos
             ? std::nullopt
             : Text(value);
}

// EC2's ids tell the kind of resource by their start.
Text Ec2(std::string_view value, const ArnPlace& place) {
  struct Kind {
    std::string_view prefix;
    std::string_view name;
  };

  static constexpr std::array<Kind, 26> kKinds = {{{"i", "instance"},
                                                   {"vol", "volume"},
                                                   {"snap", "snapshot"},
                                                   {"eni", "network-interface"},
                                                   {"sg", "security-group"},
                                                   {"sgr", "security-group-rule"},
                                                   {"subnet", "subnet"},
                                                   {"vpc", "vpc"},
                                                   {"ami", "image"},
                                                   {"rtb", "route-table"},
                                                   {"igw", "internet-gateway"},
                                                   {"eigw", "egress-only-internet-gateway"},
                                                   {"nat", "natgateway"},
                                                   {"eipalloc", "elastic-ip"},
                                                   {"lt", "launch-template"},
                                                   {"acl", "network-acl"},
                                                   {"dopt", "dhcp-options"},
                                                   {"vpce", "vpc-endpoint"},
                                                   {"pcx", "vpc-peering-connection"},
                                                   {"pl", "prefix-list"},
                                                   {"tgw", "transit-gateway"},
                                                   {"vgw", "vpn-gateway"},
                                                   {"vpn", "vpn-connection"},
                                                   {"cgw", "customer-gateway"},
                                                   {"key", "key-pair"},
                                                   {"fl", "vpc-flow-log"}}};
  const size_t hyphen = value.rfind('-');
  const std::string_view prefix = value.substr(0, hyphen == std::string_view::npos ? 0 : hyphen);
  const auto* const kind = std::find_if(kKinds.begin(), kKinds.end(),
                                        [&](const Kind& one) { return one.prefix == prefix; });
  if (kind == kKinds.end()) {
    // An id is of one thing only, whatever kind it is, and whether or not it has an account.
    return value.empty() ? std::nullopt
                         : Text(ArnHere("ec2", "*", fmt::format("*/{}", value), place));
  }
  // Images and snapshots belong to no account.
  if (kind->name == "image" || kind->name == "snapshot") {
    return fmt::format("arn:{}:ec2:{}::{}/{}", place.partition.empty() ? "*" : place.partition,
                       place.region.empty() ? "*" : place.region, kind->name, value);
  }
  return fmt::format("{}/{}", kind->name, value);
}

// "us.anthropic.claude-..." is a profile over regions of a continent.
std::string_view AfterGeography(std::string_view model) {
  for (const std::string_view start :
       {"us.", "eu.", "apac.", "global.", "us-gov.", "jp.", "au.", "ca.", "sa."}) {
    if (model.starts_with(start)) {
      return model.substr(start.size());
    }
  }
  return {};
}

Text GeoProfile(std::string_view value, const ArnPlace& /*place*/) {
  return AfterGeography(value).empty() ? std::nullopt : Text(value);
}

Text GeoModel(std::string_view value, const ArnPlace& /*place*/) {
  const std::string_view model = AfterGeography(value);
  return model.empty() ? std::nullopt : Text(model);
}

Text Select(std::string_view value, const ArnPlace& /*place*/) {
  return PartiQlTable(value, "select");
}

Text Insert(std::string_view value, const ArnPlace& /*place*/) {
  return PartiQlTable(value, "insert");
}

Text Update(std::string_view value, const ArnPlace& /*place*/) {
  return PartiQlTable(value, "update");
}

Text Delete(std::string_view value, const ArnPlace& /*place*/) {
  return PartiQlTable(value, "delete");
}

struct NamedTransform {
  std::string_view name;
  Text (*apply)(std::string_view value, const ArnPlace& place);
};

constexpr std::array<NamedTransform, 23> kTransforms = {{
    {"arn", Arn},
    {"roleArn", RoleArn},
    {"account", Account},
    {"queue", Queue},
    {"key", Key},
    {"lambda", Lambda},
    {"zone", AfterSlash},
    {"arnless", Arnless},
    {"beforePipe", BeforePipe},
    {"topic", Topic},
    {"secret", Secret},
    {"parameter", Parameter},
    {"bus", Bus},
    {"revision", Revision},
    {"email", Email},
    {"ec2", Ec2},
    {"geoProfile", GeoProfile},
    {"geoModel", GeoModel},
    {"select", Select},
    {"insert", Insert},
    {"update", Update},
    {"delete", Delete},
    {"name", Arnless},
}};

// The next word of a statement, or name in quotes, or one sign; `quoted` tells which. Literals are
// signs, whatever is in them; behind what may begin a comment nothing is read.
std::string_view TakeWord(std::string_view& text, bool& quoted) {
  const size_t start = text.find_first_not_of(" \t\r\n(");
  quoted = false;
  if (start == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(start);
  if (text.front() == '"') {
    quoted = true;
    text.remove_prefix(1);
    const size_t end = text.find('"');
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return word;
  }
  if (text.front() == '\'' || text.front() == '`') {
    const size_t end = text.find(text.front(), 1);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return ",";
  }
  const size_t end =
      std::max<size_t>(1, std::min(text.find_first_of(" \t\r\n\"'`.(),;"), text.size()));
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  if (word.find("--") != std::string_view::npos || word.find("/*") != std::string_view::npos) {
    text = {};
    return {};
  }
  return word;
}

}  // namespace

std::optional<std::string> EscapeForArn(std::string_view text) {
  if (text.size() > kMostArnPart || HasControlCharacter(text) || !IsUtf8(text)) {
    return std::nullopt;
  }
  std::string escaped;
  escaped.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '*' || c == '?' || (c == '$' && text.substr(i + 1).starts_with('{'))) {
      escaped += "${";
      escaped += c;
      escaped += '}';
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::optional<std::string> Transform(std::string_view name, std::string_view value,
                                     const ArnPlace& place) {
  const auto* const found =
      std::find_if(kTransforms.begin(), kTransforms.end(),
                   [&](const NamedTransform& one) { return one.name == name; });
  return found == kTransforms.end() ? std::nullopt : found->apply(value, place);
}

bool IsStatement(std::string_view name) {
  return name == "select" || name == "insert" || name == "update" || name == "delete";
}

std::optional<std::string> PartiQlTable(std::string_view statement, std::string_view verb) {
  bool quoted = false;
  std::string_view word = TakeWord(statement, quoted);
  // EXISTS(SELECT ...) is a condition of a transaction.
  if (!quoted && EqualIgnoringCase(word, "exists")) {
    word = TakeWord(statement, quoted);
  }
  if (quoted || !EqualIgnoringCase(word, verb)) {
    return std::nullopt;
  }
  if (verb != "update") {
    const std::string_view before = verb == "insert" ? "into" : "from";
    do {
      word = TakeWord(statement, quoted);
    } while (!word.empty() && (quoted || !EqualIgnoringCase(word, before)));
  }
  const std::string_view table = TakeWord(statement, quoted);
  if (table.empty() || (!quoted && table.find_first_of(".),;") == 0)) {
    return std::nullopt;
  }
  if (!statement.starts_with('.')) {
    return std::string(table);
  }
  statement.remove_prefix(1);
  const std::string_view index = TakeWord(statement, quoted);
  return index.empty() ? std::string(table) : fmt::format("{}/index/{}", table, index);
}

}  // namespace network_mapper::aws
