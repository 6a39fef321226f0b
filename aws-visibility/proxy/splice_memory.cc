#include "aws-visibility/proxy/splice_memory.h"

#include <algorithm>

namespace network_mapper::aws {

using namespace std::chrono_literals;

void SpliceMemory::Remember(const IpAddress& client, std::string_view server_name, SteadyTime now) {
  entries_.With([&](Entries& entries) { Put(entries, client, server_name, true, now); });
}

bool SpliceMemory::Suspect(const IpAddress& client, std::string_view server_name, SteadyTime now) {
  return entries_.With([&](Entries& entries) {
    const auto found = entries.find({client, std::string(server_name)});
    // Whoever was spliced is suspected for as long again.
    const bool again =
        found != entries.end() && found->second.end + (found->second.sure ? duration_ : 0ns) > now;
    Put(entries, client, server_name, again, now);
    return again;
  });
}

void SpliceMemory::Trust(const IpAddress& client, std::string_view server_name) {
  entries_.With([&](Entries& entries) {
    const auto found = entries.find({client, std::string(server_name)});
    if (found != entries.end() && !found->second.sure) {
      entries.erase(found);
    }
  });
}

bool SpliceMemory::Knows(const IpAddress& client, std::string_view server_name,
                         SteadyTime now) const {
  return entries_.With([&](const Entries& entries) {
    const auto found = entries.find({client, std::string(server_name)});
    return found != entries.end() && found->second.sure && found->second.end > now;
  });
}

void SpliceMemory::Put(Entries& entries, const IpAddress& client, std::string_view server_name,
                       bool sure, SteadyTime now) const {
  entries.insert_or_assign({client, std::string(server_name)},
                           Entry{.end = now + duration_, .sure = sure});
  if (entries.size() <= most_entries_) {
    return;
  }
  std::erase_if(entries, [&](const auto& entry) { return entry.second.end <= now; });
  while (entries.size() > most_entries_) {
    entries.erase(
        std::min_element(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.second.end < b.second.end; }));
  }
}

}  // namespace network_mapper::aws
