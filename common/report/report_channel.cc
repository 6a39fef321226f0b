#include "common/report/report_channel.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/net/ip_address.h"
#include "common/report/pem_file.h"
#include "common/report/token_file.h"

namespace network_mapper {

namespace {

// Welcome and acknowledgements are a few bytes.
constexpr int kMaxResponseBytes = 64 * 1024;
constexpr int kMaxMetadataBytes = 16 * 1024;

struct HostPort {
  std::string_view host;
  bool bracketed = false;
};

std::optional<HostPort> SplitHostPort(std::string_view address) {
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view port_text = address.substr(colon + 1);
  uint16_t port = 0;
  const char* end = port_text.data() + port_text.size();
  auto [parsed_to, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc() || parsed_to != end || port == 0) {
    return std::nullopt;
  }
  HostPort result{.host = address.substr(0, colon)};
  if (result.host.size() > 2 && result.host.front() == '[' && result.host.back() == ']') {
    result.host = result.host.substr(1, result.host.size() - 2);
    result.bracketed = true;
  }
  return result;
}

bool IsHostName(std::string_view host) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of(kAllowed) == std::string_view::npos;
}

// The address with gRPC's resolver scheme in front; absent: not one of the forms.
std::optional<std::string> ChannelTarget(const std::string& address) {
  std::optional<HostPort> parts = SplitHostPort(address);
  if (!parts) {
    return std::nullopt;
  }
  std::optional<IpAddress> ip = IpAddress::Parse(parts->host);
  bool is_v6_text = parts->host.find(':') != std::string_view::npos;
  if (parts->bracketed) {
    return ip && is_v6_text ? std::optional("ipv6:" + address) : std::nullopt;
  }
  if (ip && !is_v6_text) {
    return "ipv4:" + address;
  }
  return IsHostName(parts->host) ? std::optional("dns:///" + address) : std::nullopt;
}

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const ReportClientTls& tls) {
  if (!tls.enabled) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions options;
  if (!tls.ca_file.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, ReadPemCertificates(kTlsCaFile, tls.ca_file));
  }
  if (!tls.certificate_file.empty()) {
    ASSIGN_OR_RETURN(PemKeyPair pair, ReadPemKeyPair(tls.certificate_file, tls.key_file));
    options.pem_cert_chain = std::move(pair.certificate_chain);
    options.pem_private_key = std::move(pair.private_key);
  }
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments MakeArguments(const ReportClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A pod's DNS must not be able to turn on client features.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // The client itself decides when to try again, with a new channel and newly read credentials.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive_time.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(options.keepalive_timeout.count()));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Memory: no channel history, no bandwidth probes.
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  if (options.tls.enabled && !options.tls.server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls.server_name);
  }
  return arguments;
}

}  // namespace

Status CheckReportClientOptions(const ReportClientOptions& options) {
  if (!ChannelTarget(options.address)) {
    return InvalidArgument("mapper address \"{}\" is not host:port, a.b.c.d:port or [v6]:port",
                           options.address);
  }
  if (options.tls.certificate_file.empty() != options.tls.key_file.empty()) {
    return InvalidArgument("a client certificate needs both a certificate file and a key file");
  }
  if (!options.token_file.empty()) {
    if (!options.tls.enabled) {
      return InvalidArgument("a token is sent over TLS only");
    }
    RETURN_IF_ERROR(ReadTokenFile(options.token_file).status());
  }
  if (options.window == 0 || options.spool_bytes == 0 || options.spool_observations == 0) {
    return InvalidArgument("window and spool bounds must not be zero");
  }
  return MakeCredentials(options.tls).status();
}

StatusOr<std::shared_ptr<grpc::Channel>> MakeReportChannel(const ReportClientOptions& options) {
  ASSIGN_OR_RETURN(auto credentials, MakeCredentials(options.tls));
  return grpc::CreateCustomChannel(*ChannelTarget(options.address), credentials,
                                   MakeArguments(options));
}

}  // namespace network_mapper
