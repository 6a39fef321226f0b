// The setters of one row of the option table.
#include <utility>

#include <fmt/format.h>

#include "common/config/options.h"

namespace network_mapper {

OptionTable::Row& OptionTable::Row::Min(int64_t minimum) {
  minimum_ = minimum;
  return *this;
}

OptionTable::Row& OptionTable::Row::Max(int64_t maximum) {
  maximum_ = maximum;
  return *this;
}

OptionTable::Row& OptionTable::Row::Min(std::chrono::nanoseconds minimum) {
  return Min(static_cast<int64_t>(minimum.count()));
}

OptionTable::Row& OptionTable::Row::Max(std::chrono::nanoseconds maximum) {
  return Max(static_cast<int64_t>(maximum.count()));
}

OptionTable::Row& OptionTable::Row::OneOf(std::vector<std::string> values) {
  allowed_ = std::move(values);
  return *this;
}

OptionTable::Row& OptionTable::Row::Group(std::string_view group) {
  group_ = group;
  return *this;
}

OptionTable::Row& OptionTable::Row::AlsoEnvironment(std::string_view variable) {
  extra_environment_ = variable;
  return *this;
}

OptionTable::Row& OptionTable::Row::Short(char letter) {
  short_letter_ = letter;
  return *this;
}

OptionTable::Row& OptionTable::Row::AlsoFlag(std::string_view name) {
  also_flag_ = name;
  return *this;
}

std::vector<std::string> OptionTable::Row::Flags() const {
  std::vector<std::string> flags = {"--" + name_};
  if (short_letter_ != 0) {
    flags.push_back(fmt::format("-{}", short_letter_));
  }
  if (!also_flag_.empty()) {
    flags.push_back("--" + also_flag_);
  }
  return flags;
}

OptionTable::Row& OptionTable::Row::SeparatedBy(std::string_view separators) {
  separators_ = separators;
  return *this;
}

OptionTable::Row& OptionTable::Row::Secret() {
  secret_ = true;
  return *this;
}

}  // namespace network_mapper
