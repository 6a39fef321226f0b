// What a pod's JSON (core/v1) says that the reading of its log depends on. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kafka {

struct PodFacts {
  std::string name_space;
  std::string name;
  std::string uid;
  std::optional<Time> created;
  // Whose log is read: the one that the annotation kubectl.kubernetes.io/default-container names,
  // else one named "kafka", else the first.
  std::string container;
  std::string image;
  int64_t restart_count = 0;
  bool running = false;

  friend bool operator==(const PodFacts&, const PodFacts&) = default;
};

// InvalidArgument for what has no name, namespace, UID or container.
StatusOr<PodFacts> ParsePodFacts(std::string_view json);

}  // namespace network_mapper::kafka
