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

constexpr std::chrono::seconds kRepeatInterval{60};
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

// And of src/core/ext/transport/chttp2/server/chttp2_server.cc: a client that does not accept the
// server's certificate says nothing, it closes the connection.
bool IsHangUpInHandshake(std::string_view text) {
  return text.starts_with("Handshaking failed: ") &&
         (text.find("Socket closed") != std::string_view::npos ||
          text.find("Connection reset") != std::string_view::npos);
}

// The host in ... target_address:"ipv4:10.0.0.1:4711" ...; the port changes with every attempt.
std::string_view PeerHost(std::string_view text) {
  constexpr std::string_view kField = "target_address:\"";
  size_t start = text.find(kField);
  if (start == std::string_view::npos) {
    return "unknown";
  }
  text.remove_prefix(start + kField.size());
  text = text.substr(0, text.find('"'));
  return text.substr(0, text.rfind(':'));
}

bool MayLog(std::string_view text) {
  return GetRelay().limits.With([text](auto& limits) {
    if (limits.size() >= kMostCauses && limits.count(text) == 0) {
      limits.clear();
    }
    auto [limit, added] = limits.try_emplace(std::string(text), kRepeatInterval);
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
  if (IsHangUpInHandshake(text)) {
    ++GetRelay().failed_handshakes;
    std::string_view peer = PeerHost(text);
    if (MayLog(peer)) {
      LogWarn("a collector hung up during the TLS handshake",
              {{"peer", peer},
               {"remedy",
                "it may not accept this mapper's certificate: check its --tls-ca-file; "
                "its own log says why"}});
    }
    return;
  }
  if (IsFailedHandshake(text)) {
    ++GetRelay().failed_handshakes;
  }
  // What is below an error differs with every connection and would push the known causes out.
  if (arguments->severity == GPR_LOG_SEVERITY_ERROR && MayLog(text)) {
    LogWarn("message from gRPC", {{"text", text}, {"remedy", Explain(text)}});
  }
}

}  // namespace

void RouteGrpcLog() {
  std::call_once(GetRelay().installed, [] {
    // A server tells of clients that hang up at this level only.
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_DEBUG);
    gpr_set_log_function(OnMessage);
    google::protobuf::SetLogHandler(nullptr);
  });
}

uint64_t FailedTlsHandshakes() {
  return GetRelay().failed_handshakes;
}

}  // namespace network_mapper
