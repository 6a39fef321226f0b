#include "common/http/response_body.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::_;

ResponseHead HeadOf(std::string_view fields) {
  const auto head = ParseResponseHead("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n");
  EXPECT_TRUE(head.ok() && head->has_value());
  return **head;
}

struct Reading {
  std::string body;
  bool is_over = false;
  Status status;
};

Reading Read(std::string_view fields, std::string_view bytes, size_t chunk) {
  Reading reading;
  auto body = ResponseBody::After(HeadOf(fields));
  if (!body.ok()) {
    reading.status = body.status();
    return reading;
  }
  while (!bytes.empty() && reading.status.ok()) {
    reading.status = body->Feed(bytes.substr(0, chunk), [&reading](std::string_view part) {
      reading.body += part;
      return OkStatus();
    });
    bytes.remove_prefix(std::min(chunk, bytes.size()));
  }
  reading.is_over = body->IsOver();
  return reading;
}

TEST(ResponseBody, EndsAfterItsLengthHoweverItIsCut) {
  for (size_t chunk : {1U, 2U, 3U, 100U}) {
    const Reading reading = Read("Content-Length: 5\r\n", "helloworld", chunk);
    EXPECT_THAT(reading.status, IsOk());
    EXPECT_EQ(reading.body, "hello");
    EXPECT_TRUE(reading.is_over);
  }
  EXPECT_TRUE(Read("Content-Length: 0\r\n", "", 1).is_over);
}

TEST(ResponseBody, ComesInChunksHoweverItIsCut) {
  for (size_t chunk : {1U, 2U, 3U, 100U}) {
    const Reading reading =
        Read("Transfer-Encoding: Chunked\r\n",
             "5\r\nhello\r\nB;x=y\r\n, you world\r\n0\r\nX-Trailer: 1\r\n\r\nmore", chunk);
    EXPECT_THAT(reading.status, IsOk());
    EXPECT_EQ(reading.body, "hello, you world");
    EXPECT_TRUE(reading.is_over);
  }
}

TEST(ResponseBody, EndsWithTheConnectionWhereNothingIsSaid) {
  auto body = ResponseBody::After(HeadOf(""));
  ASSERT_THAT(body, IsOk());
  EXPECT_THAT(body->Feed("abc", [](std::string_view) { return OkStatus(); }), IsOk());
  EXPECT_FALSE(body->IsOver());
  EXPECT_THAT(body->EndOfConnection(), IsOk());
}

TEST(ResponseBody, ThatIsCutIsAnError) {
  for (const char* fields : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    auto body = ResponseBody::After(HeadOf(fields));
    ASSERT_THAT(body, IsOk());
    EXPECT_THAT(body->Feed("3\r\n", [](std::string_view) { return OkStatus(); }), IsOk());
    EXPECT_THAT(body->EndOfConnection(), StatusIs(StatusCode::kUnavailable, _));
  }
}

TEST(ResponseBody, RefusesFramingThatMakesNoSense) {
  for (const char* fields : {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: x\r\n",
                             "Content-Length: -1\r\n", "Transfer-Encoding: gzip\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"}) {
    EXPECT_THAT(Read(fields, "", 1).status, StatusIs(StatusCode::kInvalidArgument, _)) << fields;
  }
  const std::string long_line(2000, '0');
  for (const std::string& bytes :
       {std::string("x\r\n"), std::string("-1\r\n"), std::string("\r\n"),
        std::string("fffffffffffffffff\r\n"), std::string("1\r\nab\r\n"), long_line}) {
    EXPECT_THAT(Read("Transfer-Encoding: chunked\r\n", bytes, 7).status,
                StatusIs(StatusCode::kInvalidArgument, _));
  }
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) {
    trailers += "a: b\r\n";
  }
  EXPECT_THAT(Read("Transfer-Encoding: chunked\r\n", trailers, 100).status,
              StatusIs(StatusCode::kInvalidArgument, _));
}

TEST(ResponseBody, IsEndedByWhoeverTakesIt) {
  auto body = ResponseBody::After(HeadOf("Content-Length: 5\r\n"));
  ASSERT_THAT(body, IsOk());
  EXPECT_THAT(body->Feed("abc", [](std::string_view) { return ResourceExhausted("too much"); }),
              StatusIs(StatusCode::kResourceExhausted, _));
}

}  // namespace
}  // namespace network_mapper
