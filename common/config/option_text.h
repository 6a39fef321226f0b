// Small pieces of text work that the parts of the option table share. Not for other rooms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace network_mapper {

// "OTTERIZE_REPORT_PORT" for "report-port".
std::string EnvironmentName(std::string_view option);

// "report-port" for "OTTERIZE_REPORT_PORT" and "NETWORK_MAPPER_REPORT_PORT"; empty for variables
// with another prefix.
std::string OptionNameOf(std::string_view variable);

inline constexpr std::string_view kEnvironmentPrefix = "OTTERIZE_";
// Of this project's name, which no variable has; people may expect it.
inline constexpr std::string_view kUnusedPrefix = "NETWORK_MAPPER_";

// Whether the kubelet or Docker may have made the variable for a service.
bool IsServiceVariable(std::string_view variable, std::string_view value);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace network_mapper
