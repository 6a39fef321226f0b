#include "common/kube/lease.h"

#include <algorithm>
#include <cstdint>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "common/kube/json_member.h"

namespace network_mapper::kube {

namespace {

constexpr std::string_view kApiVersion = "coordination.k8s.io/v1";
constexpr int64_t kLongestDurationSeconds = 300;

int64_t NumberMember(const nlohmann::json& object, std::string_view key) {
  const nlohmann::json& member = Member(object, key);
  return member.is_number_integer() ? member.get<int64_t>() : 0;
}

nlohmann::json& ObjectMember(nlohmann::json& object, const char* key) {
  nlohmann::json& member = object[key];
  if (!member.is_object()) {
    member = nlohmann::json::object();
  }
  return member;
}

void SetText(nlohmann::json& spec, const char* key, const std::string& text) {
  if (!text.empty()) {
    spec[key] = text;
  }
}

}  // namespace

StatusOr<Lease> ParseLease(std::string_view json) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  Lease lease;
  lease.resource_version = StringMember(Member(document, "metadata"), "resourceVersion");
  if (StringMember(document, "kind") != "Lease" || lease.resource_version.empty()) {
    return InvalidArgument("the answer is no Lease");
  }
  const nlohmann::json& spec = Member(document, "spec");
  lease.holder = StringMember(spec, "holderIdentity");
  lease.duration = std::chrono::seconds(
      std::clamp<int64_t>(NumberMember(spec, "leaseDurationSeconds"), 0, kLongestDurationSeconds));
  lease.acquired = StringMember(spec, "acquireTime");
  lease.renewed = StringMember(spec, "renewTime");
  lease.transitions = std::clamp<int64_t>(NumberMember(spec, "leaseTransitions"), 0, INT32_MAX - 1);
  lease.object = json;
  return lease;
}

std::string EncodeLease(const Lease& lease, std::string_view name_space, std::string_view name) {
  nlohmann::json document = nlohmann::json::parse(lease.object, nullptr, false);
  if (!document.is_object()) {
    document = nlohmann::json::object();
  }
  document["apiVersion"] = kApiVersion;
  document["kind"] = "Lease";
  nlohmann::json& metadata = ObjectMember(document, "metadata");
  metadata["namespace"] = name_space;
  metadata["name"] = name;
  SetText(metadata, "resourceVersion", lease.resource_version);
  metadata.erase("managedFields");
  nlohmann::json& spec = ObjectMember(document, "spec");
  spec["holderIdentity"] = lease.holder;
  spec["leaseDurationSeconds"] = lease.duration.count();
  spec["leaseTransitions"] = lease.transitions;
  SetText(spec, "acquireTime", lease.acquired);
  SetText(spec, "renewTime", lease.renewed);
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string FormatMicroTime(Time time) {
  const auto whole = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (whole - seconds).count());
}

}  // namespace network_mapper::kube
