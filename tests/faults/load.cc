#include "tests/faults/load.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "common/concurrency/stop_wait.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kReportInterval = 10ms;
constexpr int kMostAtATime = 10;
// A pod comes every `kPodInterval` and lives as long as `kYoungPods` of them.
constexpr auto kPodInterval = 200ms;
constexpr size_t kYoungPods = 8;

std::unique_ptr<ReportClient> Connect(uint16_t port, const LoadOptions& load,
                                      MetricsRegistry& metrics) {
  ReportClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(port);
  options.component = "fault_suite";
  options.spool_observations = load.spool_observations;
  options.minimum_backoff = 20ms;
  options.maximum_backoff = 500ms;
  // Shorter than in production, as the faults are.
  options.welcome_timeout = 3s;
  options.keepalive_time = 2s;
  options.keepalive_timeout = 2s;
  auto client = ReportClient::Create(options, metrics);
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", StatusMessage(client.status()).c_str());
    std::abort();
  }
  return *std::move(client);
}

}  // namespace

Load::Load(Cluster& cluster, Ledger& ledger, const std::vector<uint16_t>& ports,
           LoadOptions options, uint32_t seed)
    : cluster_(cluster), ledger_(ledger) {
  for (uint16_t port : ports) {
    metrics_.push_back(std::make_unique<MetricsRegistry>());
    clients_.push_back(Connect(port, options, *metrics_.back()));
  }
  workers_.emplace_back([this](const std::stop_token& stop) { ReplacePods(stop); });
  for (const auto& client : clients_) {
    workers_.emplace_back([this, &client = *client, own_seed = ++seed](
                              const std::stop_token& stop) { Report(stop, client, own_seed); });
  }
}

void Load::Report(const std::stop_token& stop, ReportClient& client, uint32_t seed) {
  std::minstd_rand random(seed);
  std::uniform_int_distribution<int> batch_size(1, kMostAtATime);
  do {
    std::vector<Observation> observations;
    for (int i = batch_size(random); i > 0; --i) {
      observations.push_back(
          random() % 2 == 0
              ? ledger_.Named(next_named_++, Clock::System().Now() + clock_shift_.load())
              : MakeCall(random));
    }
    client.Report(observations, {});
  } while (WaitUnlessStopped(stop, kReportInterval));
}

Observation Load::MakeCall(std::minstd_rand& random) {
  const Pod server = StayingServer(random() % kStayingPods);
  const Pod client = StayingClient(random() % kStayingPods);
  const bool by_young_pod = random() % 2 == 0;
  // Under the lock: a pod that calls has not ended.
  return young_.With([&](const std::deque<Pod>& young) {
    const Pod& caller = by_young_pod && !young.empty() ? young[random() % young.size()] : client;
    return ledger_.Called({.client = caller.workload,
                           .from = caller.Ip(),
                           .server = server.workload,
                           .to = server.Ip()},
                          Clock::System().Now() + clock_shift_.load());
  });
}

void Load::ReplacePods(const std::stop_token& stop) {
  size_t number = 0;
  do {
    const Pod pod = YoungPod(number);
    if (!cluster_.StartPod(pod)) {
      continue;
    }
    ++number;
    young_.With([&pod](std::deque<Pod>& young) { young.push_back(pod); });
    std::optional<Pod> ended = young_.With([](std::deque<Pod>& young) {
      std::optional<Pod> oldest;
      if (young.size() > kYoungPods) {
        oldest = std::move(young.front());
        young.pop_front();
      }
      return oldest;
    });
    if (ended.has_value() && !cluster_.EndPod(*ended, Clock::System().Now())) {
      young_.With([&ended](std::deque<Pod>& young) { young.push_front(*std::move(ended)); });
    }
  } while (WaitUnlessStopped(stop, kPodInterval));
}

void Load::Stop() {
  for (std::jthread& worker : workers_) {
    worker.request_stop();
  }
  workers_.clear();
}

bool Load::Flush(std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  bool flushed = true;
  for (const auto& client : clients_) {
    flushed = client->Flush(deadline) && flushed;
  }
  return flushed;
}

void Load::TellTotals() {
  for (const auto& client : clients_) {
    client->Report({}, {});
  }
}

LoadState Load::State() const {
  LoadState sum;
  for (const auto& client : clients_) {
    const ReportClientState state = client->State();
    sum.acknowledged += state.acknowledged_observations;
    sum.dropped += state.dropped_observations;
    sum.resent += state.resent_batches;
    sum.reconnects += state.reconnects;
    sum.last_errors += state.last_error + " ";
  }
  return sum;
}

}  // namespace network_mapper::faults
