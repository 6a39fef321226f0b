// Addresses of the real endpoints, by the system's resolver on threads of its own, since
// getaddrinfo blocks; answers are kept for some seconds.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/ip_address.h"
#include "common/status/status.h"

namespace network_mapper::aws {

struct AddressResolverOptions {
  std::chrono::milliseconds keep = std::chrono::seconds(10);
  std::chrono::milliseconds keep_failure = std::chrono::seconds(1);
  size_t threads = 4;
  size_t most_names = 4096;
  // The proxy's own, by which other names may lead back to it; empty: it has none.
  std::string own_name{};
  // In place of getaddrinfo; for tests.
  std::function<StatusOr<std::vector<IpAddress>>(const std::string& name)> look_up;
};

// Thread-safe.
class AddressResolver {
 public:
  // Addresses, best first, without those of the own name, or why there are none.
  using Addresses = StatusOr<std::vector<IpAddress>>;
  using Answer = std::function<void(const Addresses&)>;

  explicit AddressResolver(AddressResolverOptions options = {});
  AddressResolver(const AddressResolver&) = delete;
  AddressResolver& operator=(const AddressResolver&) = delete;
  // Stops.
  ~AddressResolver();

  // Waits for lookups under way; answers that are due are not given, nor any further ones.
  void Stop();

  // Calls `answer` once: at once when the name is known, else from another thread. It must not
  // block. ResourceExhausted when too many names wait.
  void Resolve(std::string_view name, const Answer& answer);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
