#include "sniffer/procfs/proc_net.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kHeader =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode                                                     \n";

IpAddress Address(const char* text) {
  return IpAddress::Parse(text).value();
}

ProcNetTable Parse(const std::string& text) {
  ProcNetTable table;
  ParseProcNetSockets(text, table);
  return table;
}

TEST(ProcNetSockets, ReadsARecordedTcpTable) {
  ProcNetTable table = Parse(
      std::string(kHeader) +
      "   0: 0100007F:46A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "20551 1 0000000000000000 100 0 0 10 0                    \n"
      "   1: 0201580A:A5B2 0A00600A:0050 01 00000000:00000000 02:000AFC5F 00000000  1000        0 "
      "31877 2 0000000000000000 20 4 30 10 -1                   \n"
      "   2: 0201580A:A5B4 0A00600A:0050 06 00000000:00000000 03:00001761 00000000     0        0 "
      "0 3 0000000000000000                                     \n");
  EXPECT_EQ(table.malformed_lines, 0U);
  ASSERT_EQ(table.sockets.size(), 3U);
  EXPECT_EQ(table.sockets[0].local_address, Address("127.0.0.1"));
  EXPECT_EQ(table.sockets[0].local_port, 18080);
  EXPECT_EQ(table.sockets[0].state, SocketState::kListen);
  EXPECT_EQ(table.sockets[1].local_address, Address("10.88.1.2"));
  EXPECT_EQ(table.sockets[1].local_port, 42418);
  EXPECT_EQ(table.sockets[1].remote_address, Address("10.96.0.10"));
  EXPECT_EQ(table.sockets[1].remote_port, 80);
  EXPECT_EQ(table.sockets[1].state, SocketState::kEstablished);
  EXPECT_EQ(table.sockets[1].inode, 31877U);
  EXPECT_EQ(table.sockets[2].state, SocketState::kTimeWait);
  EXPECT_EQ(table.sockets[2].inode, 0U);
}

// docs/regressions.md P22
TEST(ProcNetSockets, ReadsIpv6AndTakesMappedAddressesAsIpv4) {
  ProcNetTable table = Parse(
      std::string(kHeader) +
      "   0: 770000FD000000000000000002000000:9C42 770000FD000000000000000001000000:1F90 01 "
      "00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000 20 0 0 10 -1\n"
      "   1: 0000000000000000FFFF00000201580A:1F90 0000000000000000FFFF00000301580A:9C44 01 "
      "00000000:00000000 00:00000000 00000000     0        0 8 1 0000000000000000 20 0 0 10 -1\n");
  EXPECT_EQ(table.malformed_lines, 0U);
  ASSERT_EQ(table.sockets.size(), 2U);
  EXPECT_EQ(table.sockets[0].local_address, Address("fd00:77::2"));
  EXPECT_EQ(table.sockets[0].remote_address, Address("fd00:77::1"));
  EXPECT_EQ(table.sockets[0].remote_port, 8080);
  EXPECT_EQ(table.sockets[1].local_address, Address("10.88.1.2"));
  EXPECT_TRUE(table.sockets[1].remote_address.IsV4());
  EXPECT_EQ(table.sockets[1].remote_address, Address("10.88.1.3"));
}

TEST(ProcNetSockets, CountsLinesThatCannotBeReadAndKeepsTheOthers) {
  const std::string good =
      "   1: 0201580A:A5B2 0A00600A:0050 01 00000000:00000000 02:000AFC5F 00000000  1000        0 "
      "31877 2\n";
  const char* const bad[] = {
      "garbage",
      "   1: 0201580A:A5B2",
      "   1  0201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: 0201580:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B2F 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: 0201580A 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: -201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B2 0A00600A:0050 00 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B2 0A00600A:0050 0D 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B2 0A00600A:0050 XX 0:0 02:0 0 0 0 1",
      "   1: 0201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0",
      "   1: 0201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 1x",
      "   1: 0201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 99999999999999999999",
  };
  for (const char* line : bad) {
    ProcNetTable table = Parse(kHeader + good + line + "\n" + good);
    EXPECT_EQ(table.malformed_lines, 1U) << line;
    EXPECT_EQ(table.sockets.size(), 2U) << line;
  }
}

TEST(ProcNetSockets, ReadsTheLastLineWithoutItsNewlineAndNothingFromEmptyTables) {
  EXPECT_EQ(Parse("0: 0201580A:A5B2 0A00600A:0050 01 0:0 02:0 0 0 0 1").sockets.size(), 1U);
  for (const char* text : {"", "\n", kHeader, "  \n\n"}) {
    ProcNetTable table = Parse(text);
    EXPECT_THAT(table.sockets, IsEmpty());
    EXPECT_EQ(table.malformed_lines, 0U);
  }
}

TEST(FibTrie, FindsTheHostsOwnAddressesOnce) {
  EXPECT_THAT(ParseFibTrieAddresses("Main:\n"
                                    "  +-- 0.0.0.0/0 3 0 5\n"
                                    "     |-- 0.0.0.0\n"
                                    "        /0 universe UNICAST\n"
                                    "     +-- 10.88.1.0/24 2 0 2\n"
                                    "        |-- 10.88.1.0\n"
                                    "           /24 link UNICAST\n"
                                    "        |-- 10.88.1.2\n"
                                    "           /32 host LOCAL\n"
                                    "        |-- 10.88.1.255\n"
                                    "           /32 link BROADCAST\n"
                                    "     +-- 127.0.0.0/8 2 0 2\n"
                                    "        +-- 127.0.0.0/31 1 0 0\n"
                                    "           |-- 127.0.0.0\n"
                                    "              /8 host LOCAL\n"
                                    "           |-- 127.0.0.1\n"
                                    "              /32 host LOCAL\n"
                                    "Local:\n"
                                    "        |-- 10.88.1.2\n"
                                    "           /32 host LOCAL\n"
                                    "        |-- 10.4.0.1\n"
                                    "           /24 link UNICAST\n"
                                    "           /32 host LOCAL\n"),
              ElementsAre(Address("10.4.0.1"), Address("10.88.1.2")));
}

TEST(FibTrie, DoesNotTakeAMaskForTheLeafBefore) {
  EXPECT_THAT(ParseFibTrieAddresses("  |-- 10.88.1.2\n  +-- 10.0.0.0/8 2 0 2\n  /32 host LOCAL\n"),
              IsEmpty());
  EXPECT_THAT(ParseFibTrieAddresses("  |-- 10.88.1\n  /32 host LOCAL\n"), IsEmpty());
  EXPECT_THAT(ParseFibTrieAddresses("  /32 host LOCAL\n"), IsEmpty());
}

// docs/regressions.md P22
TEST(IfInet6, FindsGlobalAddressesOnly) {
  EXPECT_THAT(ParseIfInet6Addresses("00000000000000000000000000000001 01 80 10 80       lo\n"
                                    "fe80000000000000a8bbccfffeddeeff 02 40 20 80     eth0\n"
                                    "fd000077000000000000000000000002 02 40 00 80     eth0\n"
                                    "fd000077000000000000000000000009 02 40 00 48     eth0\n"
                                    "20010db8000000000000000000000001 02 40 00 40     eth0\n"
                                    "20010db80000000000000000000000 02 40 00 40     eth0\n"
                                    "20010db80000000000000000000000zz 02 40 00 40     eth0\n"
                                    "20010db8000000000000000000000003 02 40\n"),
              ElementsAre(Address("2001:db8::1"), Address("fd00:77::2")));
}

TEST(Snmp, FindsTheTcpCountersWhereverTheyStand) {
  std::optional<TcpCounters> counters = ParseSnmpTcpCounters(
      "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
      "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
      "CurrEstab InSegs\n"
      "Tcp: 1 200 120000 -1 17 5 2 3 4 999\n"
      "Udp: InDatagrams\nUdp: 7\n");
  ASSERT_TRUE(counters);
  EXPECT_EQ(*counters,
            (TcpCounters{.active_opens = 17, .passive_opens = 5, .currently_established = 4}));
}

TEST(Snmp, SaysNothingWhenACounterIsMissing) {
  for (const char* text :
       {"", "Tcp: ActiveOpens PassiveOpens CurrEstab\n", "Tcp: ActiveOpens CurrEstab\nTcp: 1 2\n",
        "Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 1 2\n",
        "Tcp: ActiveOpens PassiveOpens CurrEstab\nTcp: 1 x 3\n"}) {
    EXPECT_FALSE(ParseSnmpTcpCounters(text)) << text;
  }
}

TEST(Sockstat, CountsTheSocketsOfItsProtocolOnly) {
  constexpr const char* kText =
      "sockets: used 7\nTCP: inuse 5 orphan 0 tw 0 alloc 7 mem 1\nUDP: inuse 2 mem 1\n"
      "TCP6: inuse 3\n";
  EXPECT_EQ(ParseSockstatInUse(kText, "TCP"), 5U);
  EXPECT_EQ(ParseSockstatInUse(kText, "TCP6"), 3U);
  EXPECT_FALSE(ParseSockstatInUse(kText, "RAW6"));
  EXPECT_FALSE(ParseSockstatInUse("TCP6: inuse\n", "TCP6"));
  EXPECT_FALSE(ParseSockstatInUse("", "TCP6"));
}

}  // namespace
}  // namespace network_mapper::sniffer
