#include "common/report/grpc_log.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include "common/concurrency/guarded.h"
#include "common/log/log.h"

namespace network_mapper {

namespace {

constexpr std::chrono::seconds kLogInterval{60};
// Peers can make messages differ; the list of what was said must not grow with them.
constexpr size_t kMostCauses = 64;

struct Relay {
  std::once_flag installed;
  std::atomic<uint64_t> failed_handshakes{0};
  Guarded<std::map<std::string, LogRateLimit, std::less<>>> limits;
};

Relay& GetRelay() {
  static Relay relay;
  return relay;
}

// Texts of gRPC 1.51, src/core/tsi/ssl_transport_security.cc.
bool IsFailedHandshake(std::string_view text) {
  return text.starts_with("Handshake failed with fatal error") ||
         text.starts_with("No match found for server name");
}

bool MayLog(std::string_view text) {
  return GetRelay().limits.With([text](auto& limits) {
    if (limits.size() >= kMostCauses && limits.count(text) == 0) {
      limits.clear();
    }
    auto [limit, added] = limits.try_emplace(std::string(text), kLogInterval);
    return limit->second.Allow(std::chrono::steady_clock::now());
  });
}

std::string_view Explain(std::string_view text) {
  if (!IsFailedHandshake(text)) {
    return "";
  }
  auto says = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (says("wrong version number") || says("http request")) {
    return "one side speaks TLS and the other plain text: set the tls options on both or neither";
  }
  if (says("did not return a certificate")) {
    return "a collector shows no certificate: give it --tls-cert-file and --tls-key-file, issued "
           "by the authority in the mapper's --tls-client-ca-file";
  }
  return "a certificate is not accepted: check its authority, name and dates; the other side's log "
         "says who it is";
}

void OnMessage(gpr_log_func_args* arguments) {
  std::string_view text = arguments->message;
  if (IsFailedHandshake(text)) {
    ++GetRelay().failed_handshakes;
  }
  if (MayLog(text)) {
    Log(arguments->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarn : LogLevel::kDebug,
        "message from gRPC", {{"text", text}, {"remedy", Explain(text)}});
  }
}

}  // namespace

void RouteGrpcLog() {
  std::call_once(GetRelay().installed, [] {
    gpr_set_log_function(OnMessage);
    google::protobuf::SetLogHandler(nullptr);
  });
}

uint64_t FailedTlsHandshakes() {
  return GetRelay().failed_handshakes;
}

}  // namespace network_mapper
