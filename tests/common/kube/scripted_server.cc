#include "tests/common/kube/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

namespace network_mapper {

namespace {

// Reads up to `end`; absent at the end of the connection.
std::optional<std::string> ReadUntil(int socket, std::string& buffer, std::string_view end,
                                     const std::atomic<bool>& stopping) {
  size_t found = buffer.find(end);
  while (found == std::string::npos) {
    pollfd waiting{socket, POLLIN, 0};
    if (stopping) {
      return std::nullopt;
    }
    if (poll(&waiting, 1, 20) <= 0) {
      continue;
    }
    std::array<char, 4096> bytes{};
    const ssize_t size = read(socket, bytes.data(), bytes.size());
    if (size <= 0) {
      return std::nullopt;
    }
    buffer.append(bytes.data(), static_cast<size_t>(size));
    found = buffer.find(end);
  }
  std::string text = buffer.substr(0, found);
  buffer.erase(0, found + end.size());
  return text;
}

std::optional<ScriptedCall> ReadCall(int socket, std::string& buffer,
                                     const std::atomic<bool>& stopping) {
  const std::optional<std::string> head = ReadUntil(socket, buffer, "\r\n\r\n", stopping);
  if (!head.has_value()) {
    return std::nullopt;
  }
  ScriptedCall call;
  size_t line_start = head->find("\r\n");
  const std::string first = head->substr(0, line_start);
  call.method = first.substr(0, first.find(' '));
  call.target = first.substr(call.method.size() + 1, first.rfind(' ') - call.method.size() - 1);
  while (line_start != std::string::npos) {
    line_start += 2;
    const size_t line_end = head->find("\r\n", line_start);
    const std::string line = head->substr(line_start, line_end - line_start);
    const size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    call.headers[name] = line.substr(colon + 2);
    line_start = line_end;
  }
  const std::string length = call.Header("content-length");
  const size_t body_size = length.empty() ? 0 : std::stoul(length);
  while (buffer.size() < body_size) {
    std::array<char, 4096> bytes{};
    const ssize_t size = read(socket, bytes.data(), bytes.size());
    if (size <= 0) {
      return std::nullopt;
    }
    buffer.append(bytes.data(), static_cast<size_t>(size));
  }
  call.body = buffer.substr(0, body_size);
  buffer.erase(0, body_size);
  return call;
}

}  // namespace

std::string ScriptedCall::Parameter(std::string_view name) const {
  const size_t question = target.find('?');
  std::string query = question == std::string::npos ? "" : "&" + target.substr(question + 1);
  const std::string key = fmt::format("&{}=", name);
  const size_t found = query.find(key);
  if (found == std::string::npos) {
    return "";
  }
  const size_t start = found + key.size();
  return query.substr(start, query.find('&', start) - start);
}

std::string ScriptedCall::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void ScriptedWire::Raw(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void ScriptedWire::Json(int code, std::string_view body, std::string_view extra_headers) const {
  Raw(fmt::format(
      "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}", code,
      body.size(), extra_headers, body));
}

void ScriptedWire::BeginChunks() const {
  Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void ScriptedWire::Chunk(std::string_view bytes) const {
  Raw(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

std::string ScriptedWire::Read() const {
  std::array<char, 4096> bytes{};
  while (!stopping_) {
    pollfd waiting{socket_, POLLIN, 0};
    if (poll(&waiting, 1, 20) > 0) {
      const ssize_t size = recv(socket_, bytes.data(), bytes.size(), 0);
      return size <= 0 ? "" : std::string(bytes.data(), static_cast<size_t>(size));
    }
  }
  return "";
}

void ScriptedWire::HoldUntilHangUp() const {
  while (!stopping_) {
    pollfd waiting{socket_, POLLIN, 0};
    if (poll(&waiting, 1, 20) > 0) {
      char byte = 0;
      if (recv(socket_, &byte, 1, MSG_PEEK) <= 0) {
        return;
      }
    }
  }
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0) {
    std::abort();
  }
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  acceptor_.join();
  connections_.clear();
  close(listener_);
}

std::string ScriptedServer::Url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<ScriptedCall> ScriptedServer::Calls() const {
  return calls_.With([](const std::vector<ScriptedCall>& calls) { return calls; });
}

void ScriptedServer::Accept() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 20) > 0) {
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      connections_.emplace_back([this, socket] { Serve(socket); });
    }
  }
}

void ScriptedServer::Serve(int socket) {
  std::string buffer;
  ScriptedWire wire(socket, stopping_);
  while (!wire.Closing()) {
    const std::optional<ScriptedCall> call = ReadCall(socket, buffer, stopping_);
    if (!call.has_value()) {
      break;
    }
    calls_.With([&call](std::vector<ScriptedCall>& calls) { calls.push_back(*call); });
    script_(*call, wire);
  }
  close(socket);
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace network_mapper
