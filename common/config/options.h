// Options of a binary: one table from which flags (--kebab-case), environment
// (OTTERIZE_SNAKE_CASE), a YAML file and the documentation come. Precedence: flag, environment,
// file, default. An unknown flag or key, or a bad value, is an error that names the culprit and the
// nearest valid name. Unknown variables are not errors: Kubernetes itself makes such variables for
// every Service of the namespace (OTTERIZE_NETWORK_MAPPER_SERVICE_HOST, ...), and other programs of
// the original suite have some. What looks like a typo is told by MistypedVariables.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"

namespace network_mapper {

// Declares options bound to the fields of a configuration struct, then fills them. Usage:
//
//   SnifferConfig config;
//   OptionTable options("network-mapper-sniffer", "Observes one node's traffic and reports it to
//   the mapper."); options.Add("report-interval", &config.report_interval, "How often observations
//   are sent").Min(100ms); ASSIGN_OR_RETURN(auto outcome, options.Parse(argc, argv, environ));
//
// The bound fields must outlive the table. Their values at Add are the defaults. Not thread-safe.
class OptionTable {
 public:
  enum class Outcome { kRun, kHelp, kVersion };

  // One row; the setters refine it and return it.
  class Row {
   public:
    // Bounds for integers, and for durations in nanoseconds.
    Row& Min(int64_t minimum);
    Row& Max(int64_t maximum);
    Row& Min(std::chrono::nanoseconds minimum);
    Row& Max(std::chrono::nanoseconds maximum);
    // Allowed texts; others are errors that list them.
    Row& OneOf(std::vector<std::string> values);
    // Heading in --help and docs/options.md, valid for this row.
    Row& Group(std::string_view group);
    // A further environment variable without the prefix, such as NODE_NAME; the prefixed one wins.
    Row& AlsoEnvironment(std::string_view variable);
    // One letter: -q.
    Row& Short(char letter);
    // A second spelling, as a flag only.
    Row& AlsoFlag(std::string_view name);
    // What stands between a list's items in flags and in the environment, for items that may have
    // commas or blanks themselves.
    Row& SeparatedBy(std::string_view separators);
    // A secret's value never appears in logs, help or the effective configuration.
    Row& Secret();

   private:
    friend class OptionTable;

    // "--name", and "-n" and the second spelling where it has them.
    std::vector<std::string> Flags() const;

    std::string name_;
    std::string help_;
    std::string type_name_;
    std::string group_;
    std::string default_text_;
    std::string extra_environment_;
    std::string also_flag_;
    std::optional<std::string> ignored_reason_;
    char short_letter_ = 0;
    bool secret_ = false;
    bool is_list_ = false;
    bool is_bool_ = false;
    // Empty: commas, and white space in the environment.
    std::string separators_;
    std::vector<std::string> allowed_;
    int64_t minimum_ = std::numeric_limits<int64_t>::min();
    int64_t maximum_ = std::numeric_limits<int64_t>::max();
    // Converts and stores; a list gets all its items, any other type exactly one text.
    std::function<Status(const Row&, const std::vector<std::string>&)> assign_;
    std::function<std::string()> current_text_;
  };

  OptionTable(std::string_view program, std::string_view description);
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;
  ~OptionTable();

  Row& Add(std::string_view name, bool* field, std::string_view help);
  Row& Add(std::string_view name, int64_t* field, std::string_view help);
  Row& Add(std::string_view name, uint16_t* field, std::string_view help);
  Row& Add(std::string_view name, std::string* field, std::string_view help);
  Row& Add(std::string_view name, std::chrono::nanoseconds* field, std::string_view help);
  // Comma-separated or repeated as a flag, separated by white space or commas in the environment, a
  // sequence in YAML.
  Row& Add(std::string_view name, std::vector<std::string>* field, std::string_view help);
  // An option of the original suite without a meaning here.
  Row& AddIgnored(std::string_view name, std::string_view why);
  void AddIgnored(std::span<const std::string_view> names, std::string_view why);

  // Read before the other sources if it exists and --config names no file. Since such a file may
  // serve other programs too, keys that are not known here are passed over.
  void SetDefaultConfigFile(std::string path);

  // Positional arguments are errors unless allowed; then Positionals() has them.
  void AllowPositionals();

  // Fills the bound fields. `argv` has argc entries, the first of which is the program's name;
  // `environment` is a null-terminated list of NAME=value. --config FILE names the YAML file.
  // Errors are InvalidArgument, to be printed.
  StatusOr<Outcome> Parse(int argc, const char* const* argv, const char* const* environment);

  const std::vector<std::string>& Positionals() const;
  // Where the value of an option came from, after Parse: "default", "file", "environment" or
  // "flag".
  std::string_view SourceOf(std::string_view name) const;
  // Name and effective value of every option that is not at its default ("***" for secrets), after
  // Parse.
  std::map<std::string, std::string> ChangedValues() const;
  // Options without a meaning here that were set nevertheless, after Parse.
  std::vector<std::string> IgnoredButSet() const;

  // A variable that sets nothing but looks as if it should.
  struct MistypedVariable {
    std::string name;
    // What was probably meant; empty when nothing is near.
    std::string nearest;
  };

  // After Parse: OTTERIZE_ variables that are one or two letters away from one that is read, and
  // all NETWORK_MAPPER_ ones, a prefix that nothing here has.
  const std::vector<MistypedVariable>& MistypedVariables() const;

  // Text for --help.
  std::string Help() const;
  // Only the lines of the options, as Help has them, without headings.
  std::string HelpLines(std::string_view group) const;
  // "--name" and "-n" of all options, and of those that take a value; for completion and for
  // finding a command word.
  std::vector<std::string> Flags() const;
  std::vector<std::string> FlagsWithValue() const;
  // A Markdown section with one table row an option, for docs/options.md.
  std::string Markdown() const;

 private:
  Row& AddRow(std::string_view name, std::string_view help, std::string_view type_name);
  const Row* Find(std::string_view name) const;
  const Row* FindFlag(std::string_view flag) const;
  Status Assign(const Row& row, const std::vector<std::string>& values, std::string_view where);
  Status UnknownName(std::string_view what, std::string_view name) const;
  // "--name=" as two words, since the parser takes it for "--name" alone.
  StatusOr<std::vector<std::string>> WithEmptyValuesApart(
      const std::vector<std::string>& arguments);
  Status ReadFlags(const std::vector<std::string>& arguments,
                   std::map<std::string, std::vector<std::string>>& flags);
  Status ApplyFile(const std::string& path, bool unknown_keys_allowed);
  Status ApplyEnvironment(const std::map<std::string, std::string>& environment);
  void FindMistyped(const std::map<std::string, std::string>& environment);

  std::string program_;
  std::string description_;
  bool allow_positionals_ = false;
  std::string config_path_;
  std::string default_config_path_;
  bool help_ = false;
  bool version_ = false;
  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<std::string> positionals_;
  std::vector<MistypedVariable> mistyped_;
  std::map<std::string, std::string, std::less<>> sources_;
};

// The candidate nearest to `name` by edit distance; absent when none is near.
std::optional<std::string> NearestName(std::string_view name,
                                       const std::vector<std::string>& candidates);

}  // namespace network_mapper
