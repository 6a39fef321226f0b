#include "mapper/intents/intent_table.h"

#include <algorithm>
#include <compare>
#include <utility>

namespace network_mapper {
namespace {

bool SameName(const WorkloadIdentity& a, const WorkloadIdentity& b) {
  return &a == &b || (a.name == b.name && a.name_space == b.name_space);
}

// Orders as the byte strings "namespace/name", which is not the order of the pairs: "-" comes
// before "/".
std::strong_ordering CompareJoined(const WorkloadIdentity& a, const WorkloadIdentity& b) {
  if (a.name_space == b.name_space) {
    return a.name.compare(b.name) <=> 0;
  }
  const size_t shorter = std::min(a.name_space.size(), b.name_space.size());
  if (int common = a.name_space.compare(0, shorter, b.name_space, 0, shorter); common != 0) {
    return common <=> 0;
  }
  return (a.name_space + "/" + a.name).compare(b.name_space + "/" + b.name) <=> 0;
}

}  // namespace

bool IntentTable::VisitOrder::operator()(const std::unique_ptr<Intent>& a,
                                         const std::unique_ptr<Intent>& b) const {
  std::strong_ordering order = CompareJoined(*a->client.identity, *b->client.identity);
  if (order == std::strong_ordering::equal) {
    order = CompareJoined(*a->server.identity, *b->server.identity);
  }
  return order == std::strong_ordering::equal ? a->type < b->type
                                              : order == std::strong_ordering::less;
}

size_t IntentTable::KeyHash::operator()(const Key& key) const {
  size_t hash = key.type.has_value() ? static_cast<size_t>(*key.type) + 1 : 0;
  for (const WorkloadIdentity* identity : {&key.client, &key.server}) {
    hash = hash * 0x9E3779B97F4A7C15ULL + SharedValueHash()(*identity);
  }
  return hash;
}

bool IntentTable::KeyEqual::operator()(const Key& a, const Intent* b) const {
  return a.type == b->type && SameName(a.client, *b->client.identity) &&
         SameName(a.server, *b->server.identity);
}

Intent* IntentTable::Merge(const IntentSighting& sighting) {
  const Key key{*sighting.client.identity, *sighting.server.identity, sighting.type};
  if (auto found = by_key_.find(key); found != by_key_.end()) {
    Intent* known = *found;
    if (!HasAwsRoom(sighting, known)) {
      return nullptr;
    }
    aws_resources_.Remove(*known);
    merger_.Merge(*known, sighting);
    aws_resources_.Add(*known);
    return known;
  }
  if (!HasAwsRoom(sighting, nullptr)) {
    return nullptr;
  }
  if (by_key_.size() >= limit_) {
    merger_.CountIntentOverflow();
    return nullptr;
  }
  auto made = std::make_unique<Intent>(merger_.Begin(sighting));
  merger_.Merge(*made, sighting);
  made->row = next_row_++;
  Intent* intent = made.get();
  Insert(std::move(made));
  return intent;
}

void IntentTable::Put(int64_t row, std::unique_ptr<Intent> intent) {
  intent->row = row;
  next_row_ = std::max(next_row_, row + 1);
  merger_.Adopt(*intent);
  if (auto found = by_key_.find(KeyOf(*intent)); found != by_key_.end()) {
    // The names that make up its place are the same.
    aws_resources_.Remove(**found);
    **found = std::move(*intent);
    aws_resources_.Add(**found);
  } else {
    Insert(std::move(intent));
  }
}

void IntentTable::Insert(std::unique_ptr<Intent> intent) {
  aws_resources_.Add(*intent);
  by_key_.insert(intent.get());
  ordered_.insert(std::move(intent));
}

bool IntentTable::HasAwsRoom(const IntentSighting& sighting, const Intent* known) {
  const bool used = sighting.strength == Strength::kUsed;
  const bool is_counted = known != nullptr && (!used || known->BestStrength() == Strength::kUsed);
  if (sighting.type != IntentType::kAws || is_counted ||
      aws_resources_.HasRoom(*sighting.client.identity, used)) {
    return true;
  }
  merger_.CountAwsResourceOverflow(used);
  return false;
}

IntentTable::Ordered::node_type IntentTable::Erase(Ordered::const_iterator place) {
  aws_resources_.Remove(**place);
  by_key_.erase(place->get());
  ++erasures_;
  return ordered_.extract(place);
}

void IntentTable::Clear() {
  aws_resources_.Clear();
  by_key_.clear();
  ordered_.clear();
  merger_.Clear();
  ++erasures_;
}

}  // namespace network_mapper
