// EXPECT_THAT(status, IsOk()); EXPECT_THAT(status_or, StatusIs(StatusCode::kNotFound,
// HasSubstr("pod")));
#pragma once

#include <ostream>
#include <string>

#include <gmock/gmock.h>

#include "common/status/status.h"

namespace network_mapper {

inline const Status& GetStatus(const Status& status) {
  return status;
}

template <typename T>
const Status& GetStatus(const StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << "whose status is " << StatusMessage(GetStatus(arg));
  return GetStatus(arg).ok();
}

MATCHER_P2(StatusIs, code, message_matcher, "") {
  const Status& status = GetStatus(arg);
  *result_listener << "whose status is " << StatusCodeName(status.code()) << ": "
                   << StatusMessage(status);
  return status.code() == code &&
         ::testing::ExplainMatchResult(message_matcher, StatusMessage(status), result_listener);
}

}  // namespace network_mapper
