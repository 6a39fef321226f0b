// Addresses of the real endpoints, by the system's resolver on threads of its own, since
// getaddrinfo blocks. Clients take turns (name_turns.h), so that none waits for another one's
// names. An answer is kept for minutes; after some seconds it is asked for anew while the old one
// serves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/ip_address.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct AddressResolverOptions {
  // After it an answer is asked for anew,
  std::chrono::milliseconds keep = std::chrono::seconds(10);
  // and until then it is told meanwhile.
  std::chrono::milliseconds keep_old = std::chrono::minutes(5);
  std::chrono::milliseconds keep_failure = std::chrono::seconds(1);
  size_t threads = 16;
  // Of these for one client.
  size_t most_client_threads = 4;
  size_t most_names = 4096;
  // Names that one client may wait for.
  size_t most_client_names = 64;
  // When nobody had time for a client for so long, there are too few threads,
  std::chrono::milliseconds most_wait = std::chrono::seconds(3);
  // and that is said for so long: who asks may take long to do so, and to act on it.
  std::chrono::milliseconds overload_hold = std::chrono::seconds(30);
  // The proxy's own, by which other names may lead back to it; empty: it has none.
  std::string own_name{};
  // In place of getaddrinfo; for tests.
  std::function<StatusOr<std::vector<IpAddress>>(const std::string& name)> look_up;
};

// Thread-safe.
class AddressResolver {
  struct Implementation;

 public:
  // Addresses, best first, without those of the own name, or why there are none.
  using Addresses = StatusOr<std::vector<IpAddress>>;
  using Answer = std::function<void(const Addresses&)>;

  // Somebody waits for an answer as long as it lives; a name that nobody waits for is not looked
  // up. Must not outlive the resolver.
  class Wait {
   public:
    Wait() = default;

    Wait(Wait&& other) noexcept { *this = std::move(other); }

    Wait& operator=(Wait&& other) noexcept;
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    ~Wait() { End(); }

   private:
    friend class AddressResolver;

    Wait(Implementation& resolver, std::string_view name, uint64_t id)
        : resolver_(&resolver), name_(name), id_(id) {}

    void End();

    // Null: there is nothing to wait for.
    Implementation* resolver_ = nullptr;
    std::string name_;
    uint64_t id_ = 0;
  };

  // `clock` must outlive this.
  explicit AddressResolver(AddressResolverOptions options = {},
                           const Clock& clock = Clock::System());
  AddressResolver(const AddressResolver&) = delete;
  AddressResolver& operator=(const AddressResolver&) = delete;
  // Stops.
  ~AddressResolver();

  // Waits for lookups under way; answers that are due are not given, nor any further ones.
  void Stop();

  // Calls `answer` at most once: at once when the name is known, else from another thread, unless
  // the wait has ended before; it may be under way when it does. It must not block.
  // ResourceExhausted when too many names wait, of the client or in all.
  [[nodiscard]] Wait Resolve(const IpAddress& client, std::string_view name, const Answer& answer);

  // Unavailable when clients had to wait for a thread, now or a moment ago.
  Status Ready() const;

 private:
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
