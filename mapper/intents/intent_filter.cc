#include "mapper/intents/intent_filter.h"

#include <algorithm>

namespace network_mapper {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasLabel(const Labels* labels, const std::vector<std::pair<std::string, std::string>>& any) {
  if (labels == nullptr) {
    return false;
  }
  return std::any_of(any.begin(), any.end(), [labels](const auto& wanted) {
    return std::binary_search(labels->begin(), labels->end(), wanted);
  });
}

}  // namespace

bool Passes(const IntentFilter& filter, const ClientNames& clients_of_server,
            const Intent& intent) {
  if ((filter.since && intent.last_seen < *filter.since) ||
      (filter.until && intent.first_seen > *filter.until)) {
    return false;
  }
  const WorkloadIdentity& client = *intent.client.identity;
  if (!filter.client_namespaces.empty() && !Contains(filter.client_namespaces, client.name_space)) {
    return false;
  }
  if (filter.server.has_value() && clients_of_server.count({client.name_space, client.name}) == 0) {
    return false;
  }
  return filter.exclude_labels.empty() ||
         (!HasLabel(intent.client.labels.get(), filter.exclude_labels) &&
          !HasLabel(intent.server.labels.get(), filter.exclude_labels));
}

bool IntentSelection::Has(const Intent& intent) const {
  return (client_namespaces.empty() ||
          Contains(client_namespaces, intent.client.identity->name_space)) &&
         (!last_seen_before || intent.last_seen < *last_seen_before);
}

}  // namespace network_mapper
