// Tells by TokenReview whether the holder of a token is a collector, or an administrator of the
// map. Collectors all come at once after the mapper's restart, and an API server may take its time,
// so reviews wait in a bounded queue for a few threads.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/concurrency/waitable.h"
#include "common/kube/client.h"
#include "common/kube/token_review.h"
#include "common/status/status.h"
#include "mapper/ingest/collector_identity.h"

namespace network_mapper {

struct TokenRules {
  // For whom tokens must have been issued.
  std::string audience;
  // ServiceAccounts of collectors and of administrators, as "namespace/name".
  std::vector<std::string> service_accounts;
  std::vector<std::string> admin_service_accounts{};
  // Of collectors that may report observations of kafka only.
  std::vector<std::string> kafka_service_accounts{};
  // Of those that may report observations of aws only.
  std::vector<std::string> aws_service_accounts{};
  // Reviews that may wait; more are refused with Unavailable.
  size_t queue = 20'000;
  // Of HasRole: callers that may wait at a time, and how long. More are refused with Unavailable.
  int waiting_callers = 4;
  std::chrono::milliseconds patience{5'000};
};

// Pure: what follows from a review for somebody who must have `role`.
StatusOr<CollectorIdentity> Judge(const kube::TokenReview& review, const TokenRules& rules,
                                  Role role = Role::kCollector);

// Thread-safe.
class TokenReviewer {
 public:
  // `client` must outlive this.
  TokenReviewer(kube::Client& client, TokenRules rules);
  TokenReviewer(const TokenReviewer&) = delete;
  TokenReviewer& operator=(const TokenReviewer&) = delete;
  // Cuts what is under way; what has not been answered gets Unavailable.
  ~TokenReviewer();

  // As IdentifyCollector, for either role.
  void Identify(std::string token, std::function<void(StatusOr<CollectorIdentity>)> done,
                Role role = Role::kCollector);

  // As CheckRole. Waits; threads that serve requests are few, and so are those that may wait here.
  Status HasRole(Role role, std::string token);

  // OK unless the API server's last answer was no verdict.
  Status Health() const;

 private:
  struct Request {
    std::string token;
    Role role;
    std::function<void(StatusOr<CollectorIdentity>)> done;
  };

  void Work(const std::stop_token& stop);
  StatusOr<CollectorIdentity> Review(const Request& request, const std::stop_token& stop);

  kube::Client& client_;
  const TokenRules rules_;
  Waitable<std::deque<Request>> waiting_;
  Guarded<Status> last_outcome_;
  std::atomic<int> waiting_callers_{0};
  std::vector<std::jthread> workers_;
};

}  // namespace network_mapper
