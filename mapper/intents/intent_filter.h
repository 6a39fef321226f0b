// Which intents a query wants to see, and which ones are to be forgotten.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/time/clock.h"
#include "mapper/intents/intent.h"

namespace network_mapper {

// Filters combine with AND; an empty one keeps everything.
struct IntentFilter {
  struct Name {
    std::string name;
    std::string name_space;
  };

  // Exact names of the client's namespace.
  std::vector<std::string> client_namespaces;
  // An intent whose client or server carries one of these labels (key, value) is left out.
  std::vector<std::pair<std::string, std::string>> exclude_labels;
  // All intents of the clients that have any intent to this server, to whatever server. Which
  // clients these are does not depend on the other filters.
  std::optional<Name> server;
  // Only what was seen at all in this span, its ends included: from its first sighting to its last
  // an intent counts as seen.
  std::optional<Time> since;
  std::optional<Time> until;
};

// Namespaces and names.
using ClientNames = std::set<std::pair<std::string, std::string>>;

// `clients_of_server`: who has an intent to the filter's server.
bool Passes(const IntentFilter& filter, const ClientNames& clients_of_server, const Intent& intent);

// Which intents to forget: those that pass everything that is given. Nothing given: all.
struct IntentSelection {
  // Of clients in these namespaces.
  std::vector<std::string> client_namespaces;
  std::optional<Time> last_seen_before;

  bool IsAll() const { return client_namespaces.empty() && !last_seen_before; }

  bool Has(const Intent& intent) const;
};

}  // namespace network_mapper
