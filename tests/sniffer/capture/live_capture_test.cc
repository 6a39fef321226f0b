// Captures real packets on veths between two network namespaces. Needs root (CAP_NET_RAW,
// CAP_SYS_ADMIN, CAP_NET_ADMIN).
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/capture/capture_filter.h"
#include "sniffer/capture/packet_decoder.h"
#include "sniffer/capture/packet_source.h"
#include "tests/support/packet_builder.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::HasSubstr;

void RunCommand(const std::string& command) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe, cert-env33-c): set-up of a single-threaded test
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}

  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  ~FileDescriptor() { close(fd_); }

  int Get() const { return fd_; }

 private:
  int fd_;
};

// The "node" has one end of a veth and captures, the "pod" has the other.
class LiveCaptureTest : public ::testing::Test {
 protected:
  LiveCaptureTest() : home_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {}

  void SetUp() override {
    ASSERT_EQ(geteuid(), 0U) << "this test needs root: it makes network namespaces and captures";
    RunCommand(
        fmt::format("ip netns add {0} && ip netns add {1} && "
                    "ip -n {0} link set lo up && ip -n {1} link set lo up",
                    node_, pod_));
    MakeLink();
  }

  void MakeLink() {
    RunCommand(
        fmt::format("ip -n {0} link add veth0 type veth peer name eth0 netns {1} && "
                    "ip -n {0} addr add 10.77.0.1/24 dev veth0 && "
                    "ip -n {0} addr add fd00:77::1/64 dev veth0 nodad && "
                    "ip -n {0} link set veth0 up && "
                    "ip -n {1} addr add 10.77.0.2/24 dev eth0 && "
                    "ip -n {1} addr add fd00:77::2/64 dev eth0 nodad && "
                    "ip -n {1} link set eth0 up",
                    node_, pod_));
  }

  void RemoveLink() { RunCommand(fmt::format("ip -n {} link del veth0", node_)); }

  void TearDown() override {
    setns(home_.Get(), CLONE_NEWNET);
    RunCommand(fmt::format("ip netns del {} ; ip netns del {}", node_, pod_));
  }

  static void Enter(const std::string& name) {
    FileDescriptor target(open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(setns(target.Get(), CLONE_NEWNET), 0) << name;
  }

  // The options of the sniffer with room to spare: no test may fail for want of ring.
  static LiveCaptureOptions Options() {
    return {.interfaces = {},
            .filter = BuildCaptureFilter({}),
            .ethernet_filter = BuildCaptureFilter({.vlan = true}),
            .block_timeout = std::chrono::milliseconds(10),
            .interface_check_interval = std::chrono::milliseconds(10)};
  }

  static void PollUntilLost(PacketSource& source, bool lost) {
    PollUntil(
        source, [](const CapturedPacket&) {},
        [&] { return source.Statistics().at(0).lost == lost; });
    ASSERT_EQ(source.Statistics().at(0).lost, lost);
  }

  // The source is open; traffic is made now and must be seen.
  void ExpectTraffic(PacketSource& source) {
    PacketAggregator aggregator({});
    MakeTraffic();
    PollUntil(
        source, [&](const CapturedPacket& packet) { aggregator.Add(packet); },
        [&] { return aggregator.PendingKeys() == 2; });
    EXPECT_EQ(aggregator.PendingKeys(), 2U);
  }

  static sockaddr_in6 V6(const char* address, uint16_t port) {
    sockaddr_in6 out{};
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(port);
    inet_pton(AF_INET6, address, &out.sin6_addr);
    return out;
  }

  // From the pod: an IPv6 connection attempt to the node, and an answer from port 53 of the node to
  // the pod. Returns the client's port of the attempt.
  void MakeTraffic() {
    Enter(pod_);
    FileDescriptor client(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
    FileDescriptor resolver(socket(AF_INET6, SOCK_DGRAM, 0));
    sockaddr_in6 server = V6("fd00:77::1", 8080);
    sockaddr_in6 own = V6("fd00:77::2", 40053);
    ASSERT_EQ(bind(resolver.Get(), reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    (void)connect(client.Get(), reinterpret_cast<sockaddr*>(&server), sizeof(server));
    Enter(node_);
    FileDescriptor dns(socket(AF_INET6, SOCK_DGRAM, 0));
    sockaddr_in6 from = V6("fd00:77::1", 53);
    ASSERT_EQ(bind(dns.Get(), reinterpret_cast<sockaddr*>(&from), sizeof(from)), 0);
    Bytes message = DnsResponse("cart.shop").Address("cart.shop", "10.96.0.10").Message();
    ASSERT_GT(sendto(dns.Get(), message.data(), message.size(), 0,
                     reinterpret_cast<sockaddr*>(&own), sizeof(own)),
              0);
  }

  // Polls until `done` or ten seconds.
  static void PollUntil(PacketSource& source, const PacketHandler& handler,
                        const std::function<bool()>& done) {
    SteadyTime deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < deadline) {
      ASSERT_THAT(source.Poll(std::chrono::milliseconds(100), handler), IsOk());
    }
  }

  void ExpectBothObservations(const LiveCaptureOptions& options) {
    Enter(node_);
    auto source = OpenLiveCapture(options);
    ASSERT_THAT(source, IsOk());
    PacketAggregator aggregator({});
    MakeTraffic();
    PollUntil(
        **source, [&](const CapturedPacket& packet) { aggregator.Add(packet); },
        [&] { return aggregator.PendingKeys() == 2; });
    auto seen = aggregator.Flush(std::chrono::system_clock::now());
    ASSERT_EQ(seen.size(), 2U);
    const Observation& dns = seen[0].observation;
    EXPECT_EQ(dns.collector, Collector::kDns);
    EXPECT_EQ(dns.client.ip, IpAddress::Parse("fd00:77::2"));
    EXPECT_EQ(std::get<NameTarget>(dns.target).name, "cart.shop");
    EXPECT_EQ(dns.count, 1U);
    const Observation& syn = seen[1].observation;
    EXPECT_EQ(syn.collector, Collector::kTcpSyn);
    EXPECT_EQ(syn.client.ip, IpAddress::Parse("fd00:77::2"));
    EXPECT_EQ(std::get<AddressTarget>(syn.target).address, IpAddress::Parse("fd00:77::1"));
    EXPECT_EQ(std::get<AddressTarget>(syn.target).port, 8080);
    EXPECT_LT(std::chrono::abs(syn.first_seen - std::chrono::system_clock::now()),
              std::chrono::minutes(1));
    EXPECT_GE((*source)->Statistics().at(0).received, 2U);
    EXPECT_EQ((*source)->Statistics().at(0).dropped_by_kernel, 0U);
  }

  std::string node_ = fmt::format("capture-node-{}", getpid());
  std::string pod_ = fmt::format("capture-pod-{}", getpid());
  FileDescriptor home_;
};

// docs/regressions.md 1.1 dnssniffer/tcpsniffer, P22
TEST_F(LiveCaptureTest, SeesIpv6SynAndDnsAnswerOnTheDeviceAny) {
  ExpectBothObservations(Options());
}

// docs/regressions.md P25: capture on one interface where "any" does not do.
TEST_F(LiveCaptureTest, SeesTheSameOnANamedInterface) {
  LiveCaptureOptions options = Options();
  options.interfaces = {"veth0"};
  ExpectBothObservations(options);
}

TEST_F(LiveCaptureTest, KnowsTheInterfaceOfEachPacket) {
  Enter(node_);
  auto source = OpenLiveCapture(Options());
  ASSERT_THAT(source, IsOk());
  std::vector<DecodedPacket> seen;
  MakeTraffic();
  PollUntil(
      **source,
      [&](const CapturedPacket& packet) {
        auto decoded = DecodePacket(packet);
        if (std::holds_alternative<DecodedPacket>(decoded)) {
          seen.push_back(std::get<DecodedPacket>(decoded));
        }
      },
      [&] { return seen.size() >= 2; });
  ASSERT_GE(seen.size(), 2U);
  for (const DecodedPacket& packet : seen) {
    EXPECT_NE(packet.interface_index, 0U);
    EXPECT_NE(packet.direction, PacketDirection::kUnknown);
  }
}

// docs/regressions.md P25: capturing blocked for ever.
TEST_F(LiveCaptureTest, ReturnsAtTheDeadlineWhenNothingComes) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.filter = "udp port 9";
  auto source = OpenLiveCapture(options);
  ASSERT_THAT(source, IsOk());
  SteadyTime begin = std::chrono::steady_clock::now();
  auto result = (*source)->Poll(std::chrono::milliseconds(50), [](const CapturedPacket&) {});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->packets, 0U);
  EXPECT_FALSE(result->end_of_input);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

TEST_F(LiveCaptureTest, GoesOnWithTheOtherInterfacesWhenOneDisappears) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.interfaces = {"veth0", "lo"};
  auto source = OpenLiveCapture(options);
  ASSERT_THAT(source, IsOk());
  RemoveLink();
  PollUntilLost(**source, true);
  EXPECT_TRUE((*source)->Statistics().at(0).lost);
  EXPECT_FALSE((*source)->Statistics().at(1).lost);
}

TEST_F(LiveCaptureTest, CapturesAnInterfaceAgainThatWasDeletedAndMadeAnew) {
  for (const std::vector<std::string>& others : {std::vector<std::string>{}, {"lo"}}) {
    Enter(node_);
    LiveCaptureOptions options = Options();
    options.interfaces = {"veth0"};
    options.interfaces.insert(options.interfaces.end(), others.begin(), others.end());
    auto source = OpenLiveCapture(options);
    ASSERT_THAT(source, IsOk());
    ExpectTraffic(**source);
    uint64_t received = (*source)->Statistics().at(0).received;
    EXPECT_GE(received, 2U);
    for (uint64_t loss = 1; loss <= 2; ++loss) {
      RemoveLink();
      PollUntilLost(**source, true);
      MakeLink();
      PollUntilLost(**source, false);
      ExpectTraffic(**source);
      EXPECT_EQ((*source)->Statistics().at(0).losses, loss);
    }
    EXPECT_GE((*source)->Statistics().at(0).received, received + 4) << "counters go on";
  }
}

TEST_F(LiveCaptureTest, SaysThatAnInterfaceIsDownAndGoesOnWhenItIsUp) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.interfaces = {"veth0"};
  auto source = OpenLiveCapture(options);
  ASSERT_THAT(source, IsOk());
  RunCommand(fmt::format("ip -n {} link set veth0 down", node_));
  PollUntilLost(**source, true);
  RunCommand(
      fmt::format("ip -n {0} link set veth0 up && "
                  "ip -n {0} addr replace fd00:77::1/64 dev veth0 nodad",
                  node_));
  PollUntilLost(**source, false);
  ExpectTraffic(**source);
  EXPECT_EQ((*source)->Statistics().at(0).losses, 1U);
}

// docs/regressions.md P25
TEST_F(LiveCaptureTest, SeesInterfacesOnTheDeviceAnyThatAppearLater) {
  RemoveLink();
  Enter(node_);
  auto source = OpenLiveCapture(Options());
  ASSERT_THAT(source, IsOk());
  MakeLink();
  ExpectTraffic(**source);
  RemoveLink();
  MakeLink();
  ExpectTraffic(**source);
  EXPECT_FALSE((*source)->Statistics().at(0).lost);
}

// docs/regressions.md P8
TEST_F(LiveCaptureTest, CountsWhatTheKernelHadNoRoomFor) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.interfaces = {"veth0"};
  options.buffer_bytes = 0;  // the smallest ring
  auto source = OpenLiveCapture(options);
  ASSERT_THAT(source, IsOk());
  ExpectTraffic(**source);  // The neighbour is known from here on.
  uint64_t before = (*source)->Statistics().at(0).received;
  FileDescriptor dns(socket(AF_INET6, SOCK_DGRAM, 0));
  sockaddr_in6 from = V6("fd00:77::1", 53);
  sockaddr_in6 to = V6("fd00:77::2", 40053);
  ASSERT_EQ(bind(dns.Get(), reinterpret_cast<sockaddr*>(&from), sizeof(from)), 0);
  Bytes message(1000);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_GT(sendto(dns.Get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&to),
                     sizeof(to)),
              0);
  }
  uint64_t delivered = 0;
  InterfaceCaptureStatistics statistics;
  PollUntil(
      **source, [&](const CapturedPacket&) { ++delivered; },
      [&] {
        statistics = (*source)->Statistics().at(0);
        return delivered + statistics.dropped_by_kernel >= 5000;
      });
  EXPECT_GT(statistics.dropped_by_kernel, 0U);
  EXPECT_GT(delivered, 0U);
  EXPECT_GE(delivered + statistics.dropped_by_kernel, 5000U) << "each is delivered or counted";
  EXPECT_GE(statistics.received - before, 5000U);
}

TEST_F(LiveCaptureTest, NamesTheInterfacesThatThereAreWhenOneIsUnknown) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.interfaces = {"lo", "eth7"};
  EXPECT_THAT(OpenLiveCapture(options),
              StatusIs(StatusCode::kNotFound, HasSubstr("eth7 in this network namespace; there are "
                                                        "lo, veth0")));
}

TEST_F(LiveCaptureTest, NamesAnInterfaceThatIsDown) {
  Enter(node_);
  RunCommand(fmt::format("ip -n {} link set veth0 down", node_));
  LiveCaptureOptions options = Options();
  options.interfaces = {"veth0"};
  EXPECT_THAT(OpenLiveCapture(options), StatusIs(StatusCode::kUnavailable, HasSubstr("veth0")));
}

TEST_F(LiveCaptureTest, RefusesAFilterThatDoesNotCompile) {
  Enter(node_);
  LiveCaptureOptions options = Options();
  options.filter = "no such words";
  EXPECT_THAT(OpenLiveCapture(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no such words")));
}

TEST_F(LiveCaptureTest, NamesTheCapabilityThatIsLacking) {
  // In a child, for dropped capabilities do not come back. The exit code carries the verdict.
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> none{};
    syscall(SYS_capset, &header, none.data());
    auto source = OpenLiveCapture({.interfaces = {}, .filter = ""});
    bool right = !source.ok() && source.status().code() == StatusCode::kPermissionDenied &&
                 StatusMessage(source.status()).find("CAP_NET_RAW") != std::string::npos;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace network_mapper::sniffer
