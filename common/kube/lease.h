// A Lease (coordination.k8s.io/v1) as leader election uses it, and its JSON. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct Lease {
  // Who holds it; empty: nobody does, and the next one may take it at once.
  std::string holder{};
  // How long the holder may be silent before another one takes it. Between 0 and five minutes.
  std::chrono::seconds duration{0};
  // When it got its holder, and when that last showed itself, by the holder's clock: for people.
  // As the server writes them; may be empty.
  std::string acquired{};
  std::string renewed{};
  // How often it went to another holder.
  int64_t transitions = 0;
  // Changes with every write; empty: it is not on the server yet.
  std::string resource_version{};
  // The object as the server sent it, so that what others put there stays.
  std::string object{};
};

// An error when `json` is no Lease with a resourceVersion.
StatusOr<Lease> ParseLease(std::string_view json);

// The object to create (resource_version empty) or to update with. A change that somebody else made
// meanwhile makes the server refuse the update.
std::string EncodeLease(const Lease& lease, std::string_view name_space, std::string_view name);

// "2026-01-31T00:00:00.000000Z": metav1.MicroTime, always with six digits.
std::string FormatMicroTime(Time time);

}  // namespace network_mapper::kube
