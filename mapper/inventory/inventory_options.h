// What can be set about the inventory; from the mapper's configuration.
#pragma once

#include <chrono>
#include <cstddef>

namespace network_mapper {

struct InventoryOptions {
  // How long what is gone is remembered, in time and in number.
  std::chrono::nanoseconds history = std::chrono::minutes(10);
  size_t max_remembered = 100'000;
  // Tolerated difference between the clocks of a node and of the API server.
  std::chrono::nanoseconds clock_skew = std::chrono::seconds(2);
  // How long a pod waits for an owner that is not known yet before it is named after the last owner
  // that is.
  std::chrono::nanoseconds owner_wait = std::chrono::seconds(10);
  // An owner that could not be read, or that no watch covers, is asked for again after this.
  std::chrono::nanoseconds owner_lifetime = std::chrono::minutes(10);
  size_t max_wanted_owners = 10'000;
  // Prefix lengths around each address of service default/kubernetes.
  unsigned control_plane_ipv4_prefix_length = 32;
  unsigned control_plane_ipv6_prefix_length = 128;
  // A Job that no CronJob owns is named after its images.
  bool use_image_name_for_jobs = false;
};

}  // namespace network_mapper
