// A collector in a process of its own, so that it can be killed. It writes into a file what it has
// done, which outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "tests/support/child_process.h"

namespace network_mapper::faults {

// Shared memory, in a file.
struct CollectorRecord {
  // Counted before it is reported, so that no observation is forgotten.
  std::atomic<uint64_t> reported{0};
  std::atomic<uint64_t> acknowledged{0};
};

class CollectorProcess {
 public:
  // Reports Ledger::Named observations with numbers from `first` on to the loopback's `port`.
  // Starts this program again, which must then call CollectAsChild.
  CollectorProcess(uint16_t port, uint64_t first, const std::filesystem::path& record);
  CollectorProcess(const CollectorProcess&) = delete;
  CollectorProcess& operator=(const CollectorProcess&) = delete;
  ~CollectorProcess();

  void Kill();

  const CollectorRecord& Record() const { return *record_; }

 private:
  CollectorRecord* record_;
  std::unique_ptr<ChildProcess> process_;
};

// The child's part; never returns.
inline constexpr const char* kCollectOption = "--collect";
[[noreturn]] void CollectAsChild(uint16_t port, uint64_t first,
                                 const std::filesystem::path& record);

}  // namespace network_mapper::faults
