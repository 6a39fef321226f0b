// Each client's part of what may be kept, so that nobody takes the others' room.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "aws-visibility/http/keep_budget.h"
#include "common/concurrency/guarded.h"
#include "common/net/ip_address.h"

namespace network_mapper::aws {

// Thread-safe.
class KeepShares {
 public:
  explicit KeepShares(size_t most_bytes) : most_bytes_(most_bytes), all_(most_bytes) {}

  // The same one for all that hold it at a time, who must not outlive this. A quarter of all, but
  // as much as one exchange needs. The heads of a client find room for a 256th, however many
  // others there are: so much more may be kept for each of them.
  std::shared_ptr<KeepBudget> Of(const IpAddress& client);

 private:
  struct State {
    std::unordered_map<IpAddress, std::weak_ptr<KeepBudget>> of_client;
    // With so many of them it is looked who has gone.
    size_t sweep_at = 64;
  };

  const size_t most_bytes_;
  KeepBudget all_;
  Guarded<State> state_;
};

}  // namespace network_mapper::aws
