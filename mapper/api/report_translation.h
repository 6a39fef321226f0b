// Turns the inputs of the original collectors' mutations into observations. Pure. What makes no
// observation (an address that is none, an unknown Kafka operation, an empty list) is left out and
// counted; the rest of the report stays.
#pragma once

#include <cstdint>
#include <vector>

#include "common/graphql/value.h"
#include "common/observation/observation.h"
#include "common/status/status.h"

namespace network_mapper {

struct TranslatedReport {
  std::vector<Observation> observations;
  uint64_t malformed = 0;
};

// Arguments as the schema's input types describe them. InvalidArgument when a time is not RFC 3339
// or an enum name is unknown: then nothing of the report counts.
StatusOr<TranslatedReport> TranslateDnsReport(const graphql::Value& results);
StatusOr<TranslatedReport> TranslateTcpReport(const graphql::Value& results);
StatusOr<TranslatedReport> TranslateSocketScanReport(const graphql::Value& results);
StatusOr<TranslatedReport> TranslateKafkaReport(const graphql::Value& results);
StatusOr<TranslatedReport> TranslateIstioReport(const graphql::Value& results);
// `now` stands for the time of the operations, which the report does not say.
StatusOr<TranslatedReport> TranslateAwsReport(const graphql::Value& operations, Time now);

// Leaves out, and counts, what the report stream would refuse, too.
void LeaveOutRefused(TranslatedReport& report);

}  // namespace network_mapper
