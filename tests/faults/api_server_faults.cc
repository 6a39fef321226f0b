// An API server that has bad days, and one that has more to tell than one can hear.
#include <algorithm>

#include "tests/faults/faults.h"
#include "tests/support/process_memory.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;
using stand_in::FaultKind;
using std::chrono::steady_clock;

// Every list and watch of the time goes wrong.
void Break(Stage& stage, const std::vector<FaultKind>& kinds) {
  constexpr int kMany = 1'000'000;
  stand_in::KubeStandIn& server = stage.Mapper().ApiServer();
  const uint64_t before = server.Statistics().requests;
  for (FaultKind kind : kinds) {
    const std::string verb = kind == FaultKind::kGoneFrame ? "watch" : "";
    server.Faults().Add({.kind = kind, .path = "", .verb = verb, .count = kMany});
  }
  const auto end = steady_clock::now() + stage.Played().length;
  while (steady_clock::now() < end) {
    server.EndWatches();
    stage.Pass(200ms, 500ms);
  }
  const uint64_t broken = server.Statistics().requests - before;
  stage.Require(broken > 0, "the mapper asked for nothing meanwhile");
  server.Faults().Clear();
  stage.Remark("{} answers", broken);
  // Pods that have come since then are known again.
  stage.Pass(1500ms, 2000ms);
}

// Every watch of the time ends by itself, and cannot be resumed.
void Expire(Stage& stage) {
  stand_in::KubeStandIn& server = stage.Mapper().ApiServer();
  const uint64_t lists = server.Statistics().lists;
  const auto end = steady_clock::now() + stage.Played().length;
  while (steady_clock::now() < end) {
    server.Objects().Compact();
    server.Faults().Add({.kind = FaultKind::kGoneFrame, .path = "", .verb = "watch", .count = 10});
    server.Faults().Add({.kind = FaultKind::kGone, .path = "", .verb = "watch", .count = 10});
    server.EndWatches();
    stage.Pass(200ms, 500ms);
  }
  server.Faults().Clear();
  stage.Remark("listed again {} times", server.Statistics().lists - lists);
}

// The watch of pods is open and says nothing; nobody can know of the pods that come meanwhile.
void FallSilent(Stage& stage) {
  stand_in::KubeStandIn& server = stage.Mapper().ApiServer();
  server.Faults().Add({.kind = FaultKind::kSilent, .path = "/pods", .verb = "watch", .count = 1});
  server.EndWatches();
  stage.Require(Eventually([&] { return server.Faults().Pending() == 0; }, 20s),
                "the mapper does not watch pods again");
  stage.PassLength();
  stage.Remark("lost is what came from pods that came meanwhile");
}

Pod ChurningPod(size_t number) {
  return {.workload = fmt::format("churn-{}", number % 100),
          .name = fmt::format("churn-{}-1-{}", number % 100, number),
          .address = fmt::format("10.{}.{}.{}", 64 + number / 62'500 % 64, number / 250 % 250,
                                 number % 250 + 1),
          .started = Clock::System().Now()};
}

// So many pods at a time, of which one after the other is replaced.
void Churn(Stage& stage) {
  // Beside what the program takes anyway.
  constexpr size_t kPodsPerMib = 200;
  const size_t pods = stage.Played().pods;
  const size_t limit_mib = 100 + pods / kPodsPerMib;
  for (size_t number = 0; number < 100; ++number) {
    stage.TheCluster().AddWorkload(ChurningPod(number).workload);
  }
  size_t started = 0;
  for (; started < pods; ++started) {
    stage.TheCluster().StartPod(ChurningPod(started));
  }
  const auto end = steady_clock::now() + stage.Played().length;
  size_t ended = 0;
  while (ended < pods || steady_clock::now() < end) {
    stage.TheCluster().EndPod(ChurningPod(ended++), Clock::System().Now());
    stage.TheCluster().StartPod(ChurningPod(started++));
  }
  const size_t most = MostResidentKib(stage.Mapper().Id()) / 1024;
  stage.Require(most < limit_mib, fmt::format("the mapper took {} MiB", most));
  stage.Remark("{} pods at a time, {} replaced; the mapper took {} MiB at most", pods, ended, most);
}

}  // namespace

std::vector<Fault> ApiServerFaults() {
  return {
      {.name = "api-server-410", .what = "watches end with 410 Gone", .play = Expire},
      {.name = "api-server-429",
       .what = "the API server answers 429",
       .play = [](Stage& stage) { Break(stage, {FaultKind::kTooManyRequests}); }},
      {.name = "api-server-500",
       .what = "the API server answers 500",
       .play = [](Stage& stage) { Break(stage, {FaultKind::kInternalError}); }},
      {.name = "api-server-half-object",
       .what = "answers and watches end in the middle of an object",
       .play = [](Stage& stage) { Break(stage, {FaultKind::kHalfObject}); }},
      {.name = "api-server-silent", .what = "a watch stays open and silent", .play = FallSilent},
      {.name = "pods-churning", .what = "a great many pods come and go", .play = Churn}};
}

}  // namespace network_mapper::faults
