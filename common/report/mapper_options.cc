#include "common/report/mapper_options.h"

#include <string_view>

#include <fmt/format.h>

namespace network_mapper {

namespace {

// The host of "http://host:port/path", brackets of IPv6 kept; empty when there is none.
std::string_view HostOfUrl(std::string_view url) {
  size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) {
    return url.substr(0, url.find(']') + 1);
  }
  return url.substr(0, url.find(':'));
}

}  // namespace

void DeclareMapperOptions(OptionTable& table, MapperOptions& options) {
  constexpr std::string_view kGroup = "Mapper";
  table
      .Add("mapper-address", &options.mapper_address,
           "Report stream of the mapper, host:port (default: the host of --mapper-api-url, else "
           "otterize-network-mapper, port 9091)")
      .Group(kGroup);
  table
      .Add("mapper-api-url", &options.mapper_api_url,
           "The original's setting; only its host is used, and only without --mapper-address")
      .Group(kGroup);
  table
      .Add("tls-ca-file", &options.tls_ca_file,
           "Authority (PEM) of the mapper's certificate; switches TLS on")
      .Group(kGroup);
  table.Add("tls-cert-file", &options.tls_cert_file, "Own certificate (PEM), for mutual TLS")
      .Group(kGroup);
  table.Add("tls-key-file", &options.tls_key_file, "Private key (PEM) of that certificate")
      .Group(kGroup);
  table
      .Add("tls-server-name", &options.tls_server_name,
           "Name in the mapper's certificate, if it is not the address's host")
      .Group(kGroup);
  table
      .Add(
          "token-file", &options.token_file,
          "ServiceAccount token that tells the mapper who reports; read again at every connection, "
          "sent over TLS only")
      .Group(kGroup);
}

Status CheckMapperOptions(MapperOptions& options) {
  if (options.mapper_address.empty()) {
    std::string_view host = HostOfUrl(options.mapper_api_url);
    options.mapper_address =
        host.empty() ? std::string(kDefaultMapper) : fmt::format("{}:{}", host, kReportPort);
  }
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    return InvalidArgument(
        "options tls-cert-file and tls-key-file belong together: give both or neither");
  }
  if (!options.tls_server_name.empty() && options.tls_ca_file.empty() &&
      options.tls_cert_file.empty()) {
    return InvalidArgument("option tls-server-name needs tls-ca-file, which switches TLS on");
  }
  if (!options.token_file.empty() && options.tls_ca_file.empty() && options.tls_cert_file.empty()) {
    return InvalidArgument("option token-file needs tls-ca-file, which switches TLS on");
  }
  return OkStatus();
}

ReportClientOptions ClientOptions(const MapperOptions& options) {
  ReportClientOptions client;
  client.address = options.mapper_address;
  client.tls = {.enabled = !options.tls_ca_file.empty() || !options.tls_cert_file.empty(),
                .ca_file = options.tls_ca_file,
                .certificate_file = options.tls_cert_file,
                .key_file = options.tls_key_file,
                .server_name = options.tls_server_name};
  client.token_file = options.token_file;
  return client;
}

}  // namespace network_mapper
