// Observations between the project's own form and the wire form (network_mapper/v1/report.proto).
// Used by both ends of the report stream. Decoding is the border check: what it lets through is
// well-formed and bounded. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "common/observation/observation.h"
#include "common/report/collector_totals.h"
#include "common/time/clock.h"

namespace network_mapper::v1 {
class CollectorStatistics;
class Observation;
}  // namespace network_mapper::v1

namespace network_mapper {

// Limits of one observation.
// RFC 1035 2.3.4: 255 octets on the wire, less in text; escapes may lengthen it.
inline constexpr size_t kMaxNameLength = 1024;
// Pod, workload, namespace and Service names (Kubernetes: at most 253), topics (Kafka: 249).
inline constexpr size_t kMaxIdentifierLength = 255;
inline constexpr size_t kMaxPathLength = 2048;
inline constexpr size_t kMaxArnLength = 2048;
inline constexpr size_t kMaxAddresses = 1024;
inline constexpr size_t kMaxMethods = 16;
inline constexpr size_t kMaxActions = 256;
inline constexpr uint64_t kMaxEventCount = uint64_t{1} << 48;
// 2000-01-01 and 2200-01-01, in seconds since the Unix epoch.
inline constexpr int64_t kMinObservationSeconds = 946'684'800;
inline constexpr int64_t kMaxObservationSeconds = 7'258'118'400;

// Why an observation was refused; also a metric label.
enum class ObservationRefusal : uint8_t {
  kUnknownEnum,    // collector, protocol, Kafka operation or HTTP method
  kBadTime,        // missing, out of range, or last before first
  kBadCount,       // zero where events are needed, over the limit, more answers than possible
  kMissingClient,  // neither address nor pod UID from a collector that must know one
  kBadAddress,     // not 4 or 16 bytes, a pod UID of the wrong length, a port out of range
  kMissingTarget,
  kWrongTarget,  // a target that this collector does not report, connections with a path
  kEmptyText,    // a text that must not be empty is
  kTooLong,      // a text over its limit
  kTooMany,      // a list over its limit
  kNotUtf8,      // Protobuf cannot carry the text
  kNotAllowed,   // a collector that the reporter's account may not report for
  // A text with a control character: it would forge lines of what is printed, or speak to a
  // terminal.
  kControlCharacter,
  kNotAnArn,  // neither an ARN nor the "*" that stands for a resource that is not known
};
inline constexpr std::array<ObservationRefusal, 14> kAllObservationRefusals = {
    ObservationRefusal::kUnknownEnum,      ObservationRefusal::kBadTime,
    ObservationRefusal::kBadCount,         ObservationRefusal::kMissingClient,
    ObservationRefusal::kBadAddress,       ObservationRefusal::kMissingTarget,
    ObservationRefusal::kWrongTarget,      ObservationRefusal::kEmptyText,
    ObservationRefusal::kTooLong,          ObservationRefusal::kTooMany,
    ObservationRefusal::kNotUtf8,          ObservationRefusal::kNotAllowed,
    ObservationRefusal::kControlCharacter, ObservationRefusal::kNotAnArn};
// "unknown_enum", "bad_time", ...
std::string_view ObservationRefusalName(ObservationRefusal refusal);

std::variant<Observation, ObservationRefusal> DecodeObservation(const v1::Observation& message);

// What DecodeObservation would say to `observation` after the journey; absent: it is fine.
std::optional<ObservationRefusal> CheckObservation(const Observation& observation);
// `message` must be empty. Text that is not UTF-8 must have been refused before.
void EncodeObservation(const Observation& observation, v1::Observation& message);

CollectorTotals DecodeTotals(const v1::CollectorStatistics& message);
void EncodeTotals(const CollectorTotals& totals, v1::CollectorStatistics& message);

}  // namespace network_mapper
