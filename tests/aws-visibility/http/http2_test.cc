// HTTP/2 by its frames; nghttp2's deflater writes the header blocks.
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "aws-visibility/http/connection_reader.h"
#include "aws-visibility/http/head_text.h"
#include "aws-visibility/http/http2_connection.h"
#include "tests/aws-visibility/http/heard_exchanges.h"

namespace network_mapper::aws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kPlenty = size_t{1} << 20U;
constexpr int kData = 0;
constexpr int kHeaders = 1;
constexpr int kReset = 3;
constexpr int kSettings = 4;
constexpr int kPushPromise = 5;
constexpr int kPing = 6;
constexpr int kContinuation = 9;
constexpr int kEndStream = 1;
constexpr int kAck = 1;
constexpr int kEndHeaders = 4;
constexpr int kPadded = 8;
constexpr int kPriority = 0x20;

std::string BigEndian(uint32_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(number >> (8 * i)));
  }
  return text;
}

std::string Frame(int type, int flags, uint32_t stream, const std::string& payload) {
  return BigEndian(static_cast<uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + BigEndian(stream, 4) + payload;
}

// In order: header blocks build on each other, and operands of + have none.
std::string Join(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) {
    all += part;
  }
  return all;
}

class Deflater {
 public:
  explicit Deflater(size_t table = 4096) { nghttp2_hd_deflate_new(&deflater_, table); }

  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  ~Deflater() { nghttp2_hd_deflate_del(deflater_); }

  std::string Block(const Fields& fields) {
    std::vector<nghttp2_nv> pairs;
    std::vector<std::pair<std::string, std::string>> copy = fields;
    pairs.reserve(copy.size());
    for (auto& [name, value] : copy) {
      pairs.push_back({.name = reinterpret_cast<uint8_t*>(name.data()),
                       .value = reinterpret_cast<uint8_t*>(value.data()),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = 0});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater_, pairs.data(), pairs.size()), '\0');
    const ssize_t size = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(block.data()),
                                               block.size(), pairs.data(), pairs.size());
    block.resize(static_cast<size_t>(size));
    return block;
  }

  void ChangeTable(size_t size) { nghttp2_hd_deflate_change_table_size(deflater_, size); }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

Fields Get(const std::string& path) {
  return {{":method", "GET"},
          {":scheme", "https"},
          {":authority", "kinesis.eu-west-1.amazonaws.com"},
          {":path", path},
          {"x-amz-target", "Kinesis_20131202.SubscribeToShard"}};
}

Fields Post(const std::string& path) {
  Fields fields = Get(path);
  fields[0].second = "POST";
  return fields;
}

// One reader, and both peers' compression.
struct Talk {
  Talk() { EXPECT_EQ(reader.FromClient(kHttp2Preface), Reading::kFollowed); }

  Reading Client(const std::string& bytes, size_t part = kPlenty) {
    Reading reading = Reading::kFollowed;
    for (size_t i = 0; i < bytes.size() && reading == Reading::kFollowed; i += part) {
      reading = reader.FromClient(std::string_view(bytes).substr(i, part));
    }
    return reading;
  }

  Reading Server(const std::string& bytes, size_t part = kPlenty) {
    Reading reading = Reading::kFollowed;
    for (size_t i = 0; i < bytes.size() && reading == Reading::kFollowed; i += part) {
      reading = reader.FromServer(std::string_view(bytes).substr(i, part));
    }
    return reading;
  }

  std::string Request(uint32_t stream, const Fields& fields, int flags = kEndStream) {
    return Frame(kHeaders, flags | kEndHeaders, stream, client.Block(fields));
  }

  std::string Answer(uint32_t stream, const std::string& status, int flags = 0) {
    return Frame(kHeaders, flags | kEndHeaders, stream, server.Block({{":status", status}}));
  }

  HeardExchanges heard;
  KeepBudget budget{kPlenty};
  ConnectionReader reader{heard, budget};
  Deflater client;
  Deflater server;
};

TEST(Http2, FollowsStreamsThatOverlapHoweverTheyAreCut) {
  for (const size_t part : {size_t{1}, size_t{5}, size_t{100}, kPlenty}) {
    Talk talk;
    EXPECT_EQ(talk.Client(Join({Frame(kSettings, 0, 0, ""), talk.Request(1, Get("/one")),
                                talk.Request(3, Post("/two"), 0), Frame(kData, 0, 3, "hel"),
                                Frame(kPing, 0, 0, "12345678"), Frame(kData, kEndStream, 3, "lo"),
                                talk.Request(5, Post("/three"), 0)}),
                          part),
              Reading::kFollowed);
    EXPECT_EQ(
        talk.Server(Join({Frame(kSettings, 0, 0, ""), Frame(kSettings, kAck, 0, ""),
                          talk.Answer(3, "100"), talk.Answer(3, "200"), Frame(kData, 0, 3, "ok"),
                          talk.Answer(1, "204", kEndStream), Frame(kData, kEndStream, 3, "")}),
                    part),
        Reading::kFollowed);
    EXPECT_THAT(talk.heard.all,
                ElementsAre("GET kinesis.eu-west-1.amazonaws.com /one [] -> 204 []",
                            "POST kinesis.eu-west-1.amazonaws.com /two [hello] -> 200 [ok]"));
    EXPECT_THAT(talk.heard.fields, ElementsAre("x-amz-target=Kinesis_20131202.SubscribeToShard"));
    EXPECT_FALSE(talk.reader.Idle());
    EXPECT_EQ(talk.Client(Frame(kReset, 0, 5, BigEndian(8, 4)), part), Reading::kFollowed);
    EXPECT_EQ(talk.heard.all.back(),
              "POST kinesis.eu-west-1.amazonaws.com /three [...] -> 0 [...]");
    EXPECT_TRUE(talk.reader.Idle());
    EXPECT_EQ(talk.budget.Used(), 0);
  }
}

TEST(Http2, TellsOfAnEventStreamAtItsHead) {
  Talk talk;
  talk.heard.needs = {.request = 16, .response = 0};
  talk.Client(talk.Request(1, Post("/"), 0) + Frame(kData, kEndStream, 1, "{}"));
  talk.Server(talk.Answer(1, "200"));
  EXPECT_THAT(talk.heard.all,
              ElementsAre("POST kinesis.eu-west-1.amazonaws.com / [{}] -> 200 [...]"));
}

TEST(Http2, TakesPaddingPriorityContinuationAndTrailers) {
  for (const size_t part : {size_t{1}, kPlenty}) {
    Talk talk;
    const std::string block = talk.client.Block(Post("/"));
    const std::string padded =
        std::string(1, '\x03') + std::string(5, '\0') + block.substr(0, 4) + std::string(3, '\0');
    EXPECT_EQ(talk.Client(Frame(kHeaders, kPadded | kPriority, 1, padded) +
                              Frame(kContinuation, 0, 1, block.substr(4, 1)) +
                              Frame(kContinuation, kEndHeaders, 1, block.substr(5)) +
                              Frame(kData, kPadded, 1, std::string("\x02") + "abc" + "pp") +
                              Frame(kHeaders, kEndStream | kEndHeaders, 1,
                                    talk.client.Block({{"x-amz-checksum", "y"}})),
                          part),
              Reading::kFollowed);
    EXPECT_EQ(talk.Server(talk.Answer(1, "200", kEndStream), part), Reading::kFollowed);
    EXPECT_THAT(talk.heard.all,
                ElementsAre("POST kinesis.eu-west-1.amazonaws.com / [abc] -> 200 []"));
  }
}

TEST(Http2, FollowsTheHeaderTableAsItsSizeChanges) {
  Talk talk;
  // The server allows no table, later a small one, and the client keeps to it once it has
  // acknowledged that.
  const auto setting = [](uint32_t size) { return BigEndian(1, 2) + BigEndian(size, 4); };
  EXPECT_EQ(talk.Client(Join({talk.Request(1, Get("/1")), talk.Request(3, Get("/1"))})),
            Reading::kFollowed);
  EXPECT_EQ(talk.Server(Frame(kSettings, 0, 0, setting(0)) + Frame(kSettings, 0, 0, setting(200))),
            Reading::kFollowed);
  EXPECT_EQ(talk.Client(talk.Request(5, Get("/1")) + Frame(kSettings, kAck, 0, "")),
            Reading::kFollowed);
  talk.client.ChangeTable(0);
  EXPECT_EQ(talk.Client(Join({talk.Request(7, Get("/2")), talk.Request(9, Get("/2")),
                              Frame(kSettings, kAck, 0, "")})),
            Reading::kFollowed);
  talk.client.ChangeTable(200);
  EXPECT_EQ(talk.Client(Join({talk.Request(11, Get("/3")), talk.Request(13, Get("/3"))})),
            Reading::kFollowed);
  for (uint32_t stream = 1; stream <= 13; stream += 2) {
    EXPECT_EQ(talk.Server(talk.Answer(stream, "200", kEndStream)), Reading::kFollowed);
  }
  EXPECT_EQ(talk.heard.all.size(), 7);
  EXPECT_EQ(talk.heard.all.back(), "GET kinesis.eu-west-1.amazonaws.com /3 [] -> 200 []");
  // A table that is too large is not followed.
  EXPECT_EQ(talk.Client(Frame(kSettings, 0, 0, setting(1U << 24U))), Reading::kFollowed);
  EXPECT_EQ(talk.Server(Frame(kSettings, kAck, 0, "")), Reading::kUnreadable);
}

TEST(Http2, KeepsWhatAServerSaysFirst) {
  HeardExchanges heard;
  KeepBudget budget(kPlenty);
  ConnectionReader reader(heard, budget);
  Deflater client;
  Deflater server;
  EXPECT_EQ(reader.FromServer(Frame(kSettings, 0, 0, "")), Reading::kFollowed);
  EXPECT_EQ(reader.FromClient(kHttp2Preface.substr(0, 10)), Reading::kFollowed);
  EXPECT_EQ(reader.FromClient(std::string(kHttp2Preface.substr(10)) +
                              Frame(kHeaders, kEndStream | kEndHeaders, 1, client.Block(Get("/")))),
            Reading::kFollowed);
  EXPECT_EQ(reader.FromServer(
                Frame(kHeaders, kEndStream | kEndHeaders, 1, server.Block({{":status", "200"}}))),
            Reading::kFollowed);
  EXPECT_EQ(heard.all.size(), 1);
}

TEST(Http2, IgnoresPushesButDecodesThem) {
  Talk talk;
  talk.Client(talk.Request(1, Get("/")));
  EXPECT_EQ(talk.Server(Join({Frame(kPushPromise, kEndHeaders, 1,
                                    BigEndian(2, 4) + talk.server.Block(Get("/pushed"))),
                              talk.Answer(1, "200", kEndStream)})),
            Reading::kFollowed);
  EXPECT_EQ(talk.heard.all.size(), 1);
}

TEST(Http2, FollowsNoMoreStreamsThanItsBound) {
  Talk talk;
  for (uint32_t i = 0; i < 300; ++i) {
    ASSERT_EQ(talk.Client(talk.Request(2 * i + 1, Get("/"))), Reading::kFollowed);
  }
  EXPECT_EQ(talk.heard.losses.size(), 300 - 256);
}

TEST(Http2, RefusesMalformedFramesAndWhatIsTooLarge) {
  const std::string zeros(8, '\0');
  Deflater deflater;
  const std::string block = deflater.Block(Get("/"));
  Deflater plain;
  Fields twice = Get("/");
  twice.insert(twice.begin(), {":path", "/other"});
  Deflater bomb;
  Fields large;
  for (int i = 0; i < 100; ++i) {
    large.emplace_back("x", std::string(1000, 'x'));
  }
  Deflater tunnel;

  struct Case {
    const char* what;
    std::string bytes;
    Reading reading = Reading::kAmbiguous;
  };

  const std::vector<Case> cases = {
      {"frame inside a header block", Frame(kHeaders, 0, 1, block) + Frame(kPing, 0, 0, zeros)},
      {"continuation of another stream",
       Frame(kHeaders, 0, 1, block) + Frame(kContinuation, kEndHeaders, 3, "")},
      {"continuation of nothing", Frame(kContinuation, kEndHeaders, 1, block)},
      {"headers of no stream", Frame(kHeaders, kEndHeaders, 0, block)},
      {"data of no stream", Frame(kData, 0, 0, "x")},
      {"padding beyond data", Frame(kData, kPadded, 1, "\x05xx")},
      {"padding beyond headers", Frame(kHeaders, kPadded | kEndHeaders, 1, "\x05xx")},
      {"no room for priority", Frame(kHeaders, kPriority | kEndHeaders, 1, "xx")},
      {"settings of odd size", Frame(kSettings, 0, 0, "12345")},
      {"acknowledgement of nothing", Frame(kSettings, kAck, 0, "")},
      {"even stream", Frame(kHeaders, kEndHeaders, 2, block)},
      {"promise of a client", Frame(kPushPromise, kEndHeaders, 1, BigEndian(2, 4) + block)},
      {"no header block", Frame(kHeaders, kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff")},
      {"two paths", Frame(kHeaders, kEndHeaders, 1, plain.Block(twice))},
      {"tunnel",
       Frame(kHeaders, kEndHeaders, 1,
             tunnel.Block({{":method", "CONNECT"}, {":authority", "b:443"}})),
       Reading::kConnect},
      {"large frame", Frame(kHeaders, kEndHeaders, 1, std::string(70'000, 'x')),
       Reading::kLargeHead},
      {"large when decoded", Frame(kHeaders, kEndHeaders, 1, bomb.Block(large)),
       Reading::kLargeHead},
  };
  for (const Case& one : cases) {
    for (const size_t part : {size_t{1}, kPlenty}) {
      Talk talk;
      EXPECT_EQ(talk.Client(one.bytes, part), one.reading) << one.what << ", cut by " << part;
    }
  }
}

TEST(Http2, HeadsThatAreStillComingAreKeptWithinTheBudget) {
  Talk talk;
  KeepBudget small(10'000);
  ConnectionReader reader(talk.heard, small);
  EXPECT_EQ(reader.FromClient(kHttp2Preface), Reading::kFollowed);
  const std::string part = Frame(kHeaders, 0, 1, std::string(8'000, 'x'));
  EXPECT_EQ(reader.FromClient(part), Reading::kFollowed);
  EXPECT_GE(small.Used(), 8'000);
  EXPECT_EQ(reader.FromClient(Frame(kContinuation, 0, 1, std::string(8'000, 'x'))),
            Reading::kNoRoom);
}

TEST(Http2, ListsOfFieldsAreKeptWithinTheBudget) {
  constexpr size_t kAhead = 200;
  Talk talk;
  Fields many = Get("/");
  for (int i = 0; i < 500; ++i) {
    many.emplace_back("x", "");
  }
  std::string requests;
  for (uint32_t i = 0; i < kAhead; ++i) {
    requests += talk.Request(2 * i + 1, many);
  }
  const size_t before = AllocatedBytes();
  EXPECT_EQ(talk.Client(requests), Reading::kFollowed);
  EXPECT_LT(AllocatedBytes(), before + kPlenty * 5 / 4);
  const size_t kept = kAhead - talk.heard.losses.size();
  EXPECT_GT(kept, 50);
  EXPECT_LE(kept * many.size() * sizeof(HeadText::Field), kPlenty);
  EXPECT_THAT(talk.heard.losses, testing::Each(Loss::kNoRoomForHead));
}

TEST(Http2, GivesBackWhatItHasToldOf) {
  Talk talk;
  talk.heard.needs = {.request = 16, .response = 0};
  Fields large = Get("/");
  large.emplace_back("x", std::string(10'000, 'x'));
  talk.Client(talk.Request(1, large));
  EXPECT_GT(talk.budget.Used(), 10'000);
  // Its body may come for hours.
  talk.Server(talk.Answer(1, "200"));
  EXPECT_EQ(talk.heard.all.size(), 1);
  EXPECT_LT(talk.budget.Used(), 1'000);
}

TEST(Http2, ABodyThatStandsStillIsNotKept) {
  Talk talk;
  talk.heard.needs = {.request = 2'000, .response = 0};
  talk.Client(Join({talk.Request(1, Get("/"), 0), talk.Request(3, Get("/b"), 0),
                    Frame(kData, 0, 1, std::string(1'000, 'x'))}));
  EXPECT_TRUE(talk.reader.DropStill());
  EXPECT_FALSE(talk.reader.DropStill());
  EXPECT_LT(talk.budget.Used(), 2'000);
  EXPECT_THAT(talk.heard.losses, ElementsAre(Loss::kStillBody));
  talk.Server(talk.Answer(1, "200"));
  EXPECT_THAT(talk.heard.all, testing::IsEmpty());
  EXPECT_LT(talk.budget.Used(), 2'000);
}

TEST(Http2, RefusesWhatNoFieldMayHave) {
  const std::vector<std::pair<std::string, std::string>> fields = {{"", ""},
                                                                   {"", "x"},
                                                                   {"Upper", "x"},
                                                                   {"a b", "x"},
                                                                   {"a:b", "x"},
                                                                   {":", "x"},
                                                                   {"a\x7f", "x"},
                                                                   {"\xc3\xa4", "x"},
                                                                   {"a", "x\r\ny: z"},
                                                                   {"a", "x\ny"},
                                                                   {"a", std::string(1, '\0')}};
  for (const auto& field : fields) {
    Talk talk;
    Fields request = Get("/");
    request.push_back(field);
    EXPECT_EQ(talk.Client(talk.Request(1, request)), Reading::kAmbiguous) << field.first;
  }
  Talk talk;
  Fields request = Get("/");
  request.emplace_back("x-amz-meta-a", "\xc3\xa4\tb");
  request.emplace_back("empty", "");
  EXPECT_EQ(talk.Client(talk.Request(1, request)), Reading::kFollowed);
  for (int i = 0; i < 600; ++i) {
    request.emplace_back("x", "");
  }
  EXPECT_EQ(talk.Client(talk.Request(3, request)), Reading::kLargeHead);
}

TEST(Http2, CountsSettingsThatNobodyAcknowledges) {
  Talk talk;
  KeepBudget small(10'000);
  ConnectionReader reader(talk.heard, small);
  EXPECT_EQ(reader.FromClient(kHttp2Preface), Reading::kFollowed);
  std::string sizes;
  for (int i = 0; i < 2'000; ++i) {
    sizes += BigEndian(1, 2) + BigEndian(4096, 4);
  }
  EXPECT_EQ(reader.FromClient(Frame(kSettings, 0, 0, sizes)), Reading::kFollowed);
  EXPECT_EQ(reader.FromClient(Frame(kSettings, 0, 0, sizes)), Reading::kNoRoom);
}

TEST(Http2, RefusesARequestForSomebodyElse) {
  Talk talk;
  talk.heard.only_host = "kinesis.eu-west-1.amazonaws.com";
  EXPECT_EQ(talk.Client(talk.Request(1, Get("/a"))), Reading::kFollowed);
  Fields other = Get("/b");
  other[2].second = "b.s3.amazonaws.com";
  EXPECT_EQ(talk.Client(talk.Request(3, other)), Reading::kOtherHost);
}

TEST(Http2, AnEndpointsFaultsDoNotEndTheConnection) {
  Talk talk;
  talk.Client(talk.Request(1, Get("/")));
  EXPECT_EQ(talk.Server(Frame(kData, 0, 0, "x")), Reading::kUnreadable);
  EXPECT_THAT(talk.heard.all, ElementsAre("GET kinesis.eu-west-1.amazonaws.com / [] -> 0 [...]"));
}

}  // namespace
}  // namespace network_mapper::aws
