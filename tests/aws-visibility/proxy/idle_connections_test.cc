// What connections cost that wait for the next request: buffers are given back, and TLS sessions
// with an endpoint are shared.
#include <malloc.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "aws-visibility/proxy/upstream_sessions.h"
#include "tests/aws-visibility/proxy/proxy_fixture.h"
#include "tests/support/fake_clock.h"

namespace network_mapper::aws {
namespace {

using namespace std::chrono_literals;

constexpr size_t kKib = 1024;

// Of this process, in which are both ends, too. Sanitizers say 0.
size_t AllocatedBytes() {
  return mallinfo2().uordblks;
}

class IdleConnections : public ProxyFixture {
 protected:
  std::vector<std::unique_ptr<PeerStream>> Hold(size_t count,
                                                const PeerClientOptions& options = {}) {
    std::vector<std::unique_ptr<PeerStream>> streams;
    for (size_t i = 0; i < count; ++i) {
      streams.push_back(Connect(options).stream);
    }
    return streams;
  }
};

TEST_F(IdleConnections, KeepNothingOfWhatASlowReceiverDidNotTake) {
  constexpr size_t kConnections = 8;
  constexpr size_t kSize = size_t{4} << 20U;
  static const std::string answer(kSize, 'x');
  std::atomic<size_t> begun{0};
  Serve([&](PeerStream& stream) {
    while (stream.ReceiveExactly(4).size() == 4) {
      ++begun;
      stream.Send(answer);
    }
  });
  Start();
  const auto streams = Hold(kConnections, {.receive_buffer = 4096});
  for (const auto& stream : streams) {
    ASSERT_NE(stream, nullptr);
  }
  const size_t before = AllocatedBytes();
  for (const auto& stream : streams) {
    stream->Send("POST");
  }
  ASSERT_TRUE(Eventually([&] { return begun == kConnections; }));
  for (const auto& stream : streams) {
    ASSERT_EQ(stream->ReceiveExactly(kSize).size(), kSize);
  }
  EXPECT_LT(AllocatedBytes(), before + kConnections * 2 * kKib);
}

TEST_F(IdleConnections, KeepNoBufferForATicketOfTheEndpoint) {
  constexpr size_t kConnections = 32;
  Serve([&](PeerStream& stream) {
    stream.Send("hello");
    Echo(stream);
  });
  Start();
  const auto streams = Hold(kConnections);
  for (const auto& stream : streams) {
    ASSERT_NE(stream, nullptr);
    // The ticket came before it.
    ASSERT_EQ(stream->ReceiveExactly(5), "hello");
  }
  const size_t before = AllocatedBytes();
  // OpenSSL gives a buffer for writing back when something was written.
  for (const auto& stream : streams) {
    stream->Send("POST");
    ASSERT_EQ(stream->ReceiveExactly(4), "POST");
  }
  EXPECT_LT(before, AllocatedBytes() + kConnections * 8 * kKib);
}

TEST_F(IdleConnections, ResumeTheSessionThatAnotherHadWithTheEndpoint) {
  std::atomic<int> resumed{0};
  Serve([&](PeerStream& stream) {
    resumed += stream.Resumed() ? 1 : 0;
    Echo(stream);
  });
  Start();
  for (int i = 0; i < 3; ++i) {
    const PeerConnection connection = Connect();
    ASSERT_NE(connection.stream, nullptr) << connection.failure;
    connection.stream->Send("POST");
    // The ticket comes before the answer.
    EXPECT_EQ(connection.stream->ReceiveExactly(4), "POST");
    // Even one that breaks off does not spoil it for the others.
    connection.stream->Reset();
  }
  EXPECT_EQ(resumed, 2);
  PeerClientOptions other;
  other.server_name = "sns.eu-west-1.amazonaws.com";
  const PeerConnection connection = Connect(other);
  ASSERT_NE(connection.stream, nullptr) << connection.failure;
  connection.stream->Send("POST");
  EXPECT_EQ(connection.stream->ReceiveExactly(4), "POST");
  EXPECT_EQ(resumed, 2);
}

TEST(UpstreamSessions, AreUsedForAnHour) {
  FakeClock clock;
  UpstreamSessions sessions(clock);
  const TlsPtr<SSL_SESSION> session(SSL_SESSION_new());
  sessions.Keep("a", *session);
  clock.Advance(59min);
  EXPECT_NE(sessions.For("a"), nullptr);
  EXPECT_EQ(sessions.For("b"), nullptr);
  clock.Advance(1min);
  EXPECT_EQ(sessions.For("a"), nullptr);
}

TEST(UpstreamSessions, AreBounded) {
  FakeClock clock;
  UpstreamSessions sessions(clock, 2);
  const TlsPtr<SSL_SESSION> session(SSL_SESSION_new());
  size_t known = 0;
  const std::vector<std::string> names = {"a", "b", "c"};
  for (const std::string& name : names) {
    sessions.Keep(name, *session);
  }
  for (const std::string& name : names) {
    known += sessions.For(name) != nullptr ? size_t{1} : 0;
  }
  EXPECT_EQ(known, 2U);
  EXPECT_NE(sessions.For("c"), nullptr);
}

}  // namespace
}  // namespace network_mapper::aws
