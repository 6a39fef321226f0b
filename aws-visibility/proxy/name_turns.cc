#include "aws-visibility/proxy/name_turns.h"

#include <algorithm>
#include <utility>

namespace network_mapper::aws {

bool NameTurns::Add(const IpAddress& client, std::string_view name, SteadyTime now) {
  const auto found = clients_.try_emplace(client).first;
  std::deque<std::string>& names = found->second.names;
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return true;
  }
  const bool room = names.size() < most_names_;
  if (room) {
    names.emplace_back(name);
  }
  Settle(found, now);
  return room;
}

void NameTurns::Drop(const IpAddress& client, std::string_view name) {
  const auto found = clients_.find(client);
  if (found == clients_.end()) {
    return;
  }
  std::deque<std::string>& names = found->second.names;
  names.erase(std::remove(names.begin(), names.end(), name), names.end());
  Settle(found, found->second.due_since);
}

NameTurns::Turn NameTurns::Next(SteadyTime now) {
  const auto found = clients_.find(turns_.front());
  Client& client = found->second;
  Turn turn{.client = found->first,
            .name = std::move(client.names.front()),
            .waited = now - client.due_since};
  client.names.pop_front();
  ++client.lookups;
  // Its next one comes after the others'.
  turns_.pop_front();
  client.turn.reset();
  Settle(found, now);
  return turn;
}

void NameTurns::Done(const IpAddress& client, SteadyTime now) {
  const auto found = clients_.find(client);
  --found->second.lookups;
  Settle(found, now);
}

std::optional<SteadyTime> NameTurns::DueSince() const {
  return turns_.empty() ? std::nullopt
                        : std::optional(clients_.find(turns_.front())->second.due_since);
}

void NameTurns::Settle(Clients::iterator client, SteadyTime now) {
  Client& it = client->second;
  const bool due = !it.names.empty() && it.lookups < most_lookups_;
  if (due && !it.turn) {
    it.turn = turns_.insert(turns_.end(), client->first);
    it.due_since = now;
  } else if (!due && it.turn) {
    turns_.erase(*it.turn);
    it.turn.reset();
  }
  if (it.names.empty() && it.lookups == 0) {
    clients_.erase(client);
  }
}

}  // namespace network_mapper::aws
