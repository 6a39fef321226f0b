#include "tests/support/postgres_server.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace network_mapper {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fputs(("postgres_server: " + what + "\n").c_str(), stderr);
  std::abort();
}

std::filesystem::path Programs() {
  std::vector<std::filesystem::path> versions;
  std::error_code error;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    if (std::filesystem::exists(version.path() / "bin" / "postgres")) {
      versions.push_back(version.path() / "bin");
    }
  }
  if (versions.empty()) {
    Fail("no PostgreSQL is installed: scripts/install-deps does");
  }
  return *std::max_element(versions.begin(), versions.end());
}

// It refuses to run as root.
std::vector<std::string> AsNobody(std::vector<std::string> command) {
  if (geteuid() == 0) {
    const std::vector<std::string> prefix = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                             "--clear-groups"};
    command.insert(command.begin(), prefix.begin(), prefix.end());
  }
  return command;
}

}  // namespace

PostgresServer::PostgresServer() {
  if (geteuid() == 0 && chown(directory_.Path().c_str(), 65534, 65534) != 0) {
    Fail("chown failed");
  }
  const std::string data = directory_.Path() / "data";
  const auto log = directory_.Path() / "log";
  ChildProcess initdb(AsNobody({Programs() / "initdb", "-D", data, "-U", "mapper", "-A", "trust",
                                "-E", "UTF8", "--no-sync", "--no-locale"}),
                      log);
  if (initdb.WaitForExit() != 0) {
    Fail("initdb failed: " + ReadFileOrDie(log));
  }
  Start();
}

std::string PostgresServer::Url() const {
  return fmt::format("postgresql://mapper@127.0.0.1:{}/postgres", port_);
}

void PostgresServer::Crash() {
  server_->End(SIGQUIT);
}

void PostgresServer::Freeze() {
  Signal(SIGSTOP);
}

void PostgresServer::Thaw() {
  Signal(SIGCONT);
}

void PostgresServer::Signal(int signal) {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", server_->Id()));
  for (pid_t child = 0; children >> child;) {
    kill(child, signal);
  }
  kill(server_->Id(), signal);
}

void PostgresServer::Start() {
  const auto log = directory_.Path() / "log";
  server_ = std::make_unique<ChildProcess>(
      AsNobody({Programs() / "postgres", "-D", directory_.Path() / "data", "-p",
                std::to_string(port_), "-c", "listen_addresses=127.0.0.1", "-c",
                "unix_socket_directories="}),
      log);
  for (int attempt = 0; attempt < 300 && server_->IsRunning(); ++attempt) {
    ChildProcess ready({Programs() / "pg_isready", "-q", "-d", Url()}, log);
    if (ready.WaitForExit() == 0) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Fail("the server does not start: " + ReadFileOrDie(log));
}

}  // namespace network_mapper
