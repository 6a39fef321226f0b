// All that a store holds, in a form that two stores can be compared by; and something that waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mapper/intents/intent_codec.h"
#include "mapper/intents/intent_store.h"
#include "tests/mapper/intents/sighting_builder.h"

namespace network_mapper {

inline std::vector<std::string> Content(const IntentStore& store) {
  std::vector<std::string> content;
  store.Visit({}, [&content](const Intent& intent) {
    std::string client;
    std::string server;
    std::string body;
    EncodeWorkload(intent.client, client);
    EncodeWorkload(intent.server, server);
    EncodeIntent(intent, body);
    content.push_back(client + server + body +
                      std::to_string(intent.type ? static_cast<int>(*intent.type) : -1));
    return true;
  });
  return content;
}

constexpr SteadyTime kHeldDeadline{std::chrono::seconds(10)};

inline HeldObservationPtr Held(uint64_t id) {
  Observation observation;
  observation.collector = Collector::kTcpSyn;
  observation.first_seen = At(1);
  observation.last_seen = At(2);
  observation.client.ip = IpAddress::Parse("10.0.0.1");
  observation.target = AddressTarget{.address = *IpAddress::Parse("10.0.0.2"), .port = 80};
  return std::make_shared<const HeldObservation>(HeldObservation{id, observation, kHeldDeadline});
}

}  // namespace network_mapper
