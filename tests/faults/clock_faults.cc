// Clocks that jump by an hour and back.
#include "common/time/time_text.h"
#include "tests/faults/faults.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;

// "2026-01-02T03:04", an hour from now or ago.
std::string Minute(std::chrono::seconds ahead) {
  return FormatRfc3339(Clock::System().Now() + ahead).substr(0, 16);
}

void ShiftMapperClock(Stage& stage, std::chrono::seconds ahead) {
  stage.SetMapperClock(ahead);
  stage.PassLength();
  // A mapper that starts meanwhile: what it stores bears the wrong time.
  const std::string before = Minute(ahead);
  stage.KillMapper();
  stage.StartMapper();
  const std::string log = stage.Mapper().Log();
  stage.Require(
      log.find(before) != std::string::npos || log.find(Minute(ahead)) != std::string::npos,
      "the mapper's clock did not jump");
  stage.WaitForProgress();
  stage.SetMapperClock(0s);
  stage.PassLength();
}

void ShiftCollectorClocks(Stage& stage, std::chrono::seconds ahead) {
  stage.TheLoad().ShiftClocks(ahead);
  stage.PassLength();
  stage.TheLoad().ShiftClocks(0s);
  stage.PassLength();
}

}  // namespace

std::vector<Fault> ClockFaults() {
  return {{.name = "mapper-clock-forward",
           .what = "the mapper's clock jumps forward by an hour, then back",
           .stage = {.own_clock = true},
           .play = [](Stage& stage) { ShiftMapperClock(stage, 1h); }},
          {.name = "mapper-clock-back",
           .what = "the mapper's clock jumps back by an hour, then forward",
           .stage = {.own_clock = true},
           .play = [](Stage& stage) { ShiftMapperClock(stage, -1h); }},
          {.name = "collector-clock-forward",
           .what = "the collectors' clocks are an hour ahead for a while",
           .play = [](Stage& stage) { ShiftCollectorClocks(stage, 1h); }},
          {.name = "collector-clock-back",
           .what = "the collectors' clocks are an hour behind for a while",
           .play = [](Stage& stage) {
             ShiftCollectorClocks(stage, -1h);
             stage.Remark("lost is what came from pods that did not exist an hour ago");
           }}};
}

}  // namespace network_mapper::faults
