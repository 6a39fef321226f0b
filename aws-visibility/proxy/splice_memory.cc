#include "aws-visibility/proxy/splice_memory.h"

#include <algorithm>

namespace network_mapper::aws {

void SpliceMemory::Remember(const IpAddress& client, std::string_view server_name, SteadyTime now) {
  ends_.With([&](Entries& ends) {
    ends.insert_or_assign({client, std::string(server_name)}, now + duration_);
    if (ends.size() <= most_entries_) {
      return;
    }
    std::erase_if(ends, [&](const auto& entry) { return entry.second <= now; });
    while (ends.size() > most_entries_) {
      ends.erase(std::min_element(ends.begin(), ends.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      }));
    }
  });
}

bool SpliceMemory::Knows(const IpAddress& client, std::string_view server_name,
                         SteadyTime now) const {
  return ends_.With([&](const Entries& ends) {
    const auto found = ends.find({client, std::string(server_name)});
    return found != ends.end() && found->second > now;
  });
}

}  // namespace network_mapper::aws
