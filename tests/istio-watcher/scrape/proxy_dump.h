// What a proxy answers, in the fewest words, and the port of a scripted server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tests/common/kube/scripted_server.h"

namespace network_mapper::istio {

struct DumpLine {
  std::string path = "/x";
  uint64_t value = 1;
  std::string_view reporter = "source";
  std::string_view code = "200";
  bool has_labels = true;
};

inline std::string Line(const DumpLine& line) {
  return fmt::format(
      "istio_requests_total{{reporter=\"{}\",source_workload=\"web\",source_workload_namespace="
      "\"shop\",destination_workload=\"cart\",destination_workload_namespace=\"shop\","
      "destination_service_name=\"cart\",request_protocol=\"http\",response_code=\"{}\","
      "response_flags=\"-\"{}}} {}\n",
      line.reporter, line.code,
      line.has_labels ? fmt::format(",request_method=\"GET\",request_path=\"{}\"", line.path) : "",
      line.value);
}

inline std::string Answer(std::string_view body, std::string_view content_type = "text/plain") {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                     content_type, body.size(), body);
}

inline uint16_t PortOf(const ScriptedServer& server) {
  const std::string url = server.Url();
  return static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

}  // namespace network_mapper::istio
