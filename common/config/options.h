// Options of a binary: one table from which flags (--kebab-case), environment
// (OTTERIZE_SNAKE_CASE), a YAML file and the documentation come. Precedence: flag, environment,
// file, default. An unknown flag or key, or a bad value, is an error that names the culprit and the
// nearest valid name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
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
//   are sent").Min(100ms).Group("Reporting"); ASSIGN_OR_RETURN(ParseOutcome outcome,
//   options.Parse(argc, argv, environ));
//
// The bound fields must outlive the table. Their values at Add are the defaults. Not thread-safe.
class OptionTable {
 public:
  // One row; the setters refine it and return it.
  class Row {
   public:
    // Bounds for numbers and durations (durations compare in nanoseconds).
    Row& Min(int64_t minimum);
    Row& Max(int64_t maximum);
    Row& Min(std::chrono::nanoseconds minimum);
    Row& Max(std::chrono::nanoseconds maximum);
    // Allowed texts; others are errors that list them.
    Row& OneOf(std::vector<std::string> values);
    // Heading in --help and docs/options.md.
    Row& Group(std::string_view group);
    // A name of the original suite that has no meaning here: accepted, listed as ignored, never an
    // error.
    Row& Ignored(std::string_view why);
    // A further environment variable without the prefix, such as NODE_NAME.
    Row& AlsoEnvironment(std::string_view variable);
    // One letter: -q.
    Row& Short(char letter);
    // A secret's value never appears in logs, help or the effective configuration.
    Row& Secret();

    std::string name;
    std::string help;
    std::string type_name;  // "duration", "integer", "list", ...
    std::string default_text;
    std::string group;
    std::string ignored_reason;
    std::string extra_environment;
    char short_letter = 0;
    bool secret = false;
    bool is_list = false;
    bool is_bool = false;
    std::vector<std::string> allowed;
    std::function<Status(const std::vector<std::string>&)> assign;
    int64_t minimum;
    int64_t maximum;
  };

  OptionTable(std::string_view program, std::string_view description);
  ~OptionTable();

  Row& Add(std::string_view name, bool* field, std::string_view help);
  Row& Add(std::string_view name, int64_t* field, std::string_view help);
  Row& Add(std::string_view name, uint16_t* field, std::string_view help);
  Row& Add(std::string_view name, std::string* field, std::string_view help);
  Row& Add(std::string_view name, std::chrono::nanoseconds* field, std::string_view help);
  // Comma-separated or repeated as a flag, separated by white space or commas in the environment, a
  // sequence in YAML.
  Row& Add(std::string_view name, std::vector<std::string>* field, std::string_view help);

  enum class Outcome { kRun, kHelp, kVersion };

  // Fills the bound fields. Positional arguments are errors. `environment` is a null-terminated
  // list of NAME=value.
  // --config FILE names the YAML file. Errors are InvalidArgument; the caller prints them and exits
  // with 2.
  StatusOr<Outcome> Parse(int argc, const char* const* argv, const char* const* environment);

  // Text for --help.
  std::string Help() const;
  // A Markdown section with one table row an option, for docs/options.md.
  std::string Markdown() const;
  // name -> where its value came from ("default", "flag", "environment", "file"), after Parse; for
  // the start-up log.
  const std::map<std::string, std::string>& Sources() const;
  // name -> effective value as text ("***" for secrets), after Parse.
  std::map<std::string, std::string> EffectiveValues() const;

 private:
  std::vector<std::unique_ptr<Row>> rows_;
  std::map<std::string, std::string> sources_;
  std::string program_;
  std::string description_;
};

}  // namespace network_mapper
