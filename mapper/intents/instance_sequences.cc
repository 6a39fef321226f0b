#include "mapper/intents/instance_sequences.h"

#include <algorithm>
#include <utility>

namespace network_mapper {

InstanceSequences::Sequences InstanceSequences::Of(const std::string& instance_id) const {
  auto found = places_.find(instance_id);
  return found == places_.end() ? Sequences() : found->second->sequences;
}

std::vector<std::string> InstanceSequences::Apply(const std::string& instance_id, uint64_t sequence,
                                                  size_t limit) {
  std::vector<std::string> evicted;
  Touch(instance_id, limit, evicted).applied = sequence;
  return evicted;
}

void InstanceSequences::Commit(const std::string& instance_id) {
  if (auto found = places_.find(instance_id); found != places_.end()) {
    found->second->sequences.committed = found->second->sequences.applied;
  }
}

std::vector<std::string> InstanceSequences::Adopt(const std::string& instance_id,
                                                  uint64_t committed, size_t limit) {
  std::vector<std::string> evicted;
  Sequences& sequences = Touch(instance_id, limit, evicted);
  sequences.committed = std::max(sequences.committed, committed);
  sequences.applied = std::max(sequences.applied, committed);
  return evicted;
}

InstanceSequences::Sequences& InstanceSequences::Touch(const std::string& instance_id, size_t limit,
                                                       std::vector<std::string>& evicted) {
  if (auto found = places_.find(instance_id); found != places_.end()) {
    by_age_.splice(by_age_.begin(), by_age_, found->second);
    return found->second->sequences;
  }
  by_age_.push_front({instance_id, {}});
  places_.emplace(instance_id, by_age_.begin());
  while (places_.size() > std::max<size_t>(limit, 1)) {
    places_.erase(by_age_.back().instance_id);
    evicted.push_back(std::move(by_age_.back().instance_id));
    by_age_.pop_back();
  }
  return by_age_.front().sequences;
}

}  // namespace network_mapper
