#include "common/config/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "common/config/option_text.h"
#include "common/time/time_text.h"

namespace network_mapper {

namespace {

constexpr std::string_view kDefaultGroup = "General";

std::optional<bool> ParseBool(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True", "yes", "on"}) {
    if (text == yes) {
      return true;
    }
  }
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False", "no", "off"}) {
    if (text == no) {
      return false;
    }
  }
  return std::nullopt;
}

StatusOr<int64_t> ParseInteger(std::string_view text, int64_t minimum, int64_t maximum) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return InvalidArgument("\"{}\" is not a whole number", text);
  }
  if (value < minimum || value > maximum) {
    return InvalidArgument("{} is out of range ({} to {})", value, minimum, maximum);
  }
  return value;
}

}  // namespace

OptionTable::OptionTable(std::string_view program, std::string_view description)
    : program_(program), description_(description) {
  Add("config", &config_path_, "YAML file with options, keys named like the flags");
  Add("help", &help_, "Print this text and exit").Short('h');
  Add("version", &version_, "Print the version and exit");
}

OptionTable::~OptionTable() = default;

OptionTable::Row& OptionTable::AddRow(std::string_view name, std::string_view help,
                                      std::string_view type_name) {
  rows_.push_back(std::make_unique<Row>());
  Row& row = *rows_.back();
  row.name_ = name;
  row.help_ = help;
  row.type_name_ = type_name;
  row.group_ = kDefaultGroup;
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, bool* field, std::string_view help) {
  Row& row = AddRow(name, help, "");
  row.is_bool_ = true;
  row.current_text_ = [field] { return std::string(*field ? "true" : "false"); };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row&, const std::vector<std::string>& values) -> Status {
    std::optional<bool> value = ParseBool(values.front());
    if (!value) {
      return InvalidArgument("\"{}\" is neither true nor false", values.front());
    }
    *field = *value;
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, int64_t* field, std::string_view help) {
  Row& row = AddRow(name, help, "integer");
  row.current_text_ = [field] { return fmt::format("{}", *field); };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row& self, const std::vector<std::string>& values) -> Status {
    ASSIGN_OR_RETURN(*field, ParseInteger(values.front(), self.minimum_, self.maximum_));
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, uint16_t* field, std::string_view help) {
  Row& row = AddRow(name, help, "integer");
  row.minimum_ = 0;
  row.maximum_ = std::numeric_limits<uint16_t>::max();
  row.current_text_ = [field] { return fmt::format("{}", *field); };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row& self, const std::vector<std::string>& values) -> Status {
    ASSIGN_OR_RETURN(int64_t value, ParseInteger(values.front(), self.minimum_, self.maximum_));
    *field = static_cast<uint16_t>(value);
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, std::string* field,
                                   std::string_view help) {
  Row& row = AddRow(name, help, "string");
  row.current_text_ = [field] { return *field; };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row& self, const std::vector<std::string>& values) -> Status {
    const std::string& value = values.front();
    if (!self.allowed_.empty() &&
        std::find(self.allowed_.begin(), self.allowed_.end(), value) == self.allowed_.end()) {
      std::optional<std::string> nearest = NearestName(value, self.allowed_);
      return InvalidArgument("\"{}\" is not one of {}{}", value, Join(self.allowed_, ", "),
                             nearest ? fmt::format("; did you mean {}?", *nearest) : "");
    }
    *field = value;
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, std::chrono::nanoseconds* field,
                                   std::string_view help) {
  Row& row = AddRow(name, help, "duration");
  row.minimum_ = 0;
  row.current_text_ = [field] { return FormatDuration(*field); };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row& self, const std::vector<std::string>& values) -> Status {
    std::optional<std::chrono::nanoseconds> value = ParseDuration(values.front());
    if (!value) {
      return InvalidArgument("\"{}\" is not a duration such as 500ms, 30s or 1h30m",
                             values.front());
    }
    if (value->count() < self.minimum_ || value->count() > self.maximum_) {
      return InvalidArgument(
          "{} is out of range (at least {}{})", FormatDuration(*value),
          FormatDuration(std::chrono::nanoseconds(self.minimum_)),
          self.maximum_ == std::numeric_limits<int64_t>::max()
              ? ""
              : ", at most " + FormatDuration(std::chrono::nanoseconds(self.maximum_)));
    }
    *field = *value;
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::Add(std::string_view name, std::vector<std::string>* field,
                                   std::string_view help) {
  Row& row = AddRow(name, help, "list");
  row.is_list_ = true;
  row.current_text_ = [field] { return Join(*field, ","); };
  row.default_text_ = row.current_text_();
  row.assign_ = [field](const Row&, const std::vector<std::string>& values) -> Status {
    *field = values;
    return OkStatus();
  };
  return row;
}

OptionTable::Row& OptionTable::AddIgnored(std::string_view name, std::string_view why) {
  Row& row = AddRow(name, "", "any");
  row.ignored_reason_ = why;
  row.current_text_ = [] { return std::string(); };
  row.assign_ = [](const Row&, const std::vector<std::string>&) { return OkStatus(); };
  return row;
}

void OptionTable::AddIgnored(std::span<const std::string_view> names, std::string_view why) {
  for (std::string_view name : names) {
    AddIgnored(name, why);
  }
}

void OptionTable::SetDefaultConfigFile(std::string path) {
  default_config_path_ = std::move(path);
}

void OptionTable::AllowPositionals() {
  allow_positionals_ = true;
}

const OptionTable::Row* OptionTable::Find(std::string_view name) const {
  for (const auto& row : rows_) {
    if (row->name_ == name) {
      return row.get();
    }
  }
  return nullptr;
}

const OptionTable::Row* OptionTable::FindFlag(std::string_view flag) const {
  for (const auto& row : rows_) {
    const std::vector<std::string> flags = row->Flags();
    if (std::find(flags.begin(), flags.end(), flag) != flags.end()) {
      return row.get();
    }
  }
  return nullptr;
}

Status OptionTable::UnknownName(std::string_view what, std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& row : rows_) {
    names.push_back(row->name_);
  }
  size_t dashes = std::min(name.find_first_not_of('-'), name.size());
  std::optional<std::string> nearest = NearestName(name.substr(dashes), names);
  return InvalidArgument(
      "unknown {}: {}{}", what, name,
      nearest ? fmt::format("\nDid you mean {}{}?", name.substr(0, dashes), *nearest) : "");
}

const std::vector<std::string>& OptionTable::Positionals() const {
  return positionals_;
}

std::string_view OptionTable::SourceOf(std::string_view name) const {
  auto found = sources_.find(name);
  return found == sources_.end() ? std::string_view("default") : std::string_view(found->second);
}

std::map<std::string, std::string> OptionTable::ChangedValues() const {
  std::map<std::string, std::string> changed;
  for (const auto& row : rows_) {
    if (sources_.contains(row->name_) && !row->ignored_reason_) {
      changed[row->name_] = row->secret_ ? "***" : row->current_text_();
    }
  }
  return changed;
}

const std::vector<OptionTable::MistypedVariable>& OptionTable::MistypedVariables() const {
  return mistyped_;
}

std::vector<std::string> OptionTable::IgnoredButSet() const {
  std::vector<std::string> names;
  for (const auto& row : rows_) {
    if (row->ignored_reason_ && sources_.contains(row->name_)) {
      names.push_back(row->name_);
    }
  }
  return names;
}

}  // namespace network_mapper
