#include "common/program/program.h"

#include <pthread.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigwait and pthread_sigmask are POSIX, not in <csignal>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "common/build_info/build_info.h"
#include "common/log/log.h"
#include "common/program/resident_code.h"

namespace network_mapper {

namespace {

void LogConfiguration(const OptionTable& options) {
  for (const OptionTable::MistypedVariable& variable : options.MistypedVariables()) {
    LogWarn("environment variable sets no option; is another one meant?",
            {{"variable", variable.name}, {"nearest", variable.nearest}});
  }
  for (const auto& [name, value] : options.ChangedValues()) {
    LogInfo("option set", {{"option", name}, {"value", value}, {"source", options.SourceOf(name)}});
  }
  for (const std::string& name : options.IgnoredButSet()) {
    LogInfo("option of the original suite has no meaning here", {{"option", name}});
  }
}

// Waits for signals until `done`; the first asks to stop, the second ends the process.
void WaitForSignals(const std::stop_token& done, const sigset_t& signals,
                    const std::stop_source& stop) {
  constexpr timespec kPatience{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (!done.stop_requested()) {
    int signal_number = sigtimedwait(&signals, nullptr, &kPatience);
    if (signal_number < 0) {
      continue;
    }
    if (stop.stop_requested()) {
      _exit(kExitFailure);
    }
    LogInfo("stopping", {{"signal", signal_number}});
    stop.request_stop();
  }
}

}  // namespace

int RunProgram(const Program& program, int argc, const char* const* argv,
               const char* const* environment) {
  StatusOr<OptionTable::Outcome> outcome = program.options.Parse(argc, argv, environment);
  Status status = outcome.status();
  if (status.ok() && *outcome == OptionTable::Outcome::kRun) {
    status = program.check();
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\nTry --help.\n", argc > 0 ? argv[0] : "",
                 StatusMessage(status).c_str());
    return kExitUsage;
  }
  if (*outcome == OptionTable::Outcome::kHelp) {
    std::fputs(program.options.Help().c_str(), stdout);
    return kExitOk;
  }
  if (*outcome == OptionTable::Outcome::kVersion) {
    std::printf("%.*s\n", static_cast<int>(Version().size()), Version().data());
    return kExitOk;
  }
  ConfigureLog(program.component, program.debug() ? LogLevel::kDebug : LogLevel::kInfo);
  LogConfiguration(program.options);
  if (program.prepare) {
    program.prepare();
  }

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  {
    std::jthread waiter(
        [&signals, &stop](const std::stop_token& done) { WaitForSignals(done, signals, stop); });
    std::jthread code_releaser(ReleaseResidentCode);
    status = program.run(stop.get_token());
  }
  if (!status.ok()) {
    LogError("failed", {{"error", status}});
    return kExitFailure;
  }
  return kExitOk;
}

}  // namespace network_mapper
