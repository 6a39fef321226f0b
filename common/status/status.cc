#include "common/status/status.h"

#include <cerrno>
#include <system_error>

namespace network_mapper {

namespace {

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

StatusCode CodeFromErrno(int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      return StatusCode::kPermissionDenied;
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EINVAL:
      return StatusCode::kInvalidArgument;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return StatusCode::kResourceExhausted;
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
    case EADDRINUSE:
      return StatusCode::kUnavailable;
    case ETIMEDOUT:
      return StatusCode::kDeadlineExceeded;
    default:
      return StatusCode::kUnknown;
  }
}

}  // namespace

Status MakeStatus(StatusCode code, std::string_view message) {
  return {code, ToAbsl(message)};
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) {
    return status;
  }
  Status annotated =
      MakeStatus(status.code(), fmt::format("{}: {}", context, StatusMessage(status)));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

std::string StatusMessage(const Status& status) {
  if (status.ok()) {
    return "OK";
  }
  return {status.message().data(), status.message().size()};
}

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kUnknown:
      return "unknown";
    case StatusCode::kInvalidArgument:
      return "invalid_argument";
    case StatusCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kAlreadyExists:
      return "already_exists";
    case StatusCode::kPermissionDenied:
      return "permission_denied";
    case StatusCode::kResourceExhausted:
      return "resource_exhausted";
    case StatusCode::kFailedPrecondition:
      return "failed_precondition";
    case StatusCode::kAborted:
      return "aborted";
    case StatusCode::kOutOfRange:
      return "out_of_range";
    case StatusCode::kUnimplemented:
      return "unimplemented";
    case StatusCode::kInternal:
      return "internal";
    case StatusCode::kUnavailable:
      return "unavailable";
    case StatusCode::kDataLoss:
      return "data_loss";
    case StatusCode::kUnauthenticated:
      return "unauthenticated";
    default:
      return "unknown";
  }
}

Status ErrnoStatus(int error_number, std::string_view what) {
  return MakeStatus(CodeFromErrno(error_number),
                    fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

}  // namespace network_mapper
