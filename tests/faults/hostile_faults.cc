// Peers that mean harm, or behave as if.
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <thread>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "common/concurrency/stop_wait.h"
#include "common/report/observation_codec.h"
#include "network_mapper/v1/report.grpc.pb.h"
#include "tests/faults/faults.h"
#include "tests/support/process_memory.h"
#include "tests/support/raw_connection.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;
using Connections = std::vector<std::unique_ptr<RawConnection>>;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

Connections Connect(uint16_t port, size_t count) {
  Connections connections;
  for (size_t i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<RawConnection>(port));
  }
  return connections;
}

// A report stream without the client's good manners.
class HostileStream {
 public:
  HostileStream(uint16_t port, const std::string& instance)
      : stub_(v1::ReportService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                             grpc::InsecureChannelCredentials()))),
        call_(stub_->Report(&context_)) {
    v1::ReportRequest hello;
    hello.mutable_hello()->set_instance_id(instance);
    hello.mutable_hello()->set_component(kStranger);
    call_->Write(hello);
  }

  HostileStream(const HostileStream&) = delete;
  HostileStream& operator=(const HostileStream&) = delete;

  ~HostileStream() {
    Cancel();
    call_->Finish();
  }

  // Ends a Write that waits. From any thread.
  void Cancel() { context_.TryCancel(); }

  bool Send(uint64_t sequence, const std::vector<v1::Observation>& observations) {
    v1::ReportRequest request;
    request.mutable_batch()->set_sequence(sequence);
    for (const v1::Observation& observation : observations) {
      *request.mutable_batch()->add_observations() = observation;
    }
    return call_->Write(request);
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::ReportService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> call_;
};

// Well-formed, but from nobody that the cluster knows.
v1::Observation Nonsense() {
  Observation observation;
  observation.collector = Collector::kDns;
  observation.first_seen = observation.last_seen = Clock::System().Now();
  observation.client.ip = IpAddress::Parse("203.0.113.1");
  observation.target = NameTarget{.name = "nowhere.example", .addresses = {}, .ttl = {}};
  v1::Observation message;
  EncodeObservation(observation, message);
  return message;
}

void SendGarbage(const std::stop_token& stop, uint16_t port, uint32_t seed) {
  std::mt19937 random(seed);
  for (bool with_preface = false; !stop.stop_requested(); with_preface = !with_preface) {
    const Connections connections = Connect(port, 20);
    for (const auto& connection : connections) {
      std::string bytes(with_preface ? kHttp2Preface : "");
      std::generate_n(std::back_inserter(bytes), 20'000,
                      [&random] { return static_cast<char>(random()); });
      connection->Send(bytes);
    }
  }
}

void SendGiganticBatches(const std::stop_token& stop, uint16_t port) {
  const std::vector<v1::Observation> gigantic(100'000, Nonsense());
  for (int instance = 0; !stop.stop_requested(); ++instance) {
    HostileStream stream(port, "gigantic-" + std::to_string(instance));
    stream.Send(1, gigantic);
  }
}

// Never reads an acknowledgement.
void SendEndlessly(const std::stop_token& stop, uint16_t port, std::atomic<uint64_t>& sent) {
  const std::vector<v1::Observation> batch(200, Nonsense());
  for (int instance = 0; !stop.stop_requested(); ++instance) {
    HostileStream stream(port, "endless-" + std::to_string(instance));
    const std::stop_callback cancel(stop, [&stream] { stream.Cancel(); });
    for (uint64_t sequence = 1; stream.Send(sequence, batch); ++sequence) {
      sent += batch.size();
    }
  }
}

void AttackAsCollector(Stage& stage) {
  const uint16_t port = stage.Mapper().ReportPort();
  const uint32_t seed = stage.Played().seed;
  std::atomic<uint64_t> endless{0};
  {
    const std::jthread garbage([=](const std::stop_token& stop) { SendGarbage(stop, port, seed); });
    const std::jthread gigantic(
        [=](const std::stop_token& stop) { SendGiganticBatches(stop, port); });
    const std::jthread sender(
        [&endless, port](const std::stop_token& stop) { SendEndlessly(stop, port, endless); });
    stage.PassLength();
  }
  stage.WaitForProgress();
  const size_t most = MostResidentKib(stage.Mapper().Id()) / 1024;
  stage.Require(most < 400, fmt::format("the mapper took {} MiB", most));
  stage.Remark("besides {} hostile observations; the mapper took {} MiB at most", endless, most);
}

// Milliseconds until /healthz is answered.
int64_t HealthLatency(Stage& stage) {
  const auto begun = std::chrono::steady_clock::now();
  httplib::Client client("127.0.0.1", stage.Mapper().ApiPort());
  client.set_read_timeout(20s);
  const httplib::Result answer = client.Get("/healthz");
  stage.Require(answer && answer->status == 200, "/healthz is not answered");
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begun)
      .count();
}

size_t Open(const Connections& connections) {
  return static_cast<size_t>(
      std::count_if(connections.begin(), connections.end(),
                    [](const auto& connection) { return connection->Connected(); }));
}

void OpenIdleConnections(Stage& stage) {
  const size_t on_each = stage.Played().connections / 2;
  const Connections reports = Connect(stage.Mapper().ReportPort(), on_each);
  const Connections queries = Connect(stage.Mapper().ApiPort(), on_each);
  stage.Require(Open(reports) == on_each && Open(queries) == on_each,
                "not all idle connections were made");
  stage.PassLength();
  stage.WaitForProgress();
  stage.Remark("{} idle connections; /healthz after {} ms", 2 * on_each, HealthLatency(stage));
}

// Requests that never end, byte by byte.
void SendSlowly(Stage& stage) {
  constexpr size_t kOnEach = 500;
  {
    const Connections queries = Connect(stage.Mapper().ApiPort(), kOnEach);
    const Connections reports = Connect(stage.Mapper().ReportPort(), kOnEach);
    constexpr std::string_view kRequest = "POST /query HTTP/1.1\r\nHost: mapper\r\nX-Slow: ";
    const auto end = std::chrono::steady_clock::now() + stage.Played().length;
    for (size_t byte = 0; std::chrono::steady_clock::now() < end; ++byte) {
      for (const auto& connection : queries) {
        connection->Send(kRequest.substr(std::min(byte, kRequest.size() - 1), 1));
      }
      for (const auto& connection : reports) {
        connection->Send(kHttp2Preface.substr(std::min(byte, kHttp2Preface.size() - 1), 1));
      }
      stage.Pass(50ms, 150ms);
    }
    stage.WaitForProgress();
    stage.Remark("{} slow requests; /healthz after {} ms", 2 * kOnEach, HealthLatency(stage));
  }
}

}  // namespace

std::vector<Fault> HostileFaults() {
  return {{.name = "hostile-collector",
           .what = "a collector sends garbage, gigantic batches and batches without end",
           .play = AttackAsCollector},
          {.name = "idle-connections",
           .what = "a great many connections that say nothing",
           .play = OpenIdleConnections},
          {.name = "slowloris", .what = "requests that come byte by byte", .play = SendSlowly}};
}

}  // namespace network_mapper::faults
