// Tells by TokenReview whether the holder of a token is a collector. Collectors all come at once
// after the mapper's restart, and an API server may take its time, so reviews wait in a bounded
// queue for a few threads.
#pragma once

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
  // ServiceAccounts of collectors, as "namespace/name".
  std::vector<std::string> service_accounts;
  // Reviews that may wait; more are refused with Unavailable.
  size_t queue = 20'000;
};

// Pure: what follows from a review.
StatusOr<CollectorIdentity> Judge(const kube::TokenReview& review, const TokenRules& rules);

// Thread-safe.
class TokenReviewer {
 public:
  // `client` must outlive this.
  TokenReviewer(kube::Client& client, TokenRules rules);
  TokenReviewer(const TokenReviewer&) = delete;
  TokenReviewer& operator=(const TokenReviewer&) = delete;
  // Cuts what is under way; what has not been answered gets Unavailable.
  ~TokenReviewer();

  // As IdentifyCollector.
  void Identify(std::string token, std::function<void(StatusOr<CollectorIdentity>)> done);

  // OK unless the API server's last answer was no verdict.
  Status Health() const;

 private:
  struct Request {
    std::string token;
    std::function<void(StatusOr<CollectorIdentity>)> done;
  };

  void Work(const std::stop_token& stop);
  StatusOr<CollectorIdentity> Review(const std::string& token, const std::stop_token& stop);

  kube::Client& client_;
  const TokenRules rules_;
  Waitable<std::deque<Request>> waiting_;
  Guarded<Status> last_outcome_;
  std::vector<std::jthread> workers_;
};

}  // namespace network_mapper
