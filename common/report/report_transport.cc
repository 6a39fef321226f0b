#include "common/report/report_transport.h"

#include <algorithm>
#include <array>
#include <utility>

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include "common/concurrency/guarded.h"
#include "common/report/report_channel.h"
#include "common/report/token_file.h"
#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr char kReportMethod[] = "/network_mapper.v1.ReportService/Report";

// What the completion queue hands back. At most one operation of each kind is under way.
enum class Tag : intptr_t { kStart = 1, kRead, kWrite, kFinish, kWake };

void* ToPointer(Tag tag) {
  // gRPC's tags are pointers; these are never followed.
  return reinterpret_cast<void*>(tag);  // NOLINT(performance-no-int-to-ptr)
}

struct Event {
  Tag tag;
  bool ok;
};

grpc::ByteBuffer ToBuffer(const BatchFrame& frame) {
  std::array<grpc::Slice, 2> slices = {grpc::Slice(frame.head), grpc::Slice(frame.payload)};
  return {slices.data(), slices.size()};
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return {&slice, 1};
}

bool ParseResponse(grpc::ByteBuffer& buffer, v1::ReportResponse& response) {
  grpc::ProtoBufferReader reader(&buffer);
  return reader.status().ok() && response.ParseFromZeroCopyStream(&reader);
}

// The completion queue and what brings its thread back from it.
class EventQueue {
 public:
  EventQueue() = default;
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  ~EventQueue() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  grpc::CompletionQueue& Queue() { return queue_; }

  // Absent: `deadline` came first.
  std::optional<Event> Next(steady_clock::time_point deadline) {
    void* pointer = nullptr;
    bool ok = false;
    auto wait =
        std::min(deadline - steady_clock::now(), steady_clock::duration(std::chrono::hours(24)));
    auto wall = system_clock::now() + std::chrono::duration_cast<system_clock::duration>(wait);
    if (queue_.AsyncNext(&pointer, &ok, wall) != grpc::CompletionQueue::GOT_EVENT) {
      return std::nullopt;
    }
    Event event{.tag = static_cast<Tag>(reinterpret_cast<intptr_t>(pointer)), .ok = ok};
    if (event.tag == Tag::kWake) {
      wake_pending_.With([](bool& pending) { pending = false; });
    }
    return event;
  }

  void Wake() {
    wake_pending_.With([this](bool& pending) {
      if (!std::exchange(pending, true)) {
        alarm_.Set(&queue_, system_clock::now(), ToPointer(Tag::kWake));
      }
    });
  }

 private:
  grpc::CompletionQueue queue_;
  // Set while the lock is held, and only when it is not set already.
  grpc::Alarm alarm_;
  Guarded<bool> wake_pending_{false};
};

// One call from its start to its end.
class Connection {
 public:
  Connection(EventQueue& queue, std::shared_ptr<grpc::Channel> channel,
             ReportTransportEvents& events)
      : queue_(queue), stub_(std::move(channel)), events_(events) {}

  // An empty `token` is not sent.
  Status Run(const std::string& hello, const std::string& token,
             std::chrono::milliseconds welcome_timeout) {
    if (!token.empty()) {
      context_.AddMetadata("authorization", "Bearer " + token);
    }
    hello_ = hello;
    call_ = stub_.PrepareCall(&context_, kReportMethod, &queue_.Queue());
    Begin();
    call_->StartCall(ToPointer(Tag::kStart));
    steady_clock::time_point welcome_deadline = steady_clock::now() + welcome_timeout;
    // `pending_` includes the call's end, which comes once Finish is asked for.
    while (!finished_ || pending_ > 0) {
      bool waiting_for_welcome = !welcomed_ && !cancelled_;
      std::optional<Event> event =
          queue_.Next(waiting_for_welcome ? welcome_deadline : steady_clock::time_point::max());
      if (!event) {
        Cancel(DeadlineExceeded("no Welcome within {} ms", welcome_timeout.count()));
      } else if (event->tag != Tag::kWake) {
        --pending_;
        Handle(*event);
      } else {
        SendNext();
      }
      if (events_.Stopping()) {
        Cancel(MakeStatus(StatusCode::kCancelled, "stopped"));
      }
    }
    return Outcome();
  }

 private:
  void Begin() { ++pending_; }

  void Cancel(const Status& reason) {
    if (!std::exchange(cancelled_, true)) {
      reason_ = reason;
      context_.TryCancel();
    }
  }

  void Handle(const Event& event) {
    switch (event.tag) {
      case Tag::kStart:
        OnStarted(event.ok);
        break;
      case Tag::kRead:
        OnRead(event.ok);
        break;
      case Tag::kWrite:
        writing_ = false;
        // A failed write means that the call is over; the read tells so, too.
        writable_ = writable_ && event.ok;
        SendNext();
        break;
      case Tag::kFinish:
        finished_ = true;
        break;
      case Tag::kWake:
        break;
    }
  }

  void OnStarted(bool ok) {
    if (!ok) {
      Finish();
      return;
    }
    writable_ = true;
    Write(ToBuffer(hello_));
    Read();
  }

  void OnRead(bool ok) {
    v1::ReportResponse response;
    if (!ok) {
      writable_ = false;
      Finish();
      return;
    }
    if (!ParseResponse(incoming_, response) || !Dispatch(response)) {
      Cancel(MakeStatus(StatusCode::kInternal, "the mapper sent an unexpected message"));
    }
    Read();
    SendNext();
  }

  bool Dispatch(const v1::ReportResponse& response) {
    if (response.has_welcome() && !welcomed_) {
      welcomed_ = true;
      const v1::Welcome& welcome = response.welcome();
      events_.OnWelcome({.applied_sequence = welcome.applied_sequence(),
                         .max_batch_observations = welcome.max_batch_observations(),
                         .max_batch_bytes = welcome.max_batch_bytes()});
      return true;
    }
    if (response.has_acknowledgement() && welcomed_) {
      events_.OnAcknowledgement(response.acknowledgement().sequence());
      return true;
    }
    return false;
  }

  void SendNext() {
    if (!welcomed_ || writing_ || !writable_ || cancelled_) {
      return;
    }
    if (std::optional<BatchFrame> frame = events_.NextFrame()) {
      Write(ToBuffer(*frame));
    }
  }

  void Write(const grpc::ByteBuffer& message) {
    writing_ = true;
    Begin();
    call_->Write(message, ToPointer(Tag::kWrite));
  }

  void Read() {
    Begin();
    call_->Read(&incoming_, ToPointer(Tag::kRead));
  }

  void Finish() {
    Begin();
    call_->Finish(&status_, ToPointer(Tag::kFinish));
  }

  Status Outcome() const {
    if (cancelled_) {
      return reason_;
    }
    if (status_.ok()) {
      return Unavailable("the mapper ended the stream");
    }
    return MakeStatus(static_cast<StatusCode>(status_.error_code()), status_.error_message());
  }

  EventQueue& queue_;
  grpc::GenericStub stub_;
  ReportTransportEvents& events_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  Status reason_;
  std::string hello_;
  int pending_ = 0;
  bool welcomed_ = false;
  bool writing_ = false;
  bool writable_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace

class ReportTransport::Implementation {
 public:
  Implementation(ReportClientOptions options, std::string instance_id)
      : options_(std::move(options)) {
    v1::ReportRequest request;
    v1::Hello& hello = *request.mutable_hello();
    hello.set_instance_id(std::move(instance_id));
    hello.set_component(options_.component);
    hello.set_node_name(options_.node_name);
    hello.set_version(options_.version);
    hello_ = request.SerializeAsString();
  }

  Status Run(ReportTransportEvents& events) {
    ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, MakeReportChannel(options_));
    std::string token;
    if (!options_.token_file.empty()) {
      ASSIGN_OR_RETURN(token, ReadTokenFile(options_.token_file));
    }
    Connection connection(queue_, std::move(channel), events);
    return connection.Run(hello_, token, options_.welcome_timeout);
  }

  void Wait(std::chrono::milliseconds duration, const std::function<bool()>& stopping) {
    steady_clock::time_point deadline = steady_clock::now() + duration;
    while (!stopping() && queue_.Next(deadline)) {
    }
  }

  void Wake() { queue_.Wake(); }

 private:
  const ReportClientOptions options_;
  std::string hello_;
  EventQueue queue_;
};

ReportTransport::ReportTransport(const ReportClientOptions& options, std::string instance_id)
    : implementation_(std::make_unique<Implementation>(options, std::move(instance_id))) {}

ReportTransport::~ReportTransport() = default;

Status ReportTransport::Run(ReportTransportEvents& events) {
  return implementation_->Run(events);
}

void ReportTransport::Wait(std::chrono::milliseconds duration,
                           const std::function<bool()>& stopping) {
  implementation_->Wait(duration, stopping);
}

void ReportTransport::Wake() {
  implementation_->Wake();
}

}  // namespace network_mapper
