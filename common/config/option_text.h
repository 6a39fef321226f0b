// Small pieces of text work that the parts of the option table share. Not for other rooms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace network_mapper {

// "OTTERIZE_REPORT_PORT" for "report-port".
std::string EnvironmentName(std::string_view option);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace network_mapper
