// The mapper's real binary against an API stand-in, for tests that kill it, ask its API or attack
// its report port. No root, no network but the loopback.
#pragma once

#include <httplib.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/scraped_metric.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/test_paths.h"

namespace network_mapper {

class MapperProcess {
 public:
  explicit MapperProcess(std::vector<std::string> options = {},
                         std::vector<std::string> environment = {},
                         stand_in::KubeStandInOptions kubernetes = {})
      : options_(std::move(options)), environment_(std::move(environment)) {
    auto stand_in = stand_in::KubeStandIn::Start(std::move(kubernetes));
    EXPECT_TRUE(stand_in.ok());
    stand_in_ = *std::move(stand_in);
  }

  // Another API server than the own stand-in.
  void UseApiServer(std::string url) { api_server_url_ = std::move(url); }

  stand_in::KubeStandIn& ApiServer() { return *stand_in_; }

  // A command that gets the mapper's as its arguments and becomes it: prlimit, env.
  void RunUnder(std::vector<std::string> wrapper) { wrapper_ = std::move(wrapper); }

  // False: it does not become ready.
  bool Start() {
    Launch();
    return WaitUntilReady();
  }

  void Launch() {
    std::vector<std::string> command = wrapper_;
    for (const std::string& word :
         {(BuildDirectory() / "bin/network-mapper-mapper").string(),
          std::string("--listen-address=127.0.0.1"),
          "--kube-api-url=" + (api_server_url_.empty() ? stand_in_->Url() : api_server_url_),
          "--port=" + std::to_string(api_port_), "--report-port=" + std::to_string(report_port_),
          "--metrics-port=" + std::to_string(metrics_port_)}) {
      command.push_back(word);
    }
    command.insert(command.end(), options_.begin(), options_.end());
    process_ = std::make_unique<ChildProcess>(command, log_, environment_);
  }

  bool WaitUntilReady() {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline && process_->IsRunning()) {
      httplib::Client client("127.0.0.1", api_port_);
      httplib::Result answer = client.Get("/readyz");
      if (answer && answer->status == 200) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  void Kill() { process_->End(SIGKILL); }

  // The exit code of a mapper that ends by itself.
  int WaitForExit() { return process_->WaitForExit(); }

  bool IsRunning() { return process_ != nullptr && process_->IsRunning(); }

  pid_t Id() const { return process_->Id(); }

  uint16_t ApiPort() const { return api_port_; }

  uint16_t ReportPort() const { return report_port_; }

  uint16_t MetricsPort() const { return metrics_port_; }

  stand_in::KubeStandIn& Kubernetes() { return *stand_in_; }

  std::string Log() const { return ReadFileOrDie(log_); }

  // The `data` of an answer; null without one.
  nlohmann::json Query(const std::string& query) const {
    httplib::Client client("127.0.0.1", api_port_);
    client.set_read_timeout(std::chrono::seconds(20));
    nlohmann::json request = {{"query", query}};
    httplib::Result answer = client.Post("/query", request.dump(), "application/json");
    return answer ? nlohmann::json::parse(answer->body)["data"] : nlohmann::json();
  }

  // As ScrapedMetric.
  double Metric(const std::string& name, const std::string& label = "") const {
    return ScrapedMetric(metrics_port_, name, label);
  }

 private:
  std::vector<std::string> options_;
  std::vector<std::string> environment_;
  std::vector<std::string> wrapper_;
  TemporaryDirectory directory_;
  std::filesystem::path log_ = directory_.Path() / "mapper.log";
  std::unique_ptr<stand_in::KubeStandIn> stand_in_;
  std::string api_server_url_;
  uint16_t api_port_ = FreePort();
  uint16_t report_port_ = FreePort();
  uint16_t metrics_port_ = FreePort();
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace network_mapper
