// The output types of the API's schema and the views that their fields are read from. Used by
// api_schema.cc only.
#pragma once

#include <string>
#include <vector>

#include "common/graphql/schema.h"
#include "mapper/intents/intent.h"

namespace network_mapper {

// Which labels of an identity are shown.
struct LabelChoice {
  bool all = false;
  std::vector<std::string> keys;
};

struct IdentityView {
  const Workload& workload;
  // Null when there is none.
  const std::string* kubernetes_service;
  const LabelChoice& labels;
};

struct IntentView {
  const Intent& intent;
  const LabelChoice& labels;
};

struct ServiceIntentsView {
  IdentityView client;
  std::vector<IdentityView> servers;
};

struct OutputTypes {
  const graphql::Type* intent;
  const graphql::Type* service_intents;
};

// Of IntentView and ServiceIntentsView. `time` is the scalar Time.
OutputTypes AddOutputTypes(graphql::Schema& schema, const graphql::Type* kafka_operation,
                           const graphql::Type* http_method, const graphql::Type* time);

}  // namespace network_mapper
