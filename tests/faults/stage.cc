#include "tests/faults/stage.h"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kCollectors = 2;
constexpr auto kPatience = 30s;
// What the inventory does not know waits so long. Longer than a mapper lives that is killed, so
// that refusals are counted by the last one.
constexpr auto kHold = 4s;
constexpr auto kDecided = kHold + 6s;
constexpr const char* kSmallDiskBytes = "size=24m";

void Check(bool fine, const std::string& what) {
  if (!fine) {
    std::fprintf(stderr, "cannot set the stage: %s\n", what.c_str());
    std::abort();
  }
}

}  // namespace

bool Eventually(const std::function<bool()>& condition, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

Stage::Stage(const Settings& settings, const StageOptions& options)
    : settings_(settings), random_(settings.seed), store_directory_(directory_.Path() / "store") {
  std::filesystem::create_directory(store_directory_);
  if (options.small_disk) {
    mounted_ = mount("store", store_directory_.c_str(), "tmpfs", 0, kSmallDiskBytes) == 0;
    Check(mounted_, std::string("mount: ") + std::strerror(errno));
  }
  std::vector<std::string> mapper_options = options.mapper_options;
  if (options.postgres) {
    database_ = std::make_unique<PostgresServer>();
  }
  mapper_options.push_back("--store=" + (options.postgres
                                             ? database_->Url()
                                             : "sqlite:" + (store_directory_ / "map.db").string()));
  mapper_options.push_back(fmt::format("--unresolved-hold={}s", kHold.count()));
  std::vector<std::string> environment;
  if (options.own_clock) {
    environment = clock_.Environment();
  }
  mapper_.emplace(std::move(mapper_options), std::move(environment));
  if (options.killable_api_server) {
    auto cluster = std::make_unique<ProcessCluster>(directory_.Path());
    killable_cluster_ = cluster.get();
    cluster_ = std::move(cluster);
    Check(AddStayingPods(*cluster_) && killable_cluster_->Start(), "no API server");
    mapper_->UseApiServer(killable_cluster_->Url());
  } else {
    cluster_ = std::make_unique<StandInCluster>(mapper_->ApiServer().Objects());
    Check(AddStayingPods(*cluster_), "no pods");
  }
  const bool started = mapper_->Start();
  Check(started, mapper_->Log());
  std::vector<uint16_t> ports;
  for (int number = 0; number < kCollectors; ++number) {
    links_.push_back(
        std::make_unique<CuttingProxy>(mapper_->ReportPort(), [] { return SIZE_MAX; }));
    ports.push_back(links_.back()->Port());
  }
  load_.emplace(*cluster_, ledger_, ports, options.load, settings.seed);
  WaitForProgress();
  Pass(200ms, 800ms);
}

Stage::~Stage() {
  load_.reset();
  links_.clear();
  mapper_.reset();
  if (mounted_) {
    umount2(store_directory_.c_str(), MNT_DETACH);
  }
}

void Stage::SetMapperClock(std::chrono::seconds ahead) {
  clock_.Set(ahead);
}

void Stage::Part(bool part) {
  for (const auto& link : links_) {
    link->Hold(part);
  }
}

void Stage::Pass(milliseconds least, milliseconds most) {
  std::uniform_int_distribution<milliseconds::rep> length(least.count(), most.count());
  std::this_thread::sleep_for(milliseconds(length(random_)));
}

void Stage::WaitForProgress() {
  const uint64_t before = load_->State().acknowledged;
  Require(Eventually([&] { return load_->State().acknowledged > before; }, kPatience),
          "nothing more is acknowledged");
}

void Stage::KillMapper() {
  refused_before_ += Refused();
  mapper_->Kill();
}

void Stage::StartMapper() {
  Require(mapper_->Start(), "the mapper does not become ready");
}

void Stage::CountEndedCollector(uint64_t reported, uint64_t acknowledged) {
  acknowledged_to_ended_ += acknowledged;
  row_.died_with_collectors += reported - acknowledged;
}

void Stage::Require(bool holds, const std::string& what) {
  if (!holds) {
    row_.failures.push_back(what);
  }
}

// Of the collectors that the load plays.
double Stage::Refused() const {
  double refused = 0;
  for (const char* collector : {"aws", "tcp_syn"}) {
    refused += std::max(0.0, mapper_->Metric("network_mapper_resolve_refused_total",
                                             fmt::format("collector=\"{}\"", collector)));
  }
  return refused;
}

uint64_t Stage::Counted() const {
  double counted = refused_before_ + Refused();
  counted += mapper_->Metric("network_mapper_ingest_collector_observations_dropped_total");
  counted += mapper_->Metric("network_mapper_intents_overflow_total", "what=\"intents\"");
  return static_cast<uint64_t>(std::max(0.0, counted));
}

void Stage::Measure() {
  const Ledger::Comparison comparison = ledger_.Compare(mapper_->Query(kIntentsQuery)["intents"]);
  row_.sent = ledger_.Sent();
  row_.acknowledged = load_->State().acknowledged + acknowledged_to_ended_;
  row_.on_map = comparison.on_map;
  row_.surplus = comparison.surplus;
  row_.counted = Counted();
}

Row Stage::Finish(std::string name) {
  row_.fault = std::move(name);
  load_->Stop();
  Require(load_->Flush(kPatience), "not all is acknowledged: " + load_->State().last_errors);
  load_->TellTotals();
  load_->Flush(kPatience);
  Eventually(
      [this] {
        Measure();
        return row_.Lost() <= row_.counted + row_.died_with_collectors;
      },
      kDecided);
  Require(row_.acknowledged + load_->State().dropped + row_.died_with_collectors == row_.sent,
          "what was sent is neither acknowledged nor dropped");
  Require(mapper_->IsRunning(), "the mapper has ended");
  if (!row_.Balances()) {
    std::fprintf(stderr, "%s\n", mapper_->Log().c_str());
  }
  return row_;
}

}  // namespace network_mapper::faults
