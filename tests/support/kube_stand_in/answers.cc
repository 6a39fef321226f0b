#include "tests/support/kube_stand_in/answers.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "tests/support/kube_stand_in/watch_stream.h"

namespace network_mapper::stand_in {

namespace {

constexpr const char* kJson = "application/json";

struct HttpError {
  int code;
  const char* reason;
};

HttpError HttpErrorOf(StatusCode code) {
  switch (code) {
    case StatusCode::kNotFound:
      return {404, "NotFound"};
    case StatusCode::kAlreadyExists:
      return {409, "AlreadyExists"};
    case StatusCode::kAborted:
      return {409, "Conflict"};
    case StatusCode::kOutOfRange:
      return {410, "Expired"};
    case StatusCode::kInvalidArgument:
      return {422, "Invalid"};
    default:
      return {500, "InternalError"};
  }
}

}  // namespace

void Answer(httplib::Response& response, int code, std::string body) {
  response.status = code;
  response.set_header("Content-Type", kJson);
  response.body = std::move(body);
}

void AnswerError(httplib::Response& response, int code, std::string_view reason,
                 std::string_view message) {
  Answer(response, code, StatusBody(code, reason, message));
}

void AnswerError(httplib::Response& response, const Status& status) {
  const HttpError error = HttpErrorOf(status.code());
  AnswerError(response, error.code, error.reason, StatusMessage(status));
}

void AnswerLarge(httplib::Response& response, std::string body, size_t sent_bytes) {
  const auto shared = std::make_shared<const std::string>(std::move(body));
  response.status = 200;
  response.set_content_provider(
      shared->size(), kJson,
      [shared, sent_bytes](size_t offset, size_t length, httplib::DataSink& sink) {
        const size_t end = std::min({offset + length, sent_bytes, shared->size()});
        return offset < end && sink.write(shared->data() + offset, end - offset);
      });
}

void AnswerNothing(httplib::Response& response, const std::function<bool()>& stopping) {
  response.status = 200;
  response.set_chunked_content_provider(kJson, [stopping](size_t, httplib::DataSink& sink) {
    if (stopping() || !sink.is_writable()) {
      return false;
    }
    std::this_thread::sleep_for(kStreamSlice);
    return true;
  });
}

bool AnswerFault(const Fault& fault, const RequestWords& what,
                 const std::function<bool()>& stopping, httplib::Response& response) {
  switch (fault.kind) {
    case FaultKind::kGone:
      AnswerError(response, 410, "Expired", "too old resource version: 1 (2)");
      return true;
    case FaultKind::kTooManyRequests:
      response.set_header("Retry-After", std::to_string(fault.retry_after_seconds));
      AnswerError(response, 429, "TooManyRequests", "too many requests, please try again later");
      return true;
    case FaultKind::kInternalError:
      AnswerError(response, 500, "InternalError", "an error on the server");
      return true;
    case FaultKind::kForbidden:
      AnswerError(response, 403, "Forbidden", what.Forbidden());
      return true;
    case FaultKind::kDropConnection:
      AnswerLarge(response, "{}", 0);
      return true;
    case FaultKind::kSilent:
      AnswerNothing(response, stopping);
      return true;
    case FaultKind::kGoneFrame:
    case FaultKind::kHalfObject:
      return false;
  }
  return false;
}

}  // namespace network_mapper::stand_in
