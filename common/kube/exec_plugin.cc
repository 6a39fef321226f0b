#include "common/kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/kube/base64.h"
#include "common/kube/json_member.h"
#include "common/time/time_text.h"

namespace network_mapper::kube {

namespace {

constexpr size_t kLargestOutput = size_t{1} << 20U;

class FileDescriptor {
 public:
  explicit FileDescriptor(int value) : value_(value) {}

  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  ~FileDescriptor() { Close(); }

  int Get() const { return value_; }

  void Close() {
    if (value_ >= 0) {
      close(value_);
      value_ = -1;
    }
  }

 private:
  int value_;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> ChildEnvironment(const ExecPlugin& plugin, std::string exec_info) {
  std::vector<std::string> variables = {"KUBERNETES_EXEC_INFO=" + std::move(exec_info)};
  for (const auto& [name, value] : plugin.environment) {
    variables.push_back(fmt::format("{}={}", name, value));
  }
  const size_t own = variables.size();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    bool replaced = false;
    for (size_t i = 0; i < own; ++i) {
      replaced = replaced || variables[i].starts_with(name);
    }
    if (!replaced) {
      variables.emplace_back(variable);
    }
  }
  return variables;
}

StatusOr<pid_t> Spawn(const ExecPlugin& plugin, std::string exec_info, int output) {
  std::vector<std::string> arguments = {plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  std::vector<std::string> variables = ChildEnvironment(plugin, std::move(exec_info));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, plugin.command.c_str(), &actions, nullptr,
                                 Pointers(arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    Status status = ErrnoStatus(error, fmt::format("run '{}'", plugin.command));
    return plugin.install_hint.empty()
               ? status
               : MakeStatus(status.code(),
                            fmt::format("{}; {}", StatusMessage(status), plugin.install_hint));
  }
  return child;
}

// All that the child prints until it closes its output.
StatusOr<std::string> ReadOutput(int output, std::chrono::milliseconds time_limit) {
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{output, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return DeadlineExceeded("no answer within {} ms", time_limit.count());
    }
    const ssize_t size = read(output, buffer.data(), buffer.size());
    if (size == 0) {
      return text;
    }
    if (size < 0 && errno != EINTR) {
      return ErrnoStatus(errno, "read its output");
    }
    if (size > 0) {
      text.append(buffer.data(), static_cast<size_t>(size));
    }
    if (text.size() > kLargestOutput) {
      return ResourceExhausted("its output is longer than {} bytes", kLargestOutput);
    }
  }
}

int WaitFor(pid_t child) {
  int wait_status = 0;
  while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  return wait_status;
}

}  // namespace

StatusOr<ExecCredential> ParseExecCredential(std::string_view json, std::string_view api_version) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  if (!document.is_object() || StringMember(document, "kind") != "ExecCredential") {
    return InvalidArgument("the output is no ExecCredential");
  }
  if (StringMember(document, "apiVersion") != api_version) {
    return InvalidArgument("the output has apiVersion '{}', configured is '{}'",
                           StringMember(document, "apiVersion"), api_version);
  }
  const auto status = document.find("status");
  if (status == document.end() || !status->is_object()) {
    return InvalidArgument("the ExecCredential has no status");
  }
  ExecCredential credential;
  credential.token = StringMember(*status, "token");
  credential.client_certificate = StringMember(*status, "clientCertificateData");
  credential.client_key = StringMember(*status, "clientKeyData");
  if (credential.client_certificate.empty() != credential.client_key.empty()) {
    return InvalidArgument("clientCertificateData and clientKeyData must come together");
  }
  if (credential.token.empty() && credential.client_key.empty()) {
    return InvalidArgument("the ExecCredential has neither token nor certificate");
  }
  const std::string expires = StringMember(*status, "expirationTimestamp");
  if (!expires.empty()) {
    credential.expires = ParseRfc3339(expires);
    if (!credential.expires.has_value()) {
      return InvalidArgument("expirationTimestamp '{}' is no RFC 3339 time", expires);
    }
  }
  return credential;
}

std::string ExecInfoJson(const ClusterAccess& access, std::string_view certificate_authority) {
  nlohmann::json spec = {{"interactive", false}};
  if (access.exec->provide_cluster_info) {
    nlohmann::json cluster = {{"server", access.server}};
    if (!access.tls_server_name.empty()) {
      cluster["tls-server-name"] = access.tls_server_name;
    }
    if (access.insecure_skip_tls_verify) {
      cluster["insecure-skip-tls-verify"] = true;
    }
    if (!certificate_authority.empty()) {
      cluster["certificate-authority-data"] = EncodeBase64(certificate_authority);
    }
    spec["cluster"] = cluster;
  }
  return nlohmann::json{
      {"apiVersion", access.exec->api_version}, {"kind", "ExecCredential"}, {"spec", spec}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

StatusOr<ExecCredential> RunExecPlugin(const ClusterAccess& access,
                                       std::string_view certificate_authority,
                                       std::chrono::milliseconds time_limit) {
  const ExecPlugin& plugin = *access.exec;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return ErrnoStatus(errno, "make a pipe");
  }
  const FileDescriptor output(ends[0]);
  FileDescriptor input(ends[1]);
  ASSIGN_OR_RETURN(const pid_t child,
                   Spawn(plugin, ExecInfoJson(access, certificate_authority), input.Get()));
  input.Close();
  const StatusOr<std::string> text = ReadOutput(output.Get(), time_limit);
  if (!text.ok()) {
    kill(child, SIGKILL);
  }
  const int wait_status = WaitFor(child);
  const std::string who = fmt::format("credential plugin '{}'", plugin.command);
  if (!text.ok()) {
    return Annotate(text.status(), who);
  }
  if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
    return Unauthenticated("{} failed with {}", who,
                           WIFEXITED(wait_status)
                               ? fmt::format("exit code {}", WEXITSTATUS(wait_status))
                               : fmt::format("signal {}", WTERMSIG(wait_status)));
  }
  StatusOr<ExecCredential> credential = ParseExecCredential(*text, plugin.api_version);
  return credential.ok() ? credential : Annotate(credential.status(), who);
}

}  // namespace network_mapper::kube
