#include "istio-watcher/metrics/stat_name.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace network_mapper::istio {

namespace {

constexpr std::string_view kNativePrefix = "istiocustom.";
constexpr std::string_view kWasmPrefix = "wasmcustom.";
constexpr std::string_view kWasmSeparator = ";.;";
constexpr std::string_view kWasmEquals = "=.=";

// In the order in which the native filter writes them; custom ones follow, sorted by name.
constexpr std::array<std::string_view, 25> kStandardKeys = {"reporter",
                                                            "source_workload",
                                                            "source_canonical_service",
                                                            "source_canonical_revision",
                                                            "source_workload_namespace",
                                                            "source_principal",
                                                            "source_app",
                                                            "source_version",
                                                            "source_cluster",
                                                            "destination_workload",
                                                            "destination_workload_namespace",
                                                            "destination_principal",
                                                            "destination_app",
                                                            "destination_version",
                                                            "destination_service",
                                                            "destination_canonical_service",
                                                            "destination_canonical_revision",
                                                            "destination_service_name",
                                                            "destination_service_namespace",
                                                            "destination_cluster",
                                                            "request_protocol",
                                                            "response_code",
                                                            "grpc_response_status",
                                                            "response_flags",
                                                            "connection_security_policy"};

std::optional<Metric> ParseMetric(std::string_view name) {
  if (name == "istio_requests_total") {
    return Metric::kRequests;
  }
  return name == "istio_tcp_connections_opened_total" ? std::optional(Metric::kTcpConnectionsOpened)
                                                      : std::nullopt;
}

std::string_view FirstSegment(std::string_view text) {
  return text.substr(0, text.find('.'));
}

// Without the segment and the dot after it.
std::string_view AfterSegment(std::string_view text, std::string_view segment) {
  return text.substr(std::min(segment.size() + 1, text.size()));
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where the first segment stands that `is_key` takes; the length of the text when none does.
template <typename IsKey>
size_t FindSegment(std::string_view text, IsKey is_key) {
  for (size_t begin = 0; begin < text.size();) {
    const std::string_view segment = FirstSegment(text.substr(begin));
    if (is_key(segment)) {
      return begin;
    }
    begin += segment.size() + 1;
  }
  return text.size();
}

// Takes what stands before the key at `end`, and the dot between them, off the front.
std::string_view TakeUntil(std::string_view& text, size_t end) {
  const bool is_last = end >= text.size();
  const std::string_view value = is_last ? text : text.substr(0, end == 0 ? 0 : end - 1);
  text.remove_prefix(is_last ? text.size() : end);
  return value;
}

class DottedName {
 public:
  DottedName(const ReaderOptions& options, LabelSet& labels) : options_(options), labels_(labels) {}

  // `text` follows the metric's name.
  void Read(std::string_view text) {
    auto next = kStandardKeys.begin();
    while (!text.empty()) {
      const std::string_view segment = FirstSegment(text);
      const auto* key = std::find(next, kStandardKeys.end(), segment);
      if (key == kStandardKeys.end()) {
        break;
      }
      next = key + 1;
      text = AfterSegment(text, segment);
      labels_.Add(*key, TakeValue(text, next));
    }
    ReadCustom(text);
  }

 private:
  bool IsCustomKey(std::string_view name) const {
    return Has(options_.method_labels, name) || Has(options_.path_labels, name);
  }

  // Of a standard key; `later` is the key after it. A value runs up to the nearest key that may
  // follow, since any of them may have been removed.
  std::string_view TakeValue(std::string_view& text, decltype(kStandardKeys.begin()) later) const {
    size_t end = FindSegment(text, [later](std::string_view segment) {
      return std::find(later, kStandardKeys.end(), segment) != kStandardKeys.end();
    });
    if (end < text.size()) {
      return TakeUntil(text, end);
    }
    if (later == kStandardKeys.end()) {
      const std::string_view value = FirstSegment(text);
      text = AfterSegment(text, value);
      return value;
    }
    return TakeUntil(
        text, FindSegment(text, [this](std::string_view segment) { return IsCustomKey(segment); }));
  }

  // The path runs to the end, or to a key of ours that sorts after it. What no name is known for
  // counts for the identity only.
  void ReadCustom(std::string_view text) {
    labels_.Add("", TakeUntil(text, FindSegment(text, [this](std::string_view segment) {
                                return IsCustomKey(segment);
                              })));
    while (!text.empty()) {
      const std::string_view key = FirstSegment(text);
      text = AfterSegment(text, key);
      const bool is_path = Has(options_.path_labels, key);
      std::string_view value =
          TakeUntil(text, FindSegment(text, [this, key](std::string_view segment) {
                      return segment > key && IsCustomKey(segment);
                    }));
      // A method has no dots: what follows is another tag's.
      if (!is_path && value.find(' ') == std::string_view::npos) {
        const std::string_view method = FirstSegment(value);
        labels_.Add("", AfterSegment(value, method));
        value = method;
      }
      labels_.Add(key, value);
    }
  }

  const ReaderOptions& options_;
  LabelSet& labels_;
};

// `text` ends before the last separator.
void ReadWasmLabels(std::string_view text, LabelSet& labels) {
  while (!text.empty()) {
    const size_t equals = text.find(kWasmEquals);
    if (equals == std::string_view::npos) {
      labels.Add("", text);
      return;
    }
    const std::string_view key = text.substr(0, equals);
    text.remove_prefix(equals + kWasmEquals.size());
    // A separator after which no key follows is part of the value.
    size_t end = text.find(kWasmSeparator);
    while (end != std::string_view::npos) {
      const std::string_view rest = text.substr(end + kWasmSeparator.size());
      if (rest.substr(0, rest.find(kWasmSeparator)).find(kWasmEquals) != std::string_view::npos) {
        break;
      }
      end = text.find(kWasmSeparator, end + 1);
    }
    labels.Add(key, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + kWasmSeparator.size());
  }
}

}  // namespace

bool ReadStatName(std::string_view name, const ReaderOptions& options, LabelSet& labels) {
  if (name.substr(0, kNativePrefix.size()) == kNativePrefix) {
    name.remove_prefix(kNativePrefix.size());
    const std::string_view metric_name = FirstSegment(name);
    const std::optional<Metric> metric = ParseMetric(metric_name);
    if (!metric) {
      return false;
    }
    labels.Begin(*metric);
    DottedName(options, labels).Read(AfterSegment(name, metric_name));
    return true;
  }
  const size_t end = name.rfind(kWasmSeparator);
  if (end == std::string_view::npos) {
    return false;
  }
  std::string_view metric_name = name.substr(end + kWasmSeparator.size());
  if (!metric_name.empty() && metric_name.front() == '_') {
    metric_name.remove_prefix(1);
  }
  const std::optional<Metric> metric = ParseMetric(metric_name);
  if (!metric) {
    return false;
  }
  name = name.substr(0, end);
  if (name.substr(0, kWasmPrefix.size()) == kWasmPrefix) {
    name.remove_prefix(kWasmPrefix.size());
  }
  labels.Begin(*metric);
  ReadWasmLabels(name, labels);
  return true;
}

}  // namespace network_mapper::istio
