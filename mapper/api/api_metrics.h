// The API's instruments.
#pragma once

#include "common/metrics/metrics.h"

namespace network_mapper {

struct ApiMetrics {
  // `registry` must outlive this.
  explicit ApiMetrics(MetricsRegistry& registry);

  Counter& requests_ok;
  Counter& requests_refused;
  Counter& too_fast_requests;
  // By what was wrong with the token.
  Counter& unauthenticated_mutations;
  Counter& forbidden_mutations;
  Counter& unchecked_mutations;
  // Reports of original collectors.
  Counter& observations;
  Counter& malformed_observations;
  Counter& unsupported_reports;
  Counter& full_reports;
};

}  // namespace network_mapper
