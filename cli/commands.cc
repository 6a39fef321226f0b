#include "cli/commands.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/client_intents.h"
#include "cli/completeness.h"
#include "cli/documents.h"
#include "cli/explain.h"
#include "cli/graph_picture.h"
#include "cli/iam_policy.h"
#include "cli/intents_file.h"
#include "cli/map_diff.h"
#include "cli/moment.h"
#include "cli/screen_text.h"

namespace network_mapper::cli {

namespace {

// What to look at when the map is empty.
constexpr std::string_view kEmptyMapAdvice =
    "The mapper has nothing to show yet. Things to check:\n"
    "  - Has there been traffic since the mapper started, or since the last reset? New connections "
    "and DNS look-ups\n"
    "    show up within seconds.\n"
    "  - Is a sniffer running on every node?  kubectl get pods -n otterize-system -o wide\n"
    "  - Does the mapper know the cluster?  Its /readyz names what is missing or has failed.\n"
    "  - Do -n/--namespaces, --exclude-services, --exclude-labels or the mapper's excluded "
    "namespaces hide the traffic?\n";

StatusOr<int> ZeroIfOk(const Status& status) {
  RETURN_IF_ERROR(status);
  return 0;
}

std::string JsonText(const Json& json) {
  return LinesOnScreen(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

// Names the filters in use, the likeliest cause; empty without any.
std::string FilterAdvice(const CliOptions& options) {
  std::string filters;
  auto add = [&filters](std::string_view flag, const std::vector<std::string>& values) {
    if (!values.empty()) {
      filters += fmt::format("{}{} {}", filters.empty() ? "" : ", ", flag, fmt::join(values, ","));
    }
  };
  add("--namespaces", options.namespaces);
  add("--exclude-labels", options.exclude_labels);
  auto add_one = [&add](std::string_view flag, const std::string& value) {
    if (!value.empty()) {
      add(flag, {value});
    }
  };
  add_one("--server", options.server);
  add_one("--since", options.since);
  add_one("--until", options.until);
  add_one("--evidence", options.evidence);
  return filters.empty()
             ? ""
             : fmt::format("Nothing matches {}; is it right? Try again without it.\n", filters);
}

Status WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) {
    return ErrnoStatus(errno, fmt::format("could not write {}", path));
  }
  file << content;
  file.close();
  if (!file) {
    return ErrnoStatus(errno, fmt::format("could not write {}", path));
  }
  return OkStatus();
}

// Absent when nothing is given.
StatusOr<std::optional<Time>> MomentOf(const std::string& text, Time now, std::string_view flag) {
  if (text.empty()) {
    return std::optional<Time>();
  }
  StatusOr<Time> moment = ParseMoment(text, now);
  if (!moment.ok()) {
    return Annotate(moment.status(), flag);
  }
  return std::optional<Time>(*moment);
}

// A label without a value is taken as the original takes it, which is seldom what was meant.
void WarnOfLabelsWithoutValue(const CliOptions& options, const CommandContext& context) {
  for (const std::string& label : options.exclude_labels) {
    if (!options.quiet && label.find('=') == std::string::npos) {
      context.err << fmt::format(
          "--exclude-labels {0} leaves out only workloads whose label {0} is empty; write "
          "{0}=VALUE for another value.\n",
          label);
    }
  }
}

StatusOr<IntentFilter> FilterOf(const CliOptions& options, const CommandContext& context) {
  WarnOfLabelsWithoutValue(options, context);
  IntentFilter filter;
  ASSIGN_OR_RETURN(filter.since, MomentOf(options.since, context.now, "--since"));
  ASSIGN_OR_RETURN(filter.until, MomentOf(options.until, context.now, "--until"));
  filter.namespaces = options.namespaces;
  filter.exclude_labels = options.exclude_labels;
  if (!options.distinct_by_label.empty()) {
    filter.distinct_by_label = options.distinct_by_label;
  }
  filter.weakest = ParseStrength(options.evidence);
  if (!options.server.empty()) {
    if (!options.namespaces.empty()) {
      return InvalidArgument("server filter cannot be used with namespaces filter");
    }
    ASSIGN_OR_RETURN(filter.server, ParseServerFilter(options.server));
  }
  return filter;
}

constexpr std::string_view kIamPolicy = "iam-policy";

// What was attempted only is no intent to allow, unless it was asked for.
void LeaveOutAttempted(std::vector<ClientIntents>& clients, const CliOptions& options,
                       const CommandContext& context) {
  const bool shows_all = options.command != Command::kExport && options.command != Command::kDiff;
  // Policies are to be applied as they are: only whoever asks for it in so many words allows what
  // was denied.
  const bool chose = !options.evidence.empty() && options.format != kIamPolicy;
  if (shows_all || options.include_attempted || chose) {
    return;
  }
  const size_t left_out = TakeAttemptedOnly(clients);
  if (left_out > 0 && options.command == Command::kExport && !options.quiet) {
    context.err << fmt::format(
        "{} attempted only, without an answer, {} left out; --include-attempted exports {}.\n",
        left_out == 1 ? "1 connection that was" : fmt::format("{} connections that were", left_out),
        left_out == 1 ? "is" : "are", left_out == 1 ? "it" : "them");
  }
}

StatusOr<std::vector<ClientIntents>> AskForClientIntents(const QueryTransport& transport,
                                                         const IntentFilter& filter,
                                                         const CliOptions& options,
                                                         const CommandContext& context) {
  ASSIGN_OR_RETURN(QueryResult result, QueryIntents(transport, filter));
  if (result.old_mapper) {
    context.err << "The mapper in the cluster is older than this command and answers less; "
                   "consider upgrading it.\n";
  }
  ConversionOptions conversion{.as_kubernetes_service = options.as_kubernetes_service,
                               .distinct_by_label = filter.distinct_by_label};
  ASSIGN_OR_RETURN(std::vector<ClientIntents> clients, ToClientIntents(result.intents, conversion));
  LeaveOutAttempted(clients, options, context);
  return clients;
}

StatusOr<std::vector<ClientIntents>> QueryClientIntents(const QueryTransport& transport,
                                                        const IntentFilter& filter,
                                                        const CliOptions& options,
                                                        const CommandContext& context) {
  ASSIGN_OR_RETURN(std::vector<ClientIntents> clients,
                   AskForClientIntents(transport, filter, options, context));
  if (clients.empty() && !options.quiet) {
    std::string advice = FilterAdvice(options);
    context.err << "No connections found.\n" << (advice.empty() ? kEmptyMapAdvice : advice);
  }
  return clients;
}

StatusOr<std::vector<ClientIntents>> QueryClientIntents(const CliOptions& options,
                                                        const CommandContext& context) {
  ASSIGN_OR_RETURN(IntentFilter filter, FilterOf(options, context));
  ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
  return QueryClientIntents(transport, filter, options, context);
}

// How far the list can be trusted. A mapper that does not say so is no error here.
void PrintCompleteness(const QueryTransport& transport, const CommandContext& context) {
  StatusOr<std::optional<Json>> completeness = AskForCompleteness(transport);
  if (completeness.ok() && *completeness) {
    context.out.flush();
    context.err << CompletenessLine(**completeness) << '\n';
  }
}

Status RunList(const CliOptions& options, const CommandContext& context) {
  if (options.format != "text") {
    return InvalidArgument(
        "{} output format is not supported in 'list' command. Try using 'export' instead",
        options.format);
  }
  ASSIGN_OR_RETURN(IntentFilter filter, FilterOf(options, context));
  ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
  ASSIGN_OR_RETURN(std::vector<ClientIntents> clients,
                   QueryClientIntents(transport, filter, options, context));
  context.out << ListText(ExcludeServices(std::move(clients), options.exclude_services));
  if (!options.quiet) {
    PrintCompleteness(transport, context);
  }
  return OkStatus();
}

DocumentVersion VersionOf(const CliOptions& options) {
  return options.output_version == "v2" ? DocumentVersion::kV2Beta1 : DocumentVersion::kV1Alpha3;
}

std::string Documents(const std::vector<ClientIntents>& clients, const CliOptions& options) {
  if (options.format == kIamPolicy) {
    return PolicyDocuments(clients);
  }
  return options.format == "json" ? JsonDocuments(clients)
                                  : YamlDocuments(clients, VersionOf(options));
}

// A name from a cluster never leaves the directory.
std::string FileName(const ClientIntents& client, std::string_view extension) {
  std::string name = OnScreen(fmt::format("{}.{}{}", client.name, client.name_space, extension));
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

// Checked for all before the first is written, so that no half of a map is left.
Status CheckFileNames(const std::vector<ClientIntents>& clients) {
  for (const ClientIntents& client : clients) {
    std::string name = FileName(client, ".00.json");
    if (name.size() > NAME_MAX) {
      return InvalidArgument(
          "nothing was written: the file name {} is longer than {} bytes; leave the workload out "
          "with --exclude-services, or use --output-type single-file",
          name, NAME_MAX);
    }
  }
  return OkStatus();
}

// One document a file, as AWS takes them.
Status WritePolicies(const ClientIntents& client, const std::filesystem::path& directory) {
  const std::vector<PolicyDocument> policies = PoliciesOf(client);
  for (size_t i = 0; i < policies.size(); ++i) {
    const std::string extension = i == 0 ? ".json" : fmt::format(".{}.json", i + 1);
    RETURN_IF_ERROR(WriteFile((directory / FileName(client, extension)).string(), policies[i]));
  }
  return OkStatus();
}

// What an export of policies leaves to be wished for.
void WarnOfPolicies(const std::vector<ClientIntents>& clients, const CommandContext& context) {
  bool any = false;
  for (const ClientIntents& client : clients) {
    const size_t policies = PoliciesOf(client).size();
    any = any || policies > 0;
    if (policies > kMostRolePolicies) {
      context.err << fmt::format(
          "{} in namespace {} needs {} policies; a role takes {} unless its quota was raised. "
          "Write "
          "wildcards for resources that belong together.\n",
          OnScreen(client.name), OnScreen(client.name_space), policies, kMostRolePolicies);
    }
  }
  if (!any && !clients.empty()) {
    context.err << "No workload on this map has called AWS as far as it was watched; see "
                   "docs/aws-visibility.md.\n";
  }
}

Status WriteDirectory(const std::vector<ClientIntents>& clients, const CliOptions& options) {
  RETURN_IF_ERROR(CheckFileNames(clients));
  std::error_code error;
  std::filesystem::path directory(options.output);
  bool existed = std::filesystem::is_directory(directory, error);
  std::filesystem::create_directories(directory, error);
  if (error) {
    return MakeStatus(StatusCode::kUnknown,
                      fmt::format("could not create dir {}: {}", options.output, error.message()));
  }
  if (!existed) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  for (const ClientIntents& client : clients) {
    if (options.format == kIamPolicy) {
      RETURN_IF_ERROR(WritePolicies(client, directory));
      continue;
    }
    RETURN_IF_ERROR(
        WriteFile((directory / FileName(client, ".yaml")).string(), Documents({client}, options)));
  }
  return OkStatus();
}

// Flags that are checked before the mapper is asked.
Status CheckExportFlags(const CliOptions& options) {
  if (options.output.empty()) {
    if (!options.output_type.empty()) {
      return InvalidArgument("flag --output-type requires --output to specify output path");
    }
    if (options.output_version != "v1" && options.output_version != "v2") {
      return InvalidArgument("unexpected output version {}, use one of (v1, v2)",
                             options.output_version);
    }
  } else if (!options.output_type.empty() && options.output_type != "single-file" &&
             options.output_type != "dir") {
    return InvalidArgument("unexpected output type {}, use one of (single-file, dir)",
                           options.output_type);
  }
  if (options.format != "yaml" && options.format != "json" && options.format != kIamPolicy) {
    return InvalidArgument("unexpected output format {}, use one of (json, yaml, iam-policy)",
                           options.format);
  }
  return OkStatus();
}

Status RunExport(const CliOptions& options, const CommandContext& context) {
  RETURN_IF_ERROR(CheckExportFlags(options));
  ASSIGN_OR_RETURN(std::vector<ClientIntents> clients, QueryClientIntents(options, context));
  clients = ExcludeServices(std::move(clients), options.exclude_services);
  if (options.format == kIamPolicy && !options.quiet) {
    WarnOfPolicies(clients, context);
  }
  const std::string documents = Documents(clients, options);
  if (options.output.empty()) {
    context.out << documents << '\n';
    return OkStatus();
  }
  if (options.output_type == "dir") {
    RETURN_IF_ERROR(WriteDirectory(clients, options));
  } else {
    RETURN_IF_ERROR(WriteFile(options.output, documents));
  }
  if (!options.quiet) {
    context.err << "Successfully wrote intents into " << options.output << '\n';
  }
  return OkStatus();
}

// The format called `name`, or "".
std::string PictureFormat(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (name == "jpeg") {
    return "jpg";
  }
  constexpr std::array<std::string_view, 4> kFormats = {"png", "jpg", "svg", "dot"};
  return std::find(kFormats.begin(), kFormats.end(), name) == kFormats.end() ? "" : name;
}

StatusOr<std::string> ChosenPictureFormat(const CliOptions& options) {
  if (!options.format.empty()) {
    std::string format = PictureFormat(options.format);
    if (format.empty()) {
      return InvalidArgument("unsupported format: {}", options.format);
    }
    return format;
  }
  std::string extension = std::filesystem::path(options.output_path).extension().string();
  std::string format = PictureFormat(extension.substr(std::min<size_t>(1, extension.size())));
  return format.empty() ? "png" : format;
}

Status RunVisualize(const CliOptions& options, const CommandContext& context) {
  ASSIGN_OR_RETURN(std::string format, ChosenPictureFormat(options));
  ASSIGN_OR_RETURN(std::vector<ClientIntents> clients, QueryClientIntents(options, context));
  ASSIGN_OR_RETURN(std::string picture, RenderPicture(DotDocument(clients), format));
  RETURN_IF_ERROR(WriteFile(options.output_path, picture));
  if (!options.quiet) {
    context.err << "Exported graph as " << format << " format to path " << options.output_path
                << '\n';
  }
  return OkStatus();
}

StatusOr<int> RunExplain(const CliOptions& options, const CommandContext& context) {
  const PairQuestion question{.client = options.client_name,
                              .server = options.server_name,
                              .namespaces = options.namespaces};
  ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
  ASSIGN_OR_RETURN(Explanation explanation, AskForEvidence(transport, question));
  if (options.format == "json") {
    context.out << JsonText(explanation.intents);
  } else {
    context.out << ExplanationText(explanation.intents);
  }
  if (!explanation.intents.empty()) {
    return 0;
  }
  if (!options.quiet) {
    context.err << NoSuchEdgeText(explanation.others, question);
  }
  return 1;
}

// One side of a comparison; `filter` is for what is asked of the mapper.
StatusOr<std::vector<ClientIntents>> LoadMap(const std::optional<std::string>& file,
                                             const IntentFilter& filter, const CliOptions& options,
                                             const CommandContext& context) {
  std::vector<ClientIntents> clients;
  if (file) {
    ASSIGN_OR_RETURN(clients, ReadClientIntents(*file));
    std::erase_if(clients, [&options](const ClientIntents& client) {
      return !options.namespaces.empty() &&
             std::find(options.namespaces.begin(), options.namespaces.end(), client.name_space) ==
                 options.namespaces.end();
    });
  } else {
    ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
    ASSIGN_OR_RETURN(clients, AskForClientIntents(transport, filter, options, context));
  }
  return ExcludeServices(std::move(clients), options.exclude_services);
}

// The name of a file, when `text` is one; otherwise `moment` is set, unless it is now.
StatusOr<std::optional<std::string>> FileOrMoment(const std::string& text, Time now,
                                                  std::optional<Time>& moment) {
  std::error_code error;
  if (std::filesystem::exists(text, error)) {
    return std::optional<std::string>(text);
  }
  if (text != "now") {
    StatusOr<Time> parsed = ParseMoment(text, now);
    if (!parsed.ok()) {
      return InvalidArgument("there is no file {}, and {}", text, StatusMessage(parsed.status()));
    }
    moment = *parsed;
  }
  return std::optional<std::string>();
}

StatusOr<int> RunDiff(const CliOptions& options, const CommandContext& context) {
  ASSIGN_OR_RETURN(IntentFilter before, FilterOf(options, context));
  IntentFilter after = before;
  ASSIGN_OR_RETURN(std::optional<std::string> before_file,
                   FileOrMoment(options.before, context.now, before.until));
  ASSIGN_OR_RETURN(std::optional<std::string> after_file,
                   FileOrMoment(options.after, context.now, after.until));
  if (!before_file && !after_file) {
    if (!before.until || (after.until && *after.until < *before.until)) {
      return InvalidArgument("{} does not come before {}", options.before, options.after);
    }
    after.since = before.until;
  }
  ASSIGN_OR_RETURN(std::vector<ClientIntents> old_map,
                   LoadMap(before_file, before, options, context));
  ASSIGN_OR_RETURN(std::vector<ClientIntents> new_map,
                   LoadMap(after_file, after, options, context));
  const MapDiff diff = Compare(old_map, new_map);
  context.out << (options.format == "json" ? JsonText(DiffJson(diff)) : DiffText(diff));
  if (!options.quiet && options.format != "json") {
    context.out.flush();
    context.err << fmt::format("{} added, {} gone, {} changed\n", diff.added.size(),
                               diff.gone.size(), diff.changed.size());
  }
  return diff.Empty() ? 0 : 1;
}

Status RunStatus(const CliOptions& options, const CommandContext& context) {
  ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
  ASSIGN_OR_RETURN(std::optional<Json> completeness, AskForCompleteness(transport));
  if (!completeness) {
    return FailedPrecondition(
        "the mapper in the cluster does not tell how complete its map is; it is older than this "
        "command, or not of this project");
  }
  context.out << (options.format == "json"
                      ? JsonText(*completeness)
                      : CompletenessText(*completeness, context.now, !options.no_headers));
  return OkStatus();
}

Status RunReset(const CliOptions& options, const CommandContext& context) {
  ForgetFilter filter{.namespaces = options.namespaces, .last_seen_before = std::nullopt};
  if (!options.older_than.empty()) {
    ASSIGN_OR_RETURN(std::chrono::nanoseconds age, ParseAge(options.older_than));
    filter.last_seen_before = context.now - std::chrono::duration_cast<Time::duration>(age);
  }
  ASSIGN_OR_RETURN(QueryTransport transport, context.connect());
  if (filter.namespaces.empty() && !filter.last_seen_before) {
    return ResetCapture(transport);
  }
  ASSIGN_OR_RETURN(uint64_t forgotten, ForgetIntents(transport, filter));
  if (!options.quiet) {
    context.err << fmt::format("{} forgotten\n", forgotten == 1
                                                     ? "1 connection"
                                                     : fmt::format("{} connections", forgotten));
  }
  return OkStatus();
}

}  // namespace

StatusOr<int> RunCommand(const CliOptions& options, const CommandContext& context) {
  switch (options.command) {
    case Command::kHelp:
    case Command::kVersion:
      return 0;
    case Command::kList:
      return ZeroIfOk(RunList(options, context));
    case Command::kExport:
      return ZeroIfOk(RunExport(options, context));
    case Command::kVisualize:
      return ZeroIfOk(RunVisualize(options, context));
    case Command::kExplain:
      return RunExplain(options, context);
    case Command::kDiff:
      return RunDiff(options, context);
    case Command::kStatus:
      return ZeroIfOk(RunStatus(options, context));
    case Command::kReset:
      return ZeroIfOk(RunReset(options, context));
    case Command::kCompletion:
      context.out << CompletionScript(options.shell, context.program);
      return 0;
  }
  return 0;
}

}  // namespace network_mapper::cli
