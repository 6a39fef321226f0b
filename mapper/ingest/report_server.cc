#include "mapper/ingest/report_server.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "common/net/tcp_listener.h"
#include "common/report/grpc_log.h"
#include "mapper/ingest/connection_acceptor.h"
#include "mapper/ingest/report_stream.h"
#include "mapper/ingest/tls_server_credentials.h"
#include "network_mapper/v1/report.grpc.pb.h"

namespace network_mapper {

namespace {

using std::chrono::milliseconds;

// What is over the limit, but not by more than this factor, is refused by the stream, which counts
// it; gRPC cuts off the rest.
constexpr uint32_t kOverrun = 2;
constexpr int kMaxMetadataBytes = 16 * 1024;
// One connection carries one stream of a real collector; more come only from load generators.
constexpr int kMaxStreamsPerConnection = 1000;
// So that a stream over the limit of its address is told why it ends.
constexpr size_t kSpareConnections = 100;
constexpr int kIdleConnectionMs = 60'000;
constexpr int kMinimumPingIntervalMs = 5'000;
// A little longer than the longest pause of a report client.
constexpr std::chrono::seconds kStrangerMemory{45};

StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(const ReportServerTls& tls) {
  if (!tls.enabled) {
    return grpc::InsecureServerCredentials();
  }
  return MakeTlsServerCredentials(tls);
}

void Configure(grpc::ServerBuilder& builder, const ReportServerOptions& options) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_batch_bytes * kOverrun));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(options.hello_timeout.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleConnectionMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             static_cast<int>(options.keepalive_time.count()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             static_cast<int>(options.keepalive_timeout.count()));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinimumPingIntervalMs);
  // Keeps every stream's receive window at its initial 64 KiB: what a stream that is not read from
  // can cost.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

class Service final
    : public v1::ReportService::WithRawCallbackMethod_Report<v1::ReportService::Service> {
 public:
  explicit Service(std::shared_ptr<ReportStreams> streams) : streams_(std::move(streams)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Report(
      grpc::CallbackServerContext* context) override {
    return ReportStream::Open(streams_, *context).get();
  }

 private:
  std::shared_ptr<ReportStreams> streams_;
};

std::vector<std::shared_ptr<ReportStream>> Snapshot(ReportStreams& streams) {
  return streams.registry.With([](const ReportStreams::Registry& registry) {
    return std::vector<std::shared_ptr<ReportStream>>(registry.all.begin(), registry.all.end());
  });
}

// `failed_handshakes`: how many there were before the server began.
void Watch(const std::stop_token& stop, ReportStreams& streams, uint64_t failed_handshakes) {
  milliseconds interval = std::clamp<milliseconds>(streams.options.hello_timeout / 4,
                                                   milliseconds(10), std::chrono::seconds(1));
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    never.wait_for(lock, stop, interval, [] { return false; });
    for (const auto& stream : Snapshot(streams)) {
      stream->CheckTime(std::chrono::steady_clock::now());
    }
    uint64_t before = std::exchange(failed_handshakes, FailedTlsHandshakes());
    streams.metrics.failed_handshakes.Increment(static_cast<double>(failed_handshakes - before));
  }
}

}  // namespace

class ReportServer::Implementation {
 public:
  Implementation(const ReportServerOptions& options, BatchSink& sink, MetricsRegistry& metrics,
                 IdentifyCollector identify)
      : streams_(std::make_shared<ReportStreams>(options, sink, metrics, std::move(identify))),
        service_(streams_) {}

  ~Implementation() { Shutdown(milliseconds(0)); }

  Status Start() {
    const ReportServerOptions& options = streams_->options;
    RouteGrpcLog();
    ASSIGN_OR_RETURN(credentials_, MakeCredentials(options.tls));
    grpc::ServerBuilder builder;
    Configure(builder, options);
    auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials_);
    builder.RegisterService(&service_);
    uint64_t failed_handshakes = FailedTlsHandshakes();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return Internal("gRPC does not start");
    }
    StatusOr<TcpListener> listener = ListenOnTcp(options.host, options.port);
    if (!listener.ok()) {
      return Annotate(listener.status(), "option report-port");
    }
    port_ = listener->port;
    acceptor_.emplace(
        *listener, std::move(acceptor),
        ConnectionLimits{.total = options.max_streams,
                         .per_peer = options.max_streams_per_peer + kSpareConnections},
        streams_->metrics.refused_connections);
    watcher_ = std::jthread([this, failed_handshakes](const std::stop_token& stop) {
      Watch(stop, *streams_, failed_handshakes);
    });
    return OkStatus();
  }

  void Shutdown(milliseconds grace) {
    bool first = streams_->registry.With(
        [](ReportStreams::Registry& registry) { return !std::exchange(registry.closing, true); });
    acceptor_.reset();
    if (!first || server_ == nullptr) {
      return;
    }
    for (const auto& stream : Snapshot(*streams_)) {
      stream->Drain();
    }
    // Waits for the calls; cancels what is left at the deadline.
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
  }

  uint16_t Port() const { return port_; }

  Status Collectors() const {
    return streams_->last_stranger.With([](const std::optional<ReportStreams::Stranger>& last) {
      const bool lately =
          last && std::chrono::steady_clock::now() - last->refused_at < kStrangerMemory;
      return lately ? Unauthenticated("a collector is refused: {}", last->reason) : OkStatus();
    });
  }

  size_t Streams() const {
    return streams_->registry.With(
        [](const ReportStreams::Registry& registry) { return registry.all.size(); });
  }

 private:
  std::shared_ptr<ReportStreams> streams_;
  Service service_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
  std::optional<ConnectionAcceptor> acceptor_;
  std::jthread watcher_;
};

StatusOr<std::unique_ptr<ReportServer>> ReportServer::Create(const ReportServerOptions& options,
                                                             BatchSink& sink,
                                                             MetricsRegistry& metrics,
                                                             IdentifyCollector identify) {
  auto implementation =
      std::make_unique<Implementation>(options, sink, metrics, std::move(identify));
  RETURN_IF_ERROR(implementation->Start());
  return std::unique_ptr<ReportServer>(new ReportServer(std::move(implementation)));
}

ReportServer::ReportServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ReportServer::~ReportServer() = default;

uint16_t ReportServer::Port() const {
  return implementation_->Port();
}

Status ReportServer::Collectors() const {
  return implementation_->Collectors();
}

size_t ReportServer::Streams() const {
  return implementation_->Streams();
}

void ReportServer::Shutdown(milliseconds grace) {
  implementation_->Shutdown(grace);
}

}  // namespace network_mapper
