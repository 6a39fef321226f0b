#include "cli/command_line.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/build_info/build_info.h"

namespace network_mapper::cli {

namespace {

struct CommandInfo {
  Command command;
  std::string_view name;
  std::string_view summary;
  std::string_view arguments;
  // What --help says beyond the summary and the flags.
  std::string_view explanation;
};

constexpr std::string_view kExplainHelp = R"(
CLIENT and SERVER are workloads: NAME, NAME.NAMESPACE or NAMESPACE/NAME. A bare NAME is looked for in the
namespaces of -n, without it in all.

Each collector tells what it saw, how often, when, and how sure that makes the connection:
  resolved    the client looked the server's name up, nothing more was seen
  attempted   it tried to connect, but no answer was seen; or an operation that was denied
  connected   a handshake was answered, or an established connection was found
  used        an operation was seen: a Kafka topic, an HTTP path, an AWS action
The exit code is 1 when there is no such connection.
)";

constexpr std::string_view kDiffHelp = R"(
BEFORE and AFTER are each a file that "export" wrote (YAML or JSON; or a directory of such), or a point in
time on the mapper: "now", how long ago (24h, 30d), a day (2026-01-02) or a time (2026-01-02T15:04:05Z).

  diff intents.yaml now       what has come and gone since the file was exported
  diff a.yaml b.yaml          the same between two files, without a mapper
  diff 24h now                what came in the last day, and what was not seen in it any more

At a point in time the map holds what had been seen by then. Between two points, what was not seen after the
first is gone. What an edge carries (topics, paths, kinds) has no times: it is compared where one side is a file.
The mapper's map is compared as "export" writes it, without what was attempted only; give the same flags.
The exit code is 0 without a difference, 1 with one, and 2 after an error.
)";

constexpr std::string_view kResetHelp = R"(
Without flags the whole map is forgotten; with them what passes all of them. What is seen again comes back.
)";

constexpr std::string_view kStatusHelp = R"(
Says which nodes report, what collectors could not read or had to drop, and what could not be resolved,
by collector: what the map may be missing. "list" prints it in one line.
)";

constexpr std::array<CommandInfo, 8> kCommands = {{
    {Command::kList, "list", "List the connections that were seen, client by client", "[flags]",
     ""},
    {Command::kExport, "export", "Write the map as ClientIntents, ready for kubectl apply",
     "[flags]", ""},
    {Command::kVisualize, "visualize", "Draw the map as a picture (svg, png, jpg, dot)",
     "-o FILE [flags]", ""},
    {Command::kExplain, "explain", "Say why a connection is on the map", "CLIENT SERVER [flags]",
     kExplainHelp},
    {Command::kDiff, "diff", "Say what has come, gone and changed between two maps",
     "BEFORE AFTER [flags]", kDiffHelp},
    {Command::kStatus, "status", "Say how complete the map is, collector by collector", "[flags]",
     kStatusHelp},
    {Command::kReset, "reset", "Make the mapper forget what it has seen", "[flags]", kResetHelp},
    {Command::kCompletion, "completion", "Print the completion script for bash or zsh", "bash|zsh",
     ""},
}};

constexpr std::string_view kCommandFlags = "Flags";
constexpr std::string_view kGlobalFlags = "Global flags";

// kubectl finds plugins, and what completes their words, by the names of files.
constexpr std::string_view kPluginFile = "kubectl-network_mapper";
constexpr std::string_view kCompletionFile = "kubectl_complete-network_mapper";
constexpr std::string_view kPluginProgram = "kubectl network-mapper";

std::string FileName(std::string_view path) {
  return std::filesystem::path(path).filename().string();
}

const CommandInfo* FindCommand(std::string_view name) {
  for (const CommandInfo& info : kCommands) {
    if (info.name == name) {
      return &info;
    }
  }
  return nullptr;
}

const CommandInfo& InfoOf(Command command) {
  for (const CommandInfo& info : kCommands) {
    if (info.command == command) {
      return info;
    }
  }
  return kCommands.front();
}

bool HasTextOrJson(Command command) {
  return command == Command::kExplain || command == Command::kDiff || command == Command::kStatus;
}

void AddGlobalOptions(OptionTable& table, CliOptions& options, Command command) {
  table.Add("quiet", &options.quiet, "Print nothing but the result").Short('q').Group(kGlobalFlags);
  table.Add("debug", &options.debug, "Accepted for scripts; nothing more is printed")
      .Group(kGlobalFlags);
  table.Add("no-headers", &options.no_headers, "Leave out the headers of tables")
      .Group(kGlobalFlags);
  const bool has_own_format =
      command == Command::kExport || command == Command::kVisualize || HasTextOrJson(command);
  if (!has_own_format) {
    options.format = "text";
    table.Add("format", &options.format, "Output format").Group(kGlobalFlags);
  }
  for (std::string_view name :
       {"telemetry-enabled", "telemetry-usage-enabled", "telemetry-errors-enabled",
        "telemetry-errors-address", "telemetry-errors-stage"}) {
    table.AddIgnored(name, "nothing is ever sent anywhere").Group(kGlobalFlags);
  }
  table
      .Add("mapper-url", &options.mapper_url,
           "Address of the mapper, such as http://localhost:9090; without it the "
           "mapper is reached through the API server of the kubeconfig")
      .Group(kGlobalFlags);
  table
      .Add("kubeconfig", &options.kubeconfig,
           "Kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)")
      .Group(kGlobalFlags);
  table.Add("context", &options.context, "Context of the kubeconfig (default: its current one)")
      .Group(kGlobalFlags);
  table.Add("mapper-service-name", &options.mapper_service_name, "Service of the mapper")
      .Group(kGlobalFlags);
  table.Add("mapper-namespace", &options.mapper_namespace, "Namespace of the mapper")
      .Group(kGlobalFlags);
  table.Add("mapper-service-port", &options.mapper_service_port, "Port of the mapper's service")
      .Min(1)
      .Max(65535)
      .Group(kGlobalFlags);
  table
      .Add("exclude-services", &options.exclude_services,
           "Leave out these workloads, as clients and as servers")
      .Group(kGlobalFlags);
  table
      .Add("exclude-labels", &options.exclude_labels,
           "Leave out workloads with one of these labels (key=value)")
      .Group(kGlobalFlags);
}

void AddClientOptions(OptionTable& table, CliOptions& options) {
  table
      .Add("namespaces", &options.namespaces,
           "Only clients of these namespaces; also --namespace, as with kubectl")
      .Short('n')
      .AlsoFlag("namespace")
      .Group(kCommandFlags);
}

void AddServiceNames(OptionTable& table, CliOptions& options) {
  table
      .Add("as-kubernetes-service", &options.as_kubernetes_service,
           "Name servers by their Kubernetes service")
      .Group(kCommandFlags);
}

void AddIncludeAttempted(OptionTable& table, CliOptions& options) {
  table
      .Add("include-attempted", &options.include_attempted,
           "Also connections that were attempted only")
      .Group(kCommandFlags);
}

void AddQueryOptions(OptionTable& table, CliOptions& options) {
  AddClientOptions(table, options);
  table
      .Add("distinct-by-label", &options.distinct_by_label,
           "Tell clients apart by the value of this label")
      .Group(kCommandFlags);
  AddServiceNames(table, options);
  table
      .Add("since", &options.since,
           "Only what was seen then or later: 24h (ago), 30d, 2026-01-02, 2026-01-02T15:04:05Z")
      .Group(kCommandFlags);
  table.Add("until", &options.until, "Only what was seen then or earlier").Group(kCommandFlags);
  table
      .Add("evidence", &options.evidence,
           "Only connections that are this sure or surer: resolved, attempted, connected, used")
      .OneOf({"resolved", "attempted", "connected", "used"})
      .Group(kCommandFlags);
}

void AddCommandOptions(OptionTable& table, CliOptions& options, Command command) {
  if (command == Command::kList || command == Command::kExport || command == Command::kVisualize) {
    AddQueryOptions(table, options);
  }
  if (command == Command::kExport) {
    options.format = "yaml";
    table.Add("output", &options.output, "File or directory to write to (default: standard output)")
        .Short('o')
        .Group(kCommandFlags);
    table.Add("output-type", &options.output_type, "With --output: single-file (default) or dir")
        .Group(kCommandFlags);
    table
        .Add("format", &options.format,
             "yaml, json, or iam-policy: what each workload did in AWS, as IAM policies")
        .Group(kCommandFlags);
    table.Add("server", &options.server, "Only clients of this server: <server>.<namespace>")
        .Group(kCommandFlags);
    table.Add("output-version", &options.output_version, "ClientIntents version: v1 or v2")
        .Group(kCommandFlags);
    AddIncludeAttempted(table, options);
  }
  if (command == Command::kExplain) {
    table
        .Add("namespaces", &options.namespaces,
             "Where to look for names without a namespace (default: everywhere)")
        .Short('n')
        .AlsoFlag("namespace")
        .Group(kCommandFlags);
  }
  if (command == Command::kReset) {
    AddClientOptions(table, options);
    table
        .Add("older-than", &options.older_than,
             "Only what was not seen for so long: 30d, 24h, 1h30m")
        .Group(kCommandFlags);
  }
  if (command == Command::kDiff) {
    AddClientOptions(table, options);
    AddServiceNames(table, options);
    AddIncludeAttempted(table, options);
  }
  if (HasTextOrJson(command)) {
    options.format = "text";
    table.Add("format", &options.format, "text or json")
        .OneOf({"text", "json"})
        .Group(kCommandFlags);
  }
  if (command == Command::kReset) {
    table
        .Add("token-file", &options.token_file,
             "File with a token that the mapper takes; without it, and without --mapper-url, the "
             "API server is asked for one of the ServiceAccount <mapper-service-name>-admin")
        .Group(kCommandFlags);
  }
  if (command == Command::kVisualize) {
    table
        .Add("format", &options.format,
             "png, jpg, jpeg, svg or dot (default: what the file's extension says, else png)")
        .Group(kCommandFlags);
    table.Add("output-path", &options.output_path, "File to write the picture to (required)")
        .Short('o')
        .Group(kCommandFlags);
  }
}

std::unique_ptr<OptionTable> MakeTable(Command command, CliOptions& options,
                                       std::string_view program) {
  const CommandInfo& info = InfoOf(command);
  auto table =
      std::make_unique<OptionTable>(fmt::format("{} {}", program, info.name), info.summary);
  AddCommandOptions(*table, options, command);
  AddGlobalOptions(*table, options, command);
  table->AllowPositionals();
  return table;
}

std::string RootHelp(std::string_view program) {
  std::string text = fmt::format(
      "Shows who talks to whom in a Kubernetes cluster, as the network mapper has seen it.\n\n"
      "Usage:\n  {} COMMAND [flags]\n\nCommands:\n",
      program);
  for (const CommandInfo& info : kCommands) {
    text += fmt::format("  {:<12} {}\n", info.name, info.summary);
  }
  text += fmt::format(
      "\nExamples:\n"
      "  {0} list -n shop\n"
      "  {0} diff intents.yaml now\n"
      "  {0} explain frontend cartservice -n shop\n"
      "  {0} export -n shop --output intents.yaml\n"
      "  {0} visualize -n shop --format svg -o map.svg\n"
      "  {0} list --mapper-url http://localhost:9090\n\n"
      "\"{0} COMMAND --help\" explains the flags of a command.\n",
      program);
  return text;
}

std::string CommandHelp(Command command, std::string_view program) {
  const CommandInfo& info = InfoOf(command);
  return fmt::format("{}\n{}\n{}", info.summary, info.explanation, UsageText(command, program));
}

// Index in argv of the first word that is no flag and no value of one; argc when there is none.
int FindCommandWord(int argc, const char* const* argv) {
  CliOptions unused;
  std::set<std::string> with_value;
  for (const CommandInfo& info : kCommands) {
    std::unique_ptr<OptionTable> table = MakeTable(info.command, unused, "");
    for (const std::string& flag : table->FlagsWithValue()) {
      with_value.insert(flag);
    }
  }
  for (int i = 1; i < argc; ++i) {
    std::string word(argv[i]);
    if (word.empty() || word.front() != '-') {
      return i;
    }
    if (with_value.contains(word)) {
      ++i;
    }
  }
  return argc;
}

// The values that a flag takes, where they are few.
std::vector<std::string> ValuesOf(std::string_view flag, Command command) {
  if (flag == "--output-type") {
    return {"single-file", "dir"};
  }
  if (flag == "--output-version") {
    return {"v1", "v2"};
  }
  if (flag == "--evidence") {
    return {"resolved", "attempted", "connected", "used"};
  }
  if (flag == "--format" && HasTextOrJson(command)) {
    return {"text", "json"};
  }
  if (flag == "--format" && command == Command::kExport) {
    return {"yaml", "json", "iam-policy"};
  }
  if (flag == "--format" && command == Command::kVisualize) {
    return {"png", "jpg", "svg", "dot"};
  }
  return {};
}

bool NamesAFile(std::string_view flag) {
  constexpr std::array<std::string_view, 5> kFlags = {"-o", "--output", "--output-path",
                                                      "--kubeconfig", "--config"};
  return std::find(kFlags.begin(), kFlags.end(), flag) != kFlags.end();
}

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  names.reserve(kCommands.size());
  for (const CommandInfo& info : kCommands) {
    names.emplace_back(info.name);
  }
  return names;
}

// For kubectl's completion: a word a line, then ":0" if files fit too and ":4" if not, as Cobra's
// "__complete" prints them. The last argument is what has been typed of the word.
std::string CompletionLines(int argc, const char* const* argv) {
  if (argc < 2) {
    return ":4\n";
  }
  const std::string_view typed = argv[argc - 1];
  const std::string_view previous = argc > 2 ? argv[argc - 2] : "";
  if (NamesAFile(previous)) {
    return ":0\n";
  }
  const int word = FindCommandWord(argc - 1, argv);
  const CommandInfo* info = word < argc - 1 ? FindCommand(argv[word]) : nullptr;
  std::vector<std::string> candidates = CommandNames();
  bool takes_files = false;
  if (info != nullptr) {
    CliOptions unused;
    const std::unique_ptr<OptionTable> table = MakeTable(info->command, unused, "");
    const std::vector<std::string> with_value = table->FlagsWithValue();
    const bool is_value =
        std::find(with_value.begin(), with_value.end(), previous) != with_value.end();
    if (is_value) {
      candidates = ValuesOf(previous, info->command);
    } else if (info->command == Command::kCompletion) {
      candidates = {"bash", "zsh"};
    } else {
      candidates = table->Flags();
      takes_files = info->command == Command::kDiff;
    }
  }
  std::string lines;
  for (const std::string& candidate : candidates) {
    lines += candidate.starts_with(typed) ? candidate + "\n" : "";
  }
  return lines + (takes_files ? ":0\n" : ":4\n");
}

std::string DefaultConfigFile(const char* const* environment) {
  for (const char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    if (text.starts_with("HOME=")) {
      return std::string(text.substr(5)) + "/.otterize/config";
    }
  }
  return "";
}

CommandLineResult Fail(std::string message, Command command, std::string_view program) {
  return {.invocation = std::nullopt,
          .error = UsageError{.message = std::move(message),
                              .usage = UsageText(command, program),
                              .exit_code = ErrorExitCode(command)}};
}

CommandLineResult PrintInstead(std::string text, Command command = Command::kHelp) {
  Invocation invocation;
  invocation.options.command = command;
  invocation.text = std::move(text);
  return {.invocation = std::move(invocation), .error = std::nullopt};
}

// What remains wrong after the flags themselves were understood.
std::string CheckPositionals(const CommandInfo& info, const std::vector<std::string>& positionals,
                             CliOptions& options, std::string_view program) {
  if (info.command == Command::kCompletion) {
    if (positionals.size() != 1 || (positionals[0] != "bash" && positionals[0] != "zsh")) {
      return fmt::format("name the shell: {} completion bash, or {} completion zsh", program,
                         program);
    }
    options.shell = positionals[0];
    return "";
  }
  if (info.command == Command::kExplain) {
    if (positionals.size() != 2) {
      return fmt::format("name a client and a server: {} explain CLIENT SERVER", program);
    }
    options.client_name = positionals[0];
    options.server_name = positionals[1];
    return "";
  }
  if (info.command == Command::kDiff) {
    if (positionals.size() != 2) {
      return fmt::format("name two files or points in time: {} diff BEFORE AFTER", program);
    }
    options.before = positionals[0];
    options.after = positionals[1];
    return "";
  }
  if (!positionals.empty()) {
    return fmt::format("unknown command \"{}\" for \"{} {}\"", positionals.front(), program,
                       info.name);
  }
  return "";
}

}  // namespace

int ErrorExitCode(Command command) {
  // 1 is the answer that there is a difference.
  return command == Command::kDiff ? 2 : 1;
}

std::string UsageText(Command command, std::string_view program) {
  const CommandInfo& info = InfoOf(command);
  CliOptions defaults;
  std::unique_ptr<OptionTable> table = MakeTable(command, defaults, program);
  return fmt::format("Usage:\n  {} {} {}\n\nFlags:\n{}{}\nGlobal flags:\n{}", program, info.name,
                     info.arguments, table->HelpLines(kCommandFlags), table->HelpLines("General"),
                     table->HelpLines(kGlobalFlags));
}

std::string ProgramName(std::string_view path) {
  std::string file = FileName(path);
  return file == kPluginFile ? std::string(kPluginProgram) : file;
}

CommandLineResult ParseCommandLine(int argc, const char* const* argv,
                                   const char* const* environment) {
  std::string program = argc > 0 ? ProgramName(argv[0]) : "network-mapper";
  if (program == kCompletionFile) {
    return PrintInstead(CompletionLines(argc, argv));
  }
  int word = FindCommandWord(argc, argv);
  const CommandInfo* info = word < argc ? FindCommand(argv[word]) : nullptr;
  std::vector<const char*> rest;
  for (int i = 0; i < argc; ++i) {
    if (i != word) {
      rest.push_back(argv[i]);
    }
  }
  bool wants_version =
      std::any_of(rest.begin(), rest.end(), [](std::string_view a) { return a == "--version"; });
  if (info == nullptr && wants_version) {
    return PrintInstead(fmt::format("{} {}\n", program, Version()), Command::kVersion);
  }
  if (info == nullptr) {
    return PrintInstead(RootHelp(program));
  }
  Invocation invocation;
  invocation.options.command = info->command;
  std::unique_ptr<OptionTable> table = MakeTable(info->command, invocation.options, program);
  table->SetDefaultConfigFile(DefaultConfigFile(environment));
  StatusOr<OptionTable::Outcome> outcome =
      table->Parse(static_cast<int>(rest.size()), rest.data(), environment);
  if (!outcome.ok()) {
    return Fail(StatusMessage(outcome.status()), info->command, program);
  }
  if (*outcome == OptionTable::Outcome::kVersion) {
    return PrintInstead(fmt::format("{} {}\n", program, Version()), Command::kVersion);
  }
  if (*outcome == OptionTable::Outcome::kHelp) {
    return PrintInstead(CommandHelp(info->command, program));
  }
  std::string problem = CheckPositionals(*info, table->Positionals(), invocation.options, program);
  if (problem.empty() && info->command == Command::kVisualize &&
      invocation.options.output_path.empty()) {
    problem = "required flag(s) \"output-path\" not set";
  }
  if (!problem.empty()) {
    return Fail(problem, info->command, program);
  }
  return {.invocation = std::move(invocation), .error = std::nullopt};
}

std::string CompletionScript(std::string_view shell, std::string_view program) {
  // kubectl completes the words of plugins itself; both names are installed.
  program.remove_prefix(program.rfind(' ') + 1);
  std::string words;
  std::string cases;
  for (const CommandInfo& info : kCommands) {
    words += words.empty() ? std::string(info.name) : " " + std::string(info.name);
    CliOptions unused;
    std::vector<std::string> flags = MakeTable(info.command, unused, program)->Flags();
    cases += fmt::format("    {}) flags=\"{}\" ;;\n", info.name, fmt::join(flags, " "));
  }
  std::string function = fmt::format("_{}", program);
  std::replace(function.begin(), function.end(), '-', '_');
  std::string body = fmt::format(
      "{0}() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\" "
      "command=\"\" flags=\"\" w\n"
      "  for w in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \" {1} \" in *\" $w \"*) command=\"$w\"; break ;; esac\n"
      "  done\n"
      "  case \"$previous\" in\n"
      "    -o|--output|--output-path|--kubeconfig|--config) COMPREPLY=($(compgen -f -- "
      "\"$word\")); return ;;\n"
      "    --output-type) COMPREPLY=($(compgen -W \"single-file dir\" -- \"$word\")); return ;;\n"
      "    --output-version) COMPREPLY=($(compgen -W \"v1 v2\" -- \"$word\")); return ;;\n"
      "    --format)\n"
      "      case \"$command\" in\n"
      "        export) COMPREPLY=($(compgen -W \"yaml json iam-policy\" -- \"$word\")); return ;;\n"
      "        visualize) COMPREPLY=($(compgen -W \"png jpg svg dot\" -- \"$word\")); return ;;\n"
      "      esac ;;\n"
      "  esac\n"
      "  case \"$command\" in\n{2}"
      "    *) COMPREPLY=($(compgen -W \"{1}\" -- \"$word\")); return ;;\n"
      "  esac\n"
      "  [ \"$command\" = completion ] && flags=\"bash zsh\"\n"
      "  COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
      "}}\n"
      "complete -F {0} {3}\n",
      function, words, cases, program);
  if (shell == "zsh") {
    return fmt::format("#compdef {}\nautoload -U +X bashcompinit && bashcompinit\n{}", program,
                       body);
  }
  return body;
}

std::string OptionsMarkdown() {
  std::string text;
  for (const CommandInfo& info : kCommands) {
    CliOptions unused;
    text += MakeTable(info.command, unused, "network-mapper")->Markdown() + "\n";
  }
  return text;
}

}  // namespace network_mapper::cli
