#include "mapper/api/mutation_check.h"

#include <algorithm>

namespace network_mapper {

namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kReportPrefix = "report";

// A mutation that this does not know needs the stronger role.
Role NeededRole(std::string_view field) {
  return field.starts_with(kReportPrefix) ? Role::kCollector : Role::kAdmin;
}

std::string_view Remedy(Role role) {
  if (role == Role::kCollector) {
    return "reports need the token of one of --collector-service-accounts, in the header "
           "\"Authorization: Bearer\"; the original's collectors, which have none, need "
           "--unauthenticated-mutations (chart: mapper.unauthenticatedMutations=true)";
  }
  return "this needs the token of one of --admin-service-accounts, in the header "
         "\"Authorization: Bearer\" or, through the API server, \"X-Network-Mapper-Token\"; "
         "\"network-mapper reset\" gets one where you may create serviceaccounts/token of "
         "otterize-network-mapper-admin, or give it --token-file";
}

}  // namespace

std::string ShownToken(const HttpRequest& request) {
  if (const auto own = request.Header(kTokenHeader)) {
    return std::string(*own);
  }
  const std::string_view value = request.Header("authorization").value_or("");
  return std::string(value.starts_with(kBearer) ? value.substr(kBearer.size()) : "");
}

Status CheckMutation(const CheckRole& check_role, const HttpRequest& request,
                     const std::vector<std::string_view>& fields) {
  if (!check_role) {
    return OkStatus();
  }
  const std::string token = ShownToken(request);
  for (const Role role : {Role::kCollector, Role::kAdmin}) {
    const bool needed = std::any_of(fields.begin(), fields.end(), [role](std::string_view field) {
      return NeededRole(field) == role;
    });
    if (!needed) {
      continue;
    }
    const Status status = check_role(role, token);
    if (!status.ok()) {
      return status.code() == StatusCode::kUnavailable ? status : Annotate(status, Remedy(role));
    }
  }
  return OkStatus();
}

}  // namespace network_mapper
