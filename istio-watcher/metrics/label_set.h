// The labels of one series on their way to a Series: what every form of a proxy's statistics has in
// common. Only for this folder. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

class LabelSet {
 public:
  // `options` must outlive it. `own_namespace`: as of PrometheusReader.
  LabelSet(const ReaderOptions& options, SeriesSink sink, std::string own_namespace = {});

  // What a label's name means here, the same for all series.
  struct Name {
    // A Field, or kFields.
    size_t field = 0;
    // Among the names of the options; kNoRank: not one of them.
    size_t method_rank = kNoRank;
    size_t path_rank = kNoRank;
    uint64_t hash = 0;
  };

  void Begin(Metric metric);
  // The views must stay valid until the series is finished.
  void Add(std::string_view name, std::string_view value);
  // The same in three steps, of which the first two come out alike for all series.
  Name Find(std::string_view name) const;
  static uint64_t Identity(const Name& name, std::string_view value);
  void Add(const Name& name, std::string_view value, uint64_t identity);
  // Hands the series to the sink, or counts why not. Absent: the value is refused.
  void Finish(std::optional<uint64_t> value);

  void Refuse(SeriesRefusal refusal) { ++counts_.refused[static_cast<size_t>(refusal)]; }

  const ReaderCounts& Counts() const { return counts_; }

  // Whether a client may have chosen the label's value, as that of the path.
  bool IsFreeText(std::string_view name) const;

 private:
  static constexpr size_t kNoRank = std::numeric_limits<size_t>::max();

  // In the order of their names in label_set.cc.
  enum Field : uint8_t {
    kReporter,
    kSourceWorkload,
    kSourceCanonical,
    kSourceNamespace,
    kDestinationWorkload,
    kDestinationNamespace,
    kDestinationService,
    kDestinationCanonical,
    kDestinationServiceName,
    kDestinationServiceNamespace,
    kRequestProtocol,
    kResponseCode,
    kGrpcResponseStatus,
    kResponseFlags,
    kConnectionSecurity,
    kFields
  };

  // A label with aliases: the best that was met so far.
  struct Aliased {
    bool has_label = false;
    size_t rank = kNoRank;
    std::string_view value;
  };

  // In the order in which Envoy writes them, so that each is mostly found at once.
  static constexpr std::array<std::string_view, kFields> kFieldNames = {
      "reporter",
      "source_workload",
      "source_canonical_service",
      "source_workload_namespace",
      "destination_workload",
      "destination_workload_namespace",
      "destination_service",
      "destination_canonical_service",
      "destination_service_name",
      "destination_service_namespace",
      "request_protocol",
      "response_code",
      "grpc_response_status",
      "response_flags",
      "connection_security_policy"};

  static size_t RankOf(const std::vector<std::string>& names, std::string_view name);
  void AddAliased(size_t rank, std::string_view value, Aliased& best);
  std::optional<SeriesRefusal> Check() const;
  bool IsForeign() const;
  void ReadResource(Series& series);

  const ReaderOptions& options_;
  SeriesSink sink_;
  std::string own_namespace_;
  ReaderCounts counts_;
  Metric metric_ = Metric::kRequests;
  std::array<std::string_view, kFields> fields_;
  // The field that comes next where labels come in Envoy's order.
  size_t expected_ = 0;
  // By bit.
  uint32_t seen_ = 0;
  bool has_duplicate_ = false;
  Aliased method_;
  Aliased path_;
  uint64_t hash_ = 0;
  // The path after folding.
  std::string folded_;
};

// A counter's value: an integer, or a float (RFC 8259, Go, C) that is one, at most kMostEvents.
std::optional<uint64_t> ParseCounter(std::string_view text);

}  // namespace network_mapper::istio
