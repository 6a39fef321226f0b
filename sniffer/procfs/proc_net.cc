#include "sniffer/procfs/proc_net.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <utility>

namespace network_mapper::sniffer {

namespace {

// Takes tokens off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }

  // The next line without its newline.
  std::string_view NextLine() {
    const void* newline = text_.empty() ? nullptr : std::memchr(text_.data(), '\n', text_.size());
    if (newline == nullptr) {
      return std::exchange(text_, {});
    }
    auto length = static_cast<size_t>(static_cast<const char*>(newline) - text_.data());
    std::string_view line = text_.substr(0, length);
    text_.remove_prefix(length + 1);
    return line;
  }

  // The next run of characters other than blanks; empty at the end.
  std::string_view NextWord() {
    SkipBlanks();
    size_t length = 0;
    while (length < text_.size() && text_[length] != ' ' && text_[length] != '\t') {
      ++length;
    }
    std::string_view word = text_.substr(0, length);
    text_.remove_prefix(length);
    return word;
  }

  void SkipBlanks() {
    size_t blanks = 0;
    while (blanks < text_.size() && (text_[blanks] == ' ' || text_[blanks] == '\t')) {
      ++blanks;
    }
    text_.remove_prefix(blanks);
  }

 private:
  std::string_view text_;
};

template <typename T>
std::optional<T> ParseNumber(std::string_view text, int base) {
  T value{};
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return value;
}

// Each 8 digits are a 32-bit word of the address as the kernel's CPU reads it, so its bytes in
// memory are in network order.
std::optional<IpAddress> ParseKernelAddress(std::string_view hex) {
  std::array<uint8_t, 16> bytes{};
  if (hex.size() != 8 && hex.size() != 32) {
    return std::nullopt;
  }
  for (size_t word = 0; word * 8 < hex.size(); ++word) {
    std::optional<uint32_t> value = ParseNumber<uint32_t>(hex.substr(word * 8, 8), 16);
    if (!value) {
      return std::nullopt;
    }
    std::memcpy(bytes.data() + word * 4, &*value, sizeof(*value));
  }
  return IpAddress::FromBytes(std::span<const uint8_t>(bytes.data(), hex.size() / 2));
}

// "0100007F:46A0"
bool ParseEndpoint(std::string_view text, IpAddress& address, uint16_t& port) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() - colon - 1 != 4) {
    return false;
  }
  std::optional<IpAddress> parsed_address = ParseKernelAddress(text.substr(0, colon));
  std::optional<uint16_t> parsed_port = ParseNumber<uint16_t>(text.substr(colon + 1), 16);
  if (!parsed_address || !parsed_port) {
    return false;
  }
  address = *parsed_address;
  port = *parsed_port;
  return true;
}

// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...
bool ParseSocketLine(std::string_view line, ProcNetSocket& socket) {
  Scanner words(line);
  std::string_view slot = words.NextWord();
  if (slot.size() < 2 || slot.back() != ':') {
    return false;
  }
  if (!ParseEndpoint(words.NextWord(), socket.local_address, socket.local_port) ||
      !ParseEndpoint(words.NextWord(), socket.remote_address, socket.remote_port)) {
    return false;
  }
  std::optional<uint8_t> state = ParseNumber<uint8_t>(words.NextWord(), 16);
  if (!state || *state < static_cast<uint8_t>(SocketState::kEstablished) ||
      *state > static_cast<uint8_t>(SocketState::kNewSynReceived)) {
    return false;
  }
  socket.state = static_cast<SocketState>(*state);
  constexpr int kFieldsBeforeInode = 5;
  for (int i = 0; i < kFieldsBeforeInode; ++i) {
    words.NextWord();
  }
  std::optional<uint64_t> inode = ParseNumber<uint64_t>(words.NextWord(), 10);
  if (!inode) {
    return false;
  }
  socket.inode = *inode;
  return true;
}

void SortUnique(std::vector<IpAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

}  // namespace

void ParseProcNetSockets(std::string_view text, ProcNetTable& table) {
  Scanner lines(text);
  while (!lines.AtEnd()) {
    std::string_view line = lines.NextLine();
    Scanner words(line);
    std::string_view first = words.NextWord();
    if (first.empty() || first == "sl") {
      continue;
    }
    ProcNetSocket socket;
    if (ParseSocketLine(line, socket)) {
      table.sockets.push_back(socket);
    } else {
      ++table.malformed_lines;
    }
  }
}

std::vector<IpAddress> ParseFibTrieAddresses(std::string_view text) {
  std::vector<IpAddress> addresses;
  std::optional<IpAddress> leaf;
  Scanner lines(text);
  while (!lines.AtEnd()) {
    Scanner words(lines.NextLine());
    std::string_view first = words.NextWord();
    if (first == "|--") {
      leaf = IpAddress::Parse(words.NextWord());
    } else if (first == "/32") {
      bool is_host = words.NextWord() == "host";
      bool is_local = words.NextWord() == "LOCAL";
      if (is_host && is_local && leaf && leaf->IsV4() && !leaf->IsLoopback()) {
        addresses.push_back(*leaf);
      }
    } else if (!first.starts_with('/')) {
      leaf.reset();
    }
  }
  SortUnique(addresses);
  return addresses;
}

std::vector<IpAddress> ParseIfInet6Addresses(std::string_view text) {
  constexpr uint32_t kScopeLinkOrHost = 0x30;           // IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK
  constexpr uint32_t kDuplicateDetectionFailed = 0x08;  // IFA_F_DADFAILED
  std::vector<IpAddress> addresses;
  Scanner lines(text);
  while (!lines.AtEnd()) {
    Scanner words(lines.NextLine());
    std::string_view digits = words.NextWord();
    words.NextWord();  // interface index
    words.NextWord();  // prefix length
    std::optional<uint32_t> scope = ParseNumber<uint32_t>(words.NextWord(), 16);
    std::optional<uint32_t> flags = ParseNumber<uint32_t>(words.NextWord(), 16);
    if (digits.size() != 32 || !scope || !flags || (*scope & kScopeLinkOrHost) != 0 ||
        (*flags & kDuplicateDetectionFailed) != 0) {
      continue;
    }
    std::array<uint8_t, 16> bytes{};
    bool valid = true;
    for (size_t i = 0; i < bytes.size() && valid; ++i) {
      std::optional<uint8_t> byte = ParseNumber<uint8_t>(digits.substr(i * 2, 2), 16);
      valid = byte.has_value();
      bytes[i] = byte.value_or(0);
    }
    IpAddress address = IpAddress::FromV6Bytes(bytes);
    if (valid && !address.IsLoopback() && !address.IsLinkLocal() && !address.IsUnspecified()) {
      addresses.push_back(address);
    }
  }
  SortUnique(addresses);
  return addresses;
}

std::optional<TcpCounters> ParseSnmpTcpCounters(std::string_view text) {
  // Two lines start with "Tcp:": names, then values.
  Scanner lines(text);
  std::string_view names;
  while (!lines.AtEnd()) {
    std::string_view line = lines.NextLine();
    if (!line.starts_with("Tcp:")) {
      continue;
    }
    if (names.empty()) {
      names = line;
      continue;
    }
    TcpCounters counters;
    int found = 0;
    Scanner name_words(names);
    Scanner value_words(line);
    for (std::string_view name = name_words.NextWord(); !name.empty();
         name = name_words.NextWord()) {
      std::string_view word = value_words.NextWord();
      uint64_t* field = name == "ActiveOpens"    ? &counters.active_opens
                        : name == "PassiveOpens" ? &counters.passive_opens
                        : name == "CurrEstab"    ? &counters.currently_established
                                                 : nullptr;
      std::optional<uint64_t> value;
      if (field != nullptr && (value = ParseNumber<uint64_t>(word, 10))) {
        *field = *value;
        ++found;
      }
    }
    constexpr int kFields = 3;
    return found == kFields ? std::optional(counters) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseSockstatInUse(std::string_view text, std::string_view protocol) {
  Scanner lines(text);
  while (!lines.AtEnd()) {
    Scanner words(lines.NextLine());
    std::string_view name = words.NextWord();
    if (name.size() == protocol.size() + 1 && name.starts_with(protocol) && name.back() == ':' &&
        words.NextWord() == "inuse") {
      return ParseNumber<uint64_t>(words.NextWord(), 10);
    }
  }
  return std::nullopt;
}

}  // namespace network_mapper::sniffer
