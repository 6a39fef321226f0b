// The Istio watcher inside the mapper: its proxies come from the inventory, and what it finds out
// goes through the pipeline into the intent store, as the batches of one more collector.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "istio-watcher/scrape/proxy_command.h"
#include "istio-watcher/watch/istio_watcher.h"
#include "istio-watcher/watch/journal.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/intents/intent_store.h"
#include "mapper/inventory/inventory_store.h"

namespace network_mapper {

// Batches have a number each, over all lives of the watcher and all mappers that share a store, so
// that of two that have the same one only one counts. Whoever begins writes its name, and knows by
// it that nothing of another one comes after what it read. Used by one thread.
class PipelineJournal final : public istio::Journal {
 public:
  // Of the batches, and of the collector in the account of collectors.
  static constexpr std::string_view kInstance = "istio-watcher";
  static constexpr std::string_view kComponent = "istio-watcher";

  // `writer` is the name of this mapper's life. What is referred to must outlive it.
  PipelineJournal(BatchSink& sink, const IntentStore& store, std::string writer)
      : sink_(sink), store_(store), writer_(std::move(writer)) {}

  StatusOr<istio::Saved> Begin(const std::stop_token& stop) override;
  Status Write(istio::JournalEntry entry, const std::stop_token& stop) override;

 private:
  Status Submit(istio::JournalEntry entry, const std::stop_token& stop);
  bool IsWriter(const istio::Saved& saved) const;

  BatchSink& sink_;
  const IntentStore& store_;
  const std::string writer_;
  std::string life_;
  uint64_t lives_ = 0;
  uint64_t sequence_ = 0;
};

struct IstioCollectorOptions {
  istio::WatchOptions watch;
  // Only proxies of this namespace; empty: of all.
  std::string name_space;
  // An Envoy's own metrics.
  uint16_t metrics_port = 15090;
};

class IstioCollector {
 public:
  struct Parts {
    const Inventory& inventory;
    // Whether the inventory knows the cluster.
    std::function<bool()> synced;
    BatchSink& sink;
    const IntentStore& store;
    MetricsRegistry& metrics;
    const Clock& clock;
    // The name of this mapper's life.
    std::string writer;
    // As in WatchParts.
    istio::ProxyCommand* command = nullptr;
  };

  // What the parts refer to must outlive it.
  IstioCollector(IstioCollectorOptions options, Parts parts);

  // A collector of ClusterWideCollectors.
  void Run(const std::stop_token& stop);

  // Thread-safe. For /readyz: what somebody should do something about, and "12 proxies".
  Status Health() const;

  std::string Note() const { return watcher_.Summary(); }

 private:
  std::optional<std::vector<istio::Proxy>> Find() const;

  IstioCollectorOptions options_;
  Parts parts_;
  PipelineJournal journal_;
  istio::IstioWatcher watcher_;
};

}  // namespace network_mapper
