// The full name of an Envoy statistic -> its labels, in the shapes of all Istio versions:
//   istiocustom.istio_requests_total.<key>.<value>.<key>.<value>...   native filter, 1.17 and later
//   [wasmcustom.]<key>=.=<value>;.;...;.;[_]istio_requests_total      Wasm plugin, before
// The dotted shape does not escape: keys are found by their fixed order, and an empty value leaves
// nothing between two keys.
#pragma once

#include <string_view>

#include "istio-watcher/metrics/label_set.h"
#include "istio-watcher/metrics/reader_options.h"

namespace network_mapper::istio {

// Begins `labels` anew and fills it; the caller finishes it with the value. False: another
// statistic, or one that is refused, which `labels` has counted then.
bool ReadStatName(std::string_view name, const ReaderOptions& options, LabelSet& labels);

}  // namespace network_mapper::istio
