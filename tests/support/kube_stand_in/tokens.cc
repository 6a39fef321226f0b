#include "tests/support/kube_stand_in/tokens.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tests/support/kube_stand_in/answers.h"

namespace network_mapper::stand_in {

namespace {

using Json = nlohmann::json;

Json Spec(const httplib::Request& request) {
  const Json body = Json::parse(request.body, nullptr, false);
  return body.is_object() ? body.value("spec", Json::object()) : Json::object();
}

}  // namespace

std::string TokenOf(std::string_view account, std::string_view audience) {
  return fmt::format("stand-in/{}/{}", account, audience);
}

void IssueToken(const httplib::Request& request, const RequestPath& path,
                const std::vector<std::string>& accounts, httplib::Response& response) {
  const std::string account = path.name_space + "/" + path.name;
  if (std::find(accounts.begin(), accounts.end(), account) == accounts.end()) {
    AnswerError(response, NotFound("serviceaccounts \"{}\" not found", path.name));
    return;
  }
  const auto audiences = Spec(request).value("audiences", std::vector<std::string>{""});
  Answer(response, 201,
         Json{{"kind", "TokenRequest"},
              {"apiVersion", "authentication.k8s.io/v1"},
              {"status", {{"token", TokenOf(account, audiences.front())}}}}
             .dump());
}

void ReviewToken(const httplib::Request& request, const std::vector<std::string>& accounts,
                 httplib::Response& response) {
  const Json spec = Spec(request);
  Json status = {{"authenticated", false}, {"error", "invalid bearer token"}};
  for (const std::string& account : accounts) {
    for (const std::string& audience : spec.value("audiences", std::vector<std::string>{})) {
      if (spec.value("token", "") == TokenOf(account, audience)) {
        std::string name = account;
        std::replace(name.begin(), name.end(), '/', ':');
        status = {{"authenticated", true},
                  {"audiences", {audience}},
                  {"user", {{"username", "system:serviceaccount:" + name}}}};
      }
    }
  }
  Answer(response, 201,
         Json{{"kind", "TokenReview"},
              {"apiVersion", "authentication.k8s.io/v1"},
              {"status", std::move(status)}}
             .dump());
}

}  // namespace network_mapper::stand_in
