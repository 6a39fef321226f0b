// A request to AWS and its answer as the proxy saw them go by. Views into the caller's memory;
// nothing is copied. Bodies are their first bytes, as far as the recogniser asked for them. None of
// this is ever logged: headers carry credentials, bodies secrets.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace network_mapper::aws {

struct Header {
  // In any letter case.
  std::string_view name;
  std::string_view value;
};

struct RequestHead {
  // As sent, such as "GET".
  std::string_view method;
  // The Host header, or HTTP/2's :authority; without a port's colon or with it.
  std::string_view host;
  // Raw path and query as sent: "/a%20b?list-type=2".
  std::string_view target;
  std::span<const Header> headers;
};

struct ResponseHead {
  int status = 0;
  std::span<const Header> headers;
};

struct Body {
  // Without chunked framing; aws-chunked and content encodings are left as they are.
  std::string_view bytes;
  // Whether that is all of it.
  bool complete = true;
};

// What an answer says of the permission.
enum class Answer : uint8_t {
  kNone,
  // 2xx or 304, and of several things not all refused.
  kSucceeded,
  // IAM refused it, or who called was not accepted.
  kDenied,
  // Nothing is known of the permission: there is no such thing, the request makes no sense, AWS
  // failed itself, led elsewhere, or was asked too often.
  kFailed,
};

}  // namespace network_mapper::aws
