// A ReportRequest as a hostile collector may send it: decoding its observations must neither crash
// nor let anything through that does not survive the journey back.
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "common/report/observation_codec.h"
#include "common/text/utf8.h"
#include "network_mapper/v1/report.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): one function, no header
  v1::ReportRequest request;
  if (size > (size_t{1} << 20) || !request.ParseFromArray(data, static_cast<int>(size))) {
    return 0;
  }
  DecodeTotals(request.batch().statistics());
  for (const v1::Observation& message : request.batch().observations()) {
    auto decoded = DecodeObservation(message);
    auto* observation = std::get_if<Observation>(&decoded);
    if (observation == nullptr) {
      continue;
    }
    if (const auto* target = std::get_if<AwsTarget>(&observation->target)) {
      if (HasControlCharacter(target->resource_arn)) {
        std::abort();
      }
    }
    v1::Observation again;
    EncodeObservation(*observation, again);
    if (!std::holds_alternative<Observation>(DecodeObservation(again))) {
      std::abort();
    }
  }
  return 0;
}
