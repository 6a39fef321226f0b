// The tables below /proc/<pid>/net. First byte: which parser.
#include "sniffer/procfs/proc_net.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using network_mapper::IpAddress;
using network_mapper::sniffer::ProcNetSocket;
using network_mapper::sniffer::ProcNetTable;
using network_mapper::sniffer::SocketState;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void CheckSockets(std::string_view text) {
  ProcNetTable table;
  network_mapper::sniffer::ParseProcNetSockets(text, table);
  auto lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  Require(table.sockets.size() + table.malformed_lines <= lines);
  for (const ProcNetSocket& socket : table.sockets) {
    Require(socket.state >= SocketState::kEstablished &&
            socket.state <= SocketState::kNewSynReceived);
  }
}

void CheckAddresses(const std::vector<IpAddress>& addresses, bool v4) {
  Require(std::is_sorted(addresses.begin(), addresses.end()));
  Require(std::adjacent_find(addresses.begin(), addresses.end()) == addresses.end());
  for (const IpAddress& address : addresses) {
    Require(!address.IsLoopback() && (!v4 || address.IsV4()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case '0':
      CheckSockets(text);
      break;
    case '1':
      CheckAddresses(network_mapper::sniffer::ParseFibTrieAddresses(text), true);
      break;
    case '2':
      CheckAddresses(network_mapper::sniffer::ParseIfInet6Addresses(text), false);
      break;
    case '3':
      (void)network_mapper::sniffer::ParseSnmpTcpCounters(text);
      break;
    case '4':
      (void)network_mapper::sniffer::ParseSockstatInUse(text, "TCP6");
      break;
    default:
      break;
  }
  return 0;
}
