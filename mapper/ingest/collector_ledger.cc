#include "mapper/ingest/collector_ledger.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace network_mapper {
namespace {

// Moves `known` up to `now` and returns by how much.
uint64_t Grow(uint64_t& known, uint64_t now) {
  const uint64_t grown = now > known ? now - known : 0;
  known += grown;
  return grown;
}

auto SortKey(const CollectorAccount& account) {
  return std::tie(account.name.component, account.name.node_name, account.name.instance_id);
}

// Whether `a` says more of the present than `b`.
bool IsNewer(const CollectorAccount& a, const CollectorAccount& b) {
  return std::pair(a.open_streams > 0, a.last_contact) >
         std::pair(b.open_streams > 0, b.last_contact);
}

}  // namespace

std::vector<CollectorAccount> CurrentOnes(const std::vector<CollectorAccount>& accounts) {
  std::map<std::pair<std::string, std::string>, const CollectorAccount*> newest;
  for (const CollectorAccount& account : accounts) {
    const CollectorAccount*& place = newest[{account.name.component, account.name.node_name}];
    if (place == nullptr || IsNewer(account, *place)) {
      place = &account;
    }
  }
  std::vector<CollectorAccount> current;
  for (const CollectorAccount& account : accounts) {
    if (account.open_streams > 0 ||
        newest[{account.name.component, account.name.node_name}] == &account) {
      current.push_back(account);
    }
  }
  std::sort(
      current.begin(), current.end(),
      [](const CollectorAccount& a, const CollectorAccount& b) { return SortKey(a) < SortKey(b); });
  return current;
}

CollectorAccount& CollectorLedger::Account(const CollectorInstance& name, Time now) {
  auto found = accounts_.find(name.instance_id);
  if (found == accounts_.end()) {
    if (accounts_.size() >= most_instances_) {
      ForgetLongestSilent();
    }
    found = accounts_.try_emplace(name.instance_id).first;
    found->second.name = name;
    found->second.first_contact = now;
  }
  // An instance that goes on after a restart may be on another node.
  if (!name.node_name.empty()) {
    found->second.name.node_name = name.node_name;
  }
  found->second.last_contact = std::max(found->second.last_contact, now);
  return found->second;
}

void CollectorLedger::OpenStream(const CollectorInstance& name, Time now) {
  ++Account(name, now).open_streams;
}

void CollectorLedger::EndStream(const std::string& instance_id) {
  if (auto found = accounts_.find(instance_id);
      found != accounts_.end() && found->second.open_streams > 0) {
    --found->second.open_streams;
  }
}

CollectorTotals CollectorLedger::Contact(const ObservationBatch& batch, Time now) {
  CollectorAccount& account = Account({.instance_id = batch.instance_id,
                                       .component = batch.component,
                                       .node_name = batch.node_name},
                                      now);
  CollectorTotals grown;
  if (batch.instance_id.empty()) {
    return grown;
  }
  if (batch.clock_offset) {
    account.clock_offset = batch.clock_offset;
  }
  account.totals.notices = batch.totals.notices;
  for (uint64_t CollectorTotals::*field : kGrowingTotals) {
    grown.*field = Grow(account.totals.*field, batch.totals.*field);
    sums_.totals.*field += grown.*field;
  }
  return grown;
}

void CollectorLedger::Take(const std::string& instance_id, uint64_t observations,
                           const RefusalCounts& refused) {
  sums_.observations += observations;
  for (size_t i = 0; i < refused.size(); ++i) {
    sums_.refused.at(i) += refused.at(i);
  }
  if (auto found = accounts_.find(instance_id); found != accounts_.end()) {
    found->second.observations += observations;
    for (size_t i = 0; i < refused.size(); ++i) {
      found->second.refused.at(i) += refused.at(i);
    }
  }
}

void CollectorLedger::Refuse(const std::string& instance_id, Refusal refusal) {
  RefusalCounts one{};
  one.at(static_cast<size_t>(refusal)) = 1;
  Take(instance_id, 0, one);
}

std::vector<CollectorAccount> CollectorLedger::Current() const {
  std::vector<CollectorAccount> accounts;
  accounts.reserve(accounts_.size());
  for (const auto& [instance_id, account] : accounts_) {
    accounts.push_back(account);
  }
  return CurrentOnes(accounts);
}

void CollectorLedger::ForgetLongestSilent() {
  auto oldest =
      std::min_element(accounts_.begin(), accounts_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.open_streams > 0, a.second.last_contact) <
               std::pair(b.second.open_streams > 0, b.second.last_contact);
      });
  if (oldest != accounts_.end()) {
    accounts_.erase(oldest);
  }
}

}  // namespace network_mapper
