// A line of the Kubernetes log API with timestamps=true: RFC 3339 with nine digits and the node's
// zone, one blank, the text (kubelet's cri-client/pkg/logs).
#pragma once

#include <optional>
#include <string_view>

#include "common/time/clock.h"

namespace network_mapper::kafka {

struct StampedLine {
  Time at;
  std::string_view text;
};

// Absent for a line without a stamp, such as an error text of the node.
std::optional<StampedLine> ParseStampedLine(std::string_view line);

}  // namespace network_mapper::kafka
