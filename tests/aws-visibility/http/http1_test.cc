// HTTP/1.1 by its bytes: what is followed, what is refused, and that it makes no difference how the
// bytes are cut.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws-visibility/http/connection_reader.h"
#include "aws-visibility/http/head_text.h"
#include "tests/aws-visibility/http/heard_exchanges.h"

namespace network_mapper::aws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kRoom = size_t{1} << 20U;

// Two exchanges of requests and answers, cut into parts of `part` bytes each.
std::vector<std::string> Hear(std::string_view requests, std::string_view answers, size_t part,
                              BodyNeeds needs = {.request = 16, .response = 16}) {
  HeardExchanges heard;
  heard.needs = needs;
  KeepBudget budget(kRoom);
  {
    ConnectionReader reader(heard, budget);
    for (size_t i = 0; i < requests.size(); i += part) {
      EXPECT_EQ(reader.FromClient(requests.substr(i, part)), Reading::kFollowed);
    }
    for (size_t i = 0; i < answers.size(); i += part) {
      EXPECT_EQ(reader.FromServer(answers.substr(i, part)), Reading::kFollowed);
    }
    reader.EndOfServer();
    EXPECT_TRUE(reader.Idle());
  }
  EXPECT_EQ(budget.Used(), 0);
  return heard.all;
}

constexpr std::string_view kRequests =
    "POST /a?x=1 HTTP/1.1\r\nHost: sqs\r\nContent-Length: 5\r\n\r\nhello"
    "HEAD /b HTTP/1.1\r\nHost: s3\r\n\r\n"
    "PUT /c HTTP/1.1\r\nhOST:\t s3 \r\nTransfer-Encoding: Chunked\r\n\r\n"
    "4;signature=abc\r\nabcd\r\n00a\r\n0123456789\r\n0\r\nx-amz-checksum: y\r\n\r\n"
    "DELETE /d HTTP/1.1\r\nHost: s3\r\n\r\n"
    "GET /e HTTP/1.1\r\nHost: s3\r\n\r\n"
    "GET /f HTTP/1.0\r\nHost: s3\r\n\r\n";
constexpr std::string_view kAnswers =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nyes\r\n0\r\n\r\n"
    "HTTP/1.1 204 No Content\r\n\r\n"
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"
    "HTTP/1.0 403 Forbidden\r\n\r\nuntil the end";

TEST(Http1, FollowsRequestsAndAnswersHoweverTheyAreCut) {
  for (const size_t part : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{64}, kRoom}) {
    EXPECT_THAT(Hear(kRequests, kAnswers, part),
                ElementsAre("POST sqs /a?x=1 [hello] -> 200 [ok]", "HEAD s3 /b [] -> 200 []",
                            "PUT s3 /c [abcd0123456789] -> 200 [yes]", "DELETE s3 /d [] -> 204 []",
                            "GET s3 /e [] -> 304 []", "GET s3 /f [] -> 403 [until the end]"))
        << part;
  }
}

TEST(Http1, KeepsNoMoreOfABodyThanIsNeeded) {
  EXPECT_THAT(Hear("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789",
                   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n987654321", 2,
                   {.request = 4, .response = 3}),
              ElementsAre("POST a / [1234...] -> 200 [987...]"));
}

TEST(Http1, TellsAsSoonAsNothingMoreIsNeeded) {
  HeardExchanges heard;
  heard.needs = {.request = 4, .response = 0};
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  reader.FromClient("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345");
  EXPECT_THAT(heard.all, IsEmpty());
  reader.FromServer("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n");
  EXPECT_THAT(heard.all, ElementsAre("POST a / [1234...] -> 200 [...]"));
  EXPECT_FALSE(reader.Idle());
}

TEST(Http1, TellsOfARequestWithoutAnAnswerWhenTheConnectionEnds) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  {
    ConnectionReader reader(heard, budget);
    reader.FromClient("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345");
  }
  EXPECT_THAT(heard.all, ElementsAre("POST a / [12345...] -> 0 [...]"));
}

TEST(Http1, AnEarlyAnswerDoesNotConfuseTheNextRequest) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  reader.FromClient("PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n123");
  reader.FromServer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  reader.FromClient("456GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  reader.FromServer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
  EXPECT_THAT(heard.all, ElementsAre("PUT a /1 [123...] -> 403 [no]", "GET a /2 [] -> 200 [yes]"));
}

TEST(Http1, PassesFieldsAsTheyAre) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  {
    ConnectionReader reader(heard, budget);
    reader.FromClient(
        "GET /%20?a=b HTTP/1.1\r\nHost: a:443\r\nX-Amz-Target:Z.Y\r\nEmpty:\r\nUmlaut: "
        "\xc3\xa4\r\n\r\n");
  }
  EXPECT_THAT(heard.fields,
              ElementsAre("Host=a:443", "X-Amz-Target=Z.Y", "Empty=", "Umlaut=\xc3\xa4"));
}

std::string Repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

struct Refused {
  const char* what;
  std::string bytes;
  Reading reading = Reading::kAmbiguous;
};

std::vector<Refused> SmugglingAttempts() {
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  return {
      {"length and coding", get + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"coding and length", get + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"},
      {"two lengths", get + "Content-Length: 4\r\nContent-Length: 5\r\n\r\n"},
      {"the same length twice", get + "Content-Length: 4\r\nContent-Length: 4\r\n\r\n"},
      {"list of lengths", get + "Content-Length: 4, 4\r\n\r\n"},
      {"signed length", get + "Content-Length: +4\r\n\r\n"},
      {"negative length", get + "Content-Length: -4\r\n\r\n"},
      {"hexadecimal length", get + "Content-Length: 0x4\r\n\r\n"},
      {"empty length", get + "Content-Length:\r\n\r\n"},
      {"huge length", get + "Content-Length: 99999999999999999999\r\n\r\n"},
      {"blank in length", get + "Content-Length: 4 4\r\n\r\n"},
      {"unknown coding", get + "Transfer-Encoding: xchunked\r\n\r\n"},
      {"identity", get + "Transfer-Encoding: identity\r\n\r\n"},
      {"list of codings", get + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
      {"two codings", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"vertical tab before coding", get + "Transfer-Encoding: \x0b"
                                           "chunked\r\n\r\n"},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"blank before colon", get + "Content-Length : 4\r\n\r\n"},
      {"tab before colon", get + "Transfer-Encoding\t: chunked\r\n\r\n"},
      {"folded line", get + "X: a\r\n b\r\n\r\n"},
      {"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"line without colon", get + "nothing\r\n\r\n"},
      {"empty name", get + ": a\r\n\r\n"},
      {"null in value", get + std::string("X: a\0b\r\n\r\n", 10)},
      {"control in name", get + "X\x01: a\r\n\r\n"},
      {"two hosts", get + "Host: b\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare LF at the end", get + "X: a\n\r\n"},
      {"bare CR", get + "X: a\rY: b\r\n\r\n"},
      {"CR CR LF", get + "X: a\r\r\n\r\n"},
      {"empty line first", "\r\n" + get + "\r\n"},
      {"blank first", " " + get + "\r\n"},
      {"two blanks in the request line", "GET  / HTTP/1.1\r\n\r\n"},
      {"tab in the request line", "GET\t/ HTTP/1.1\r\n\r\n"},
      {"blank in the target", "GET /a b HTTP/1.1\r\n\r\n"},
      {"no version", "GET /\r\n\r\n"},
      {"another version", "GET / HTTP/1.2\r\n\r\n"},
      {"lower case version", "GET / http/1.1\r\n\r\n"},
      {"whole URL", "GET https://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"tunnel", "CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n", Reading::kConnect},
      {"large head", get + "X: " + std::string(70'000, 'x') + "\r\n\r\n", Reading::kLargeHead},
      {"many fields", get + Repeated("a:\r\n", 600) + "\r\n", Reading::kLargeHead},
      {"many lines", get + std::string(20'000, 'x'), Reading::kFollowed},
      {"chunk size with prefix", chunked + "0x4\r\nabcd\r\n0\r\n\r\n"},
      {"chunk size with sign", chunked + "+4\r\nabcd\r\n0\r\n\r\n"},
      {"chunk size with blank", chunked + " 4\r\nabcd\r\n0\r\n\r\n"},
      {"chunk size with blank after", chunked + "4 \r\nabcd\r\n0\r\n\r\n"},
      {"no chunk size", chunked + "\r\nabcd\r\n0\r\n\r\n"},
      {"chunk size that overflows", chunked + "10000000000000004\r\nabcd"},
      {"chunk size with bare LF", chunked + "4\nabcd\r\n0\r\n\r\n"},
      {"chunk extension with bare LF", chunked + "4;a\nb\r\nabcd\r\n0\r\n\r\n"},
      {"chunk extension with bare CR", chunked + "4;a\rb\r\nabcd\r\n0\r\n\r\n"},
      {"long chunk line", chunked + "4;" + std::string(2000, 'x') + "\r\nabcd\r\n0\r\n\r\n"},
      {"chunk that is longer than its size", chunked + "4\r\nabcde\r\n0\r\n\r\n"},
      {"chunk that ends in LF", chunked + "4\r\nabcd\n0\r\n\r\n"},
      {"length among trailers", chunked + "0\r\nContent-Length: 4\r\n\r\n"},
      {"coding among trailers", chunked + "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"folded trailer", chunked + "0\r\nX: a\r\n b\r\n\r\n"},
  };
}

TEST(Http1, RefusesWhatTwoReadersCouldUnderstandInTwoWays) {
  for (const Refused& attempt : SmugglingAttempts()) {
    for (const size_t part : {size_t{1}, kRoom}) {
      HeardExchanges heard;
      KeepBudget budget(kRoom);
      ConnectionReader reader(heard, budget);
      Reading reading = Reading::kFollowed;
      for (size_t i = 0; i < attempt.bytes.size() && reading == Reading::kFollowed; i += part) {
        reading = reader.FromClient(std::string_view(attempt.bytes).substr(i, part));
      }
      EXPECT_EQ(reading, attempt.reading) << attempt.what << ", cut by " << part;
    }
  }
}

TEST(Http1, RefusesASecondRequestThatIsBad) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  EXPECT_EQ(reader.FromClient("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Reading::kFollowed);
  EXPECT_EQ(reader.FromClient("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), Reading::kAmbiguous);
}

TEST(Http1, RefusesARequestForSomebodyElse) {
  HeardExchanges heard;
  heard.only_host = "a";
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  EXPECT_EQ(reader.FromClient("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Reading::kFollowed);
  EXPECT_EQ(reader.FromClient("GET / HTTP/1.1\r\nHost: b\r\n\r\n"), Reading::kOtherHost);
  // Of the second nothing is told.
  EXPECT_THAT(heard.all, ElementsAre("GET a / [] -> 0 [...]"));
}

TEST(Http1, RefusesMoreRequestsAheadThanItRemembers) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  Reading reading = Reading::kFollowed;
  int sent = 0;
  while (reading == Reading::kFollowed && sent < 1000) {
    reading = reader.FromClient("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ++sent;
  }
  EXPECT_EQ(reading, Reading::kPipelining);
  EXPECT_LT(sent, 200);
}

TEST(Http1, HandsOnUnreadWhatIsNotHttpOrHasBecomeSomethingElse) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  {
    ConnectionReader mqtt(heard, budget);
    EXPECT_EQ(mqtt.FromClient("\x10\x1a"), Reading::kNotHttp);
  }
  {
    ConnectionReader upgraded(heard, budget);
    EXPECT_EQ(upgraded.FromClient("GET /mqtt HTTP/1.1\r\nHost: iot\r\nUpgrade: websocket\r\n\r\n"),
              Reading::kFollowed);
    EXPECT_EQ(upgraded.FromServer("HTTP/1.1 101 Switching Protocols\r\n\r\n\x82"),
              Reading::kUpgraded);
  }
  EXPECT_THAT(heard.all, ElementsAre("GET iot /mqtt [] -> 101 [...]"));
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 408 Timeout\r\n\r\n"};
  for (const std::string& answer : answers) {
    ConnectionReader reader(heard, budget);
    reader.FromClient("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(reader.FromServer(answer), Reading::kUnreadable) << answer.substr(0, 80);
  }
}

TEST(Http1, WithoutRoomTellsLessAndFollowsOn) {
  HeardExchanges heard;
  heard.needs = {.request = 2000, .response = 2000};
  KeepBudget budget(1'500);
  ConnectionReader reader(heard, budget);
  const std::string body(1'500, 'b');
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        reader.FromClient("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n" + body),
        Reading::kFollowed);
    EXPECT_EQ(reader.FromServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
              Reading::kFollowed);
  }
  const std::string large = "GET /" + std::string(1'500, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(reader.FromClient(large), Reading::kFollowed);
  EXPECT_EQ(reader.FromServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Reading::kFollowed);
  // Without its body a call would seem to be on anything.
  EXPECT_THAT(heard.all, testing::IsEmpty());
  EXPECT_THAT(heard.losses, testing::Contains(Loss::kNoRoomForBody));
  EXPECT_EQ(heard.losses.back(), Loss::kNoRoomForHead);
  EXPECT_EQ(budget.Used(), 0);
}

TEST(Http1, ABodyThatStandsStillIsNotKept) {
  HeardExchanges heard;
  heard.needs = {.request = 2'000, .response = 2'000};
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  EXPECT_FALSE(reader.DropStill());
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n";
  reader.FromClient(head + std::string(1'000, 'b'));
  EXPECT_TRUE(reader.DropStill());
  reader.FromClient(std::string(100, 'b'));
  EXPECT_TRUE(reader.DropStill());
  EXPECT_GT(budget.Used(), 1'000);
  EXPECT_THAT(heard.losses, testing::IsEmpty());
  EXPECT_FALSE(reader.DropStill());
  EXPECT_LT(budget.Used(), 1'000);
  EXPECT_THAT(heard.losses, ElementsAre(Loss::kStillBody));
  EXPECT_EQ(reader.FromClient(std::string(400, 'b')), Reading::kFollowed);
  // One that is whole may wait for its answer.
  reader.FromClient("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nyes");
  EXPECT_FALSE(reader.DropStill());
  EXPECT_FALSE(reader.DropStill());
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  reader.FromServer(answer + "ok" + answer + "o");
  EXPECT_TRUE(reader.DropStill());
  EXPECT_FALSE(reader.DropStill());
  EXPECT_THAT(heard.all, ElementsAre("POST a / [yes] -> 200 [...]"));
  EXPECT_EQ(heard.losses.size(), 2);
}

TEST(KeepBudget, BodiesLeaveRoomForHeads) {
  KeepBudget budget(1'000);
  EXPECT_FALSE(budget.Take(751, Kept::kBody));
  EXPECT_TRUE(budget.Take(750, Kept::kBody));
  EXPECT_FALSE(budget.Take(1, Kept::kBody));
  EXPECT_TRUE(budget.Take(250, Kept::kHead));
  EXPECT_FALSE(budget.Take(1, Kept::kHead));
  EXPECT_EQ(budget.Used(), 1'000);
}

TEST(KeepBudget, AClientHasItsPartAndSomeHeadsInAnyCase) {
  KeepBudget all(1'000);
  KeepBudget one(all, 600, 10);
  KeepBudget two(all, 600, 10);
  KeepBudget three(all, 600, 10);
  EXPECT_FALSE(one.Take(601, Kept::kHead));
  EXPECT_TRUE(one.Take(600, Kept::kHead));
  EXPECT_TRUE(two.Take(400, Kept::kHead));
  EXPECT_FALSE(two.Take(1, Kept::kHead));
  EXPECT_FALSE(three.Take(1, Kept::kBody));
  EXPECT_TRUE(three.Take(10, Kept::kHead));
  EXPECT_FALSE(three.Take(1, Kept::kHead));
  EXPECT_EQ(all.Used(), 1'010);
  one.Return(600, Kept::kHead);
  EXPECT_TRUE(three.Take(1, Kept::kHead));
  two.Return(400, Kept::kHead);
  three.Return(11, Kept::kHead);
  EXPECT_EQ(all.Used(), 0);
}

TEST(Http1, ListsOfFieldsAreKeptWithinTheBudget) {
  HeardExchanges heard;
  KeepBudget budget(kRoom);
  ConnectionReader reader(heard, budget);
  constexpr size_t kAhead = 120;
  constexpr size_t kFields = 500;
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\n" + Repeated("x:\r\n", kFields) + "\r\n";
  const size_t before = AllocatedBytes();
  for (size_t i = 0; i < kAhead; ++i) {
    EXPECT_EQ(reader.FromClient(request), Reading::kFollowed);
  }
  EXPECT_LT(AllocatedBytes(), before + kRoom * 5 / 4);
  const size_t kept = kAhead - heard.losses.size();
  EXPECT_GT(kept, 50);
  EXPECT_LE(kept * (request.size() + kFields * sizeof(HeadText::Field)), kRoom);
}

TEST(Http1, HeadsThatAreStillComingAreKeptWithinTheBudget) {
  HeardExchanges heard;
  KeepBudget budget(30'000);
  const std::string begun = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x');
  ConnectionReader first(heard, budget);
  {
    ConnectionReader second(heard, budget);
    EXPECT_EQ(first.FromClient(begun), Reading::kFollowed);
    const size_t used = budget.Used();
    EXPECT_GE(used, begun.size());
    EXPECT_EQ(second.FromClient(begun), Reading::kNoRoom);
    // Small ones always have room.
    ConnectionReader third(heard, budget);
    EXPECT_EQ(third.FromClient("GET / HTTP/1.1\r\nX: " + std::string(4'000, 'x')),
              Reading::kFollowed);
    EXPECT_EQ(budget.Used(), used);
  }
  EXPECT_EQ(first.FromClient("\r\n\r\n"), Reading::kFollowed);
  ConnectionReader fourth(heard, budget);
  fourth.FromClient("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(fourth.FromServer("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')),
            Reading::kNoRoom);
  EXPECT_EQ(first.FromServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Reading::kFollowed);
  EXPECT_THAT(heard.all, ElementsAre("GET a / [] -> 0 [...]", "GET a / [] -> 200 []"));
  EXPECT_EQ(budget.Used(), 0);
}

}  // namespace
}  // namespace network_mapper::aws
