// What the proxy's calls amount to until the next report: per client, resource, actions, region and
// role one observation. Of resources that a client uses without end (objects of a bucket, things,
// executions) only the first are kept apart, the others become one with "*". Only what a client
// used itself, with success, counts for that: nobody else's calls, nor what is denied, make its
// policy wider. Bounded for each client, and as a whole. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "aws-visibility/proxy/call_sink.h"
#include "common/concurrency/guarded.h"
#include "common/metrics/metrics.h"
#include "common/observation/observation.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct CallBookLimits {
  // Objects of one bucket that a client's reports name; further ones are BUCKET/*.
  size_t exact_objects = 32;
  // The same for other resources whose ARNs differ in their last part only.
  size_t exact_resources = 1'000;
  // Resources of one client that are remembered for this; further ones are not folded.
  size_t members = 20'000;
  // A client that is silent for longer is forgotten: its address may be somebody else's soon.
  std::chrono::minutes memory{10};
  // Texts of different observations between two reports: of what a client used, of its calls that
  // did not succeed, and of all clients, which is less than what the report client holds. More are
  // dropped, and counted.
  size_t used_bytes = size_t{256} << 10U;
  size_t attempted_bytes = size_t{64} << 10U;
  size_t bytes = size_t{2} << 20U;
};

struct CallBookMetrics {
  // `registry` must outlive the metrics.
  explicit CallBookMetrics(MetricsRegistry& registry);

  // By RecognitionResult.
  std::array<Counter*, 5> calls;
  // Of calls that need a permission; by Answer.
  std::array<Counter*, 4> answers;
  Counter& truncated;
  Counter& folded;
  Counter& dropped;
};

// The ARN with "*" for its last part, "arn:aws:s3:::bucket/*" for an object of a bucket; empty
// where there is nothing to fold.
std::string FamilyOf(std::string_view arn);

class CallBook final : public CallSink {
 public:
  // `metrics` and `clock` must outlive the book.
  CallBook(CallBookLimits limits, CallBookMetrics& metrics, const Clock& clock = Clock::System());

  void OnCall(ObservedCall call) override;

  // What came since the last time.
  std::vector<Observation> Take();

 private:
  struct Client {
    Time last_call;
    // By family: hashes of its members.
    std::unordered_map<std::string, std::unordered_set<uint64_t>> families;
    size_t members = 0;
    // Since the last report.
    size_t used_bytes = 0;
    size_t attempted_bytes = 0;
  };

  struct Pages {
    // By what makes calls one observation.
    std::unordered_map<std::string, Observation> observations;
    std::unordered_map<IpAddress, Client> clients;
    size_t bytes = 0;
  };

  // The resource, or its family.
  std::string FoldedResource(Client& client, const std::string& resource) const;
  void Add(Pages& pages, const ObservedCall& call, const Access& access) const;

  CallBookLimits limits_;
  CallBookMetrics& metrics_;
  const Clock& clock_;
  Guarded<Pages> pages_;
};

}  // namespace network_mapper::aws
