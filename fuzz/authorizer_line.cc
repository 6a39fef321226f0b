// Fuzzes the parser of authorizers' lines: an access is one that can be, and neither what lies
// behind the line nor what a container runtime puts before it changes the outcome.
#include "kafka-watcher/authorizer/authorizer_line.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

namespace {

using network_mapper::kafka::LineOutcome;
using network_mapper::kafka::LineRefusal;
using network_mapper::kafka::NoAuditLine;
using network_mapper::kafka::ParseAuthorizerLine;
using network_mapper::kafka::TopicAccess;

void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool SameOutcome(const LineOutcome& a, const LineOutcome& b) {
  if (a.index() != b.index()) {
    return false;
  }
  if (const auto* access = std::get_if<TopicAccess>(&a)) {
    return *access == std::get<TopicAccess>(b);
  }
  const auto* refusal = std::get_if<LineRefusal>(&a);
  return refusal == nullptr || *refusal == std::get<LineRefusal>(b);
}

void CheckAccess(const TopicAccess& access, std::string_view line) {
  constexpr std::string_view kLegal =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  Require(!access.topic.empty() && access.topic.size() <= 249);
  Require(access.topic.find_first_not_of(kLegal) == std::string_view::npos);
  Require(access.topic != "." && access.topic != "..");
  Require(access.topic.data() >= line.data() &&
          access.topic.data() + access.topic.size() <= line.data() + line.size());
  Require(!access.client.IsLoopback() && !access.client.IsLinkLocal() &&
          !access.client.IsUnspecified() && !access.client.IsMulticast());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const LineOutcome outcome = ParseAuthorizerLine(line);
  if (const auto* access = std::get_if<TopicAccess>(&outcome)) {
    CheckAccess(*access, line);
  }
  Require(std::holds_alternative<NoAuditLine>(outcome) ==
          (line.find("Principal = ") == std::string_view::npos));

  const std::string followed = std::string(line) + "0 \"TRACE\" with resourceRefCount = 0";
  Require(SameOutcome(ParseAuthorizerLine(std::string_view(followed).substr(0, size)), outcome));
  const std::string prefixed = "2026-02-03T10:11:12.345678901Z stdout F " + std::string(line);
  Require(SameOutcome(ParseAuthorizerLine(prefixed), outcome));
  return 0;
}
