// Workloads, intents and held observations between memory and the rows of a durable store
// (network_mapper/v1/store.proto). Pure functions. What is decoded comes from a file that anything
// may have happened to.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "mapper/intents/intent.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// The same workload always gives the same bytes. `bytes` is overwritten.
void EncodeWorkload(const Workload& workload, std::string& bytes);
// Absent: not what EncodeWorkload makes.
std::optional<Workload> DecodeWorkload(std::string_view bytes);

// Without client, server and type, which are columns. `bytes` is overwritten.
void EncodeIntent(const Intent& intent, std::string& bytes);
// Fills in everything but client, server and type. False: not what EncodeIntent makes.
bool DecodeIntent(std::string_view bytes, Intent& intent);

// In the column of an intent's type where it has none.
inline constexpr int64_t kNoType = -1;

inline int64_t TypeColumn(const Intent& intent) {
  return intent.type ? static_cast<int64_t>(*intent.type) : kNoType;
}

// An intent of its columns; workloads that could not be decoded are null. Null: not what was
// stored.
std::unique_ptr<Intent> IntentOfColumns(const Workload* client, const Workload* server,
                                        int64_t type, std::string_view body);

// Times are kept as nanoseconds since 1970.
inline int64_t ToStored(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::string EncodeHeldObservation(const Observation& observation);
std::optional<Observation> DecodeHeldObservation(std::string_view bytes);

}  // namespace network_mapper
