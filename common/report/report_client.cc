#include "common/report/report_client.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/concurrency/guarded.h"
#include "common/concurrency/waitable.h"
#include "common/log/log.h"
#include "common/observation/pod_uid.h"
#include "common/report/batch_spool.h"
#include "common/report/connection_remedy.h"
#include "common/report/grpc_log.h"
#include "common/report/report_channel.h"
#include "common/report/report_transport.h"

namespace network_mapper {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A connection that lasted so long, or that brought an acknowledgement, starts the back-off anew.
constexpr std::chrono::seconds kProvenConnection{10};
constexpr std::chrono::seconds kLogInterval{5};

struct ClientMetrics {
  explicit ClientMetrics(MetricsRegistry& registry)
      : connected(registry.AddGauge("network_mapper_report_client_connected",
                                    "1 while the report stream to the mapper stands.")),
        spool_batches(registry.AddGauge("network_mapper_report_client_spool_batches",
                                        "Batches that wait for the mapper's acknowledgement.")),
        spool_observations(
            registry.AddGauge("network_mapper_report_client_spool_observations",
                              "Observations that wait for the mapper's acknowledgement.")),
        spool_bytes(
            registry.AddGauge("network_mapper_report_client_spool_bytes", "Size of the spool.")),
        acknowledged(
            registry.AddCounter("network_mapper_report_client_acknowledged_observations_total",
                                "Observations that the mapper has acknowledged.")),
        resent(registry.AddCounter("network_mapper_report_client_resent_batches_total",
                                   "Batches that were sent again after a reconnect.")),
        reconnects(registry.AddCounter("network_mapper_report_client_reconnects_total",
                                       "Connections to the mapper after the first.")),
        failed(registry.AddCounter("network_mapper_report_client_failed_connections_total",
                                   "Attempts in vain and connections that were lost.")),
        dropped_full(AddDropped(registry, "spool_full")),
        dropped_limit(AddDropped(registry, "over_limit")),
        dropped_invalid(AddDropped(registry, "invalid")) {}

  static Counter& AddDropped(MetricsRegistry& registry, const char* reason) {
    return registry.AddCounter("network_mapper_report_client_dropped_observations_total",
                               "Observations that will never reach the mapper.",
                               {{"reason", reason}});
  }

  Gauge& connected;
  Gauge& spool_batches;
  Gauge& spool_observations;
  Gauge& spool_bytes;
  Counter& acknowledged;
  Counter& resent;
  Counter& reconnects;
  Counter& failed;
  Counter& dropped_full;
  Counter& dropped_limit;
  Counter& dropped_invalid;
};

struct Shared {
  BatchSpool spool;
  BatchLimits limits;
  CollectorTotals totals;
  CollectorTotals queued_totals;
  uint64_t welcomes = 0;
  ReportClientState state;
};

}  // namespace

std::string NewInstanceId() {
  std::random_device random;
  PodUid uid;
  std::generate(uid.bytes.begin(), uid.bytes.end(),
                [&random] { return static_cast<uint8_t>(random()); });
  // RFC 4122 4.4: version 4, variant 1.
  uid.bytes[6] = static_cast<uint8_t>((uid.bytes[6] & 0x0FU) | 0x40U);
  uid.bytes[8] = static_cast<uint8_t>((uid.bytes[8] & 0x3FU) | 0x80U);
  return uid.ToString();
}

class ReportClient::Implementation final : public ReportTransportEvents {
 public:
  Implementation(const ReportClientOptions& options, MetricsRegistry& registry)
      : options_(options),
        instance_id_(options.resume ? options.resume->instance_id : NewInstanceId()),
        metrics_(registry),
        transport_(options_, instance_id_) {
    shared_.Change([&](Shared& shared) {
      shared.spool =
          BatchSpool({.bytes = options.spool_bytes, .observations = options.spool_observations});
      if (options.resume) {
        shared.spool.Add(options.resume->batches);
      }
      PublishSpool(shared);
    });
    worker_ = std::jthread([this] { Work(); });
  }

  ~Implementation() override { Stop(); }

  void Report(const std::vector<Observation>& observations, const CollectorTotals& totals) {
    BatchLimits limits = shared_.Read([](const Shared& shared) { return shared.limits; });
    EncodeOutcome encoded = EncodeBatches(observations, limits);
    shared_.Change([&](Shared& shared) {
      CountDropped(shared, metrics_.dropped_invalid, encoded.invalid);
      CountDropped(shared, metrics_.dropped_limit, encoded.oversize);
      shared.totals = totals;
      bool only_totals = encoded.batches.empty() && shared.spool.UnsentBatches() == 0 &&
                         shared.queued_totals != totals;
      if (only_totals) {
        encoded.batches.emplace_back();
      }
      if (!encoded.batches.empty()) {
        shared.queued_totals = totals;
      }
      for (EncodedBatch& batch : encoded.batches) {
        CountDropped(shared, metrics_.dropped_full, shared.spool.Add(std::move(batch)));
      }
      PublishSpool(shared);
    });
    transport_.Wake();
  }

  NumberedBatches Prepare(const std::vector<Observation>& observations) {
    BatchLimits limits = shared_.Read([](const Shared& shared) { return shared.limits; });
    EncodeOutcome encoded = EncodeBatches(observations, limits);
    if (encoded.batches.empty()) {
      encoded.batches.emplace_back();
    }
    return shared_.Change([&](Shared& shared) {
      CountDropped(shared, metrics_.dropped_invalid, encoded.invalid);
      CountDropped(shared, metrics_.dropped_limit, encoded.oversize);
      return NumberedBatches{.first_sequence = shared.spool.LastSequence() + 1,
                             .batches = std::move(encoded.batches)};
    });
  }

  Status Submit(NumberedBatches batches, const CollectorTotals& totals) {
    const uint64_t first = batches.first_sequence;
    const bool taken = shared_.Change([&](Shared& shared) {
      shared.totals = totals;
      const bool follows = shared.spool.Add(std::move(batches));
      PublishSpool(shared);
      return follows;
    });
    transport_.Wake();
    return taken ? OkStatus()
                 : FailedPrecondition("batch {} does not follow the last one that was sent", first);
  }

  bool Flush(SteadyTime deadline) {
    uint64_t last = shared_.Read([](const Shared& shared) { return shared.spool.LastAdded(); });
    return shared_.WaitFor(deadline - steady_clock::now(),
                           [last](const Shared& shared) { return shared.spool.IsDone(last); });
  }

  void Stop() {
    stopping_ = true;
    transport_.Wake();
    joined_.With([this](bool& joined) {
      if (!std::exchange(joined, true)) {
        worker_.join();
      }
    });
  }

  ReportClientState State() const {
    ReportClientState state = shared_.Read([](const Shared& shared) {
      ReportClientState copy = shared.state;
      copy.spool_batches = shared.spool.Batches();
      copy.spool_observations = shared.spool.Observations();
      copy.spool_bytes = shared.spool.Bytes();
      return copy;
    });
    state.instance_id = instance_id_;
    return state;
  }

  Status Connection() const {
    const ReportClientState state = State();
    return state.connected ? OkStatus()
                           : Unavailable("no connection to {}{}{}", options_.address,
                                         state.last_error.empty() ? "" : ": ", state.last_error);
  }

  void OnWelcome(const WelcomeNotice& notice) override {
    shared_.Change([&](Shared& shared) {
      shared.limits = BatchLimits();
      if (notice.max_batch_observations > 0) {
        shared.limits.observations =
            std::min<size_t>(shared.limits.observations, notice.max_batch_observations);
      }
      if (notice.max_batch_bytes > 0) {
        shared.limits.bytes = std::min<size_t>(shared.limits.bytes, notice.max_batch_bytes);
      }
      if (notice.applied_sequence > shared.spool.LastSequence()) {
        shared.state.unknown_sequence = notice.applied_sequence;
      }
      CountAcknowledged(shared, shared.spool.Restart(notice.applied_sequence));
      CountDropped(shared, metrics_.dropped_limit, shared.spool.Conform(shared.limits));
      shared.state.connected = true;
      shared.state.welcomed = true;
      if (++shared.welcomes > 1) {
        ++shared.state.reconnects;
        metrics_.reconnects.Increment();
      }
      PublishSpool(shared);
    });
    metrics_.connected.Set(1);
    welcomed_at_ = steady_clock::now();
    if (!ever_connected_ || loss_logged_) {
      LogInfo("connected to the mapper",
              {{"address", options_.address}, {"applied_sequence", notice.applied_sequence}});
    }
    ever_connected_ = true;
    loss_logged_ = false;
  }

  void OnAcknowledgement(uint64_t sequence) override {
    uint64_t batches = shared_.Change([&](Shared& shared) {
      BatchSpool::Acknowledged acknowledged = shared.spool.Acknowledge(sequence);
      CountAcknowledged(shared, acknowledged);
      PublishSpool(shared);
      return acknowledged.batches;
    });
    proven_ = proven_ || batches > 0;
  }

  std::optional<BatchFrame> NextFrame() override {
    return shared_.Change([this](Shared& shared) {
      CollectorTotals totals = shared.totals;
      totals.observations_dropped_from_spool += shared.state.dropped_observations;
      totals.sent_at = std::chrono::system_clock::now();
      std::optional<BatchFrame> frame = shared.spool.NextToSend(options_.window, totals);
      if (frame && frame->resent) {
        ++shared.state.resent_batches;
        metrics_.resent.Increment();
      }
      return frame;
    });
  }

  bool Stopping() const override { return stopping_; }

 private:
  void Work() {
    milliseconds backoff = options_.minimum_backoff;
    std::minstd_rand random(std::random_device{}());
    while (!stopping_) {
      welcomed_at_.reset();
      proven_ = false;
      Status outcome = transport_.Run(*this);
      metrics_.connected.Set(0);
      if (stopping_) {
        break;
      }
      NoteLoss(outcome);
      if (proven_ || (welcomed_at_ && steady_clock::now() - *welcomed_at_ > kProvenConnection)) {
        backoff = options_.minimum_backoff;
      }
      // Between half of it and all of it, so that collectors do not come back in step.
      std::uniform_int_distribution<milliseconds::rep> jitter(backoff.count() / 2, backoff.count());
      transport_.Wait(milliseconds(jitter(random)), [this] { return stopping_.load(); });
      backoff = std::min(backoff * 2, options_.maximum_backoff);
    }
    shared_.Change([](Shared& shared) { shared.state.connected = false; });
  }

  void NoteLoss(const Status& outcome) {
    metrics_.failed.Increment();
    std::string cause = StatusMessage(outcome);
    std::string_view remedy = ConnectionRemedy(outcome, options_.tls.enabled);
    shared_.Change([&](Shared& shared) {
      shared.state.connected = false;
      ++shared.state.failed_connections;
      shared.state.last_error = fmt::format("{}; {}", cause, remedy);
    });
    // One line for a loss and its cause, however often the attempts to come back fail.
    if ((!loss_logged_ || cause != logged_cause_) && log_limit_.Allow(steady_clock::now())) {
      loss_logged_ = true;
      logged_cause_ = std::move(cause);
      LogWarn(Headline(outcome), {{"address", options_.address},
                                  {"error", outcome},
                                  {"remedy", remedy},
                                  {"effect", "observations wait in the spool"}});
    }
  }

  std::string_view Headline(const Status& outcome) const {
    if (outcome.code() == StatusCode::kUnauthenticated ||
        outcome.code() == StatusCode::kPermissionDenied) {
      return "the mapper refuses this collector";
    }
    return ever_connected_ ? "lost the connection to the mapper" : "cannot reach the mapper";
  }

  static void CountDropped(Shared& shared, Counter& counter, uint64_t observations) {
    if (observations > 0) {
      shared.state.dropped_observations += observations;
      counter.Increment(static_cast<double>(observations));
    }
  }

  void CountAcknowledged(Shared& shared, const BatchSpool::Acknowledged& acknowledged) {
    shared.state.acknowledged_batches += acknowledged.batches;
    shared.state.acknowledged_observations += acknowledged.observations;
    metrics_.acknowledged.Increment(static_cast<double>(acknowledged.observations));
  }

  void PublishSpool(const Shared& shared) {
    metrics_.spool_batches.Set(static_cast<double>(shared.spool.Batches()));
    metrics_.spool_observations.Set(static_cast<double>(shared.spool.Observations()));
    metrics_.spool_bytes.Set(static_cast<double>(shared.spool.Bytes()));
  }

  const ReportClientOptions options_;
  const std::string instance_id_;
  ClientMetrics metrics_;
  Waitable<Shared> shared_;
  std::atomic<bool> stopping_{false};
  Guarded<bool> joined_{false};
  // The rest is used by the worker only.
  LogRateLimit log_limit_{kLogInterval};
  bool loss_logged_ = false;
  std::string logged_cause_;
  bool ever_connected_ = false;
  bool proven_ = false;
  std::optional<SteadyTime> welcomed_at_;
  ReportTransport transport_;
  std::jthread worker_;
};

StatusOr<std::unique_ptr<ReportClient>> ReportClient::Create(const ReportClientOptions& options,
                                                             MetricsRegistry& metrics) {
  RETURN_IF_ERROR(CheckReportClientOptions(options));
  RouteGrpcLog();
  return std::unique_ptr<ReportClient>(
      new ReportClient(std::make_unique<Implementation>(options, metrics)));
}

ReportClient::ReportClient(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ReportClient::~ReportClient() = default;

void ReportClient::Report(const std::vector<Observation>& observations,
                          const CollectorTotals& totals) {
  implementation_->Report(observations, totals);
}

NumberedBatches ReportClient::Prepare(const std::vector<Observation>& observations) {
  return implementation_->Prepare(observations);
}

Status ReportClient::Submit(NumberedBatches batches, const CollectorTotals& totals) {
  return implementation_->Submit(std::move(batches), totals);
}

bool ReportClient::Flush(SteadyTime deadline) {
  return implementation_->Flush(deadline);
}

void ReportClient::Stop() {
  implementation_->Stop();
}

ReportClientState ReportClient::State() const {
  return implementation_->State();
}

Status ReportClient::Connection() const {
  return implementation_->Connection();
}

}  // namespace network_mapper
