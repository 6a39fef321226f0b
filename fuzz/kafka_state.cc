// The saved state of a Kafka watcher, which a person may have edited. Invariant: what is decoded is
// the same after one more journey.
#include <cstdint>
#include <string_view>

#include "kafka-watcher/app/saved_state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace kafka = network_mapper::kafka;
  const auto state =
      kafka::DecodeState(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!state.ok()) {
    return 0;
  }
  const auto again = kafka::DecodeState(kafka::EncodeState(*state));
  if (!again.ok() || again->positions != state->positions ||
      again->instance_id != state->instance_id ||
      again->batches.NextSequence() != state->batches.NextSequence()) {
    __builtin_trap();
  }
  return 0;
}
