#include "tests/support/kube_stand_in/pod_logs.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/time/time_text.h"

namespace network_mapper::stand_in {

namespace {

// As a kubelet writes it: always nine digits.
std::string Stamp(Time at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  const auto fraction = std::chrono::duration_cast<std::chrono::nanoseconds>(at - second);
  std::string text = FormatRfc3339(second);
  text.pop_back();
  return fmt::format("{}.{:09}Z", text, fraction.count());
}

constexpr size_t kLargestRead = size_t{256} << 10U;

}  // namespace

PodLogs::Run& PodLogs::Current(State& state, const ContainerKey& key) {
  auto& runs = state.logs[key].runs;
  if (runs.empty()) {
    runs[0] = std::make_shared<Run>();
  }
  return *runs.rbegin()->second;
}

void PodLogs::Write(const ContainerKey& key, Time at, std::string_view text, bool ended) {
  state_.Change([&](State& state) {
    Current(state, key).lines.push_back({at, std::string(text), ended});
  });
}

void PodLogs::Rotate(const ContainerKey& key) {
  state_.Change([&](State& state) {
    Run& run = Current(state, key);
    run.file_begin = run.lines.size();
  });
}

void PodLogs::End(const ContainerKey& key) {
  state_.Change([&](State& state) { Current(state, key).over = true; });
}

void PodLogs::Start(const ContainerKey& key) {
  state_.Change([&](State& state) {
    Current(state, key).over = true;
    auto& runs = state.logs[key].runs;
    runs[runs.rbegin()->first + 1] = std::make_shared<Run>();
    if (runs.size() > 2) {
      runs.erase(runs.begin());
    }
  });
}

void PodLogs::Remove(const ContainerKey& key) {
  state_.Change([&](State& state) {
    Current(state, key).over = true;
    state.logs.erase(key);
  });
}

void PodLogs::Stall(const ContainerKey& key, bool stalled) {
  state_.Change([&](State& state) { state.logs[key].stalled = stalled; });
}

void PodLogs::Refuse(const ContainerKey& key, std::optional<LogRefusal> refusal) {
  state_.Change([&](State& state) { state.logs[key].refusal = std::move(refusal); });
}

void PodLogs::BreakStreams() {
  state_.Change([](State& state) { ++state.breaks; });
}

void PodLogs::BreakAfter(std::function<std::optional<size_t>()> bytes) {
  state_.Change([&](State& state) { state.break_after = std::move(bytes); });
}

int PodLogs::Requests(const ContainerKey& key) const {
  return state_.Read([&](const State& state) {
    const auto found = state.logs.find(key);
    return found == state.logs.end() ? 0 : found->second.requests;
  });
}

LogStream::LogStream(PodLogs& logs, LogRequest request)
    : logs_(logs), request_(std::move(request)) {
  logs_.state_.Change([&](PodLogs::State& state) {
    const ContainerKey& key = request_.container;
    PodLogs::Log& log = state.logs[key];
    ++log.requests;
    refusal_ = log.refusal;
    if (refusal_) {
      return;
    }
    PodLogs::Current(state, key);
    auto run = std::prev(log.runs.end());
    if (request_.previous) {
      if (run == log.runs.begin()) {
        refusal_ = {400, fmt::format("previous terminated container \"{}\" in pod \"{}\" not found",
                                     key.container, key.pod)};
        return;
      }
      --run;
    }
    run_ = run->second;
    next_line_ = run_->file_begin;
    breaks_ = state.breaks;
    bytes_left_ = state.break_after ? state.break_after() : std::nullopt;
  });
}

bool LogStream::Ready(const PodLogs::State& state) const {
  const auto log = state.logs.find(request_.container);
  const bool stalled = log != state.logs.end() && log->second.stalled;
  return state.breaks != breaks_ ||
         (!stalled && (next_line_ < run_->lines.size() || run_->over || !request_.follow));
}

LogStream::Next LogStream::Read(std::chrono::milliseconds limit, std::string& out) {
  out.clear();
  if (!logs_.state_.WaitFor(limit, [&](const PodLogs::State& state) { return Ready(state); })) {
    return Next::kNothingYet;
  }
  return logs_.state_.Read([&](const PodLogs::State& state) {
    if (state.breaks != breaks_) {
      return Next::kBreak;
    }
    while (next_line_ < run_->lines.size() && out.size() < kLargestRead) {
      const PodLogs::Line& line = run_->lines[next_line_++];
      if (request_.since && line.at < std::chrono::floor<std::chrono::seconds>(*request_.since)) {
        continue;
      }
      out += request_.timestamps ? Stamp(line.at) + ' ' : "";
      out += line.text;
      out += line.ended ? "\n" : "";
    }
    if (bytes_left_ && out.size() >= *bytes_left_) {
      out.resize(*bytes_left_);
      bytes_left_ = 0;
      return Next::kBreak;
    }
    if (bytes_left_) {
      *bytes_left_ -= out.size();
    }
    if (!out.empty()) {
      return Next::kBytes;
    }
    const bool at_end = next_line_ >= run_->lines.size() && (run_->over || !request_.follow);
    return at_end ? Next::kEnd : Next::kNothingYet;
  });
}

}  // namespace network_mapper::stand_in
