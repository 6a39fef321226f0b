// InventoryFeed: keeps an inventory up to date from a Kubernetes API server: one watch a resource,
// and a thread that fetches owners of kinds that are not watched. What is forbidden is named and
// does not block the rest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/kube/client.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/object_decoder.h"

namespace network_mapper {

// Everything passed by reference must outlive the feed.
struct InventoryFeedParts {
  kube::Client& client;
  Inventory& inventory;
  MetricsRegistry& metrics;
  const Clock& clock;
};

class InventoryFeed {
 public:
  // Starts the watches.
  InventoryFeed(InventoryFeedParts parts, const DecoderOptions& options);
  InventoryFeed(const InventoryFeed&) = delete;
  InventoryFeed& operator=(const InventoryFeed&) = delete;
  // Stops, within about a second.
  ~InventoryFeed();

  // OK once every resource was listed that can be, and from then on: what an API server's absence
  // leaves is better than nothing. Not waited for: what is forbidden or not served, and owners
  // whose list fails. Otherwise names what is missing. Thread-safe.
  Status Synced() const;

  // OK while every list and watch works; otherwise names those that fail, why and since when.
  // Thread-safe.
  Status Watches() const;

  // A number that rises with every change. Thread-safe.
  uint64_t Version() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
