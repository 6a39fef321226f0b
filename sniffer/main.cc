// network-mapper-sniffer: observes one node's traffic and reports it to the mapper.
#include <unistd.h>

#include "common/log/log.h"
#include "common/program/program.h"
#include "sniffer/app/sniffer_app.h"
#include "sniffer/app/sniffer_config.h"
#include "sniffer/confine/confinement.h"

namespace {

// Less confined is still better than no map.
void WarnIfFailed(const network_mapper::Status& status) {
  if (!status.ok()) {
    network_mapper::LogWarn("sniffer keeps more rights than it needs", {{"error", status}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is this
                                   // function
  sniffer::SnifferConfig config;
  network_mapper::OptionTable options(
      "network-mapper-sniffer",
      "Captures one node's DNS answers and TCP handshakes, scans its sockets, and "
      "reports to the mapper.");
  sniffer::DeclareSnifferOptions(options, config);
  network_mapper::Program program{
      .component = "sniffer",
      .options = options,
      .check = [&config] { return sniffer::CheckSnifferConfig(config); },
      .debug = [&config] { return config.debug; },
      .prepare =
          [&config] {
            if (config.confine) {
              WarnIfFailed(sniffer::KeepNeededCapabilities());
            }
          },
      .run = [&config](const std::stop_token& stop) -> Status {
        ASSIGN_OR_RETURN(auto app, sniffer::SnifferApp::Create(config));
        if (config.confine) {
          WarnIfFailed(sniffer::RefuseUnneededSystemCalls());
        }
        return app->Run(stop);
      }};
  return network_mapper::RunProgram(program, argc, argv, environ);
}
