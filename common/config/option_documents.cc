// What the option table says of itself: --help, docs/options.md, and lists of flags for completion.
#include <algorithm>

#include "common/config/option_text.h"
#include "common/config/options.h"

namespace network_mapper {

std::vector<std::string> OptionTable::Flags() const {
  std::vector<std::string> flags;
  for (const auto& row : rows_) {
    std::vector<std::string> own = row->Flags();
    flags.insert(flags.end(), own.begin(), own.end());
  }
  return flags;
}

std::vector<std::string> OptionTable::FlagsWithValue() const {
  std::vector<std::string> flags;
  for (const auto& row : rows_) {
    std::vector<std::string> own = row->is_bool_ ? std::vector<std::string>() : row->Flags();
    flags.insert(flags.end(), own.begin(), own.end());
  }
  return flags;
}

std::string OptionTable::HelpLines(std::string_view group) const {
  std::string text;
  for (const auto& row : rows_) {
    if (row->group_ != group || row->ignored_reason_) {
      continue;
    }
    std::string left = row->short_letter_ == 0
                           ? fmt::format("      --{}", row->name_)
                           : fmt::format("  -{}, --{}", row->short_letter_, row->name_);
    if (!row->type_name_.empty()) {
      left += " " + row->type_name_;
    }
    std::string right = row->help_;
    if (!row->allowed_.empty()) {
      right += fmt::format(" ({})", Join(row->allowed_, ", "));
    }
    if (!row->default_text_.empty() && row->default_text_ != "false" && !row->secret_) {
      right += fmt::format(" (default {})", row->default_text_);
    }
    text += fmt::format("{:<44} {}\n", left, right);
  }
  return text;
}

std::string OptionTable::Help() const {
  std::string text = fmt::format("{}\n\nUsage:\n  {} [options]\n", description_, program_);
  std::vector<std::string> groups;
  for (const auto& row : rows_) {
    if (std::find(groups.begin(), groups.end(), row->group_) == groups.end()) {
      groups.push_back(row->group_);
    }
  }
  for (const std::string& group : groups) {
    std::string lines = HelpLines(group);
    if (!lines.empty()) {
      text += fmt::format("\n{}:\n{}", group, lines);
    }
  }
  text +=
      "\nEvery option can also be given as an environment variable (OTTERIZE_ and the name in "
      "capitals, \"-\" as \"_\")\n"
      "or as a key of the file named by --config. A flag wins over the environment, the "
      "environment over the file.\n";
  return text;
}

std::string OptionTable::Markdown() const {
  std::string text =
      fmt::format("## {}\n\n{}\n\n| flag | environment | default | meaning |\n|---|---|---|---|\n",
                  program_, description_);
  std::string ignored;
  for (const auto& row : rows_) {
    if (row->ignored_reason_) {
      ignored += fmt::format("| `{}` | {} |\n", row->name_, *row->ignored_reason_);
      continue;
    }
    bool flag_only = row->name_ == "help" || row->name_ == "version";
    std::string environment =
        flag_only ? std::string() : fmt::format("`{}`", EnvironmentName(row->name_));
    if (!row->extra_environment_.empty()) {
      environment += fmt::format(", `{}`", row->extra_environment_);
    }
    std::string meaning = row->help_;
    if (!row->allowed_.empty()) {
      meaning += fmt::format(" (one of {})", Join(row->allowed_, ", "));
    }
    text += fmt::format("| `--{}` | {} | {} | {} |\n", row->name_, environment,
                        row->default_text_.empty() ? "" : "`" + row->default_text_ + "`", meaning);
  }
  if (!ignored.empty()) {
    text +=
        "\nAccepted for configurations written for the original suite, without effect here:\n\n"
        "| name | why |\n|---|---|\n" +
        ignored;
  }
  return text;
}

}  // namespace network_mapper
