#include "common/status/status.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

StatusOr<int> Half(int number) {
  if (number % 2 != 0) {
    return InvalidArgument("{} is odd", number);
  }
  return number / 2;
}

StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(int half, Half(number));
  ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

Status CheckEven(int number) {
  RETURN_IF_ERROR(Half(number).status());
  return OkStatus();
}

TEST(Status, CarriesCodeAndFormattedMessage) {
  EXPECT_THAT(NotFound("pod {}/{}", "shop", "web"),
              StatusIs(StatusCode::kNotFound, "pod shop/web"));
  EXPECT_EQ(StatusMessage(OkStatus()), "OK");
}

TEST(Status, MacrosPassErrorsOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_THAT(Quarter(6), StatusIs(StatusCode::kInvalidArgument, "3 is odd"));
  EXPECT_THAT(CheckEven(2), IsOk());
  EXPECT_THAT(CheckEven(1), StatusIs(StatusCode::kInvalidArgument, "1 is odd"));
}

TEST(Status, AnnotatesErrorsOnly) {
  EXPECT_THAT(Annotate(Unavailable("gone"), "watch pods"),
              StatusIs(StatusCode::kUnavailable, "watch pods: gone"));
  EXPECT_THAT(Annotate(OkStatus(), "watch pods"), IsOk());
}

TEST(Status, MapsErrno) {
  EXPECT_THAT(ErrnoStatus(EACCES, "open x"),
              StatusIs(StatusCode::kPermissionDenied, StartsWith("open x: ")));
  EXPECT_THAT(ErrnoStatus(ENOENT, "open x"),
              StatusIs(StatusCode::kNotFound, HasSubstr("No such file")));
  EXPECT_THAT(ErrnoStatus(EADDRINUSE, "bind"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("in use")));
  EXPECT_EQ(StatusCodeName(StatusCode::kResourceExhausted), "resource_exhausted");
}

}  // namespace
}  // namespace network_mapper
