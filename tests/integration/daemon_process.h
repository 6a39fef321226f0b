// A program that serves /readyz and /metrics, as a process on the loopback.
#pragma once

#include <httplib.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/eventually.h"
#include "tests/integration/scraped_metric.h"
#include "tests/support/child_process.h"
#include "tests/support/test_paths.h"

namespace network_mapper {

class DaemonProcess {
 public:
  // `program`: its name in bin/. Begins at once.
  DaemonProcess(const std::string& program, std::vector<std::string> options,
                std::vector<std::string> environment = {}) {
    options.insert(options.begin(),
                   {(BuildDirectory() / "bin" / program).string(), "--listen-address=127.0.0.1",
                    "--metrics-port=" + std::to_string(metrics_port_),
                    "--health-probes-port=" + std::to_string(health_port_)});
    process_.emplace(std::move(options), log_, std::move(environment));
  }

  // What /readyz answers.
  struct Readiness {
    // 0: nothing.
    int status = 0;
    std::string text;
  };

  Readiness Ready() const {
    httplib::Client client("127.0.0.1", health_port_);
    const httplib::Result answer = client.Get("/readyz");
    return answer ? Readiness{.status = answer->status, .text = answer->body} : Readiness{};
  }

  bool BecomesReady() {
    return Eventually([this] { return Ready().status == 200 || !process_->IsRunning(); }) &&
           process_->IsRunning();
  }

  // Waits for a status, and words that are in the answer.
  bool ReadinessBecomes(int status, const std::string& words) {
    return Eventually([&] {
      const Readiness ready = Ready();
      return ready.status == status && ready.text.find(words) != std::string::npos;
    });
  }

  double Metric(const std::string& name, const std::string& label = "") const {
    return ScrapedMetric(metrics_port_, name, label);
  }

  std::string Log() const { return ReadFileOrDie(log_); }

  void Signal(int signal) { kill(process_->Id(), signal); }

  bool IsRunning() { return process_->IsRunning(); }

  // The exit code, or -1 when a signal ended it; absent when it goes on for longer.
  std::optional<int> WaitForExit(std::chrono::milliseconds limit) {
    return process_->WaitForExit(limit);
  }

 private:
  TemporaryDirectory directory_;
  const std::filesystem::path log_ = directory_.Path() / "log";
  const uint16_t metrics_port_ = FreePort();
  const uint16_t health_port_ = FreePort();
  std::optional<ChildProcess> process_;
};

struct Ending {
  // -1: it was killed, since it went on.
  int code = -1;
  std::string text;
};

// Of a program that is to end by itself, soon.
inline Ending EndingOf(const std::string& program, std::vector<std::string> options) {
  const TemporaryDirectory directory;
  options.insert(options.begin(), (BuildDirectory() / "bin" / program).string());
  ChildProcess process(options, directory.Path() / "log");
  const std::optional<int> code = process.WaitForExit(std::chrono::seconds(10));
  return {.code = code.value_or(-1), .text = ReadFileOrDie(directory.Path() / "log")};
}

}  // namespace network_mapper
