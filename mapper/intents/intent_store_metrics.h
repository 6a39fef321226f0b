// The intent store's instruments.
#pragma once

#include "common/metrics/metrics.h"

namespace network_mapper {

struct IntentStoreMetrics {
  explicit IntentStoreMetrics(MetricsRegistry& registry);

  Gauge& intents;
  Gauge& held;
  Gauge& instances;
  Counter& batches;
  Counter& duplicate_batches;
  // What the limits kept out.
  Counter& intents_overflow;
  Counter& aws_resources_overflow;
  Counter& attempted_aws_resources_overflow;
  Counter& topics_overflow;
  Counter& paths_overflow;
  Counter& actions_overflow;
  Counter& regions_overflow;
  Counter& roles_overflow;
  Counter& ports_overflow;
  // Instances that were forgotten to make room.
  Counter& instances_evicted;
  // Batches whose sightings the database did not take.
  Counter& refused_batches;
  // Looks for what other mappers have committed.
  Counter& refreshes;
  // Of a durable store.
  Counter& commits;
  Counter& failed_commits;
  Gauge& bytes;
};

}  // namespace network_mapper
