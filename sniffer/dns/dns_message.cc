#include "sniffer/dns/dns_message.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "common/net/byte_reader.h"

namespace network_mapper::sniffer {

namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kFlagResponse = 0x8000;
constexpr uint16_t kFlagTruncated = 0x0200;
constexpr uint16_t kRcodeNameError = 3;
constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeCname = 5;
constexpr uint16_t kTypeAaaa = 28;
constexpr uint16_t kClassInternet = 1;
constexpr uint8_t kLabelTypeMask = 0xC0;
constexpr uint8_t kLabelTypePointer = 0xC0;
// Distinct owner and target names of one answer section.
constexpr size_t kMaxDistinctNames = 2 * kMaxDnsCnameRecords;

uint8_t ToLower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A')) : byte;
}

bool IsNameByte(uint8_t byte) {
  return byte > ' ' && byte < 0x7F && byte != '.' && byte != '\\' && byte != '"';
}

// Passes over a name without following pointers.
bool SkipName(ByteReader& reader) {
  for (size_t bytes = 0; bytes <= kMaxDnsNameBytes;) {
    auto length = reader.ReadU8();
    if (!length) {
      return false;
    }
    if (*length == 0) {
      return true;
    }
    if ((*length & kLabelTypeMask) == kLabelTypePointer) {
      return reader.Skip(1);
    }
    if (*length > kMaxDnsLabelBytes || !reader.Skip(*length)) {
      return false;
    }
    bytes += size_t{*length} + 1;
  }
  return false;
}

// Appends the name at `offset` in lower-case wire form, pointers followed. A pointer must go to
// before the start of the run of labels that it ends, so reading always comes to an end.
bool AppendName(std::span<const uint8_t> message, size_t offset, std::vector<uint8_t>& out) {
  size_t start = out.size();
  size_t run_start = offset;
  size_t position = offset;
  while (position < message.size()) {
    uint8_t length = message[position];
    if ((length & kLabelTypeMask) == kLabelTypePointer) {
      if (position + 1 >= message.size()) {
        return false;
      }
      size_t target = (size_t{length & 0x3FU} << 8U) | message[position + 1];
      if (target < kHeaderBytes || target >= run_start) {
        return false;
      }
      run_start = target;
      position = target;
      continue;
    }
    if (length > kMaxDnsLabelBytes || position + length >= message.size() ||
        out.size() - start + length + 1 > kMaxDnsNameBytes) {
      return false;
    }
    for (size_t i = 0; i <= length; ++i) {
      // A length byte is below 'A', so it passes unchanged.
      out.push_back(ToLower(message[position + i]));
    }
    if (length == 0) {
      return true;
    }
    position += size_t{length} + 1;
  }
  return false;
}

struct Header {
  uint16_t id = 0;
  uint16_t flags = 0;
  uint16_t questions = 0;
  uint16_t answers = 0;
};

std::optional<Header> ReadHeader(ByteReader& reader) {
  auto id = reader.ReadU16();
  auto flags = reader.ReadU16();
  auto questions = reader.ReadU16();
  auto answers = reader.ReadU16();
  // Authority and additional counts: those sections are not read.
  if (!id || !flags || !questions || !answers || !reader.Skip(4)) {
    return std::nullopt;
  }
  return Header{.id = *id, .flags = *flags, .questions = *questions, .answers = *answers};
}

// kAnswer: go on with the sections.
DnsOutcome CheckHeader(const Header& header) {
  if ((header.flags & kFlagResponse) == 0) {
    return DnsOutcome::kNotResponse;
  }
  if (((header.flags >> 11U) & 0x0FU) != 0) {
    return DnsOutcome::kOtherOpcode;
  }
  uint16_t rcode = header.flags & 0x0FU;
  if (rcode == kRcodeNameError) {
    return DnsOutcome::kNameError;
  }
  if (rcode != 0) {
    return DnsOutcome::kOtherRcode;
  }
  if ((header.flags & kFlagTruncated) != 0) {
    return DnsOutcome::kTruncated;
  }
  if (header.questions != 1) {
    return DnsOutcome::kUnusualQuestion;
  }
  return header.answers > kMaxDnsAnswerRecords ? DnsOutcome::kTooManyRecords : DnsOutcome::kAnswer;
}

}  // namespace

std::string_view DnsOutcomeName(DnsOutcome outcome) {
  switch (outcome) {
    case DnsOutcome::kAnswer:
      return "answer";
    case DnsOutcome::kNotResponse:
      return "not_response";
    case DnsOutcome::kOtherOpcode:
      return "other_opcode";
    case DnsOutcome::kNameError:
      return "name_error";
    case DnsOutcome::kOtherRcode:
      return "other_rcode";
    case DnsOutcome::kTruncated:
      return "truncated";
    case DnsOutcome::kNoAddresses:
      return "no_addresses";
    case DnsOutcome::kUnusualQuestion:
      return "unusual_question";
    case DnsOutcome::kUnprintableName:
      return "unprintable_name";
    case DnsOutcome::kTooManyRecords:
      return "too_many_records";
    case DnsOutcome::kMalformed:
      return "malformed";
  }
  return "unknown";
}

DnsOutcome DnsResponseParser::Parse(std::span<const uint8_t> message) {
  names_.clear();
  known_names_.clear();
  aliases_.clear();
  records_.clear();
  ByteReader reader(message);
  auto header = ReadHeader(reader);
  if (!header) {
    return DnsOutcome::kMalformed;
  }
  if (DnsOutcome outcome = CheckHeader(*header); outcome != DnsOutcome::kAnswer) {
    return outcome;
  }
  answer_.id = header->id;
  if (DnsOutcome outcome = ReadQuestion(message, reader); outcome != DnsOutcome::kAnswer) {
    return outcome;
  }
  for (size_t i = 0; i < header->answers; ++i) {
    if (DnsOutcome outcome = ReadRecord(message, reader); outcome != DnsOutcome::kAnswer) {
      return outcome;
    }
  }
  MarkReachableNames();
  CollectAddresses();
  if (answer_.addresses.empty()) {
    return DnsOutcome::kNoAddresses;
  }
  return SetQuestionName() ? DnsOutcome::kAnswer : DnsOutcome::kUnprintableName;
}

DnsOutcome DnsResponseParser::ReadQuestion(std::span<const uint8_t> message, ByteReader& reader) {
  size_t index = 0;
  if (DnsOutcome outcome = InternName(message, reader.Position(), index);
      outcome != DnsOutcome::kAnswer) {
    return outcome;
  }
  if (!SkipName(reader)) {
    return DnsOutcome::kMalformed;
  }
  auto type = reader.ReadU16();
  auto name_class = reader.ReadU16();
  if (!type || !name_class) {
    return DnsOutcome::kMalformed;
  }
  return *name_class == kClassInternet ? DnsOutcome::kAnswer : DnsOutcome::kUnusualQuestion;
}

DnsOutcome DnsResponseParser::ReadRecord(std::span<const uint8_t> message, ByteReader& reader) {
  size_t owner_offset = reader.Position();
  if (!SkipName(reader)) {
    return DnsOutcome::kMalformed;
  }
  auto type = reader.ReadU16();
  auto record_class = reader.ReadU16();
  auto ttl = reader.ReadU32();
  auto length = reader.ReadU16();
  if (!type || !record_class || !ttl || !length) {
    return DnsOutcome::kMalformed;
  }
  size_t data_offset = reader.Position();
  auto data = reader.ReadBytes(*length);
  if (!data) {
    return DnsOutcome::kMalformed;
  }
  bool is_address = *type == kTypeA || *type == kTypeAaaa;
  if (*record_class != kClassInternet || (!is_address && *type != kTypeCname)) {
    return DnsOutcome::kAnswer;
  }
  size_t owner = 0;
  if (DnsOutcome outcome = InternName(message, owner_offset, owner);
      outcome != DnsOutcome::kAnswer) {
    return outcome;
  }
  if (is_address) {
    auto address = IpAddress::FromBytes(*data);
    if (!address || (data->size() == 4) != (*type == kTypeA)) {
      return DnsOutcome::kMalformed;
    }
    uint32_t seconds = *ttl > std::numeric_limits<int32_t>::max() ? 0 : *ttl;
    records_.push_back({.owner = owner, .address = *address, .ttl = seconds});
    return DnsOutcome::kAnswer;
  }
  return ReadAlias(message, data_offset, *length, owner);
}

DnsOutcome DnsResponseParser::ReadAlias(std::span<const uint8_t> message, size_t offset,
                                        size_t length, size_t owner) {
  if (aliases_.size() == kMaxDnsCnameRecords) {
    return DnsOutcome::kTooManyRecords;
  }
  // The target must fill the record's data exactly.
  ByteReader data(message.subspan(offset, length));
  if (!SkipName(data) || data.Remaining() != 0) {
    return DnsOutcome::kMalformed;
  }
  size_t target = 0;
  DnsOutcome outcome = InternName(message, offset, target);
  if (outcome == DnsOutcome::kAnswer) {
    aliases_.push_back({.owner = owner, .target = target});
  }
  return outcome;
}

DnsOutcome DnsResponseParser::InternName(std::span<const uint8_t> message, size_t offset,
                                         size_t& index) {
  // Most owners are a bare pointer to a name that is known already.
  size_t start = offset;
  if (offset + 1 < message.size() && (message[offset] & kLabelTypeMask) == kLabelTypePointer) {
    size_t target = (size_t{message[offset] & 0x3FU} << 8U) | message[offset + 1];
    start = target < offset ? target : offset;
  }
  for (index = 0; index < known_names_.size(); ++index) {
    if (known_names_[index].message_offset == start) {
      return DnsOutcome::kAnswer;
    }
  }
  size_t begin = names_.size();
  if (!AppendName(message, offset, names_)) {
    return DnsOutcome::kMalformed;
  }
  std::span<const uint8_t> name = std::span(names_).subspan(begin);
  for (index = 0; index < known_names_.size(); ++index) {
    if (std::ranges::equal(NameBytes(index), name)) {
      names_.resize(begin);
      return DnsOutcome::kAnswer;
    }
  }
  if (known_names_.size() == kMaxDistinctNames) {
    return DnsOutcome::kTooManyRecords;
  }
  known_names_.push_back({.message_offset = start, .begin = begin, .size = name.size()});
  return DnsOutcome::kAnswer;
}

std::span<const uint8_t> DnsResponseParser::NameBytes(size_t index) const {
  return std::span(names_).subspan(known_names_[index].begin, known_names_[index].size);
}

// Name 0 is the one that was asked for.
bool DnsResponseParser::SetQuestionName() {
  answer_.name.clear();
  std::span<const uint8_t> wire = NameBytes(0);
  for (size_t position = 0; wire[position] != 0;) {
    size_t length = wire[position];
    std::span<const uint8_t> label = wire.subspan(position + 1, length);
    if (!std::ranges::all_of(label, IsNameByte)) {
      return false;
    }
    if (!answer_.name.empty()) {
      answer_.name.push_back('.');
    }
    answer_.name.append(label.begin(), label.end());
    position += length + 1;
  }
  return !answer_.name.empty();
}

void DnsResponseParser::MarkReachableNames() {
  reachable_.assign(known_names_.size(), false);
  reachable_[0] = true;
  // Records may come in any order: repeat until nothing is added, at most once per alias.
  bool grown = !aliases_.empty();
  while (grown) {
    grown = false;
    for (const Alias& alias : aliases_) {
      if (reachable_[alias.owner] && !reachable_[alias.target]) {
        reachable_[alias.target] = true;
        grown = true;
      }
    }
  }
}

void DnsResponseParser::CollectAddresses() {
  answer_.addresses.clear();
  uint32_t ttl = std::numeric_limits<uint32_t>::max();
  for (const AddressRecord& record : records_) {
    if (reachable_[record.owner]) {
      answer_.addresses.push_back(record.address);
      ttl = std::min(ttl, record.ttl);
    }
  }
  answer_.ttl = std::chrono::seconds(answer_.addresses.empty() ? 0 : ttl);
}

}  // namespace network_mapper::sniffer
