#include "aws-visibility/iam/endpoint.h"

#include <algorithm>

#include "aws-visibility/iam/recognizer.h"
#include "aws-visibility/iam/request_text.h"

namespace network_mapper::aws {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_';
}

// Takes the last label from `labels`.
std::string_view TakeLast(std::string_view& labels) {
  const size_t dot = labels.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? labels : labels.substr(dot + 1);
  labels = dot == std::string_view::npos ? std::string_view() : labels.substr(0, dot);
  return last;
}

bool TakeEnd(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) {
    return false;
  }
  text.remove_suffix(end.size());
  return true;
}

bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.find('.') == std::string_view::npos;
}

// "name-123456789012"
bool IsAccessPoint(std::string_view label) {
  return label.size() > 13 && label[label.size() - 13] == '-' &&
         IsAccount(label.substr(label.size() - 12)) && IsLabel(label);
}

// Names of buckets have letters, digits, dots, hyphens; older ones underscores and capitals, too.
bool IsBucket(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos;
}

// "s3express-use1-az4"
bool IsExpressZone(std::string_view label) {
  return label.starts_with("s3express-") && label != "s3express-control";
}

void S3Is(Endpoint& endpoint, S3Endpoint s3, std::string_view before) {
  endpoint.kind = EndpointKind::kS3;
  endpoint.s3 = s3;
  endpoint.before = before;
}

// `labels` are what stands before ".region.suffix", without "dualstack".
void ReadRegionalS3(std::string_view labels, Endpoint& endpoint) {
  std::string_view rest = labels;
  std::string_view last = TakeLast(rest);
  if (IsExpressZone(last)) {
    if (rest.empty() || (IsLabel(rest) && rest.ends_with("--x-s3"))) {
      S3Is(endpoint, S3Endpoint::kExpress, rest);
    }
    return;
  }
  TakeEnd(last, "-fips");
  if (last == "s3") {
    if (rest.empty() || IsBucket(rest)) {
      S3Is(endpoint, S3Endpoint::kBuckets, rest);
    }
  } else if (last == "s3-accesspoint") {
    if (IsAccessPoint(rest)) {
      S3Is(endpoint, S3Endpoint::kAccessPoint, rest);
    }
  } else if (last == "s3-object-lambda") {
    if (rest.empty() || IsLabel(rest)) {
      S3Is(endpoint, S3Endpoint::kObjectLambda, rest);
    }
  } else if (last == "s3-outposts") {
    // name-account.outpost or name.outpost; alone it is s3control's.
    const size_t dot = rest.find('.');
    if (dot != std::string_view::npos && IsLabel(rest.substr(0, dot)) &&
        IsLabel(rest.substr(dot + 1)) && rest.substr(dot + 1).starts_with("op-")) {
      S3Is(endpoint, S3Endpoint::kOutposts, rest);
    }
  } else if (last == "s3express-control" && rest.empty()) {
    S3Is(endpoint, S3Endpoint::kExpressControl, rest);
  }
}

// What stands before ".suffix" has no region of its own: s3, s3-eu-west-1, s3-accelerate and
// others.
void ReadGlobalS3(std::string_view labels, Endpoint& endpoint) {
  std::string_view rest = labels;
  const bool dual_stack = TakeEnd(rest, ".dualstack");
  std::string_view last = TakeLast(rest);
  if (last == "s3-global") {
    // alias.accesspoint.s3-global, alias ends with .mrap
    if (!dual_stack && TakeEnd(rest, ".accesspoint") && TakeEnd(rest, ".mrap") && IsLabel(rest)) {
      S3Is(endpoint, S3Endpoint::kGlobalAccessPoint, rest);
    }
    return;
  }
  if (last == "s3-accelerate") {
    if (IsBucket(rest)) {
      S3Is(endpoint, S3Endpoint::kBuckets, rest);
    }
    return;
  }
  if (dual_stack || !(rest.empty() || IsBucket(rest))) {
    return;
  }
  if (last == "s3" || last == "s3-external-1") {
    S3Is(endpoint, S3Endpoint::kBuckets, rest);
  } else if (last.starts_with("s3-") && !PartitionOfRegion(last.substr(3)).empty()) {
    endpoint.region = last.substr(3);
    S3Is(endpoint, S3Endpoint::kBuckets, rest);
  }
}

// Services of `label`, which may have "-fips" at its end or after its first label's end.
std::span<const NamedService> FindLabel(std::span<const NamedService> index,
                                        std::string_view label) {
  std::span<const NamedService> found = Find(index, label);
  if (found.empty() && TakeEnd(label, "-fips")) {
    found = Find(index, label);
  }
  return found;
}

void ReadRegional(std::string_view labels, Endpoint& endpoint) {
  TakeEnd(labels, ".dualstack");
  endpoint.services = FindLabel(ServicesByRegionalLabel(), labels);
  if (!endpoint.services.empty()) {
    endpoint.kind = EndpointKind::kRegional;
    return;
  }
  const size_t dot = labels.find('.');
  if (dot == std::string_view::npos) {
    return;
  }
  std::string_view label = labels.substr(dot + 1);
  const std::string_view before = labels.substr(0, dot);
  TakeEnd(label, "-fips");
  const std::span<const std::string_view> labelled = LabelledEndpoints();
  if (IsLabel(before) && std::find(labelled.begin(), labelled.end(), label) != labelled.end()) {
    endpoint.services = Find(ServicesByRegionalLabel(), label);
    endpoint.before = before;
    endpoint.kind = EndpointKind::kRegional;
  }
}

void ReadGlobal(std::string_view labels, Endpoint& endpoint) {
  // abcde.veo.endpoint.events: EventBridge's endpoints of several regions.
  std::string_view rest = labels;
  if (TakeEnd(rest, ".endpoint.events")) {
    static constexpr std::string_view kEvents = "events";
    endpoint.services = Find(ServicesByRegionalLabel(), kEvents);
    endpoint.before = rest;
    endpoint.kind = rest.empty() ? EndpointKind::kNone : EndpointKind::kGlobal;
    return;
  }
  endpoint.services = FindLabel(ServicesByGlobalLabel(), labels);
  if (endpoint.services.empty() && (TakeEnd(labels, ".global") || TakeEnd(labels, ".us-gov"))) {
    endpoint.services = FindLabel(ServicesByGlobalLabel(), labels);
  }
  if (!endpoint.services.empty()) {
    endpoint.kind = EndpointKind::kGlobal;
  }
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): not 254 bytes of nothing for each request
HostName::HostName(std::string_view host) {
  host = host.substr(0, host.rfind(':'));
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.size() > 253) {
    return;
  }
  size_ = host.size();
  std::transform(host.begin(), host.end(), buffer_, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

std::string_view PartitionOfRegion(std::string_view region) {
  if (region.empty()) {
    return {};
  }
  for (const RegionStart& start : RegionStarts()) {
    // One letter tells most of them apart, without a call.
    if (region.front() == start.start.front() && region.starts_with(start.start)) {
      // A word, a hyphen, digits.
      const std::string_view rest = region.substr(start.start.size());
      const size_t hyphen = rest.find('-');
      const std::string_view word = rest.substr(0, hyphen);
      const std::string_view number =
          hyphen == std::string_view::npos ? std::string_view() : rest.substr(hyphen + 1);
      if (!word.empty() && !number.empty() &&
          std::all_of(word.begin(), word.end(), IsWordCharacter) &&
          std::all_of(number.begin(), number.end(), IsDigit)) {
        return start.partition;
      }
    }
  }
  return {};
}

Endpoint ReadEndpoint(const HostName& host) {
  Endpoint endpoint;
  std::string_view labels = host.Text();
  const auto suffixes = PartitionSuffixes();
  const auto suffix =
      std::find_if(suffixes.begin(), suffixes.end(), [&](const PartitionSuffix& one) {
        return labels.size() > one.suffix.size() && labels.ends_with(one.suffix) &&
               labels[labels.size() - one.suffix.size() - 1] == '.';
      });
  if (suffix == suffixes.end()) {
    return endpoint;
  }
  labels.remove_suffix(suffix->suffix.size() + 1);
  endpoint.partition = suffix->partition;
  std::string_view rest = labels;
  const std::string_view last = TakeLast(rest);
  const std::string_view partition = PartitionOfRegion(last);
  if (!partition.empty()) {
    endpoint.region = last;
    endpoint.partition = partition;
    ReadRegional(rest, endpoint);
    if (endpoint.kind == EndpointKind::kNone) {
      TakeEnd(rest, ".dualstack");
      ReadRegionalS3(rest, endpoint);
    }
    return endpoint;
  }
  // Older names of SQS: eu-west-1.queue.amazonaws.com.
  if (last == "queue" && !PartitionOfRegion(rest).empty()) {
    endpoint.region = rest;
    endpoint.partition = PartitionOfRegion(rest);
    endpoint.services = Find(ServicesByGlobalLabel(), last);
    endpoint.kind = EndpointKind::kRegional;
    return endpoint;
  }
  ReadGlobal(labels, endpoint);
  if (endpoint.kind == EndpointKind::kNone) {
    ReadGlobalS3(labels, endpoint);
  }
  return endpoint;
}

bool IsApiEndpoint(std::string_view host) {
  const HostName name(host);
  return ReadEndpoint(name).kind != EndpointKind::kNone;
}

}  // namespace network_mapper::aws
