// How fast a log is read into accesses: goal 2 million lines a second and core, with one line in
// ten an authorizer's.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "kafka-watcher/authorizer/authorizer_line.h"
#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {
namespace {

// Forty clients, ten topics, all layouts that matter: lines of equal shape would train the branch
// predictor.
std::string AuditLine(size_t number) {
  const std::string client =
      "10.244." + std::to_string(number % 8) + "." + std::to_string(17 + number % 5);
  const std::string topic = "orders." + std::to_string(number % 10);
  const std::string principal = "User:CN=client-" + std::to_string(number % 40) + ",OU=shop";
  const std::string behind = " for request = Fetch with resourceRefCount = 12";
  switch (number % 4) {
    case 0:
      return "[2024-06-11 10:11:12,345] DEBUG Principal = " + principal +
             " is Allowed Operation = Read from host = " + client +
             " on resource = Topic:LITERAL:" + topic + behind + " (kafka.authorizer.logger)";
    case 1:
      return "[2024-06-11 10:11:12,345] DEBUG Principal = " + principal +
             " is Allowed operation = WRITE from host = " + client +
             " on resource = Topic:LITERAL:" + topic + behind +
             " based on rule DefaultAllow (kafka.authorizer.logger)";
    case 2:
      return "2026-02-03 10:11:12 INFO  [data-plane-kafka-request-handler-0] logger:295 - "
             "Principal = " +
             principal + " is Denied operation = DESCRIBE from host = " + client +
             " on resource = Topic:LITERAL:" + topic + behind +
             " based on rule MatchingAcl(acl=StandardAcl(resourceType=TOPIC, resourceName=orders, "
             "patternType=PREFIXED, principal=" +
             principal + ", host=*, operation=READ, permissionType=DENY))";
    default:
      return "[2024-06-11 10:11:12,345] DEBUG Principal = " + principal +
             " is Allowed operation = READ from host = " + client +
             " on resource = Group:LITERAL:billing for request = Heartbeat with "
             "resourceRefCount = 1 based on rule DefaultAllow (kafka.authorizer.logger)";
  }
}

std::string OtherLine(size_t number) {
  const std::string partition = "orders-" + std::to_string(number % 64);
  switch (number % 3) {
    case 0:
      return "[2024-06-11 10:11:12,345] INFO [Log partition=" + partition +
             ", dir=/var/lib/kafka/data] A new segment begins at offset 184467, written in 3 ms "
             "(kafka.log.Log)";
    case 1:
      return "[2024-06-11 10:11:12,345] INFO [GroupCoordinator 0] Group billing of generation 12 "
             "is "
             "divided anew, since a member of " +
             partition + " came: consumer-billing-1 (kafka.coordinator.group.GroupCoordinator)";
    default:
      return "[2024-06-11 10:11:12,345] INFO [Producers partition=" + partition +
             "] A snapshot of 2 producers at offset 184467 took 5 ms (kafka.log.Producers)";
  }
}

std::vector<std::string> Lines(size_t audit_lines_in_ten) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < 4'000; ++i) {
    lines.push_back(i % 10 < audit_lines_in_ten ? AuditLine(i / 10 * audit_lines_in_ten + i % 10)
                                                : OtherLine(i));
  }
  return lines;
}

void BM_ParseLine(benchmark::State& state) {
  const std::vector<std::string> lines = Lines(static_cast<size_t>(state.range(0)));
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ParseAuthorizerLine(lines[next]));
    next = next + 1 == lines.size() ? 0 : next + 1;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

BENCHMARK(BM_ParseLine)->ArgName("audit_in_ten")->Arg(0)->Arg(1)->Arg(10);

// Batches of 500 lines, as from a read of 64 KiB, and a harvest after every 100,000 lines.
void BM_TakeLines(benchmark::State& state) {
  constexpr size_t kBatch = 500;
  const std::vector<std::string> texts = Lines(static_cast<size_t>(state.range(0)));
  const Time now = Time(std::chrono::seconds(1'700'000'000));
  std::vector<LogLine> lines;
  lines.reserve(texts.size());
  for (const std::string& text : texts) {
    lines.push_back({.text = text, .written_at = now});
  }
  WatchedLog log({.pod = "broker-0", .name_space = "kafka"});
  FileLogPosition position{.path = "/var/log/kafka/kafka-authorizer.log", .device = 1, .inode = 2};
  size_t next = 0;
  size_t taken = 0;
  for (auto _ : state) {
    position.offset += kBatch * 200;
    if (!log.TakeLines(std::span(lines).subspan(next, kBatch), position)) {
      state.SkipWithError("no room");
      break;
    }
    next = (next + kBatch) % lines.size();
    taken += kBatch;
    if (taken % 100'000 == 0) {
      benchmark::DoNotOptimize(log.Take());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

BENCHMARK(BM_TakeLines)->ArgName("audit_in_ten")->Arg(1)->Arg(10);

}  // namespace
}  // namespace network_mapper::kafka
