#include "tests/support/child_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace network_mapper {

namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> command, const std::filesystem::path& log,
                           std::vector<std::string> environment) {
  // What stands first wins.
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  int error = posix_spawn(&id_, command.front().c_str(), &actions, nullptr,
                          Pointers(command).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    std::fprintf(stderr, "start %s: %s\n", command.front().c_str(), std::strerror(error));
    std::abort();
  }
}

ChildProcess::~ChildProcess() {
  End(SIGKILL);
}

void ChildProcess::End(int signal) {
  if (IsRunning()) {
    kill(id_, signal);
    waitpid(id_, nullptr, 0);
    ended_ = true;
  }
}

int ChildProcess::WaitForExit() {
  int status = 0;
  bool mine = !ended_ && waitpid(id_, &status, 0) == id_;
  ended_ = true;
  return mine && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::optional<int> ChildProcess::WaitForExit(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  siginfo_t state{};
  // The state is left for WaitForExit to take.
  while (!ended_ &&
         (waitid(P_PID, static_cast<id_t>(id_), &state, WEXITED | WNOHANG | WNOWAIT) != 0 ||
          state.si_pid == 0)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return WaitForExit();
}

bool ChildProcess::IsRunning() {
  ended_ = ended_ || waitpid(id_, nullptr, WNOHANG) == id_;
  return !ended_;
}

uint16_t FreePort() {
  int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  bool good =
      bind(socket_fd, generic, length) == 0 && getsockname(socket_fd, generic, &length) == 0;
  close(socket_fd);
  return good ? ntohs(address.sin_port) : uint16_t{0};
}

}  // namespace network_mapper
