// What the mapper knows of each collector instance: whether its report stream is open, when it was
// last heard of, what it took in, what was lost before it came here, and what could not be
// resolved; and the sums of all, those included that are gone. Used by the pipeline; not
// thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/report/collector_totals.h"
#include "common/time/clock.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/resolve/refusal.h"

namespace network_mapper {

// The component of the collector that every node should have.
inline constexpr std::string_view kNodeComponent = "sniffer";

// What adds up, over the time and over collectors.
inline constexpr std::array kGrowingTotals = {&CollectorTotals::packets_received,
                                              &CollectorTotals::packets_dropped_by_kernel,
                                              &CollectorTotals::observations_dropped_from_spool,
                                              &CollectorTotals::malformed_packets,
                                              &CollectorTotals::log_lines_read,
                                              &CollectorTotals::log_lines_refused};

// By Refusal.
using RefusalCounts = std::array<uint64_t, kAllRefusals.size()>;

struct CollectorAccount {
  // No instance and no node: reports of original collectors.
  CollectorInstance name;
  // Its report streams: one, or for a moment two while a newer one takes over.
  int open_streams = 0;
  Time first_contact;
  Time last_contact;
  // How far the mapper's clock is ahead of the collector's, the way of the newest batch included.
  std::optional<std::chrono::nanoseconds> clock_offset;
  CollectorTotals totals;
  // Taken in, resolved or not, and not to be sent again.
  uint64_t observations = 0;
  RefusalCounts refused{};
};

struct CollectorSums {
  CollectorTotals totals;
  uint64_t observations = 0;
  RefusalCounts refused{};
};

// One a component and node, or several if several have open streams: an instance without, in whose
// place another came, is left out. Ordered by component, node and instance.
std::vector<CollectorAccount> CurrentOnes(const std::vector<CollectorAccount>& accounts);

class CollectorLedger {
 public:
  explicit CollectorLedger(size_t most_instances = 20'000) : most_instances_(most_instances) {}

  void OpenStream(const CollectorInstance& name, Time now);
  void EndStream(const std::string& instance_id);

  // Returns by how much the instance's totals have grown, which are since its start. A total that
  // went down (late batch) counts nothing.
  CollectorTotals Contact(const ObservationBatch& batch, Time now);
  void Take(const std::string& instance_id, uint64_t observations, const RefusalCounts& refused);
  // An observation that was taken before and has waited.
  void Refuse(const std::string& instance_id, Refusal refusal);

  const CollectorSums& Sums() const { return sums_; }

  // The current ones of all.
  std::vector<CollectorAccount> Current() const;

 private:
  CollectorAccount& Account(const CollectorInstance& name, Time now);
  void ForgetLongestSilent();

  size_t most_instances_;
  CollectorSums sums_;
  std::unordered_map<std::string, CollectorAccount> accounts_;
};

}  // namespace network_mapper
