// network-mapper-aws-webhook: patches labelled pods such that their calls to AWS can be seen.
#include <unistd.h>

#include "aws-visibility/app/webhook_app.h"
#include "aws-visibility/app/webhook_config.h"
#include "common/program/program.h"

int main(int argc, char** argv) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is this
                                   // function
  aws::WebhookConfig config;
  OptionTable options("network-mapper-aws-webhook", aws::kWebhookDescription);
  aws::DeclareWebhookOptions(options, config);
  Program program{.component = "aws-webhook",
                  .options = options,
                  .check = [&config] { return aws::CheckWebhookConfig(config); },
                  .debug = [&config] { return config.debug; },
                  .run = [&config](const std::stop_token& stop) -> Status {
                    ASSIGN_OR_RETURN(auto app, aws::WebhookApp::Create(config));
                    return app->Run(stop);
                  }};
  return RunProgram(program, argc, argv, environ);
}
