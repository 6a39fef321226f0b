// network-mapper-mapper: resolves what collectors report and answers who talks to whom.
#include <unistd.h>

#include "common/program/program.h"
#include "mapper/app/mapper_app.h"
#include "mapper/app/mapper_config.h"

int main(int argc, char** argv) {
  using network_mapper::OkStatus;
  using network_mapper::Status;
  network_mapper::MapperConfig config;
  network_mapper::OptionTable options(
      "network-mapper-mapper",
      "Resolves what collectors report to workloads and answers who talks to whom.");
  network_mapper::DeclareMapperOptions(options, config);
  network_mapper::Program program{
      .component = "mapper",
      .options = options,
      .check = [&config] { return network_mapper::CheckMapperConfig(config); },
      .debug = [&config] { return config.debug; },
      .run = [&config](const std::stop_token& stop) -> Status {
        ASSIGN_OR_RETURN(auto app, network_mapper::MapperApp::Create(config));
        app->Run(stop);
        return OkStatus();
      }};
  return network_mapper::RunProgram(program, argc, argv, environ);
}
