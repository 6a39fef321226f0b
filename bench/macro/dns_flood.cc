// Sends DNS answers at a steady rate over UDP from port 53, for measuring a sniffer that watches
// the link in between. Usage: dns_flood ADDRESS RATE_PER_SECOND SECONDS. Prints how many were sent.
// The answers name 500 services, as a busy node sees them; the receiver's port is closed, which
// does not matter to a capture.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr size_t kNames = 500;
constexpr size_t kBurst = 50;
constexpr uint16_t kDnsPort = 53;

using Bytes = std::vector<uint8_t>;

void AppendU16(Bytes& out, unsigned value) {
  out.push_back(static_cast<uint8_t>(value >> 8U));
  out.push_back(static_cast<uint8_t>(value & 0xFFU));
}

void AppendName(Bytes& out, std::string_view name) {
  while (!name.empty()) {
    std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out.push_back(0);
}

// An answer with one A record (RFC 1035 4.1).
Bytes MakeAnswer(size_t index) {
  Bytes message;
  AppendU16(message, 0);       // identifier, set for each packet
  AppendU16(message, 0x8580);  // response, authoritative, recursion desired and available
  for (unsigned count : {1U, 1U, 0U, 0U}) {
    AppendU16(message, count);
  }
  AppendName(message, "service-" + std::to_string(index) + ".some-namespace.svc.cluster.local");
  AppendU16(message, 1);
  AppendU16(message, 1);
  AppendU16(message, 0xC00C);
  AppendU16(message, 1);
  AppendU16(message, 1);
  AppendU16(message, 0);
  AppendU16(message, 30);
  AppendU16(message, 4);
  for (unsigned byte :
       {10U, 96U, static_cast<unsigned>(index >> 8U), static_cast<unsigned>(index & 0xFFU)}) {
    message.push_back(static_cast<uint8_t>(byte));
  }
  return message;
}

std::optional<unsigned> ParseNumber(std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    return std::nullopt;
  }
  return value;
}

struct Flood {
  int socket_fd;
  sockaddr_in target;
  std::vector<Bytes> answers;
  uint16_t next_id = 0;

  // One system call for a burst; returns how many the kernel took.
  unsigned SendBurst(size_t first) {
    std::array<mmsghdr, kBurst> headers{};
    std::array<iovec, kBurst> vectors{};
    for (size_t i = 0; i < kBurst; ++i) {
      Bytes& answer = answers[(first + i) % answers.size()];
      ++next_id;
      answer[0] = static_cast<uint8_t>(next_id >> 8U);
      answer[1] = static_cast<uint8_t>(next_id & 0xFFU);
      vectors[i] = {.iov_base = answer.data(), .iov_len = answer.size()};
      headers[i].msg_hdr.msg_name = &target;
      headers[i].msg_hdr.msg_namelen = sizeof(target);
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(socket_fd, headers.data(), headers.size(), 0);
    return sent < 0 ? 0 : static_cast<unsigned>(sent);
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::optional<unsigned> rate = argc == 4 ? ParseNumber(argv[2]) : std::nullopt;
  std::optional<unsigned> seconds = argc == 4 ? ParseNumber(argv[3]) : std::nullopt;
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(40000);
  if (!rate || !seconds || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
    std::fprintf(stderr, "Usage: dns_flood ADDRESS RATE_PER_SECOND SECONDS\n");
    return 2;
  }
  int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_port = htons(kDnsPort);
  if (socket_fd < 0 || bind(socket_fd, reinterpret_cast<sockaddr*>(&source), sizeof(source)) != 0) {
    std::perror("dns_flood: bind to port 53");
    return 1;
  }
  Flood flood{.socket_fd = socket_fd, .target = target, .answers = {}};
  for (size_t i = 0; i < kNames; ++i) {
    flood.answers.push_back(MakeAnswer(i));
  }
  auto start = std::chrono::steady_clock::now();
  uint64_t total = uint64_t{*rate} * *seconds;
  uint64_t sent = 0;
  for (uint64_t attempted = 0; attempted < total; attempted += kBurst) {
    std::this_thread::sleep_until(start +
                                  std::chrono::nanoseconds(attempted * 1'000'000'000 / *rate));
    sent += flood.SendBurst(attempted % kNames);
  }
  close(socket_fd);
  std::printf("%llu\n", static_cast<unsigned long long>(sent));
  return 0;
}
