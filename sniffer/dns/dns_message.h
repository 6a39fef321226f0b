// Reads one DNS response (RFC 1035) down to what the map needs: the name that was asked for and the
// addresses that it led to. Pure and bounded; used by the aggregator for UDP payloads and for
// messages that DnsTcpReassembler puts together. Reads the question and answer sections only, and
// keeps nothing between messages but buffers.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/byte_reader.h"
#include "common/net/ip_address.h"

namespace network_mapper::sniffer {

// RFC 1035 2.3.4, counted in wire form with length bytes and the root.
inline constexpr size_t kMaxDnsNameBytes = 255;
inline constexpr size_t kMaxDnsLabelBytes = 63;
// Ours: what a 64 KiB message could hold is far beyond any honest answer.
inline constexpr size_t kMaxDnsAnswerRecords = 512;
inline constexpr size_t kMaxDnsCnameRecords = 32;

enum class DnsOutcome : uint8_t {
  // DnsAnswer is filled in.
  kAnswer,
  kNotResponse,
  kOtherOpcode,
  // RCODE 3; every search domain produces some.
  kNameError,
  kOtherRcode,
  // TC bit: the client asks again over TCP.
  kTruncated,
  // NOERROR without an A or AAAA record on the way from the name that was asked for.
  kNoAddresses,
  // A question section that does not hold exactly one question of class IN.
  kUnusualQuestion,
  // The name that was asked for has bytes other than printing ASCII, or a dot inside a label.
  kUnprintableName,
  kTooManyRecords,
  // Ends early, a pointer that does not go backwards, a name or a length out of bounds.
  kMalformed,
};
inline constexpr size_t kDnsOutcomeCount = 11;
inline constexpr std::array<DnsOutcome, kDnsOutcomeCount> kAllDnsOutcomes = {
    DnsOutcome::kAnswer,         DnsOutcome::kNotResponse,     DnsOutcome::kOtherOpcode,
    DnsOutcome::kNameError,      DnsOutcome::kOtherRcode,      DnsOutcome::kTruncated,
    DnsOutcome::kNoAddresses,    DnsOutcome::kUnusualQuestion, DnsOutcome::kUnprintableName,
    DnsOutcome::kTooManyRecords, DnsOutcome::kMalformed};
// "answer", "not_response", ...: the metric label.
std::string_view DnsOutcomeName(DnsOutcome outcome);

struct DnsAnswer {
  uint16_t id = 0;
  // Lower case, without the trailing dot. Names compare without case (RFC 4343), and resolvers that
  // randomise case ("0x20") would otherwise make a new name of every query.
  std::string name;
  // The addresses at the end of the CNAME chain that starts at `name`, in the message's order,
  // possibly repeated. Records that the chain does not reach are left out.
  std::vector<IpAddress> addresses;
  // The smallest among the address records; a value with the top bit set counts as 0 (RFC 2181 8).
  std::chrono::seconds ttl{0};
};

class DnsResponseParser {
 public:
  // On kAnswer, Answer() holds the result until the next call.
  DnsOutcome Parse(std::span<const uint8_t> message);

  const DnsAnswer& Answer() const { return answer_; }

 private:
  // A distinct name of the message, in lower-case wire form: a slice of names_.
  struct KnownName {
    size_t message_offset = 0;
    size_t begin = 0;
    size_t size = 0;
  };

  // owner and target are indexes into known_names_; 0 is the name that was asked for.
  struct Alias {
    size_t owner = 0;
    size_t target = 0;
  };

  struct AddressRecord {
    size_t owner = 0;
    IpAddress address;
    uint32_t ttl = 0;
  };

  // These return kAnswer when parsing goes on.
  DnsOutcome ReadQuestion(std::span<const uint8_t> message, ByteReader& reader);
  DnsOutcome ReadRecord(std::span<const uint8_t> message, ByteReader& reader);
  DnsOutcome ReadAlias(std::span<const uint8_t> message, size_t offset, size_t length,
                       size_t owner);
  DnsOutcome InternName(std::span<const uint8_t> message, size_t offset, size_t& index);

  std::span<const uint8_t> NameBytes(size_t index) const;
  bool SetQuestionName();
  void MarkReachableNames();
  void CollectAddresses();

  DnsAnswer answer_;
  std::vector<uint8_t> names_;
  std::vector<KnownName> known_names_;
  std::vector<Alias> aliases_;
  std::vector<AddressRecord> records_;
  std::vector<bool> reachable_;
};

}  // namespace network_mapper::sniffer
