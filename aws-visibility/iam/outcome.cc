#include "aws-visibility/iam/outcome.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/request_text.h"
#include "common/text/utf8.h"

namespace network_mapper::aws {
namespace {

constexpr size_t kMostDenialText = 4096;

// "com.amazonaws.kms#AccessDeniedException:http://..." is AccessDeniedException.
std::string_view BareCode(std::string_view code) {
  code = code.substr(code.rfind('#') + 1);
  return code.substr(0, code.find(':'));
}

struct Failure {
  std::string code;
  std::string message;
};

Failure ReadFailure(const ResponseHead& response, const Body& body) {
  Failure failure;
  const std::string_view bytes = body.bytes.substr(0, size_t{16} * 1024);
  if (const auto type = FindHeader(response.headers, "x-amzn-errortype")) {
    failure.code = BareCode(*type);
  }
  const size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) {
    return failure;
  }
  if (bytes[start] == '<') {
    size_t at = 0;
    if (auto code = ReadXmlText(bytes, "Code", at)) {
      failure.code = BareCode(*code);
    }
    at = 0;
    failure.message = ReadXmlText(bytes, "Message", at).value_or("");
    return failure;
  }
  WantedFields wanted;
  std::array<FieldValue, 5> values;
  static constexpr std::array<std::string_view, 5> kNames = {"__type", "code", "message", "Message",
                                                             "errorMessage"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    wanted.Want(kNames[i], {}, values[i]);
  }
  bytes[start] == '{' ? ReadJson(bytes, wanted) : ReadCbor(bytes, wanted);
  for (size_t i = 0; i < kNames.size(); ++i) {
    std::string& target = i < 2 ? failure.code : failure.message;
    if (target.empty() && !values[i].values.empty()) {
      target = i < 2 ? BareCode(values[i].values.front()) : values[i].values.front();
    }
  }
  return failure;
}

bool IsAction(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != 0 && colon != std::string_view::npos && colon + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == ':' || c == '_';
         });
}

// What follows `start`, up to the first of the words that may come next.
std::string_view Between(std::string_view text, std::string_view start) {
  const size_t at = text.find(start);
  if (at == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(at + start.size());
  size_t end = text.size();
  for (const std::string_view next : {" because", " with an explicit deny", " on resource:",
                                      " on role ", " is not authorized", " as ", "\n"}) {
    end = std::min(end, text.find(next));
  }
  text = text.substr(0, end);
  while (!text.empty() && (text.back() == '.' || text.back() == ' ' || text.back() == '"')) {
    text.remove_suffix(1);
  }
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) {
    text.remove_prefix(1);
  }
  return text;
}

std::optional<Denial> ReadDenial(std::string_view message) {
  message = message.substr(0, kMostDenialText);
  if (message.find("not authorized to perform") == std::string_view::npos || !IsUtf8(message) ||
      HasControlCharacter(message)) {
    return std::nullopt;
  }
  Denial denial;
  const std::string_view action = Between(message, "not authorized to perform:");
  if (!IsAction(action)) {
    return std::nullopt;
  }
  denial.action = action;
  const std::string_view caller = Between(message, "User:");
  denial.caller = IsArn(caller) ? caller : std::string_view();
  std::string_view resource = Between(message, "on resource:");
  if (resource.empty()) {
    resource = Between(message, "on role ");
  }
  denial.resource = IsArn(resource) ? resource : std::string_view();
  return denial;
}

}  // namespace

bool IsDenial(std::string_view code) {
  static constexpr std::array<std::string_view, 21> kCodes = {
      "AuthFailure",
      "AuthorizationError",
      "AuthorizationErrorException",
      "Client.UnauthorizedOperation",
      "ExpiredToken",
      "ExpiredTokenException",
      "ForbiddenException",
      "IncompleteSignature",
      "IncompleteSignatureException",
      "InvalidAccessKeyId",
      "InvalidClientTokenId",
      "InvalidSignatureException",
      "MissingAuthenticationToken",
      "MissingAuthenticationTokenException",
      "NotAuthorized",
      "OptInRequired",
      "RequestExpired",
      "RequestTimeTooSkewed",
      "SignatureDoesNotMatch",
      "UnauthorizedOperation",
      "UnrecognizedClientException",
  };
  return code.starts_with("AccessDenied") || code.starts_with("InvalidToken") ||
         std::binary_search(kCodes.begin(), kCodes.end(), code);
}

Outcome ReadOutcome(const ResponseHead& response, const Body& body) {
  const int status = response.status;
  if (status == 0) {
    return {};
  }
  if ((status >= 200 && status < 300) || status == 304) {
    return {.answer = Answer::kSucceeded, .denial = {}};
  }
  if (status >= 400 && status < 500) {
    const Failure failure = ReadFailure(response, body);
    if (status == 401 || status == 403 || IsDenial(failure.code)) {
      return {.answer = Answer::kDenied, .denial = ReadDenial(failure.message)};
    }
  }
  return {.answer = Answer::kFailed, .denial = {}};
}

std::string RoleOfCaller(std::string_view caller) {
  if (ArnPart(caller, 2) != "sts") {
    return {};
  }
  const std::string_view account = ArnPart(caller, 4);
  std::string_view resource = ArnPart(caller, 5);
  static constexpr std::string_view kAssumed = "assumed-role/";
  if (!IsAccount(account) || !resource.starts_with(kAssumed)) {
    return {};
  }
  resource.remove_prefix(kAssumed.size());
  return fmt::format("arn:{}:iam::{}:role/{}", ArnPart(caller, 1), account,
                     resource.substr(0, resource.find('/')));
}

}  // namespace network_mapper::aws
