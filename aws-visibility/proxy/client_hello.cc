#include "aws-visibility/proxy/client_hello.h"

#include <algorithm>
#include <optional>
#include <span>

#include "aws-visibility/proxy/host_name.h"
#include "common/net/byte_reader.h"

namespace network_mapper::aws {

namespace {

using Bytes = std::span<const uint8_t>;

// RFC 8446 5.1, 4, 4.2.
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHelloMessage = 1;
constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;
constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr size_t kLargestRecord = size_t{16} * 1024;
constexpr size_t kLongestProtocols = 1024;

std::string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ClientHello Ended(HelloState state) {
  ClientHello hello;
  hello.state = state;
  return hello;
}

// A vector that is preceded by its length in one byte or in two.
std::optional<Bytes> ReadShortVector(ByteReader& reader) {
  const std::optional<uint8_t> size = reader.ReadU8();
  return size ? reader.ReadBytes(*size) : std::nullopt;
}

std::optional<Bytes> ReadVector(ByteReader& reader) {
  const std::optional<uint16_t> size = reader.ReadU16();
  return size ? reader.ReadBytes(*size) : std::nullopt;
}

bool TakeServerName(Bytes extension, ClientHello& hello) {
  ByteReader outer(extension);
  const std::optional<Bytes> list = ReadVector(outer);
  if (!list || outer.Remaining() != 0) {
    return false;
  }
  ByteReader reader(*list);
  while (reader.Remaining() > 0) {
    const std::optional<uint8_t> type = reader.ReadU8();
    const std::optional<Bytes> value = ReadVector(reader);
    if (!type || !value) {
      return false;
    }
    if (*type != 0) {
      continue;
    }
    std::optional<std::string> name = ReadHostName(Text(*value));
    // Two names: which one would the server take?
    if (!name || !hello.server_name.empty()) {
      return false;
    }
    hello.server_name = *std::move(name);
  }
  return true;
}

bool TakeProtocols(Bytes extension, ClientHello& hello) {
  ByteReader outer(extension);
  const std::optional<Bytes> list = ReadVector(outer);
  if (!list || outer.Remaining() != 0 || list->empty() || list->size() > kLongestProtocols ||
      !hello.protocols.empty()) {
    return false;
  }
  ByteReader reader(*list);
  while (reader.Remaining() > 0) {
    const std::optional<Bytes> name = ReadShortVector(reader);
    if (!name || name->empty()) {
      return false;
    }
  }
  hello.protocols = Text(*list);
  return true;
}

bool TakeExtensions(ByteReader reader, ClientHello& hello) {
  // Before TLS 1.2 there were none.
  if (reader.Remaining() == 0) {
    return true;
  }
  const std::optional<Bytes> extensions = ReadVector(reader);
  if (!extensions || reader.Remaining() != 0) {
    return false;
  }
  ByteReader list(*extensions);
  while (list.Remaining() > 0) {
    const std::optional<uint16_t> type = list.ReadU16();
    const std::optional<Bytes> value = ReadVector(list);
    if (!type || !value) {
      return false;
    }
    if ((*type == kServerName && !TakeServerName(*value, hello)) ||
        (*type == kAlpn && !TakeProtocols(*value, hello))) {
      return false;
    }
  }
  return true;
}

ClientHello ReadMessage(Bytes message) {
  constexpr size_t kVersionAndRandom = 2 + 32;
  ByteReader reader(message);
  ClientHello hello = Ended(HelloState::kComplete);
  const bool fits = reader.Skip(kVersionAndRandom) &&
                    ReadShortVector(reader).has_value() &&  // session id
                    ReadVector(reader).has_value() &&       // cipher suites
                    ReadShortVector(reader).has_value() &&  // compression methods
                    TakeExtensions(reader, hello);
  return fits ? hello : Ended(HelloState::kMalformed);
}

}  // namespace

ClientHello ReadClientHello(std::string_view bytes) {
  ByteReader reader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  // The message may be cut into any number of records.
  std::string message;
  while (reader.Remaining() > 0) {
    const Bytes rest = reader.Rest();
    if (rest[0] != kHandshakeRecord || (rest.size() > 1 && rest[1] != 3)) {
      return Ended(message.empty() ? HelloState::kNotTls : HelloState::kMalformed);
    }
    if (rest.size() < kRecordHeader) {
      break;
    }
    reader.Skip(kRecordHeader - 2);
    const size_t size = *reader.ReadU16();
    if (size == 0 || size > kLargestRecord) {
      return Ended(HelloState::kMalformed);
    }
    message.append(Text(reader.Rest().first(std::min(size, reader.Remaining()))));
    if (message.size() >= kMessageHeader) {
      ByteReader header(Bytes(reinterpret_cast<const uint8_t*>(message.data()), message.size()));
      const uint32_t type_and_size = *header.ReadU32();
      const size_t wanted = type_and_size & 0xffffffU;
      if (type_and_size >> 24U != kClientHelloMessage || wanted > kLargestClientHello) {
        return Ended(HelloState::kMalformed);
      }
      if (header.Remaining() >= wanted) {
        return ReadMessage(*header.ReadBytes(wanted));
      }
    }
    if (!reader.Skip(size)) {
      break;
    }
  }
  return Ended(bytes.size() > kLargestClientHello ? HelloState::kMalformed
                                                  : HelloState::kNeedsMore);
}

}  // namespace network_mapper::aws
