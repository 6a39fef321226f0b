// Bounds on what one cluster can make the intent store hold. What does not fit is counted in
// network_mapper_intents_overflow_total{what}.
#pragma once

#include <cstddef>

namespace network_mapper {

struct IntentLimits {
  size_t intents = 250'000;
  // More than a workload uses in earnest, since the proxy shows objects and items that are many
  // alike as one. What was only tried costs nobody anything, and is in no export: so fewer of
  // these.
  size_t aws_resources_per_client = 5000;
  size_t attempted_aws_resources_per_client = 1000;
  size_t kafka_topics_per_intent = 1000;
  size_t http_paths_per_intent = 500;
  size_t aws_actions_per_intent = 500;
  size_t aws_regions_per_intent = 50;
  size_t aws_roles_per_intent = 50;
  size_t ports_per_evidence = 64;
  size_t samples_per_evidence = 3;
  // Collector instances whose sequence is remembered; beyond it the longest silent one goes.
  size_t instances = 20'000;
};

}  // namespace network_mapper
