#include "istio-watcher/deltas/growth.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace network_mapper::istio {

namespace {

// Flags that do not say that Envoy answered in the server's place: the client left, the call was
// delayed on purpose, retries were used up (the last answer was passed on).
constexpr std::array<std::string_view, 4> kHarmlessFlags = {"-", "DC", "DI", "URX"};

bool HasHarmfulFlag(std::string_view flags) {
  while (!flags.empty()) {
    const std::string_view flag = flags.substr(0, flags.find(','));
    if (std::find(kHarmlessFlags.begin(), kHarmlessFlags.end(), flag) == kHarmlessFlags.end()) {
      return true;
    }
    flags.remove_prefix(std::min(flag.size() + 1, flags.size()));
  }
  return false;
}

}  // namespace

bool WasAnswered(const Series& series) {
  const bool is_flagged = HasHarmfulFlag(series.response_flags);
  if (series.metric == Metric::kTcpConnectionsOpened || series.response_code.empty()) {
    return !is_flagged;
  }
  int code = 0;
  const std::string_view text = series.response_code;
  std::from_chars(text.data(), text.data() + text.size(), code);
  if (code == 0 || code == 401 || code == 403) {
    return false;
  }
  const std::string_view status = series.grpc_response_status;
  if (status == "7" || status == "16" || status == "14") {
    return false;
  }
  const bool has_failed = code >= 400 || (!status.empty() && status != "0");
  return !has_failed || !is_flagged;
}

}  // namespace network_mapper::istio
