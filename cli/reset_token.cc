#include "cli/reset_token.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "common/kube/paths.h"
#include "common/report/token_file.h"

namespace network_mapper::cli {

namespace {

constexpr std::string_view kAudience = "network-mapper";
constexpr int kSeconds = 600;
constexpr std::chrono::milliseconds kRequestTimeout{10'000};

// TokenRequest (authentication.k8s.io/v1): a token of the ServiceAccount that may reset the map. It
// is good for nothing else, and not for long.
StatusOr<std::string> RequestToken(kube::Client& client, const CliOptions& options) {
  const std::string account = options.mapper_service_name + "-admin";
  const std::string path =
      fmt::format("/api/v1/namespaces/{}/serviceaccounts/{}/token",
                  kube::PercentEncode(options.mapper_namespace), kube::PercentEncode(account));
  const nlohmann::json request = {
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec", {{"audiences", {kAudience}}, {"expirationSeconds", kSeconds}}}};
  kube::RequestOptions limits;
  limits.timeout = kRequestTimeout;
  const StatusOr<kube::Response> answer =
      client.Post(path, request.dump(), "application/json", limits);
  if (!answer.ok()) {
    return Annotate(answer.status(),
                    fmt::format("no token of ServiceAccount {} in namespace {}, which takes the "
                                "right to create serviceaccounts/token",
                                account, options.mapper_namespace));
  }
  const nlohmann::json token = nlohmann::json::parse(answer->body, nullptr, false);
  const nlohmann::json::json_pointer place("/status/token");
  if (!token.is_object() || !token.contains(place) || !token[place].is_string()) {
    return Unavailable("the API server {} answers without a token", client.Server());
  }
  return token[place].get<std::string>();
}

}  // namespace

StatusOr<ResetToken> FindResetToken(kube::Client& client, const CliOptions& options) {
  ResetToken token;
  if (options.command != Command::kReset) {
    return token;
  }
  if (!options.token_file.empty()) {
    ASSIGN_OR_RETURN(token.text, ReadTokenFile(options.token_file));
  } else if (options.mapper_url.empty()) {
    StatusOr<std::string> issued = RequestToken(client, options);
    token.problem = issued.status();
    token.text = issued.ok() ? *std::move(issued) : "";
  }
  return token;
}

}  // namespace network_mapper::cli
