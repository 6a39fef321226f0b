#include "sniffer/dns/dns_message.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ip.h"
#include "tests/support/packet_builder.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;

DnsOutcome OutcomeOf(std::span<const uint8_t> message) {
  return DnsResponseParser().Parse(message);
}

// dnsmasq 2.90, asked for WWW.shop.example:
//   9fb4 id, 8580 response+AA+RD+RA, 1 question, 4 answers
//   "WWW.shop.example" A IN
//   c00c            CNAME IN ttl 30, 18 bytes: edge.cdn.example
//   c02e            CNAME IN ttl 30, 19 bytes: host.pool.example
//   c04c A IN ttl 30 10.1.2.3, c04c A IN ttl 30 10.1.2.4
const Bytes kCnameChain = {
    0x9f, 0xb4, 0x85, 0x80, 0x00, 0x01, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x03, 0x57, 0x57, 0x57,
    0x04, 0x73, 0x68, 0x6f, 0x70, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0x00, 0x01,
    0x00, 0x01, 0xc0, 0x0c, 0x00, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1e, 0x00, 0x12, 0x04, 0x65,
    0x64, 0x67, 0x65, 0x03, 0x63, 0x64, 0x6e, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00,
    0xc0, 0x2e, 0x00, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1e, 0x00, 0x13, 0x04, 0x68, 0x6f, 0x73,
    0x74, 0x04, 0x70, 0x6f, 0x6f, 0x6c, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x00, 0xc0,
    0x4c, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1e, 0x00, 0x04, 0x0a, 0x01, 0x02, 0x03, 0xc0,
    0x4c, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x1e, 0x00, 0x04, 0x0a, 0x01, 0x02, 0x04};

// docs/regressions.md 1.1 DNS path, P21
TEST(DnsMessage, FollowsARecordedCnameChainBackToTheQuestion) {
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(kCnameChain), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().id, 0x9fb4);
  EXPECT_EQ(parser.Answer().name, "www.shop.example");
  EXPECT_THAT(parser.Answer().addresses, ElementsAre(Ip("10.1.2.3"), Ip("10.1.2.4")));
  EXPECT_EQ(parser.Answer().ttl, std::chrono::seconds(30));
}

TEST(DnsMessage, RefusesARecordedAnswerCutAnywhere) {
  for (size_t size = 0; size < kCnameChain.size(); ++size) {
    EXPECT_EQ(OutcomeOf(std::span(kCnameChain).first(size)), DnsOutcome::kMalformed) << size;
  }
}

TEST(DnsMessage, SurvivesEveryByteChanged) {
  DnsResponseParser parser;
  for (size_t position = 0; position < kCnameChain.size(); ++position) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = kCnameChain;
      changed[position] = static_cast<uint8_t>(value);
      if (parser.Parse(changed) == DnsOutcome::kAnswer) {
        EXPECT_FALSE(parser.Answer().name.empty());
        EXPECT_FALSE(parser.Answer().addresses.empty());
      }
    }
  }
}

// docs/regressions.md 1.1 DNS path, P21
TEST(DnsMessage, FollowsAChainWhoseRecordsComeInAnyOrder) {
  DnsResponse response("a.example");
  response.Address("d.example", "10.0.0.1")
      .Cname("c.example", "d.example")
      .Cname("b.example", "c.example")
      .Cname("a.example", "b.example");
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().name, "a.example");
  EXPECT_THAT(parser.Answer().addresses, ElementsAre(Ip("10.0.0.1")));
}

TEST(DnsMessage, LeavesOutAddressesThatTheChainDoesNotReach) {
  DnsResponse response("a.example");
  response.Address("other.example", "10.0.0.9", 1).Address("a.example", "10.0.0.1", 60);
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_THAT(parser.Answer().addresses, ElementsAre(Ip("10.0.0.1")));
  EXPECT_EQ(parser.Answer().ttl, std::chrono::seconds(60));
  DnsResponse unrelated("a.example");
  unrelated.Address("other.example", "10.0.0.9");
  EXPECT_EQ(OutcomeOf(unrelated.Message()), DnsOutcome::kNoAddresses);
}

TEST(DnsMessage, EndsOnACnameLoop) {
  DnsResponse response("a.example");
  response.Cname("a.example", "b.example").Cname("b.example", "a.example");
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kNoAddresses);
  response.Address("b.example", "10.0.0.1");
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kAnswer);
}

TEST(DnsMessage, ComparesNamesWithoutLetterCaseAndReportsThemInLowerCase) {
  DnsResponse response("CaRt.Shop.SVC");
  response.Address("cArT.sHOP.svc", "10.0.0.1");
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().name, "cart.shop.svc");
}

TEST(DnsMessage, ReadsIpv6AddressesAndTakesTheSmallestTtl) {
  DnsResponse response("a.example");
  response.Address("a.example", "fd00::1", 60).Address("a.example", "fd00::2", 7);
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_THAT(parser.Answer().addresses, ElementsAre(Ip("fd00::1"), Ip("fd00::2")));
  EXPECT_EQ(parser.Answer().ttl, std::chrono::seconds(7));
}

TEST(DnsMessage, TakesATtlWithTheTopBitSetAsZero) {
  DnsResponse response("a.example");
  response.Address("a.example", "10.0.0.1", 0x80000001U);
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().ttl, std::chrono::seconds(0));
}

TEST(DnsMessage, PassesOverUnknownRecordTypesByTheirLength) {
  DnsResponse response("a.example");
  response.Record(DnsName("a.example"), kDnsTypeTxt, 30, Bytes(200, 0xFF))
      .Record(DnsName("a.example"), 65, 30, Bytes{})
      .Address("a.example", "10.0.0.1");
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kAnswer);
}

TEST(DnsMessage, KeepsNothingFromTheMessageBefore) {
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(kCnameChain), DnsOutcome::kAnswer);
  DnsResponse response("b.example", 7);
  response.Address("b.example", "10.0.0.1", 5);
  ASSERT_EQ(parser.Parse(response.Message()), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().id, 7);
  EXPECT_EQ(parser.Answer().name, "b.example");
  EXPECT_THAT(parser.Answer().addresses, ElementsAre(Ip("10.0.0.1")));
}

TEST(DnsMessage, TellsWhyAMessageIsNotAnAnswer) {
  auto with_flags = [](uint16_t flags) {
    DnsResponse response("a.example", 1, flags);
    response.Address("a.example", "10.0.0.1");
    return OutcomeOf(response.Message());
  };
  EXPECT_EQ(with_flags(0x8180), DnsOutcome::kAnswer);
  EXPECT_EQ(with_flags(0x0100), DnsOutcome::kNotResponse);
  EXPECT_EQ(with_flags(0xA980), DnsOutcome::kOtherOpcode);
  EXPECT_EQ(with_flags(0x8183), DnsOutcome::kNameError);
  EXPECT_EQ(with_flags(0x8182), DnsOutcome::kOtherRcode);
  EXPECT_EQ(with_flags(0x8380), DnsOutcome::kTruncated);
  EXPECT_EQ(OutcomeOf(DnsResponse("a.example").Message()), DnsOutcome::kNoAddresses);
}

TEST(DnsMessage, WantsExactlyOneQuestionOfClassInternet) {
  Bytes none = {0, 1, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(OutcomeOf(none), DnsOutcome::kUnusualQuestion);
  Bytes chaos = DnsResponse("a.example").Message();
  chaos.back() = 3;
  EXPECT_EQ(OutcomeOf(chaos), DnsOutcome::kUnusualQuestion);
}

TEST(DnsMessage, RejectsForwardCompressionPointer) {
  DnsResponse response("a.example");
  // The owner points at the record's own data, which would be a fine name.
  size_t owner = response.Message().size();
  Bytes pointer = {0xC0, static_cast<uint8_t>(owner + 12)};
  response.Record(pointer, kDnsTypeCname, 30, DnsName("b.example"));
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed);
}

TEST(DnsMessage, RejectsPointersToThemselvesInLoopsAndIntoTheHeader) {
  auto with_owner = [](Bytes owner) {
    DnsResponse response("a.example");
    response.Record(owner, kDnsTypeA, 30, Bytes{10, 0, 0, 1});
    return OutcomeOf(response.Message());
  };
  auto self = static_cast<uint8_t>(DnsResponse("a.example").Message().size());
  EXPECT_EQ(with_owner({0xC0, self}), DnsOutcome::kMalformed);
  // A label and then a pointer to that label.
  EXPECT_EQ(with_owner({1, 'x', 0xC0, self}), DnsOutcome::kMalformed);
  EXPECT_EQ(with_owner({0xC0, 4}), DnsOutcome::kMalformed);
  EXPECT_EQ(with_owner({0xC0, 12}), DnsOutcome::kAnswer);
}

TEST(DnsMessage, RejectsReservedLabelTypes) {
  for (int first : {0x40, 0x80}) {
    DnsResponse response("a.example");
    response.Record(Bytes{static_cast<uint8_t>(first), 0}, kDnsTypeA, 30, Bytes{10, 0, 0, 1});
    EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed) << first;
  }
}

TEST(DnsMessage, AcceptsNamesUpTo255BytesInWireForm) {
  std::string label(63, 'a');
  std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(DnsName(longest).size(), kMaxDnsNameBytes);
  DnsResponse fits(longest);
  fits.Address(longest, "10.0.0.1");
  DnsResponseParser parser;
  ASSERT_EQ(parser.Parse(fits.Message()), DnsOutcome::kAnswer);
  EXPECT_EQ(parser.Answer().name, longest);
  DnsResponse too_long(longest + "b");
  too_long.Address(longest + "b", "10.0.0.1");
  EXPECT_EQ(OutcomeOf(too_long.Message()), DnsOutcome::kMalformed);
}

TEST(DnsMessage, RejectsANameThatPointersMakeTooLong) {
  std::string label(63, 'a');
  std::string name = label + "." + label + "." + label;
  DnsResponse response(name);
  Bytes owner = DnsName(label);
  owner.back() = 0xC0;
  owner.push_back(12);
  response.Record(owner, kDnsTypeA, 30, Bytes{10, 0, 0, 1});
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed);
}

TEST(DnsMessage, CountsNamesWithOddBytesApart) {
  for (const std::string& odd :
       {std::string("a b"), std::string("a\0b", 3), std::string("caf\xC3\xA9"), std::string("a\\b"),
        std::string("a\"b"), std::string("\x7F")}) {
    DnsResponse response(odd + ".example");
    response.Address(odd + ".example", "10.0.0.1");
    EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kUnprintableName) << odd;
  }
  // A dot inside a label would make another name of it.
  DnsResponse response("aXb.example");
  Bytes owner = {0xC0, 12};
  response.Record(owner, kDnsTypeA, 30, Bytes{10, 0, 0, 1});
  Bytes message = response.Message();
  message[14] = '.';
  EXPECT_EQ(OutcomeOf(message), DnsOutcome::kUnprintableName);
}

TEST(DnsMessage, RejectsAddressesOfTheWrongLength) {
  for (size_t length : {0U, 3U, 5U, 16U}) {
    DnsResponse response("a.example");
    response.Record(DnsName("a.example"), kDnsTypeA, 30, Bytes(length, 1));
    EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed) << length;
  }
  DnsResponse response("a.example");
  response.Record(DnsName("a.example"), kDnsTypeAaaa, 30, Bytes(4, 1));
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed);
}

TEST(DnsMessage, RejectsACnameThatDoesNotFillItsRecord) {
  DnsResponse response("a.example");
  Bytes target = DnsName("b.example");
  target.push_back(0);
  response.Record(DnsName("a.example"), kDnsTypeCname, 30, target);
  EXPECT_EQ(OutcomeOf(response.Message()), DnsOutcome::kMalformed);
}

TEST(DnsMessage, BoundsRecordsAndAliases) {
  DnsResponse records("a.example");
  for (size_t i = 0; i <= kMaxDnsAnswerRecords; ++i) {
    records.Record(Bytes{0xC0, 12}, kDnsTypeA, 30, Bytes{10, 0, 0, 1});
  }
  EXPECT_EQ(OutcomeOf(records.Message()), DnsOutcome::kTooManyRecords);
  DnsResponse aliases("n0.example");
  for (size_t i = 0; i <= kMaxDnsCnameRecords; ++i) {
    aliases.Cname("n" + std::to_string(i) + ".example", "n" + std::to_string(i + 1) + ".example");
  }
  EXPECT_EQ(OutcomeOf(aliases.Message()), DnsOutcome::kTooManyRecords);
}

TEST(DnsMessage, NamesEveryOutcomeOnce) {
  std::set<std::string_view> names;
  for (DnsOutcome outcome : kAllDnsOutcomes) {
    names.insert(DnsOutcomeName(outcome));
  }
  EXPECT_EQ(names.size(), kDnsOutcomeCount);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace network_mapper::sniffer
