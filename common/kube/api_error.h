// Failures of API requests as Status: the code by HTTP code, the message from the server's `Status`
// object (apimachinery meta/v1), and the facts that a caller's retry needs as payload.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper::kube {

// The parts of an API `Status` object that matter here.
struct ApiStatus {
  int code = 0;
  std::string message;
  std::string reason;
  std::optional<std::chrono::seconds> retry_after;
};

// Absent when `json` is not an object of kind Status. Pure.
std::optional<ApiStatus> ParseApiStatus(std::string_view json);

struct FailedAnswer {
  // "list /api/v1/pods": what was tried.
  std::string_view request;
  int http_code = 0;
  std::string_view body;
  // The Retry-After header; empty when there is none.
  std::string_view retry_after;
};

Status ApiError(const FailedAnswer& answer);

// The error that a Status object within an answer reports, such as that of a watch's ERROR event.
Status ErrorFromApiStatus(std::string_view request, const ApiStatus& status);

// The HTTP code behind an error; absent for failures of the transport.
std::optional<int> HttpCode(const Status& status);
// The body of an answer that is no API server's: of the service behind its proxy.
std::optional<std::string> ForeignBody(const Status& status);
// How long the server asked to wait.
std::optional<std::chrono::seconds> RetryAfter(const Status& status);

}  // namespace network_mapper::kube
