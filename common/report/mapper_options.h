// The options by which a collector finds the mapper and shows who it is: the same for all programs
// that have a report stream.
#pragma once

#include <cstdint>
#include <string>

#include "common/config/options.h"
#include "common/report/report_client.h"
#include "common/status/status.h"

namespace network_mapper {

struct MapperOptions {
  // "host:port" of the mapper's report stream. Empty: the host of mapper_api_url with kReportPort,
  // else kDefaultMapper.
  std::string mapper_address;
  std::string mapper_api_url;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_server_name;
  std::string token_file;
};

inline constexpr uint16_t kReportPort = 9091;
inline constexpr const char* kDefaultMapper = "otterize-network-mapper:9091";

// Declares them on `table`, bound to `options`, in the group "Mapper".
void DeclareMapperOptions(OptionTable& table, MapperOptions& options);

// What the table cannot check; fills in the address.
Status CheckMapperOptions(MapperOptions& options);

// Address, TLS and token; the rest as it is by default.
ReportClientOptions ClientOptions(const MapperOptions& options);

}  // namespace network_mapper
