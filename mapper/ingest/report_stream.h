// One report stream on the server, as a reactor of gRPC's callback API. Internal to this folder: it
// shows gRPC's headers. The server makes one per call; gRPC and the sink's callbacks call into it
// from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "common/concurrency/guarded.h"
#include "common/time/clock.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/ingest/collector_identity.h"
#include "mapper/ingest/peer_log_limit.h"
#include "mapper/ingest/report_server.h"
#include "mapper/ingest/report_server_metrics.h"
#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

class ReportStream;

// What the streams of one server share. The sink and the metrics are used only while a stream is
// not over.
struct ReportStreams {
  struct Registry {
    bool closing = false;
    std::unordered_set<std::shared_ptr<ReportStream>> all;
    std::unordered_map<std::string, std::weak_ptr<ReportStream>> by_instance;
    // How many of `all` an address has.
    std::unordered_map<std::string, size_t> by_peer;
  };

  ReportStreams(ReportServerOptions server_options, BatchSink& batch_sink,
                MetricsRegistry& instruments, IdentifyCollector identify_collector)
      : options(std::move(server_options)),
        identify(std::move(identify_collector)),
        sink(batch_sink),
        metrics(instruments) {}

  const ReportServerOptions options;
  const IdentifyCollector identify;
  BatchSink& sink;
  ReportServerMetrics metrics;
  // Its lock is never held while a stream's lock is taken.
  Guarded<Registry> registry;
  // For lines that a hostile peer can cause.
  Guarded<PeerLogLimit> log_limit;

  // The last collector that was refused for who it is.
  struct Stranger {
    SteadyTime refused_at;
    std::string reason;
  };

  Guarded<std::optional<Stranger>> last_stranger;
};

// It parses by itself: gRPC tells of a message that cannot be parsed as it tells of a client that
// has nothing more to send.
class ReportStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public std::enable_shared_from_this<ReportStream> {
 public:
  // The stream is in `streams` until its call is over, and alive at least as long.
  static std::shared_ptr<ReportStream> Open(std::shared_ptr<ReportStreams> streams,
                                            grpc::CallbackServerContext& context);

  ReportStream(std::shared_ptr<ReportStreams> streams, grpc::CallbackServerContext& context);

  // Ends the stream with a status as soon as no write is under way. `reason` is counted.
  void Close(grpc::Status status, StreamClose reason);
  // Reads no more; ends the stream with UNAVAILABLE once everything submitted is acknowledged.
  void Drain();
  // Called every now and then: enforces the time limits.
  void CheckTime(SteadyTime now);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Action : uint8_t { kNone, kRead, kWrite, kCancel, kFinish };

  struct Submitted {
    uint64_t sequence = 0;
    bool applied = false;
  };

  struct Data {
    // One thread at a time starts operations, so that none is started after Finish.
    bool driving = false;
    bool reading = false;
    bool writing = false;
    // No more can be read.
    bool read_closed = false;
    bool draining = false;
    // Nothing is read before it is known who the collector is.
    bool identifying = false;
    bool cancel = false;
    bool finished = false;
    bool greeted = false;
    // Submits that found the sink full, minus resumptions; below zero while one is early.
    int pauses = 0;
    std::optional<uint64_t> welcome;
    std::optional<grpc::Status> close;
    SteadyTime closed_at;
    // In the order of their sequences; the front is the oldest that is not acknowledged.
    std::deque<Submitted> submitted;
    uint64_t applied = 0;
    uint64_t acknowledged = 0;
  };

  // Starts what the state allows until there is nothing more to start.
  void Drive();
  Action NextAction(Data& data);
  void PrepareWrite(Data& data);
  void Identify();
  void OnIdentified(StatusOr<CollectorIdentity> identity);
  void Read(grpc::ByteBuffer& bytes);
  void Handle(const v1::ReportRequest& request);
  void Greet(const v1::Hello& hello);
  void TakeOver();
  void Take(const v1::Batch& batch);
  void Submit(const v1::Batch& batch);
  void OnApplied(uint64_t sequence);
  void OnResume();
  // Because of what the collector sent, or with another status.
  void Refuse(const std::string& message, StreamClose reason);
  void Refuse(const grpc::Status& status, StreamClose reason);

  const std::shared_ptr<ReportStreams> streams_;
  grpc::CallbackServerContext& context_;
  // Its address without the port.
  const std::string peer_;
  const SteadyTime opened_at_;
  // Owned by the read under way, else by OnReadDone.
  grpc::ByteBuffer request_;
  // Owned by the write under way.
  grpc::ByteBuffer response_;
  // Set before the first message is read.
  CollectorIdentity identity_;
  // Set by the first message, used by the reading thread and OnDone.
  std::string instance_id_;
  std::string component_;
  std::string node_name_;
  uint64_t last_sequence_ = 0;
  // The sink was told that the stream has begun.
  bool announced_ = false;
  Guarded<Data> data_;
};

}  // namespace network_mapper
