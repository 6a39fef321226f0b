// network-mapper-mapper: resolves what collectors report and answers who talks to whom.
#include <malloc.h>
#include <unistd.h>

#include "common/program/program.h"
#include "mapper/app/mapper_app.h"
#include "mapper/app/mapper_config.h"

namespace {

// With glibc's defaults every thread gets a heap of its own, and each keeps the largest text that
// it ever held: pages of lists, answers to queries. Ten watches and a pool of servers make that
// several times the map (docs/benchmarks.md).
void KeepHeapSmall() {
  constexpr int kLargePiece = 128 * 1024;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kLargePiece);
  mallopt(M_TRIM_THRESHOLD, kLargePiece);
}

}  // namespace

int main(int argc, char** argv) {
  KeepHeapSmall();
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
