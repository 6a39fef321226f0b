#include "istio-watcher/metrics/label_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <variant>

#include "common/text/utf8.h"
#include "istio-watcher/metrics/path_cleaner.h"

namespace network_mapper::istio {

namespace {

// Odd, and its bits are evenly spread.
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15U;

// Stores keep identities, and move from machine to machine.
static_assert(std::endian::native == std::endian::little);

uint64_t Mix(uint64_t hash) {
  hash ^= hash >> 32U;
  hash *= kMultiplier;
  hash ^= hash >> 29U;
  return hash * kMultiplier;
}

uint64_t HashText(uint64_t hash, std::string_view text) {
  hash = (hash ^ text.size()) * kMultiplier;
  uint64_t word = 0;
  while (text.size() >= sizeof(word)) {
    std::memcpy(&word, text.data(), sizeof(word));
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32U;
    text.remove_prefix(sizeof(word));
  }
  word = 0;
  std::memcpy(&word, text.data(), text.size());
  return Mix(hash ^ word);
}

bool IsKnown(std::string_view text) {
  return !text.empty() && text != "unknown";
}

// RFC 1123 names of Kubernetes objects; what else they may have is the inventory's business.
bool IsNameOfObject(std::string_view text) {
  constexpr size_t kLongest = 253;
  return text.size() <= kLongest && IsUtf8(text) && !HasControlCharacter(text);
}

std::optional<Reporter> ParseReporter(std::string_view text) {
  if (text == "source") {
    return Reporter::kSource;
  }
  if (text == "destination") {
    return Reporter::kDestination;
  }
  return text == "waypoint" ? std::optional(Reporter::kWaypoint) : std::nullopt;
}

}  // namespace

LabelSet::LabelSet(const ReaderOptions& options, SeriesSink sink, std::string own_namespace)
    : options_(options), sink_(std::move(sink)), own_namespace_(std::move(own_namespace)) {}

void LabelSet::Begin(Metric metric) {
  metric_ = metric;
  fields_.fill({});
  expected_ = 0;
  seen_ = 0;
  has_duplicate_ = false;
  method_ = {};
  path_ = {};
  hash_ = static_cast<uint64_t>(metric) + 1;
}

LabelSet::Name LabelSet::Find(std::string_view name) const {
  Name found{.field = expected_, .hash = HashText(kMultiplier, name)};
  if (found.field >= kFields || kFieldNames[found.field] != name) {
    found.field = static_cast<size_t>(std::find(kFieldNames.begin(), kFieldNames.end(), name) -
                                      kFieldNames.begin());
  }
  if (found.field == kFields) {
    found.method_rank = RankOf(options_.method_labels, name);
    found.path_rank = RankOf(options_.path_labels, name);
  }
  return found;
}

uint64_t LabelSet::Identity(const Name& name, std::string_view value) {
  return value.empty() ? 0 : HashText(name.hash, value);
}

void LabelSet::Add(std::string_view name, std::string_view value) {
  const Name found = Find(name);
  Add(found, value, Identity(found, value));
}

void LabelSet::Add(const Name& name, std::string_view value, uint64_t identity) {
  hash_ += identity;
  if (name.field < kFields) {
    has_duplicate_ = has_duplicate_ || (seen_ >> name.field & 1U) != 0;
    seen_ |= uint32_t{1} << name.field;
    fields_[name.field] = value;
    expected_ = name.field + 1;
    return;
  }
  AddAliased(name.method_rank, value, method_);
  AddAliased(name.path_rank, value, path_);
}

bool LabelSet::IsFreeText(std::string_view name) const {
  const auto& methods = options_.method_labels;
  return std::find(kFieldNames.begin(), kFieldNames.end(), name) == kFieldNames.end() &&
         std::find(methods.begin(), methods.end(), name) == methods.end();
}

size_t LabelSet::RankOf(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? kNoRank : static_cast<size_t>(found - names.begin());
}

void LabelSet::AddAliased(size_t rank, std::string_view value, Aliased& best) {
  if (rank == kNoRank) {
    return;
  }
  best.has_label = true;
  has_duplicate_ = has_duplicate_ || (rank == best.rank && IsKnown(best.value));
  if (IsKnown(value) && rank < best.rank) {
    best.rank = rank;
    best.value = value;
  }
}

std::optional<SeriesRefusal> LabelSet::Check() const {
  const std::string_view source = fields_[kSourceWorkload];
  const std::string_view source_namespace = fields_[kSourceNamespace];
  const std::string_view destination = fields_[kDestinationWorkload];
  const std::string_view destination_namespace = fields_[kDestinationNamespace];
  if (fields_[kReporter].empty()) {
    return SeriesRefusal::kNoReporter;
  }
  if (!ParseReporter(fields_[kReporter])) {
    return SeriesRefusal::kUnknownReporter;
  }
  if (has_duplicate_) {
    return SeriesRefusal::kDuplicateLabel;
  }
  if (!IsKnown(source) || !IsKnown(source_namespace)) {
    return SeriesRefusal::kUnknownClient;
  }
  if (!IsKnown(destination) || !IsKnown(destination_namespace)) {
    const std::string_view cluster = fields_[kDestinationServiceName];
    return cluster == "PassthroughCluster" || cluster == "BlackHoleCluster"
               ? SeriesRefusal::kOutsideMesh
               : SeriesRefusal::kUnknownServer;
  }
  if (!IsNameOfObject(source) || !IsNameOfObject(source_namespace) ||
      !IsNameOfObject(destination) || !IsNameOfObject(destination_namespace)) {
    return SeriesRefusal::kBadName;
  }
  return IsForeign() ? std::optional(SeriesRefusal::kForeign) : std::nullopt;
}

// A waypoint counts for the workloads that use it, wherever they are.
bool LabelSet::IsForeign() const {
  const std::optional<Reporter> reporter = ParseReporter(fields_[kReporter]);
  if (own_namespace_.empty() || reporter == Reporter::kWaypoint) {
    return false;
  }
  return fields_[reporter == Reporter::kSource ? kSourceNamespace : kDestinationNamespace] !=
         own_namespace_;
}

void LabelSet::ReadResource(Series& series) {
  series.has_method_label = method_.has_label;
  series.has_path_label = path_.has_label;
  std::string_view method = method_.value;
  std::string_view path = path_.value;
  if (const size_t space = method.find(' '); space != std::string_view::npos) {
    const std::string_view operand = method.substr(space + 1);
    method = method.substr(0, space);
    path = path.empty() ? operand : path;
  }
  const auto clean = CleanPath(path, options_.max_path);
  if (const auto* refusal = std::get_if<ResourceRefusal>(&clean)) {
    series.resource_refusal = *refusal;
    return;
  }
  if (!method.empty()) {
    series.method = ParseHttpMethod(method);
    if (!series.method) {
      series.resource_refusal = ResourceRefusal::kUnknownMethod;
      return;
    }
  } else if (series.request_protocol == "grpc") {
    series.method = HttpMethod::kPost;
  }
  series.path = std::get<std::string_view>(clean);
  if (options_.fold_ids) {
    series.path = FoldIds(series.path, folded_);
  }
}

void LabelSet::Finish(std::optional<uint64_t> value) {
  if (const std::optional<SeriesRefusal> refusal = Check()) {
    Refuse(*refusal);
    return;
  }
  if (!value) {
    Refuse(SeriesRefusal::kBadValue);
    return;
  }
  Series series{
      .metric = metric_,
      .reporter = *ParseReporter(fields_[kReporter]),
      .source = {fields_[kSourceWorkload], fields_[kSourceNamespace], fields_[kSourceCanonical]},
      .destination = {fields_[kDestinationWorkload], fields_[kDestinationNamespace],
                      fields_[kDestinationCanonical]},
      .destination_service = fields_[kDestinationService],
      .destination_service_name = fields_[kDestinationServiceName],
      .destination_service_namespace = fields_[kDestinationServiceNamespace],
      .request_protocol = fields_[kRequestProtocol],
      .response_code = fields_[kResponseCode],
      .grpc_response_status = fields_[kGrpcResponseStatus],
      .response_flags = fields_[kResponseFlags],
      .connection_security = fields_[kConnectionSecurity],
      .method = std::nullopt,
      .path = {},
      .resource_refusal = std::nullopt,
      .value = *value,
      .identity = Mix(hash_)};
  if (metric_ == Metric::kRequests) {
    ReadResource(series);
    counts_.without_path_label += series.has_path_label ? 0 : 1;
    if (series.resource_refusal) {
      ++counts_.without_resource[static_cast<size_t>(*series.resource_refusal)];
    }
  }
  ++counts_.series;
  sink_(series);
}

std::optional<uint64_t> ParseCounter(std::string_view text) {
  const char* end = text.data() + text.size();
  uint64_t whole = 0;
  const auto as_whole = std::from_chars(text.data(), end, whole);
  if (as_whole.ec == std::errc() && as_whole.ptr == end) {
    return whole <= kMostEvents ? std::optional(whole) : std::nullopt;
  }
  double number = 0;
  const auto as_float = std::from_chars(text.data(), end, number);
  if (as_float.ec != std::errc() || as_float.ptr != end || !(number >= 0) ||
      number > static_cast<double>(kMostEvents) || number != std::floor(number)) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(number);
}

}  // namespace network_mapper::istio
