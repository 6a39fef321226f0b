// What lies between collectors and mapper.
#include "tests/faults/faults.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;

void Part(Stage& stage) {
  const std::chrono::milliseconds length = stage.Played().partition_length;
  stage.Part(true);
  stage.Pass(length, length);
  stage.Part(false);
  stage.WaitForProgress();
  const LoadState state = stage.TheLoad().State();
  stage.Remark("parted for {} s, {} batches resent, {} observations dropped from spools",
               std::chrono::duration<double>(length).count(), state.resent, state.dropped);
}

}  // namespace

std::vector<Fault> NetworkFaults() {
  return {{.name = "partition",
           .what = "the network between collectors and mapper is parted",
           .play = Part},
          {.name = "partition-small-spool",
           .what = "the same, for longer than the spools last",
           .stage = {.load = {.spool_observations = 500}},
           .play = Part}};
}

}  // namespace network_mapper::faults
