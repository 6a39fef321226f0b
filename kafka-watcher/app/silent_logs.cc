#include "kafka-watcher/app/silent_logs.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "common/time/time_text.h"

namespace network_mapper::kafka {

namespace {

constexpr std::array kDistributions = {Distribution::kStrimzi, Distribution::kConfluent,
                                       Distribution::kBitnami, Distribution::kApache,
                                       Distribution::kUnknown};

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

Distribution DistributionOf(std::string_view image) {
  if (Has(image, "strimzi")) {
    return Distribution::kStrimzi;
  }
  if (Has(image, "cp-kafka") || Has(image, "cp-server") || Has(image, "confluentinc/")) {
    return Distribution::kConfluent;
  }
  if (Has(image, "bitnami")) {
    return Distribution::kBitnami;
  }
  if (Has(image, "apache/kafka")) {
    return Distribution::kApache;
  }
  return Distribution::kUnknown;
}

std::string_view LoggingAdvice(Distribution distribution) {
  switch (distribution) {
    case Distribution::kStrimzi:
      return "Strimzi: needs spec.kafka.authorization, and in spec.kafka.logging (type: inline) "
             "the "
             "logger logger.authorizer.level: DEBUG (before 0.46 "
             "log4j.logger.kafka.authorizer.logger: DEBUG)";
    case Distribution::kConfluent:
      return "cp-kafka, cp-server: needs an authorizer, and the variable "
             "KAFKA_LOG4J_LOGGERS=kafka.authorizer.logger=DEBUG";
    case Distribution::kBitnami:
      return "Bitnami: needs an authorizer, and a log4j configuration (value log4j, or log4j2 from "
             "chart 32 on) with kafka.authorizer.logger at DEBUG on the console";
    case Distribution::kApache:
      return "apache/kafka: needs an authorizer; 4.x: the variable "
             "KAFKA_LOG4J_LOGGERS=kafka.authorizer.logger=DEBUG; 3.x: mount a log4j.properties "
             "with "
             "log4j.logger.kafka.authorizer.logger=DEBUG, stdout";
    case Distribution::kUnknown:
      break;
  }
  return "Kafka needs an authorizer (authorizer.class.name), and its logger "
         "kafka.authorizer.logger "
         "at DEBUG with an appender that writes to this log";
}

bool IsSilent(const LogState& log, std::chrono::nanoseconds limit, Time now) {
  if (!log.reading || !log.reading_since) {
    return false;
  }
  const Time heard = std::max(*log.reading_since, log.last_audit_line.value_or(Time::min()));
  return now - heard >= limit;
}

std::vector<std::string> SilenceNotices(const std::vector<LogState>& logs,
                                        std::chrono::nanoseconds limit, Time now) {
  constexpr size_t kMostNames = 2;
  constexpr size_t kLongestName = 80;
  std::vector<std::string> notices;
  for (const Distribution distribution : kDistributions) {
    std::string names;
    size_t silent = 0;
    for (const LogState& log : logs) {
      if (DistributionOf(log.image) != distribution || !IsSilent(log, limit, now)) {
        continue;
      }
      if (silent++ < kMostNames) {
        names += (names.empty() ? "" : ", ") + log.name.substr(0, kLongestName);
      }
    }
    if (silent > kMostNames) {
      names += fmt::format(" and {} more", silent - kMostNames);
    }
    if (silent > 0) {
      notices.push_back(fmt::format("no line of the authorizer for {} in {}. {}.",
                                    FormatDuration(limit), names, LoggingAdvice(distribution)));
    }
  }
  return notices;
}

}  // namespace network_mapper::kafka
