// One report stream after the other over gRPC, driven by the single thread that calls it:
// everything below the report client's spool. It keeps no batches and decides about no retry.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/report/batch_spool.h"
#include "common/report/report_client.h"
#include "common/status/status.h"

namespace network_mapper {

struct WelcomeNotice {
  uint64_t applied_sequence = 0;
  // Zero: the mapper did not say.
  uint32_t max_batch_observations = 0;
  uint32_t max_batch_bytes = 0;
};

// Called by the thread that is inside ReportTransport::Run.
class ReportTransportEvents {
 public:
  virtual ~ReportTransportEvents() = default;
  virtual void OnWelcome(const WelcomeNotice& notice) = 0;
  virtual void OnAcknowledgement(uint64_t sequence) = 0;
  // The next batch to send; absent: nothing until the next Wake or acknowledgement.
  virtual std::optional<BatchFrame> NextFrame() = 0;
  // Whether the connection is to be given up.
  virtual bool Stopping() const = 0;
};

class ReportTransport {
 public:
  ReportTransport(const ReportClientOptions& options, std::string instance_id);
  ReportTransport(const ReportTransport&) = delete;
  ReportTransport& operator=(const ReportTransport&) = delete;
  ~ReportTransport();

  // Connects, says Hello and serves the stream until it ends. Never OK.
  Status Run(ReportTransportEvents& events);
  // Waits for `duration`, or until `stopping` is true after a Wake.
  void Wait(std::chrono::milliseconds duration, const std::function<bool()>& stopping);
  // Makes Run ask NextFrame and Stopping again. Thread-safe.
  void Wake();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
