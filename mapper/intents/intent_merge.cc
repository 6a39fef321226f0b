#include "mapper/intents/intent_merge.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace network_mapper {
namespace {

// A workload of many pods would else have its samples renewed with every observation.
constexpr std::chrono::seconds kSampleRenewal{1};

bool SameText(const SharedText& a, const SharedText& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// Adds to a sorted vector of distinct values.
template <typename T>
void InsertSorted(std::vector<T>& values, const T& value) {
  auto place = std::lower_bound(values.begin(), values.end(), value);
  if (place == values.end() || *place != value) {
    values.insert(place, value);
  }
}

// Adds to sorted distinct texts as long as there is room. Returns how many found none.
size_t MergeTexts(std::vector<std::string>& known, const std::vector<std::string>& seen,
                  size_t limit) {
  size_t left_out = 0;
  for (const std::string& text : seen) {
    if (known.size() < limit) {
      InsertSorted(known, text);
    } else if (!std::binary_search(known.begin(), known.end(), text)) {
      ++left_out;
    }
  }
  return left_out;
}

// The element whose `key` member is `name` in a vector sorted by it; made when there is room, else
// null.
template <typename T>
T* FindOrMake(std::vector<T>& values, std::string T::*key, const std::string& name, size_t limit) {
  auto place = std::lower_bound(
      values.begin(), values.end(), name,
      [key](const T& element, const std::string& wanted) { return element.*key < wanted; });
  if (place != values.end() && (*place).*key == name) {
    return &*place;
  }
  if (values.size() >= limit) {
    return nullptr;
  }
  T made;
  made.*key = name;
  return &*values.insert(place, std::move(made));
}

}  // namespace

Intent IntentMerger::Begin(const IntentSighting& sighting) {
  Intent intent;
  intent.client = {identities_.Adopt(sighting.client.identity), sighting.client.labels};
  intent.server = {identities_.Adopt(sighting.server.identity), sighting.server.labels};
  intent.type = sighting.type;
  intent.resolution = sighting.resolution;
  intent.first_seen = sighting.first_seen;
  intent.last_seen = sighting.last_seen;
  return intent;
}

void IntentMerger::Merge(Intent& intent, const IntentSighting& sighting) {
  const bool newest = sighting.last_seen >= intent.last_seen;
  MergeWorkload(intent.client, sighting.client, newest);
  MergeWorkload(intent.server, sighting.server, newest);
  intent.first_seen = std::min(intent.first_seen, sighting.first_seen);
  intent.last_seen = std::max(intent.last_seen, sighting.last_seen);
  if (sighting.kubernetes_service != nullptr &&
      (intent.kubernetes_service == nullptr ||
       (newest && *intent.kubernetes_service != *sighting.kubernetes_service))) {
    intent.kubernetes_service = names_.Intern(sighting.kubernetes_service);
  }
  const Strength known = intent.BestStrength();
  MergeEvidence(intent, sighting);
  if (sighting.details == nullptr) {
    return;
  }
  if (intent.details == nullptr) {
    intent.details = std::make_unique<IntentDetails>();
  }
  // What was denied is among the topics, paths and actions only as long as nothing was allowed: who
  // grants what is on the map must not grant that.
  const bool may_be_denied = sighting.type == IntentType::kKafka ||
                             sighting.type == IntentType::kHttp ||
                             sighting.type == IntentType::kAws;
  if (may_be_denied && sighting.strength == Strength::kAttempted && known == Strength::kUsed) {
    return;
  }
  if (may_be_denied && sighting.strength == Strength::kUsed && known == Strength::kAttempted) {
    intent.details->kafka_topics.clear();
    intent.details->http_resources.clear();
    intent.details->aws_actions.clear();
  }
  MergeDetails(*intent.details, *sighting.details);
}

void IntentMerger::MergeWorkload(Workload& known, const Workload& seen, bool newest) {
  if (seen.labels != nullptr && seen.labels != known.labels &&
      (newest || known.labels == nullptr)) {
    known.labels = seen.labels;
  }
  if (known.identity == seen.identity) {
    return;
  }
  const WorkloadIdentity& old_identity = *known.identity;
  const WorkloadIdentity& new_identity = *seen.identity;
  const bool says_more = new_identity.owner_kind.has_value() || new_identity.named_by_override;
  const bool knows_nothing =
      !old_identity.owner_kind.has_value() && !old_identity.named_by_override;
  if (says_more && (newest || knows_nothing) && !(old_identity == new_identity)) {
    known.identity = identities_.Adopt(seen.identity);
  }
}

void IntentMerger::MergeEvidence(Intent& intent, const IntentSighting& sighting) {
  auto place = std::find_if(
      intent.evidence.begin(), intent.evidence.end(),
      [&sighting](const Evidence& known) { return known.collector >= sighting.collector; });
  if (place == intent.evidence.end() || place->collector != sighting.collector) {
    const auto position = place - intent.evidence.begin();
    // Exact: most intents have one or two records for good.
    intent.evidence.reserve(intent.evidence.size() + 1);
    place = intent.evidence.emplace(intent.evidence.begin() + position);
    place->collector = sighting.collector;
    place->first_seen = sighting.first_seen;
    place->last_seen = sighting.last_seen;
  }
  Evidence& evidence = *place;
  evidence.strength = std::max(evidence.strength, sighting.strength);
  evidence.first_seen = std::min(evidence.first_seen, sighting.first_seen);
  evidence.last_seen = std::max(evidence.last_seen, sighting.last_seen);
  evidence.count += sighting.count;
  evidence.answered += sighting.answered;
  evidence.shared_count += sighting.shared ? sighting.count : 0;
  if (sighting.port.has_value()) {
    MergePort(evidence, *sighting.port);
  }
  MergeSample(evidence, sighting.sample, sighting.last_seen);
}

void IntentMerger::MergePort(Evidence& evidence, const PortSeen& port) {
  auto place = std::lower_bound(evidence.ports.begin(), evidence.ports.end(), port);
  if (place != evidence.ports.end() && *place == port) {
    return;
  }
  if (evidence.ports.size() >= limits_.ports_per_evidence) {
    ++overflow_.ports;
    return;
  }
  evidence.ports.insert(place, port);
}

void IntentMerger::MergeSample(Evidence& evidence, const EvidenceSample& sample, Time seen) {
  const bool full = evidence.samples.size() >= limits_.samples_per_evidence;
  if (full && seen < evidence.sampled_at + kSampleRenewal) {
    return;
  }
  for (const EvidenceSample& known : evidence.samples) {
    if (known.server_address == sample.server_address &&
        SameText(known.client_pod, sample.client_pod) &&
        SameText(known.server_pod, sample.server_pod)) {
      return;
    }
  }
  const bool says_nothing = sample.client_pod == nullptr && sample.server_pod == nullptr &&
                            !sample.server_address.has_value();
  if (says_nothing || limits_.samples_per_evidence == 0) {
    return;
  }
  if (full) {
    evidence.samples.erase(evidence.samples.begin());
  } else {
    // Exact: there are few, and many evidence records.
    evidence.samples.reserve(evidence.samples.size() + 1);
  }
  evidence.samples.push_back(EvidenceSample{
      names_.Intern(sample.client_pod), names_.Intern(sample.server_pod), sample.server_address});
  evidence.sampled_at = seen;
}

void IntentMerger::MergeDetails(IntentDetails& known, const IntentDetails& seen) {
  for (const KafkaTopicUse& use : seen.kafka_topics) {
    KafkaTopicUse* topic = FindOrMake(known.kafka_topics, &KafkaTopicUse::topic, use.topic,
                                      limits_.kafka_topics_per_intent);
    if (topic == nullptr) {
      ++overflow_.topics;
      continue;
    }
    for (KafkaOperation operation : use.operations) {
      InsertSorted(topic->operations, operation);
    }
  }
  for (const HttpResourceUse& use : seen.http_resources) {
    HttpResourceUse* resource = FindOrMake(known.http_resources, &HttpResourceUse::path, use.path,
                                           limits_.http_paths_per_intent);
    if (resource == nullptr) {
      ++overflow_.paths;
      continue;
    }
    for (HttpMethod method : use.methods) {
      InsertSorted(resource->methods, method);
    }
  }
  overflow_.actions +=
      MergeTexts(known.aws_actions, seen.aws_actions, limits_.aws_actions_per_intent);
  overflow_.regions +=
      MergeTexts(known.aws_regions, seen.aws_regions, limits_.aws_regions_per_intent);
  overflow_.roles += MergeTexts(known.aws_roles, seen.aws_roles, limits_.aws_roles_per_intent);
}

void IntentMerger::Adopt(Intent& intent) {
  intent.client.identity = identities_.Adopt(intent.client.identity);
  intent.server.identity = identities_.Adopt(intent.server.identity);
  intent.kubernetes_service = names_.Intern(intent.kubernetes_service);
  for (Evidence& evidence : intent.evidence) {
    for (EvidenceSample& sample : evidence.samples) {
      sample.client_pod = names_.Intern(sample.client_pod);
      sample.server_pod = names_.Intern(sample.server_pod);
    }
  }
}

IntentOverflow IntentMerger::TakeOverflow() {
  return std::exchange(overflow_, IntentOverflow{});
}

void IntentMerger::Clear() {
  names_.Clear();
  identities_.Clear();
}

}  // namespace network_mapper
