// Parsers of the text tables below /proc/<pid>/net: sockets, IPv4 and IPv6 addresses, counters.
// Formats: Linux Documentation/networking/proc_net_tcp.rst and net/ipv4/{tcp_ipv4,fib_trie,proc}.c.
// Pure functions, used by the namespace and socket scans; they read no files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/net/ip_address.h"

namespace network_mapper::sniffer {

// Numbers of include/net/tcp_states.h.
enum class SocketState : uint8_t {
  kEstablished = 1,
  kSynSent = 2,
  kSynReceived = 3,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kTimeWait = 6,
  kClose = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
  kNewSynReceived = 12,
};

struct ProcNetSocket {
  IpAddress local_address;
  uint16_t local_port = 0;
  IpAddress remote_address;
  uint16_t remote_port = 0;
  SocketState state = SocketState::kClose;
  // 0 for sockets without an owner (TIME_WAIT, orphans).
  uint64_t inode = 0;
};

struct ProcNetTable {
  std::vector<ProcNetSocket> sockets;
  // Lines that could not be read; the others are kept.
  uint64_t malformed_lines = 0;
};

// net/tcp or net/tcp6; appends to `table`. IPv4-mapped addresses become IPv4.
void ParseProcNetSockets(std::string_view text, ProcNetTable& table);

// net/fib_trie: the host's own IPv4 addresses (/32 host LOCAL) outside 127.0.0.0/8, sorted, each
// once.
std::vector<IpAddress> ParseFibTrieAddresses(std::string_view text);

// net/if_inet6: IPv6 addresses of global scope whose duplicate address detection has not failed;
// sorted.
std::vector<IpAddress> ParseIfInet6Addresses(std::string_view text);

// Counters of net/snmp that change whenever the set of established TCP sockets changes.
struct TcpCounters {
  uint64_t active_opens = 0;
  uint64_t passive_opens = 0;
  uint64_t currently_established = 0;

  friend bool operator==(const TcpCounters&, const TcpCounters&) = default;
};

// Absent when the text has no such counters.
std::optional<TcpCounters> ParseSnmpTcpCounters(std::string_view text);

// net/sockstat ("TCP") or net/sockstat6 ("TCP6"): sockets in use; absent when there is no such
// line.
std::optional<uint64_t> ParseSockstatInUse(std::string_view text, std::string_view protocol);

}  // namespace network_mapper::sniffer
