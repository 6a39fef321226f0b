// Whose name is looked up next: clients take turns, each with a bounded queue of its own and a part
// of all lookups, so that nobody waits behind another one's names. One thread at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class NameTurns {
 public:
  struct Turn {
    IpAddress client;
    std::string name;
    // How long there was nobody to take it.
    SteadyTime::duration waited{};
  };

  // Of one client: names in its queue, and lookups at a time.
  NameTurns(size_t most_names, size_t most_lookups)
      : most_names_(most_names), most_lookups_(most_lookups) {}

  // False: the client waits for as many names as it may. A name that waits already does so once.
  bool Add(const IpAddress& client, std::string_view name, SteadyTime now);
  // It is not waited for any more.
  void Drop(const IpAddress& client, std::string_view name);

  bool AnyDue() const { return !turns_.empty(); }

  // While one is due. To be told of by Done when it was looked up.
  Turn Next(SteadyTime now);
  void Done(const IpAddress& client, SteadyTime now);

  // Since when somebody waits whose turn it would be; a client that has its part of the lookups
  // waits for itself. Absent: nobody does.
  std::optional<SteadyTime> DueSince() const;

 private:
  struct Client {
    std::deque<std::string> names;
    size_t lookups = 0;
    // While it is in turns_.
    std::optional<std::list<IpAddress>::iterator> turn;
    SteadyTime due_since;
  };

  using Clients = std::unordered_map<IpAddress, Client>;

  // It has its turn, or none, as it should; nothing is kept of one that waits for nothing.
  void Settle(Clients::iterator client, SteadyTime now);

  const size_t most_names_;
  const size_t most_lookups_;
  Clients clients_;
  // In the order of their turns, which is that of their due_since.
  std::list<IpAddress> turns_;
};

}  // namespace network_mapper::aws
