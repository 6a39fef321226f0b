// What the proxy's calls amount to until the next report: per client, resource, actions, region and
// role one observation. Bounded: of resources that a client uses without end (objects of a bucket,
// things, executions) only the first are kept apart, the others become one with "*". Thread-safe.
#pragma once

#include <array>
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

namespace network_mapper::aws {

struct CallBookLimits {
  // Objects of one bucket that a client's report names, over the life of the process; further ones
  // are BUCKET/*.
  size_t exact_objects = 32;
  // The same for other resources whose ARNs differ in their last part only.
  size_t exact_resources = 1'000;
  // Families of resources whose members are counted; members of more are folded at once.
  size_t families = 20'000;
  // Different observations between two reports; more are dropped, and counted.
  size_t observations = 50'000;
};

struct CallBookMetrics {
  // `registry` must outlive the metrics.
  explicit CallBookMetrics(MetricsRegistry& registry);

  // By RecognitionResult.
  std::array<Counter*, 5> calls;
  // Calls by what AWS answered; denied: or nothing, or that it failed itself.
  Counter& permitted;
  Counter& denied;
  Counter& truncated;
  Counter& folded;
  Counter& dropped;
};

// The ARN with "*" for its last part, "arn:aws:s3:::bucket/*" for an object of a bucket; empty
// where there is nothing to fold.
std::string FamilyOf(std::string_view arn);

class CallBook final : public CallSink {
 public:
  // `metrics` must outlive the book.
  CallBook(CallBookLimits limits, CallBookMetrics& metrics);

  void OnCall(ObservedCall call) override;

  // What came since the last time.
  std::vector<Observation> Take();

 private:
  struct Pages {
    // By what makes calls one observation.
    std::unordered_map<std::string, Observation> observations;
    // By client and family: hashes of its members.
    std::unordered_map<std::string, std::unordered_set<uint64_t>> families;
  };

  // The resource, or its family.
  std::string FoldedResource(Pages& pages, std::string_view client,
                             const std::string& resource) const;
  void Add(Pages& pages, const ObservedCall& call, const Access& access) const;

  CallBookLimits limits_;
  CallBookMetrics& metrics_;
  Guarded<Pages> pages_;
};

}  // namespace network_mapper::aws
