#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

std::string_view ScrapeFailureName(ScrapeFailure failure) {
  switch (failure) {
    case ScrapeFailure::kUnreachable:
      return "unreachable";
    case ScrapeFailure::kTimeout:
      return "timeout";
    case ScrapeFailure::kForbidden:
      return "forbidden";
    case ScrapeFailure::kRedirect:
      return "redirect";
    case ScrapeFailure::kBadStatus:
      return "bad_status";
    case ScrapeFailure::kContentType:
      return "content_type";
    case ScrapeFailure::kCompressed:
      return "compressed";
    case ScrapeFailure::kNotHttp:
      return "not_http";
    case ScrapeFailure::kCut:
      return "cut";
    case ScrapeFailure::kTooLong:
      return "too_long";
    case ScrapeFailure::kExecForbidden:
      return "exec_forbidden";
    case ScrapeFailure::kExecFailed:
      return "exec_failed";
  }
  return "";
}

}  // namespace network_mapper::istio
