// How options are filled: file, environment, flags, in this order.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>
#include <yaml-cpp/yaml.h>

#include "common/config/option_text.h"
#include "common/config/options.h"
#include "common/text/edit_distance.h"

namespace network_mapper {

namespace {

// Two letters that changed places count as two. Of short names other ones are near.
size_t MostTypos(std::string_view name) {
  return std::min<size_t>(2, name.size() / 3);
}

std::vector<std::string> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    size_t end = text.find_first_of(separators);
    std::string_view part = text.substr(0, end);
    if (!part.empty()) {
      parts.emplace_back(part);
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

// The values of one YAML entry: a scalar is one text, a sequence of scalars several.
StatusOr<std::vector<std::string>> YamlValues(const YAML::Node& node) {
  std::vector<std::string> values;
  if (node.IsScalar()) {
    values.push_back(node.Scalar());
    return values;
  }
  if (node.IsNull()) {
    return values;
  }
  if (!node.IsSequence()) {
    return InvalidArgument("must be a scalar or a list");
  }
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) {
      return InvalidArgument("a list may hold scalars only");
    }
    values.push_back(item.Scalar());
  }
  return values;
}

StatusOr<YAML::Node> LoadYaml(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return InvalidArgument("configuration file {} is a directory", path);
  }
  std::ifstream file(path);
  if (!file) {
    return InvalidArgument("configuration file {} cannot be read", path);
  }
  std::ostringstream content;
  content << file.rdbuf();
  try {
    return YAML::Load(content.str());
  } catch (const YAML::Exception& error) {
    return InvalidArgument("configuration file {} is not valid YAML: {}", path, error.what());
  }
}

}  // namespace

Status OptionTable::Assign(const Row& row, const std::vector<std::string>& values,
                           std::string_view where) {
  sources_[row.name_] = where;
  if (row.ignored_reason_) {
    return OkStatus();
  }
  if (!row.is_list_ && values.size() != 1) {
    return InvalidArgument("option {} ({}) takes one value, not {}", row.name_, where,
                           values.size());
  }
  return Annotate(row.assign_(row, values), fmt::format("option {} ({})", row.name_, where));
}

StatusOr<std::vector<std::string>> OptionTable::WithEmptyValuesApart(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const std::string& word : arguments) {
    bool empty_value = word.starts_with("--") && word.find('=') == word.size() - 1;
    const Row* row = empty_value ? FindFlag(word.substr(0, word.size() - 1)) : nullptr;
    if (row == nullptr) {
      words.push_back(word);
    } else if (row->is_bool_) {
      return Assign(*row, {""}, "flag");
    } else {
      words.insert(words.end(), {"--" + row->name_, ""});
    }
  }
  return words;
}

Status OptionTable::ReadFlags(const std::vector<std::string>& arguments,
                              std::map<std::string, std::vector<std::string>>& flags) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<std::string, const CLI::Option*>> switches;
  for (const auto& row : rows_) {
    std::string names = fmt::format("{}", fmt::join(row->Flags(), ","));
    auto collect = [&flags, name = row->name_](const CLI::results_t& results) {
      std::vector<std::string>& values = flags[name];
      values.insert(values.end(), results.begin(), results.end());
      return true;
    };
    if (row->is_bool_) {
      switches.emplace_back(row->name_, app.add_flag(names)->take_all());
    } else {
      app.add_option(names, CLI::callback_t(collect))->allow_extra_args(false)->take_all();
    }
  }
  ASSIGN_OR_RETURN(std::vector<std::string> words, WithEmptyValuesApart(arguments));
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ArgumentMismatch& error) {
    std::string_view message = error.what();
    return InvalidArgument("option {} (flag) needs a value", message.substr(0, message.find(':')));
  } catch (const CLI::Error& error) {
    return InvalidArgument("{}", error.what());
  }
  for (const auto& [name, option] : switches) {
    if (option->count() > 0) {
      flags[name] = {option->results().back()};
    }
  }
  for (const std::string& extra : app.remaining()) {
    if (extra.size() > 1 && extra.front() == '-') {
      return UnknownName("flag", extra.substr(0, extra.find('=')));
    }
    positionals_.push_back(extra);
  }
  if (!allow_positionals_ && !positionals_.empty()) {
    return InvalidArgument("unexpected argument \"{}\"; options begin with --",
                           positionals_.front());
  }
  return OkStatus();
}

Status OptionTable::ApplyFile(const std::string& path, bool unknown_keys_allowed) {
  ASSIGN_OR_RETURN(YAML::Node root, LoadYaml(path));
  if (root.IsNull()) {
    return OkStatus();
  }
  if (!root.IsMap()) {
    return InvalidArgument("configuration file {} must be a mapping of option names to values",
                           path);
  }
  std::set<std::string> seen;
  for (const auto& entry : root) {
    if (!entry.first.IsScalar()) {
      return InvalidArgument("configuration file {}: a key is not a plain word", path);
    }
    const Row* row = Find(entry.first.Scalar());
    if (row == nullptr || row->name_ == "config" || row->name_ == "help" ||
        row->name_ == "version") {
      if (unknown_keys_allowed) {
        continue;
      }
      return Annotate(UnknownName("key", entry.first.Scalar()),
                      fmt::format("configuration file {}", path));
    }
    if (!seen.insert(row->name_).second) {
      return InvalidArgument("configuration file {}: key {} is given twice", path, row->name_);
    }
    StatusOr<std::vector<std::string>> values = YamlValues(entry.second);
    if (!values.ok()) {
      return Annotate(values.status(),
                      fmt::format("configuration file {}: key {}", path, row->name_));
    }
    if (values->empty() && !row->is_list_) {
      continue;
    }
    RETURN_IF_ERROR(Assign(*row, *values, "file"));
  }
  return OkStatus();
}

Status OptionTable::ApplyEnvironment(const std::map<std::string, std::string>& environment) {
  for (const auto& row : rows_) {
    auto found = environment.find(EnvironmentName(row->name_));
    if (found == environment.end() || found->second.empty()) {
      found = environment.find(row->extra_environment_);
    }
    if (found == environment.end() || found->second.empty() || row->name_ == "help" ||
        row->name_ == "version") {
      continue;
    }
    std::vector<std::string> values =
        row->is_list_ ? Split(found->second, row->separators_.empty() ? " \t\n," : row->separators_)
                      : std::vector<std::string>{found->second};
    RETURN_IF_ERROR(Annotate(Assign(*row, values, "environment"), found->first));
  }
  return OkStatus();
}

void OptionTable::FindMistyped(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> names;
  std::set<std::string> read;
  for (const auto& row : rows_) {
    names.push_back(row->name_);
    read.insert(EnvironmentName(row->name_));
    read.insert(row->extra_environment_);
  }
  for (const auto& [variable, value] : environment) {
    const std::string option = OptionNameOf(variable);
    if (option.empty() || value.empty() || read.contains(variable) ||
        IsServiceVariable(variable, value)) {
      continue;
    }
    const std::optional<std::string> nearest = NearestName(option, names);
    const bool near = nearest && EditDistance(option, *nearest) <= MostTypos(option);
    if (near || variable.starts_with(kUnusedPrefix)) {
      mistyped_.push_back({variable, nearest ? EnvironmentName(*nearest) : ""});
    }
  }
}

StatusOr<OptionTable::Outcome> OptionTable::Parse(int argc, const char* const* argv,
                                                  const char* const* environment) {
  std::map<std::string, std::string> variables;
  for (const char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  std::map<std::string, std::vector<std::string>> flags;
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  RETURN_IF_ERROR(ReadFlags(arguments, flags));
  for (std::string_view name : {"help", "version"}) {
    if (auto flag = flags.find(std::string(name)); flag != flags.end()) {
      RETURN_IF_ERROR(Assign(*Find(name), flag->second, "flag"));
    }
  }
  if (help_) {
    return Outcome::kHelp;
  }
  if (version_) {
    return Outcome::kVersion;
  }
  std::string config_path = variables["OTTERIZE_CONFIG"];
  if (auto flag = flags.find("config"); flag != flags.end() && !flag->second.empty()) {
    config_path = flag->second.back();
  }
  if (!config_path.empty()) {
    RETURN_IF_ERROR(ApplyFile(config_path, false));
  } else if (!default_config_path_.empty() &&
             std::filesystem::is_regular_file(default_config_path_)) {
    RETURN_IF_ERROR(ApplyFile(default_config_path_, true));
  }
  RETURN_IF_ERROR(ApplyEnvironment(variables));
  FindMistyped(variables);
  for (const auto& [name, values] : flags) {
    const Row* row = Find(name);
    std::vector<std::string> all;
    for (const std::string& value : values) {
      if (row->is_list_) {
        std::vector<std::string> parts =
            Split(value, row->separators_.empty() ? "," : row->separators_);
        all.insert(all.end(), parts.begin(), parts.end());
      } else {
        all = {value};
      }
    }
    RETURN_IF_ERROR(Assign(*row, all, "flag"));
  }
  return Outcome::kRun;
}

}  // namespace network_mapper
