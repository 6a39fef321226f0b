// What a person should know when a log that is being followed has no line of the authorizer: most
// often Kafka's logging is not set up for it, each distribution in its own way. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/time/clock.h"
#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

enum class Distribution : uint8_t { kStrimzi, kConfluent, kBitnami, kApache, kUnknown };

// By the container's image, such as "quay.io/strimzi/kafka:0.46.0-kafka-4.0.0".
Distribution DistributionOf(std::string_view image);
// What to change there so that lines of allowed accesses come.
std::string_view LoggingAdvice(Distribution distribution);

// Whether the log is being read and has had no line of the authorizer for `limit`.
bool IsSilent(const LogState& log, std::chrono::nanoseconds limit, Time now);

// One text a distribution that has silent logs: which, and what to do.
std::vector<std::string> SilenceNotices(const std::vector<LogState>& logs,
                                        std::chrono::nanoseconds limit, Time now);

}  // namespace network_mapper::kafka
