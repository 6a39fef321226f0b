#include "common/http/response_head.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

TEST(ResponseHead, ReadsCodeAndHeaders) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type:  text/plain \r\nCONTENT-LENGTH: 5\r\n\r\nHello";
  const auto head = ParseResponseHead(text);
  ASSERT_THAT(head, IsOk());
  ASSERT_TRUE(head->has_value());
  EXPECT_EQ((*head)->code, 200);
  EXPECT_EQ((*head)->Header("content-type"), "text/plain");
  EXPECT_EQ((*head)->Header("upgrade"), "");
  EXPECT_EQ((*head)->ContentLength(), 5U);
  EXPECT_EQ(text.substr((*head)->size), "Hello");
}

TEST(ResponseHead, WaitsForTheEmptyLine) {
  const std::string text = "HTTP/1.0 403\r\nA: b\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const auto head = ParseResponseHead(text.substr(0, size));
    ASSERT_THAT(head, IsOk());
    EXPECT_FALSE(head->has_value());
  }
  EXPECT_EQ((*ParseResponseHead(text))->code, 403);
  EXPECT_FALSE((*ParseResponseHead(text))->ContentLength().has_value());
}

TEST(ResponseHead, RefusesWhatIsNoHead) {
  for (const char* text : {"HTTP/2 200\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
                           "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                           "HTTP/1.1 200 OK\r\n: no name\r\n\r\n", "\r\n\r\n"}) {
    EXPECT_THAT(ParseResponseHead(text), StatusIs(StatusCode::kInvalidArgument, ::testing::_))
        << text;
  }
  EXPECT_THAT(ParseResponseHead(std::string(70'000, 'a')),
              StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("longer than")));
  EXPECT_FALSE((*ParseResponseHead("HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n"))
                   ->ContentLength()
                   .has_value());
}

}  // namespace
}  // namespace network_mapper
