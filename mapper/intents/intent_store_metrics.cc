#include "mapper/intents/intent_store_metrics.h"

namespace network_mapper {
namespace {

Counter& Overflow(MetricsRegistry& registry, std::string_view what) {
  return registry.AddCounter("network_mapper_intents_overflow_total",
                             "Additions that a limit of the intent store kept out.",
                             {{"what", std::string(what)}});
}

}  // namespace

IntentStoreMetrics::IntentStoreMetrics(MetricsRegistry& registry)
    : intents(registry.AddGauge("network_mapper_intents_stored", "Intents on the map.")),
      held(registry.AddGauge("network_mapper_intents_held_observations",
                             "Observations that wait for the inventory to catch up.")),
      instances(registry.AddGauge("network_mapper_intents_instances",
                                  "Collector instances whose sequence is remembered.")),
      batches(registry.AddCounter("network_mapper_intents_batches_applied_total",
                                  "Batches whose effect was stored.")),
      duplicate_batches(registry.AddCounter("network_mapper_intents_batches_duplicate_total",
                                            "Batches that had been applied before.")),
      intents_overflow(Overflow(registry, "intents")),
      aws_resources_overflow(Overflow(registry, "aws_resources")),
      attempted_aws_resources_overflow(Overflow(registry, "attempted_aws_resources")),
      topics_overflow(Overflow(registry, "kafka_topics")),
      paths_overflow(Overflow(registry, "http_paths")),
      actions_overflow(Overflow(registry, "aws_actions")),
      regions_overflow(Overflow(registry, "aws_regions")),
      roles_overflow(Overflow(registry, "aws_roles")),
      ports_overflow(Overflow(registry, "ports")),
      instances_evicted(
          registry.AddCounter("network_mapper_intents_instances_evicted_total",
                              "Collector instances forgotten to make room for others.")),
      refused_batches(registry.AddCounter(
          "network_mapper_store_refused_batches_total",
          "Batches whose sightings are not on the map, since the store refused their content.")),
      refreshes(registry.AddCounter("network_mapper_store_refreshes_total",
                                    "Looks for what other mappers have committed.")),
      commits(registry.AddCounter("network_mapper_store_commits_total",
                                  "Groups of batches that were put on disk.")),
      failed_commits(registry.AddCounter("network_mapper_store_failed_commits_total",
                                         "Groups that could not be put on disk at that time.")),
      bytes(registry.AddGauge("network_mapper_store_bytes", "Size of the store's file.")) {}

}  // namespace network_mapper
