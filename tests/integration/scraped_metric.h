// What a program's /metrics says.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <sstream>
#include <string>

namespace network_mapper {

// The total of a metric over all labels, or those with `label` among them; below zero when there is
// no answer.
inline double ScrapedMetric(uint16_t port, const std::string& name, const std::string& label = "") {
  httplib::Client client("127.0.0.1", port);
  const httplib::Result answer = client.Get("/metrics");
  double sum = answer ? 0 : -1;
  std::istringstream lines(answer ? answer->body : "");
  for (std::string line; std::getline(lines, line);) {
    const size_t end = line.find_first_of("{ ");
    if (line.substr(0, end) == name && line.find(label) != std::string::npos) {
      sum += std::stod(line.substr(line.rfind(' ')));
    }
  }
  return sum;
}

}  // namespace network_mapper
