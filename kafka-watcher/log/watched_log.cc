#include "kafka-watcher/log/watched_log.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace network_mapper::kafka {

namespace {

std::optional<Time> Later(std::optional<Time> a, std::optional<Time> b) {
  return std::max(a, b);  // An absent time is before all others.
}

void AddCounts(LineCounts& sum, const LineCounts& more) {
  sum.lines += more.lines;
  sum.accesses += more.accesses;
  for (size_t i = 0; i < sum.refused.size(); ++i) {
    sum.refused[i] += more.refused[i];
  }
  sum.last_line = Later(sum.last_line, more.last_line);
  sum.last_audit_line = Later(sum.last_audit_line, more.last_audit_line);
}

}  // namespace

struct WatchedLog::ParsedLines {
  struct TimedAccess {
    TopicAccess access;
    Time at;
  };

  std::vector<TimedAccess> accesses;
  LineCounts counts;
};

size_t WatchedLog::AccessHash::operator()(const TopicAccess& access) const {
  const size_t decision =
      (static_cast<size_t>(access.operation) << 1U) | (access.allowed ? 1U : 0U);
  return (access.client.Hash() * 31 + decision) * 31 + std::hash<std::string_view>{}(access.topic);
}

WatchedLog::WatchedLog(BrokerName broker, size_t most_accesses)
    : broker_(std::move(broker)), most_accesses_(std::max(most_accesses, kMostLines)) {}

WatchedLog::ParsedLines WatchedLog::Parse(std::span<const LogLine> lines) {
  ParsedLines parsed;
  for (const LogLine& line : lines) {
    const LineOutcome outcome = ParseAuthorizerLine(line.text);
    ++parsed.counts.lines;
    parsed.counts.last_line = Later(parsed.counts.last_line, line.written_at);
    if (std::holds_alternative<NoAuditLine>(outcome)) {
      continue;
    }
    parsed.counts.last_audit_line = Later(parsed.counts.last_audit_line, line.written_at);
    if (const auto* refusal = std::get_if<LineRefusal>(&outcome)) {
      ++parsed.counts.refused[static_cast<size_t>(*refusal)];
    } else {
      ++parsed.counts.accesses;
      parsed.accesses.push_back({std::get<TopicAccess>(outcome), line.written_at});
    }
  }
  return parsed;
}

// False and unchanged when they are too many.
bool WatchedLog::Add(Accesses& accesses, const ParsedLines& parsed) const {
  std::vector<Tally*> tallies;
  tallies.reserve(parsed.accesses.size());
  std::vector<const TopicAccess*> added;
  for (const auto& [access, at] : parsed.accesses) {
    auto found = accesses.find(access);
    if (found == accesses.end()) {
      found = accesses
                  .emplace(Access{access.client, std::string(access.topic), access.operation,
                                  access.allowed},
                           Tally{.first_seen = at, .last_seen = at})
                  .first;
      added.push_back(&access);
    }
    tallies.push_back(&found->second);
    if (accesses.size() > most_accesses_) {
      for (const TopicAccess* one_more : added) {
        accesses.erase(accesses.find(*one_more));
      }
      return false;
    }
  }
  for (size_t i = 0; i < tallies.size(); ++i) {
    const Time at = parsed.accesses[i].at;
    tallies[i]->first_seen = std::min(tallies[i]->first_seen, at);
    tallies[i]->last_seen = std::max(tallies[i]->last_seen, at);
    ++tallies[i]->count;
  }
  return true;
}

bool WatchedLog::TakeLines(std::span<const LogLine> lines, const LogPosition& position) {
  const ParsedLines parsed = Parse(lines);
  return state_.With([&](State& state) {
    if (!Add(state.accesses, parsed)) {
      return false;
    }
    AddCounts(state.counts, parsed.counts);
    state.position = position;
    return true;
  });
}

void WatchedLog::MoveTo(const LogPosition& position) {
  state_.With([&](State& state) { state.position = position; });
}

void WatchedLog::CountOverlong() {
  state_.With([](State& state) { ++state.counts.overlong; });
}

void WatchedLog::CountGap() {
  state_.With([](State& state) { ++state.counts.gaps; });
}

Harvest WatchedLog::Take() {
  Harvest harvest;
  const Accesses accesses = state_.With([&](State& state) {
    harvest.position = state.position;
    return std::exchange(state.accesses, {});
  });
  std::vector<const Accesses::value_type*> ordered;
  ordered.reserve(accesses.size());
  for (const auto& entry : accesses) {
    ordered.push_back(&entry);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto* a, const auto* b) { return a->first.View() < b->first.View(); });
  harvest.observations.reserve(ordered.size());
  for (const auto* entry : ordered) {
    const auto& [access, tally] = *entry;
    Observation observation;
    observation.collector = Collector::kKafka;
    observation.first_seen = tally.first_seen;
    observation.last_seen = tally.last_seen;
    observation.count = tally.count;
    observation.client.ip = access.client;
    observation.target = KafkaTarget{.broker_pod = broker_.pod,
                                     .broker_namespace = broker_.name_space,
                                     .topic = access.topic,
                                     .operation = access.operation,
                                     .allowed = access.allowed};
    harvest.observations.push_back(std::move(observation));
  }
  return harvest;
}

LineCounts WatchedLog::Counts() const {
  return state_.With([](const State& state) { return state.counts; });
}

}  // namespace network_mapper::kafka
