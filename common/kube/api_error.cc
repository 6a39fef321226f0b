#include "common/kube/api_error.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <absl/strings/cord.h>
#include <nlohmann/json.hpp>

#include "common/kube/json_member.h"

namespace network_mapper::kube {

namespace {

constexpr std::string_view kHttpCodeUrl = "network-mapper/http-code";
constexpr std::string_view kRetryAfterUrl = "network-mapper/retry-after-seconds";
constexpr std::string_view kForeignBodyUrl = "network-mapper/foreign-body";
// A body that is no Status object is quoted up to this length.
constexpr size_t kLongestQuote = 300;
constexpr size_t kLargestStatus = size_t{1} << 20U;

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

std::optional<int> ParseInt(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<int> IntPayload(const Status& status, std::string_view url) {
  const auto payload = status.GetPayload(ToAbsl(url));
  if (!payload.has_value()) {
    return std::nullopt;
  }
  return ParseInt(std::string(*payload));
}

void SetIntPayload(Status& status, std::string_view url, int64_t value) {
  status.SetPayload(ToAbsl(url), absl::Cord(std::to_string(value)));
}

StatusCode CodeFromHttp(int http_code) {
  switch (http_code) {
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kNotFound;
    case 409:
      return StatusCode::kAborted;
    case 410:
      return StatusCode::kOutOfRange;
    case 429:
      return StatusCode::kUnavailable;
    default:
      if (http_code >= 500) {
        return StatusCode::kUnavailable;
      }
      return http_code >= 400 ? StatusCode::kInvalidArgument : StatusCode::kUnknown;
  }
}

std::optional<int> IntMember(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) {
    return std::nullopt;
  }
  return static_cast<int>(std::clamp<int64_t>(found->get<int64_t>(), 0, 1'000'000));
}

std::string Quote(std::string_view body) {
  std::string quote(body.substr(0, kLongestQuote));
  std::replace_if(
      quote.begin(), quote.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return quote;
}

}  // namespace

std::optional<ApiStatus> ParseApiStatus(std::string_view json) {
  if (json.size() > kLargestStatus) {
    return std::nullopt;
  }
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  if (!document.is_object() || StringMember(document, "kind") != "Status") {
    return std::nullopt;
  }
  ApiStatus status;
  status.code = IntMember(document, "code").value_or(0);
  status.message = StringMember(document, "message");
  status.reason = StringMember(document, "reason");
  const auto details = document.find("details");
  if (details != document.end() && details->is_object()) {
    if (const auto seconds = IntMember(*details, "retryAfterSeconds")) {
      status.retry_after = std::chrono::seconds(*seconds);
    }
  }
  return status;
}

Status ApiError(const FailedAnswer& answer) {
  std::optional<ApiStatus> parsed = ParseApiStatus(answer.body);
  const bool foreign = !parsed.has_value();
  if (foreign) {
    parsed.emplace();
    parsed->message = Quote(answer.body);
  }
  parsed->code = answer.http_code;
  if (const std::optional<int> seconds = ParseInt(answer.retry_after)) {
    parsed->retry_after = std::chrono::seconds(*seconds);
  }
  Status error = ErrorFromApiStatus(answer.request, *parsed);
  if (foreign) {
    error.SetPayload(ToAbsl(kForeignBodyUrl), absl::Cord(ToAbsl(answer.body)));
  }
  return error;
}

Status ErrorFromApiStatus(std::string_view request, const ApiStatus& status) {
  std::string text = fmt::format("{}: HTTP {}", request, status.code);
  for (const std::string& part : {status.reason, status.message}) {
    if (!part.empty()) {
      text += fmt::format(": {}", part);
    }
  }
  Status error = MakeStatus(CodeFromHttp(status.code), text);
  SetIntPayload(error, kHttpCodeUrl, status.code);
  if (status.retry_after.has_value()) {
    SetIntPayload(error, kRetryAfterUrl, status.retry_after->count());
  }
  return error;
}

std::optional<int> HttpCode(const Status& status) {
  return IntPayload(status, kHttpCodeUrl);
}

std::optional<std::string> ForeignBody(const Status& status) {
  const auto payload = status.GetPayload(ToAbsl(kForeignBodyUrl));
  return payload.has_value() ? std::optional(std::string(*payload)) : std::nullopt;
}

std::optional<std::chrono::seconds> RetryAfter(const Status& status) {
  const std::optional<int> seconds = IntPayload(status, kRetryAfterUrl);
  if (!seconds.has_value()) {
    return std::nullopt;
  }
  return std::chrono::seconds(*seconds);
}

}  // namespace network_mapper::kube
