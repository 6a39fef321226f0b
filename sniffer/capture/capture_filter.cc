#include "sniffer/capture/capture_filter.h"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace network_mapper::sniffer {

namespace {

// "tcp[...]" compiles to a test for IPv4, so IPv6 is spelled out: next header at byte 6 of the IPv6
// header, TCP flags at byte 40 + 13.
constexpr std::string_view kSynV4 = "tcp[13] & 2 != 0";
constexpr std::string_view kSynV6 = "(ip6 and ip6[6] = 6 and ip6[53] & 2 != 0)";
// Hop-by-hop options, routing, fragment, authentication, destination options.
constexpr std::string_view kExtensionHeadersV6 =
    "(ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60))";
constexpr std::string_view kNothing = "less 0";

std::string WithoutVlan(const CaptureFilterOptions& options) {
  std::vector<std::string> terms;
  if (options.dns) {
    for (uint16_t port : options.dns_ports) {
      terms.push_back(fmt::format("udp src port {0} or tcp src port {0}", port));
    }
  }
  if (options.tcp_syn) {
    terms.emplace_back(kSynV4);
    terms.emplace_back(kSynV6);
  }
  if (terms.empty()) {
    return "";
  }
  terms.emplace_back(kExtensionHeadersV6);
  return fmt::format("{}", fmt::join(terms, " or "));
}

}  // namespace

std::string BuildCaptureFilter(const CaptureFilterOptions& options) {
  std::string untagged = WithoutVlan(options);
  if (untagged.empty()) {
    return std::string(kNothing);
  }
  if (!options.vlan) {
    return untagged;
  }
  // "vlan" moves the offsets of all that follows it, so the tagged forms come last and nest.
  return fmt::format("({0}) or (vlan and (({0}) or (vlan and ({0}))))", untagged);
}

}  // namespace network_mapper::sniffer
