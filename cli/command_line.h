// The command line of the CLI: which command, with which options. Flags, defaults and messages
// follow the original CLI's `network-mapper` commands; what is added here is named in
// docs/parity.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"
#include "common/status/status.h"

namespace network_mapper::cli {

enum class Command {
  kHelp,
  kVersion,
  kList,
  kExport,
  kVisualize,
  kExplain,
  kDiff,
  kStatus,
  kReset,
  kCompletion
};

struct CliOptions {
  Command command = Command::kHelp;
  // kCompletion: "bash" or "zsh".
  std::string shell;

  bool quiet = false;
  bool debug = false;
  bool no_headers = false;
  // Empty for visualize: chosen by the extension of output_path.
  std::string format;

  // How the mapper is reached: directly, or through the API server of a kubeconfig.
  std::string mapper_url;
  std::string kubeconfig;
  std::string context;
  std::string mapper_service_name = "otterize-network-mapper";
  std::string mapper_namespace = "otterize-system";
  int64_t mapper_service_port = 9090;

  std::vector<std::string> namespaces;
  std::vector<std::string> exclude_services;
  std::vector<std::string> exclude_labels;
  std::string distinct_by_label;
  bool as_kubernetes_service = false;
  // The weakest evidence that is shown: "resolved", "attempted", "connected" or "used"; empty: none
  // was asked for.
  std::string evidence;
  // Points in time, as ParseMoment reads them; empty: no end.
  std::string since;
  std::string until;

  // export
  std::string output;
  std::string output_type;
  std::string server;
  std::string output_version = "v2";
  bool include_attempted = false;

  // explain
  std::string client_name;
  std::string server_name;

  // diff: files or points in time
  std::string before;
  std::string after;

  // reset
  std::string older_than;

  // reset. Empty: through the API server a token is asked for, directly there is none.
  std::string token_file;

  // visualize
  std::string output_path;
};

// What to do, or what to print instead.
struct Invocation {
  CliOptions options;
  // Text for standard output when the command is kHelp or kVersion.
  std::string text;
};

// A failed parse: the message, and the usage text that follows it.
struct UsageError {
  std::string message;
  std::string usage;
  int exit_code = 1;
};

// One of both results is filled in.
struct CommandLineResult {
  std::optional<Invocation> invocation;
  std::optional<UsageError> error;
};

// How a program with this argv[0] is called, as texts name it: its last part, or "kubectl
// network-mapper" where kubectl calls it as a plugin.
std::string ProgramName(std::string_view path);

// `environment` as main gets it. Reads ~/.otterize/config if it exists. As
// kubectl_complete-network_mapper, the program that kubectl asks, it prints what may stand in the
// place of the last argument.
CommandLineResult ParseCommandLine(int argc, const char* const* argv,
                                   const char* const* environment);

// What the process ends with when `command` fails.
int ErrorExitCode(Command command);

// Usage text of a command, as it follows an error.
std::string UsageText(Command command, std::string_view program);

// Script for `completion bash` and `completion zsh`; of a program of two words it completes the
// second.
std::string CompletionScript(std::string_view shell, std::string_view program);

// For docs/options.md: one section a command.
std::string OptionsMarkdown();

}  // namespace network_mapper::cli
