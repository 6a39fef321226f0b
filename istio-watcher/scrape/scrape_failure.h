// Why a proxy's statistics could not be read.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace network_mapper::istio {

enum class ScrapeFailure : uint8_t {
  kUnreachable,  // no connection: refused, no route, ended before an answer
  kTimeout,      // not all of the answer within the limit
  kForbidden,    // 401 or 403: metrics for localhost only
  kRedirect,     // not followed
  kBadStatus,    // another code than 200
  kContentType,  // no text
  kCompressed,   // although that was not asked for
  kNotHttp,      // no answer of HTTP/1, or one with a framing that makes no sense
  kCut,          // the answer ended too early
  kTooLong,      // over the limit of an answer
  // Of proxies that were forbidden, by a command in their pod:
  kExecForbidden,  // no right to run one
  kExecFailed,     // it could not be run, or ended with an error
};
inline constexpr std::array kAllScrapeFailures = {
    ScrapeFailure::kUnreachable, ScrapeFailure::kTimeout,       ScrapeFailure::kForbidden,
    ScrapeFailure::kRedirect,    ScrapeFailure::kBadStatus,     ScrapeFailure::kContentType,
    ScrapeFailure::kCompressed,  ScrapeFailure::kNotHttp,       ScrapeFailure::kCut,
    ScrapeFailure::kTooLong,     ScrapeFailure::kExecForbidden, ScrapeFailure::kExecFailed};

// "unreachable", "timeout", ...: the value of a metric's label.
std::string_view ScrapeFailureName(ScrapeFailure failure);

}  // namespace network_mapper::istio
