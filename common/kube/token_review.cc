#include "common/kube/token_review.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/kube/json_member.h"

namespace network_mapper::kube {

namespace {

constexpr std::string_view kPath = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr std::string_view kNodeNameKey = "authentication.kubernetes.io/node-name";
constexpr std::chrono::seconds kTimeLimit{10};
constexpr size_t kLargestAnswer = size_t{1} << 20U;

bool Holds(const nlohmann::json& list, std::string_view text) {
  return list.is_array() &&
         std::any_of(list.begin(), list.end(), [text](const nlohmann::json& one) {
           return one.is_string() && one.get_ref<const std::string&>() == text;
         });
}

}  // namespace

StatusOr<TokenReview> ParseTokenReview(std::string_view json, std::string_view audience) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  const nlohmann::json& status = Member(document, "status");
  if (StringMember(document, "kind") != "TokenReview" || !status.is_object()) {
    return InvalidArgument("the answer is no TokenReview");
  }
  TokenReview review;
  const nlohmann::json& authenticated = Member(status, "authenticated");
  review.authenticated = authenticated.is_boolean() && authenticated.get<bool>();
  review.error = StringMember(status, "error");
  // An authenticator that knows nothing of audiences answers without any.
  if (review.authenticated && !Holds(Member(status, "audiences"), audience)) {
    review.authenticated = false;
    review.error = "it was not issued for this audience";
  }
  const nlohmann::json& user = Member(status, "user");
  review.user = StringMember(user, "username");
  const nlohmann::json& nodes = Member(Member(user, "extra"), kNodeNameKey);
  if (nodes.is_array() && nodes.size() == 1) {
    review.node_name = nodes.front().is_string() ? nodes.front().get<std::string>() : "";
  }
  return review;
}

StatusOr<TokenReview> ReviewToken(Client& client, std::string_view token, std::string_view audience,
                                  const std::stop_token& stop) {
  const nlohmann::json request = {{"apiVersion", "authentication.k8s.io/v1"},
                                  {"kind", "TokenReview"},
                                  {"spec", {{"token", token}, {"audiences", {audience}}}}};
  RequestOptions options;
  options.timeout = kTimeLimit;
  options.max_response_bytes = kLargestAnswer;
  options.stop = stop;
  // What a peer sent need not be UTF-8.
  const std::string body = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  ASSIGN_OR_RETURN(const Response answer, client.Post(kPath, body, "application/json", options));
  return ParseTokenReview(answer.body, audience);
}

}  // namespace network_mapper::kube
