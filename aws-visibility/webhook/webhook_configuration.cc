#include "aws-visibility/webhook/webhook_configuration.h"

#include "aws-visibility/webhook/pod_spec.h"
#include "common/kube/base64.h"
#include "common/kube/paths.h"

namespace network_mapper::aws {

Status PublishToWebhookConfiguration(kube::Client& client, const std::string& name,
                                     const std::string& certificates) {
  const std::string path =
      fmt::format("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{}",
                  kube::PercentEncode(name));
  const std::string what = fmt::format("MutatingWebhookConfiguration {}", name);
  const StatusOr<kube::Response> answer = client.Get(path);
  if (!answer.ok()) {
    return Annotate(answer.status(), what);
  }
  Json configuration = Json::parse(answer->body, nullptr, false);
  const auto webhooks =
      configuration.is_object() ? configuration.find("webhooks") : configuration.end();
  if (!configuration.is_object() || webhooks == configuration.end() || !webhooks->is_array() ||
      webhooks->empty()) {
    return FailedPrecondition("{} has no webhooks", what);
  }
  const std::string wanted = kube::EncodeBase64(certificates);
  bool changed = false;
  for (Json& webhook : *webhooks) {
    if (!webhook.is_object() || ObjectOf(webhook, "clientConfig") == nullptr) {
      return FailedPrecondition("{} has a webhook without clientConfig", what);
    }
    Json& client_config = webhook["clientConfig"];
    if (TextOf(client_config, "caBundle") != wanted) {
      client_config["caBundle"] = wanted;
      changed = true;
    }
  }
  if (!changed) {
    return OkStatus();
  }
  if (ObjectOf(configuration, "metadata") != nullptr) {
    configuration["metadata"].erase("managedFields");
  }
  const Status written =
      client
          .Put(path, configuration.dump(-1, ' ', false, Json::error_handler_t::replace),
               "application/json")
          .status();
  // Aborted: somebody else has changed it meanwhile; the next refresh looks again.
  return written.code() == StatusCode::kAborted ? OkStatus() : Annotate(written, what);
}

}  // namespace network_mapper::aws
