// The error vocabulary of the project: absl::Status and absl::StatusOr, with messages built by fmt.
// A Status is returned wherever the outside world can make something fail; std::optional says that
// absence is normal. Debian's Abseil does not convert std::string_view, so messages are made here
// and nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

namespace network_mapper {

using absl::OkStatus;
using absl::Status;
using absl::StatusCode;
using absl::StatusOr;

Status MakeStatus(StatusCode code, std::string_view message);

// Puts `context` in front of the message: "watch pods: GET /api/v1/pods: 403". An OK status stays
// OK; payloads are kept.
Status Annotate(const Status& status, std::string_view context);

// The message without the code; "OK" for an OK status.
std::string StatusMessage(const Status& status);

// "permission_denied", "unavailable", ...: the code as a metric label or log field.
std::string_view StatusCodeName(StatusCode code);

template <typename... Args>
Status InvalidArgument(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status NotFound(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kNotFound, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status PermissionDenied(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kPermissionDenied,
                    fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status Unauthenticated(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kUnauthenticated, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status Unavailable(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kUnavailable, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status ResourceExhausted(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kResourceExhausted,
                    fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status FailedPrecondition(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kFailedPrecondition,
                    fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status DeadlineExceeded(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kDeadlineExceeded,
                    fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
Status Internal(fmt::format_string<Args...> format, Args&&... args) {
  return MakeStatus(StatusCode::kInternal, fmt::format(format, std::forward<Args>(args)...));
}

// From errno: "<what>: <strerror text>", with the code that fits (EACCES and EPERM become
// permission_denied, ...).
Status ErrnoStatus(int error_number, std::string_view what);

}  // namespace network_mapper

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
#define NM_STATUS_CONCAT_INNER(a, b) a##b
#define NM_STATUS_CONCAT(a, b) NM_STATUS_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression`, a Status, is not OK.
#define RETURN_IF_ERROR(expression)                                           \
  do {                                                                        \
    if (::network_mapper::Status nm_status = (expression); !nm_status.ok()) { \
      return nm_status;                                                       \
    }                                                                         \
  } while (false)

// ASSIGN_OR_RETURN(auto value, FunctionThatReturnsStatusOr());
#define ASSIGN_OR_RETURN(declaration, expression) \
  NM_ASSIGN_OR_RETURN(NM_STATUS_CONCAT(nm_status_or_, __LINE__), declaration, expression)
#define NM_ASSIGN_OR_RETURN(temporary, declaration, expression) \
  auto temporary = (expression);                                \
  if (!temporary.ok()) {                                        \
    return temporary.status();                                  \
  }                                                             \
  declaration = std::move(temporary).value()
// NOLINTEND(bugprone-macro-parentheses)
