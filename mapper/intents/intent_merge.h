// How a sighting becomes an intent and how later ones add to it. Used by the intent store under its
// lock.
#pragma once

#include <cstddef>
#include <string>

#include "mapper/intents/batch_effect.h"
#include "mapper/intents/intent.h"
#include "mapper/intents/intent_limits.h"
#include "mapper/intents/shared_pool.h"

namespace network_mapper {

// What the limits kept out.
struct IntentOverflow {
  size_t intents = 0;
  size_t aws_resources = 0;
  size_t attempted_aws_resources = 0;
  size_t topics = 0;
  size_t paths = 0;
  size_t actions = 0;
  size_t regions = 0;
  size_t roles = 0;
  size_t ports = 0;
};

class IntentMerger {
 public:
  explicit IntentMerger(const IntentLimits& limits) : limits_(limits) {}

  // An intent without evidence, to be merged into.
  Intent Begin(const IntentSighting& sighting);

  // Times and counts grow; the newest sighting decides the labels and the owner kind, but what is
  // unknown never replaces what is known; the first resolution stays.
  void Merge(Intent& intent, const IntentSighting& sighting);

  // Takes the names and identities of an intent that was made elsewhere into its pools.
  void Adopt(Intent& intent);

  // Counted since the last call.
  IntentOverflow TakeOverflow();

  void CountIntentOverflow() { ++overflow_.intents; }

  void CountAwsResourceOverflow(bool used) {
    ++(used ? overflow_.aws_resources : overflow_.attempted_aws_resources);
  }

  void Clear();

 private:
  void MergeWorkload(Workload& known, const Workload& seen, bool newest);
  void MergeEvidence(Intent& intent, const IntentSighting& sighting);
  void MergePort(Evidence& evidence, const PortSeen& port);
  void MergeSample(Evidence& evidence, const EvidenceSample& sample, Time seen);
  void MergeDetails(IntentDetails& known, const IntentDetails& seen);

  IntentLimits limits_;
  IntentOverflow overflow_;
  SharedPool<std::string> names_;
  SharedPool<WorkloadIdentity> identities_;
};

}  // namespace network_mapper
