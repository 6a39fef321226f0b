#include "tests/faults/collector_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "common/report/report_client.h"
#include "tests/faults/ledger.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;

CollectorRecord* MapRecord(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* mapped =
      file >= 0 && ftruncate(file, sizeof(CollectorRecord)) == 0
          ? mmap(nullptr, sizeof(CollectorRecord), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
          : MAP_FAILED;
  close(file);
  if (mapped == MAP_FAILED) {
    std::perror(path.c_str());
    std::abort();
  }
  return static_cast<CollectorRecord*>(mapped);
}

}  // namespace

CollectorProcess::CollectorProcess(uint16_t port, uint64_t first,
                                   const std::filesystem::path& record)
    : record_(MapRecord(record)),
      process_(std::make_unique<ChildProcess>(
          std::vector<std::string>{"/proc/self/exe", kCollectOption, std::to_string(port),
                                   std::to_string(first), record.string()},
          record.string() + ".log")) {}

CollectorProcess::~CollectorProcess() {
  process_.reset();
  munmap(record_, sizeof(CollectorRecord));
}

void CollectorProcess::Kill() {
  process_->End(SIGKILL);
}

void CollectAsChild(uint16_t port, uint64_t first, const std::filesystem::path& record) {
  constexpr int kAtATime = 5;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  CollectorRecord& done = *MapRecord(record);
  MetricsRegistry metrics;
  ReportClientOptions options;
  options.address = "127.0.0.1:" + std::to_string(port);
  options.component = "fault_suite";
  auto client = ReportClient::Create(options, metrics);
  if (!client.ok()) {
    std::abort();
  }
  Ledger ledger;
  while (true) {
    std::vector<Observation> observations;
    for (int i = 0; i < kAtATime; ++i) {
      observations.push_back(ledger.Named(first + done.reported++, Clock::System().Now()));
    }
    (*client)->Report(observations, {});
    done.acknowledged = (*client)->State().acknowledged_observations;
    std::this_thread::sleep_for(5ms);
  }
}

}  // namespace network_mapper::faults
