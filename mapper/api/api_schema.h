// The mapper's GraphQL schema: the original's types, queries and mutations with their meaning, and
// this project's further fields beside them (firstSeen, lastSeen, ports, strength, evidence, ...).
#pragma once

#include <functional>

#include "common/graphql/schema.h"
#include "common/time/clock.h"
#include "mapper/api/api_metrics.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/ingest/completeness.h"
#include "mapper/intents/intent_store.h"

namespace network_mapper {

// The source of the root fields. What it refers to must outlive the schema's use.
struct ApiRoot {
  IntentStore& store;
  BatchSink& sink;
  ApiMetrics& metrics;
  const Clock& clock;
  std::function<Completeness()> completeness;
};

// Fills `schema`; call once.
void BuildApiSchema(graphql::Schema& schema);

}  // namespace network_mapper
