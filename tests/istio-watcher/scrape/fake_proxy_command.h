// Commands in pods that a test answers.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "istio-watcher/scrape/proxy_command.h"

namespace network_mapper::istio {

// What a command does at once: writes (less than a pipe holds), and ends.
struct CommandAnswer {
  std::string output{};
  std::optional<ScrapeFailure> failure{};
  // It never ends.
  bool hangs = false;
};

struct StartedCommand {
  std::string pod;
  std::vector<std::string> words;
};

class FakeProxyCommand final : public ProxyCommand {
 public:
  void Answer(CommandAnswer answer) {
    state_.With([&](State& state) { state.answer = std::move(answer); });
  }

  void AnswerOf(const std::string& pod, CommandAnswer answer) {
    state_.With([&](State& state) { state.answers[pod] = std::move(answer); });
  }

  std::vector<StartedCommand> Started() const {
    return state_.With([](const State& state) { return state.started; });
  }

  size_t MostUnderWay() const {
    return state_.With([](const State& state) { return state.most_under_way; });
  }

  size_t UnderWay() const {
    return state_.With([](const State& state) { return state.under_way; });
  }

  std::unique_ptr<CommandRun> Start(const ProxyPod& pod, const std::vector<std::string>& words,
                                    std::chrono::nanoseconds /*timeout*/) override {
    const CommandAnswer answer = state_.With([&](State& state) {
      state.started.push_back({pod.name_space + "/" + pod.name, words});
      state.most_under_way = std::max(state.most_under_way, ++state.under_way);
      const auto own = state.answers.find(pod.name);
      return own == state.answers.end() ? state.answer : own->second;
    });
    return std::make_unique<Run>(answer, state_);
  }

 private:
  struct State {
    CommandAnswer answer;
    std::map<std::string, CommandAnswer> answers;
    std::vector<StartedCommand> started;
    size_t under_way = 0;
    size_t most_under_way = 0;
  };

  class Run final : public CommandRun {
   public:
    Run(const CommandAnswer& answer, Guarded<State>& state)
        : failure_(answer.failure), state_(state) {
      if (pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0 ||
          write(ends_[1], answer.output.data(), answer.output.size()) !=
              static_cast<ssize_t>(answer.output.size())) {
        std::abort();
      }
      if (!answer.hangs) {
        close(std::exchange(ends_[1], -1));
      }
    }

    ~Run() override {
      close(ends_[0]);
      if (ends_[1] >= 0) {
        close(ends_[1]);
      }
      state_.With([](State& state) { --state.under_way; });
    }

    int Descriptor() const override { return ends_[0]; }

    std::optional<ScrapeFailure> Failure() const override { return failure_; }

   private:
    int ends_[2] = {-1, -1};
    std::optional<ScrapeFailure> failure_;
    Guarded<State>& state_;
  };

  Guarded<State> state_;
};

}  // namespace network_mapper::istio
