// Many collectors at a time: report streams, each on a connection of its own, that all send a small
// batch a second to the mapper's real binary. Usage: report_streams MAPPER_BINARY [STREAMS
// [SECONDS]]. Prints rows for scripts/bench: what, figure, goal, verdict. Exit code 1 when a stream
// is lost or a batch is not acknowledged.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "common/report/observation_codec.h"
#include "network_mapper/v1/report.grpc.pb.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_stand_in/cluster_generator.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kRampUpLimit = 30s;
constexpr auto kDrainLimit = 15s;
constexpr int kServices = 500;
constexpr size_t kObservationsPerBatch = 5;

IpAddress Address(uint32_t number) {
  std::array<uint8_t, 4> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  }
  return IpAddress::FromV4Bytes(bytes);
}

// What the measured time counts.
struct Tally {
  std::atomic<uint64_t> welcomed{0};
  std::atomic<uint64_t> lost{0};
  std::atomic<uint64_t> sent{0};
  std::atomic<uint64_t> acknowledged{0};
  std::mutex mutex;
  std::vector<microseconds> latencies;
};

// One collector. Its operations are started by the pacing thread and gRPC's.
class Stream final : public grpc::ClientBidiReactor<v1::ReportRequest, v1::ReportResponse> {
 public:
  Stream(uint32_t number, const std::string& address, Tally& tally)
      : number_(number), tally_(tally) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    stub_ = v1::ReportService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    stub_->async()->Report(&context_, this);
    request_.mutable_hello()->set_instance_id("stream-" + std::to_string(number));
    request_.mutable_hello()->set_component("report_streams");
    AddHold();
    StartRead(&response_);
    writing_ = true;
    StartWrite(&request_);
    StartCall();
  }

  // False: the last write is still under way.
  bool SendBatch() {
    {
      std::lock_guard lock(mutex_);
      if (writing_ || !welcomed_ || over_) {
        return false;
      }
      writing_ = true;
      outstanding_.push_back({++sequence_, steady_clock::now()});
    }
    request_.Clear();
    v1::Batch& batch = *request_.mutable_batch();
    batch.set_sequence(sequence_);
    for (size_t i = 0; i < kObservationsPerBatch; ++i) {
      EncodeObservation(MakeObservation(i), *batch.add_observations());
    }
    ++tally_.sent;
    StartWrite(&request_);
    return true;
  }

  size_t Outstanding() {
    std::lock_guard lock(mutex_);
    return outstanding_.size();
  }

  void Cancel() {
    context_.TryCancel();
    RemoveHold();
  }

  void WaitUntilDone() {
    while (!done_) {
      std::this_thread::sleep_for(1ms);
    }
  }

  void OnWriteDone(bool) override {
    std::lock_guard lock(mutex_);
    writing_ = false;
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      std::lock_guard lock(mutex_);
      over_ = true;
      ++tally_.lost;
      return;
    }
    if (response_.has_welcome()) {
      std::lock_guard lock(mutex_);
      welcomed_ = true;
      ++tally_.welcomed;
    } else {
      Note(response_.acknowledgement().sequence());
    }
    StartRead(&response_);
  }

  void OnDone(const grpc::Status&) override { done_ = true; }

 private:
  struct Sent {
    uint64_t sequence;
    steady_clock::time_point at;
  };

  void Note(uint64_t sequence) {
    auto now = steady_clock::now();
    std::lock_guard lock(mutex_);
    while (!outstanding_.empty() && outstanding_.front().sequence <= sequence) {
      auto latency = std::chrono::duration_cast<microseconds>(now - outstanding_.front().at);
      outstanding_.pop_front();
      ++tally_.acknowledged;
      std::lock_guard tally_lock(tally_.mutex);
      tally_.latencies.push_back(latency);
    }
  }

  // A pod of the generated cluster reaches for one of its services.
  Observation MakeObservation(size_t index) const {
    Observation observation;
    observation.collector = Collector::kTcpSyn;
    observation.first_seen =
        std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    observation.last_seen = observation.first_seen;
    observation.client.ip = Address(0x0a800002 + number_);
    uint32_t service = (number_ * 7 + static_cast<uint32_t>(index)) % kServices;
    observation.target = AddressTarget{.address = Address(0x0a60000a + service),
                                       .port = uint16_t{80},
                                       .protocol = {},
                                       .answered = 1};
    return observation;
  }

  const uint32_t number_;
  Tally& tally_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::ReportService::Stub> stub_;
  v1::ReportRequest request_;
  v1::ReportResponse response_;
  std::mutex mutex_;
  bool writing_ = false;
  bool welcomed_ = false;
  bool over_ = false;
  uint64_t sequence_ = 0;
  std::deque<Sent> outstanding_;
  std::atomic<bool> done_{false};
};

struct Usage {
  std::chrono::duration<double> processor{0};
  uint64_t resident_kib = 0;
};

// proc(5): the 14th and 15th field of stat, VmRSS of status.
Usage UsageOf(pid_t process) {
  Usage usage;
  std::string folder = "/proc/" + std::to_string(process);
  std::ifstream stat(folder + "/stat");
  std::string word;
  for (int field = 1; field <= 15 && stat >> word; ++field) {
    if (field >= 14) {
      usage.processor += std::chrono::duration<double>(std::stod(word) /
                                                       static_cast<double>(sysconf(_SC_CLK_TCK)));
    }
  }
  std::ifstream status(folder + "/status");
  while (status >> word) {
    if (word == "VmRSS:") {
      status >> usage.resident_kib;
    }
  }
  return usage;
}

// The mapper is started with the usual 1024 descriptors, as a container may be; this program needs
// them all.
bool SetDescriptorLimit(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted;
}

template <typename Condition>
bool WaitFor(Condition condition, steady_clock::duration limit) {
  auto deadline = steady_clock::now() + limit;
  while (!condition() && steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  return condition();
}

std::optional<uint32_t> ParseNumber(const char* text) {
  uint32_t number = 0;
  std::string_view view(text);
  auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  bool good = error == std::errc() && end == view.data() + view.size() && number > 0;
  return good ? std::optional(number) : std::nullopt;
}

using Streams = std::vector<std::unique_ptr<Stream>>;

// Every stream once a second, evenly spread.
void SendAll(const Streams& streams, std::chrono::seconds duration) {
  auto start = steady_clock::now();
  uint64_t total = streams.size() * static_cast<uint64_t>(duration.count());
  for (uint64_t turn = 0; turn < total; ++turn) {
    std::this_thread::sleep_until(start + turn * 1'000'000us / streams.size());
    streams[turn % streams.size()]->SendBatch();
  }
}

int Run(const std::string& mapper_binary, uint32_t count, std::chrono::seconds duration) {
  auto stand_in = stand_in::KubeStandIn::Start({});
  if (!stand_in.ok()) {
    return 1;
  }
  stand_in::GenerateCluster({.pods = static_cast<int>(count), .services = kServices},
                            (*stand_in)->Objects());
  TemporaryDirectory directory;
  uint16_t port = FreePort();
  SetDescriptorLimit(1024);
  ChildProcess mapper(
      {mapper_binary, "--listen-address=127.0.0.1", "--port=0", "--metrics-port=0",
       "--kube-api-url=" + (*stand_in)->Url(), "--report-port=" + std::to_string(port)},
      directory.Path() / "mapper.log");
  if (!SetDescriptorLimit(count + 500)) {
    std::fprintf(
        stderr,
        "report_streams: %u streams need %u open files; raise the hard limit (ulimit -Hn)\n", count,
        count + 500);
    return 1;
  }
  std::string address = "ipv4:127.0.0.1:" + std::to_string(port);
  Tally tally;
  Streams streams;
  for (uint32_t i = 0; i < count; ++i) {
    // Not all at once: the backlog of a listening socket is short. The first waits for the mapper.
    bool in_step = WaitFor([&] { return tally.welcomed + 100 > i || tally.lost > 0; }, 10s);
    if (i == 0) {
      WaitFor(
          [&] {
            return ReadFileOrDie(directory.Path() / "mapper.log").find("mapper started") !=
                   std::string::npos;
          },
          30s);
    }
    if (!in_step || tally.lost > 0) {
      break;
    }
    streams.push_back(std::make_unique<Stream>(i, address, tally));
  }
  bool ready = WaitFor([&] { return tally.welcomed == count || tally.lost > 0; }, kRampUpLimit) &&
               tally.welcomed == count;
  Usage before = UsageOf(mapper.Id());
  auto start = steady_clock::now();
  if (ready) {
    SendAll(streams, duration);
  }
  std::chrono::duration<double> elapsed = steady_clock::now() - start;
  Usage after = UsageOf(mapper.Id());
  WaitFor([&] { return tally.acknowledged == tally.sent; }, kDrainLimit);
  uint64_t lost = tally.lost;

  for (const auto& stream : streams) {
    stream->Cancel();
  }
  for (const auto& stream : streams) {
    stream->WaitUntilDone();
  }
  std::sort(tally.latencies.begin(), tally.latencies.end());
  auto percentile = [&](size_t percent) {
    return tally.latencies.empty()
               ? 0.0
               : static_cast<double>(
                     tally.latencies[(tally.latencies.size() - 1) * percent / 100].count()) /
                     1000;
  };
  uint64_t missed = tally.sent - tally.acknowledged;
  std::string what = fmt::format("{} report streams, a batch a second each: ", count);
  auto row = [&](std::string_view name, const std::string& figure, std::string_view goal,
                 std::string_view verdict) {
    std::fputs(fmt::format("{}{}\t{}\t{}\t{}\n", what, name, figure, goal, verdict).c_str(),
               stdout);
  };
  auto met = [](bool good) { return good ? "met" : "missed"; };
  row("streams open", fmt::format("{}", tally.welcomed - lost), fmt::format("{}", count),
      met(tally.welcomed - lost == count));
  row("batches sent",
      fmt::format("{} ({:.0f}/s)", tally.sent.load(),
                  static_cast<double>(tally.sent) / elapsed.count()),
      "-", "-");
  row("batches not acknowledged", fmt::format("{}", missed), "0", met(missed == 0));
  row("acknowledged within, median", fmt::format("{:.1f} ms", percentile(50)), "-", "-");
  row("acknowledged within, 99 of 100", fmt::format("{:.1f} ms", percentile(99)), "-", "-");
  row("mapper's processor time",
      fmt::format("{:.0f} % of a core", 100 * (after.processor - before.processor) / elapsed), "-",
      "-");
  row("mapper's resident set",
      fmt::format("{:.0f} MiB", static_cast<double>(after.resident_kib) / 1024), "-", "-");
  bool good = ready && missed == 0 && lost == 0 && tally.sent > 0;
  if (!good) {
    std::fputs(ReadFileOrDie(directory.Path() / "mapper.log").c_str(), stderr);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace network_mapper

int main(int argc, char** argv) {
  std::optional<uint32_t> streams = argc > 2 ? network_mapper::ParseNumber(argv[2]) : 5'000;
  std::optional<uint32_t> seconds = argc > 3 ? network_mapper::ParseNumber(argv[3]) : 20;
  if (argc < 2 || argc > 4 || !streams || !seconds) {
    std::fprintf(stderr, "Usage: report_streams MAPPER_BINARY [STREAMS [SECONDS]]\n");
    return 2;
  }
  return network_mapper::Run(argv[1], *streams, std::chrono::seconds(*seconds));
}
