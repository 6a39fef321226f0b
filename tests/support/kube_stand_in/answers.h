// Answers as an API server words them, over httplib's response. Used by all that answer requests
// here.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "tests/support/kube_stand_in/fault_plan.h"
#include "tests/support/kube_stand_in/request_words.h"

namespace network_mapper::stand_in {

// A watch, and a request that is left without an answer, look this often whether they shall end.
inline constexpr std::chrono::milliseconds kStreamSlice{200};

void Answer(httplib::Response& response, int code, std::string body);
// A Status object.
void AnswerError(httplib::Response& response, int code, std::string_view reason,
                 std::string_view message);
void AnswerError(httplib::Response& response, const Status& status);
// Sends the body without a copy and without compression; after `sent_bytes` the connection breaks.
void AnswerLarge(httplib::Response& response, std::string body, size_t sent_bytes);
// 200, then nothing until the client leaves or `stopping` says so.
void AnswerNothing(httplib::Response& response, const std::function<bool()>& stopping);

// False for faults that need the answer they break.
bool AnswerFault(const Fault& fault, const RequestWords& what,
                 const std::function<bool()>& stopping, httplib::Response& response);

}  // namespace network_mapper::stand_in
