#include "common/kube/pod_command.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/kube/json_member.h"
#include "common/kube/paths.h"
#include "common/kube/web_socket.h"

namespace network_mapper::kube {

namespace {

constexpr std::string_view kCommandProtocol = "v4.channel.k8s.io";
// The first byte of every message.
constexpr uint8_t kOutput = 1;
constexpr uint8_t kComplaints = 2;
constexpr uint8_t kEnd = 3;
// Of standard error, that much is told, and more than that much is no complaint any more.
constexpr size_t kLongestComplaint = 300;
constexpr size_t kMostComplaints = size_t{1} << 20U;
constexpr size_t kLargestEnd = size_t{64} << 10U;

std::string CommandPath(const PodCommand& command) {
  std::string path =
      fmt::format("/api/v1/namespaces/{}/pods/{}/exec?container={}&stdout=true&stderr=true",
                  PercentEncode(command.name_space), PercentEncode(command.pod),
                  PercentEncode(command.container));
  for (const std::string& word : command.words) {
    path += "&command=" + PercentEncode(word);
  }
  return path;
}

std::string OnOneLine(std::string_view text) {
  std::string line(text.substr(0, kLongestComplaint));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

// Of details.causes; "" when there is none.
std::string ExitCodeOf(const nlohmann::json& status) {
  const nlohmann::json& causes = Member(Member(status, "details"), "causes");
  if (!causes.is_array()) {
    return "";
  }
  const auto cause = std::find_if(causes.begin(), causes.end(), [](const nlohmann::json& one) {
    return StringMember(one, "reason") == "ExitCode";
  });
  return cause == causes.end() ? "" : OnOneLine(StringMember(*cause, "message"));
}

}  // namespace

StatusOr<bool> CommandChannels::Take(std::string_view message, const OnOutput& on_output) {
  // Servers begin with empty ones.
  if (message.size() < 2) {
    return false;
  }
  const std::string_view payload = message.substr(1);
  switch (static_cast<uint8_t>(message.front())) {
    case kOutput:
      RETURN_IF_ERROR(on_output(payload));
      return false;
    case kComplaints:
      complaint_ += payload.substr(0, kLongestComplaint - complaint_.size());
      complained_ += payload.size();
      if (complained_ > kMostComplaints) {
        return FailedPrecondition("the command complains without an end: {}",
                                  OnOneLine(complaint_));
      }
      return false;
    case kEnd:
      RETURN_IF_ERROR(TakeEnd(payload));
      return true;
    default:
      return Unavailable("the node sent something on a channel that nobody asked for");
  }
}

// A Status object (apimachinery meta/v1); reason NonZeroExitCode has the code among its causes.
Status CommandChannels::TakeEnd(std::string_view json) const {
  const nlohmann::json status =
      json.size() > kLargestEnd ? nlohmann::json() : nlohmann::json::parse(json, nullptr, false);
  const std::string outcome = StringMember(status, "status");
  if (outcome == "Success") {
    return OkStatus();
  }
  if (outcome != "Failure") {
    return Unavailable("the node does not say how the command ended");
  }
  const std::string code = ExitCodeOf(status);
  if (code.empty()) {
    return FailedPrecondition("the node cannot run the command: {}",
                              OnOneLine(StringMember(status, "message")));
  }
  return FailedPrecondition("the command ended with code {}: {}", code, OnOneLine(complaint_));
}

Status RunInPod(Client& client, const PodCommand& command, std::chrono::milliseconds timeout,
                const OnOutput& on_output, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WebSocket> socket,
                   client.OpenWebSocket(CommandPath(command), kCommandProtocol, timeout, stop));
  CommandChannels channels;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string> message, socket->Receive());
    if (!message) {
      return Unavailable("the connection ended before the command");
    }
    ASSIGN_OR_RETURN(const bool is_over, channels.Take(*message, on_output));
    if (is_over) {
      return OkStatus();
    }
  }
}

}  // namespace network_mapper::kube
