#include "tests/support/kube_stand_in/fault_plan.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace network_mapper::stand_in {

std::optional<FaultKind> ParseFaultKind(std::string_view text) {
  static constexpr std::pair<std::string_view, FaultKind> kNames[] = {
      {"gone", FaultKind::kGone},
      {"gone_frame", FaultKind::kGoneFrame},
      {"too_many_requests", FaultKind::kTooManyRequests},
      {"internal_error", FaultKind::kInternalError},
      {"forbidden", FaultKind::kForbidden},
      {"half_object", FaultKind::kHalfObject},
      {"silent", FaultKind::kSilent},
      {"drop_connection", FaultKind::kDropConnection},
  };
  for (const auto& [name, kind] : kNames) {
    if (name == text) {
      return kind;
    }
  }
  return std::nullopt;
}

void FaultPlan::Add(Fault fault) {
  faults_.With([&](std::vector<Fault>& faults) { faults.push_back(std::move(fault)); });
}

Status FaultPlan::AddJson(std::string_view text) {
  const nlohmann::json order = nlohmann::json::parse(text, nullptr, false);
  try {
    const auto kind = ParseFaultKind(order.at("kind").get<std::string>());
    if (!kind) {
      return InvalidArgument("unknown fault kind {}", order.at("kind").dump());
    }
    Add({.kind = *kind,
         .path = order.value("path", ""),
         .verb = order.value("verb", ""),
         .count = order.value("count", 1),
         .retry_after_seconds = order.value("retryAfterSeconds", 1)});
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument("fault: {}", error.what());
  }
  return OkStatus();
}

std::optional<Fault> FaultPlan::Take(std::string_view path, std::string_view verb) {
  return faults_.With([&](std::vector<Fault>& faults) -> std::optional<Fault> {
    const auto found = std::find_if(faults.begin(), faults.end(), [&](const Fault& fault) {
      return path.find(fault.path) != std::string_view::npos &&
             (fault.verb.empty() || fault.verb == verb);
    });
    if (found == faults.end()) {
      return std::nullopt;
    }
    Fault fault = *found;
    if (--found->count <= 0) {
      faults.erase(found);
    }
    return fault;
  });
}

void FaultPlan::Clear() {
  faults_.With([](std::vector<Fault>& faults) { faults.clear(); });
}

int FaultPlan::Pending() const {
  return faults_.With([](const std::vector<Fault>& faults) {
    int pending = 0;
    for (const Fault& fault : faults) {
      pending += fault.count;
    }
    return pending;
  });
}

}  // namespace network_mapper::stand_in
