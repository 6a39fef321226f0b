// What the scans make of the running kernel's /proc, with real namespaces, processes and
// connections. Needs root.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sniffer/procfs/namespace_scanner.h"
#include "sniffer/procfs/socket_scanner.h"
#include "tests/support/isolation.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Of both families, in the network namespace of a process.
class Socket {
 public:
  explicit Socket(pid_t pid) {
    InNetworkNamespaceOf inside(pid);
    descriptor_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int off = 0;
    setsockopt(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  ~Socket() { close(descriptor_); }

  int Get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// IPv4 as a mapped address, so that one kind of socket does for both.
sockaddr_in6 SocketAddress(const std::string& address, uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &out.sin6_addr), 1);
  return out;
}

class KernelTest : public ::testing::Test {
 protected:
  KernelTest() {
    RunOrDie(
        fmt::format("ip link add eth0 netns {0} type veth peer name eth0 netns {1} && "
                    "nsenter -n -t {0} sh -c 'ip addr add 10.88.0.2/24 dev eth0 && "
                    "ip addr add fd00:88::2/64 dev eth0 nodad && ip link set eth0 up' && "
                    "nsenter -n -t {1} sh -c 'ip addr add 10.88.0.3/24 dev eth0 && "
                    "ip addr add fd00:88::3/64 dev eth0 nodad && ip link set eth0 up'",
                    client_.Pid(), server_.Pid()));
  }

  static void Listen(const Socket& listener) {
    sockaddr_in6 all = SocketAddress("::", 8080);
    ASSERT_EQ(bind(listener.Get(), reinterpret_cast<sockaddr*>(&all), sizeof(all)), 0);
    ASSERT_EQ(listen(listener.Get(), 5), 0);
  }

  static void Connect(const Socket& socket, const std::string& address) {
    sockaddr_in6 to = SocketAddress(address, 8080);
    ASSERT_EQ(connect(socket.Get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0) << address;
  }

  static NamespaceId IdOf(pid_t pid) {
    struct stat attributes {};

    EXPECT_EQ(stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &attributes), 0);
    return {.device = attributes.st_dev, .inode = attributes.st_ino};
  }

  const NetworkNamespace& Find(pid_t pid) {
    NamespaceId id = IdOf(pid);
    auto found = std::find_if(snapshot_.namespaces.begin(), snapshot_.namespaces.end(),
                              [&](const NetworkNamespace& one) { return one.id == id; });
    EXPECT_NE(found, snapshot_.namespaces.end());
    static const NetworkNamespace none;
    return found == snapshot_.namespaces.end() ? none : *found;
  }

  void Scan() {
    auto snapshot = namespaces_.Scan();
    ASSERT_THAT(snapshot, IsOk());
    snapshot_ = *std::move(snapshot);
  }

  WaitingProcess client_ = WaitingProcess::InNewNamespace();
  WaitingProcess server_ = WaitingProcess::InNewNamespace();
  ProcFs proc_fs_ = ProcFs::Open("/proc").value();
  NamespaceScanner namespaces_{proc_fs_, Clock::System()};
  SocketScanner sockets_{proc_fs_, Clock::System(), {.round_budget = std::chrono::hours(1)}};
  NamespaceSnapshot snapshot_;
};

TEST_F(KernelTest, FindsNamespacesWithTheirProcessesAddressesAndStart) {
  WaitingProcess second = WaitingProcess::InNamespaceOf(client_);
  Scan();
  EXPECT_EQ(snapshot_.processes, 4U);
  EXPECT_THAT(snapshot_.namespaces, SizeIs(3));
  ASSERT_NE(snapshot_.Host(), nullptr);
  EXPECT_THAT(snapshot_.Host()->pids, ElementsAre(getpid()));
  const NetworkNamespace& client = Find(client_.Pid());
  EXPECT_THAT(client.pids, ElementsAre(client_.Pid(), second.Pid()));
  EXPECT_THAT(client.addresses, ElementsAre(IpAddress::Parse("10.88.0.2").value(),
                                            IpAddress::Parse("fd00:88::2").value()));
  EXPECT_LE(client.earliest_start, snapshot_.taken_at);
  EXPECT_GT(client.earliest_start, snapshot_.taken_at - std::chrono::minutes(1));
}

// docs/regressions.md 1.1 socketscanner, P9
TEST_F(KernelTest, SeesAConnectionInTheNamespaceOfItsClientOnly) {
  Socket listener(server_.Pid());
  Socket v4(client_.Pid());
  Socket v6(client_.Pid());
  Listen(listener);
  Connect(v4, "::ffff:10.88.0.3");
  Connect(v6, "fd00:88::3");
  std::vector<WaitingProcess> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(WaitingProcess::InNamespaceOf(client_));
  }
  Scan();
  EXPECT_EQ(sockets_.Scan(snapshot_).tables_read, 1U)
      << "of four processes, and only where connections were opened";
  std::vector<std::string> servers;
  for (const ClientSocket& socket : sockets_.SocketsOf(Find(client_.Pid()).id).clients) {
    servers.push_back(fmt::format("{} {}", socket.remote_address.ToString(), socket.remote_port));
    EXPECT_NE(socket.local_port, 8080);
    EXPECT_NE(socket.inode, 0U);
  }
  EXPECT_THAT(servers, UnorderedElementsAre("10.88.0.3 8080", "fd00:88::3 8080"));
  EXPECT_THAT(sockets_.SocketsOf(Find(server_.Pid()).id).clients, IsEmpty());
  EXPECT_THAT(sockets_.SocketsOf(snapshot_.Host()->id).clients, IsEmpty());
  SocketScanStatistics again = sockets_.Scan(snapshot_);
  EXPECT_EQ(again.unchanged, 3U) << "the kernel's counters stand still";
  EXPECT_EQ(again.malformed_lines, 0U);
}

TEST_F(KernelTest, NoticesANewConnectionByTheCounters) {
  Scan();
  sockets_.Scan(snapshot_);
  Socket listener(client_.Pid());
  Socket client(client_.Pid());
  Listen(listener);
  Connect(client, "fd00:88::2");
  SocketScanStatistics statistics = sockets_.Scan(snapshot_);
  EXPECT_EQ(statistics.tables_read, 1U);
  EXPECT_EQ(statistics.unchanged, 2U);
  EXPECT_THAT(sockets_.SocketsOf(Find(client_.Pid()).id).clients, SizeIs(1));
}

TEST_F(KernelTest, ReadsATableOfManyPagesToItsEnd) {
  // Around the page boundaries every number of lines is tried.
  std::vector<std::unique_ptr<Socket>> listeners;
  ProcNetTable table;
  std::string text;
  while (listeners.size() < 300) {
    auto listener = std::make_unique<Socket>(client_.Pid());
    sockaddr_in6 any_port = SocketAddress("::", 0);
    ASSERT_EQ(bind(listener->Get(), reinterpret_cast<sockaddr*>(&any_port), sizeof(any_port)), 0);
    ASSERT_EQ(listen(listener->Get(), 1), 0);
    listeners.push_back(std::move(listener));
    if (listeners.size() < 70 || listeners.size() == 300) {
      table.sockets.clear();
      ASSERT_THAT(proc_fs_.ReadTable(client_.Pid(), "net/tcp6", text), IsOk());
      ParseProcNetSockets(text, table);
      ASSERT_EQ(table.sockets.size(), listeners.size());
      ASSERT_EQ(table.malformed_lines, 0U);
    }
  }
}

TEST_F(KernelTest, PassesOverAProcessThatHasEndedAndIsNotWaitedFor) {
  pid_t zombie = fork();
  ASSERT_GE(zombie, 0);
  if (zombie == 0) {
    _exit(0);
  }
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT), 0);
  Scan();
  EXPECT_EQ(snapshot_.processes, 4U);
  EXPECT_THAT(snapshot_.namespaces, SizeIs(3));
  EXPECT_THAT(snapshot_.Host()->pids, Not(Contains(zombie)));
  EXPECT_EQ(snapshot_.namespace_not_permitted, 0U);
  waitpid(zombie, nullptr, 0);
}

}  // namespace
}  // namespace network_mapper::sniffer

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  return network_mapper::RunIsolated([] { return RUN_ALL_TESTS(); });
}
