// network-mapper-aws-proxy: passes pods' calls to AWS on, and reports which IAM actions on which
// resources they are.
#include <unistd.h>

#include "aws-visibility/app/proxy_app.h"
#include "aws-visibility/app/proxy_config.h"
#include "common/program/program.h"

int main(int argc, char** argv) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is this
                                   // function
  aws::ProxyConfig config;
  OptionTable options("network-mapper-aws-proxy", aws::kProxyDescription);
  aws::DeclareProxyOptions(options, config);
  Program program{.component = "aws-proxy",
                  .options = options,
                  .check = [&config] { return aws::CheckProxyConfig(config); },
                  .debug = [&config] { return config.debug; },
                  .run = [&config](const std::stop_token& stop) -> Status {
                    ASSIGN_OR_RETURN(auto app, aws::ProxyApp::Create(config));
                    return app->Run(stop);
                  }};
  return RunProgram(program, argc, argv, environ);
}
