#include "mapper/intents/aws_resource_counts.h"

namespace network_mapper {
namespace {

std::string KeyOf(const WorkloadIdentity& client) {
  return client.name_space + "/" + client.name;
}

}  // namespace

bool AwsResourceCounts::HasRoom(const WorkloadIdentity& client, bool used) const {
  const auto found = clients_.find(KeyOf(client));
  const Counts counts = found == clients_.end() ? Counts() : found->second;
  return used ? counts.used < most_used_ : counts.attempted < most_attempted_;
}

void AwsResourceCounts::Add(const Intent& intent) {
  if (intent.type == IntentType::kAws) {
    Counts& counts = clients_[KeyOf(*intent.client.identity)];
    ++(intent.BestStrength() == Strength::kUsed ? counts.used : counts.attempted);
  }
}

void AwsResourceCounts::Remove(const Intent& intent) {
  if (intent.type != IntentType::kAws) {
    return;
  }
  const auto found = clients_.find(KeyOf(*intent.client.identity));
  if (found == clients_.end()) {
    return;
  }
  Counts& counts = found->second;
  --(intent.BestStrength() == Strength::kUsed ? counts.used : counts.attempted);
  if (counts.used == 0 && counts.attempted == 0) {
    clients_.erase(found);
  }
}

}  // namespace network_mapper
