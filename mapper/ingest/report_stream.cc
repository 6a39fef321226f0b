#include "mapper/ingest/report_stream.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <grpcpp/support/proto_buffer_reader.h>

#include "common/log/log.h"

namespace network_mapper {

namespace {

// What a message may have beside its batch: tags and the Hello.
constexpr size_t kMessageOverhead = 4096;
constexpr size_t kMaxInstanceIdLength = 64;
constexpr size_t kMaxComponentLength = 64;
constexpr size_t kMaxVersionLength = 128;
// How long a close waits for a peer that does not read.
constexpr std::chrono::seconds kCloseGrace{5};
// RFC 6750 2.1.
constexpr std::string_view kBearer = "Bearer ";

bool IsGood(const v1::Hello& hello) {
  return !hello.instance_id().empty() && hello.instance_id().size() <= kMaxInstanceIdLength &&
         hello.component().size() <= kMaxComponentLength &&
         hello.node_name().size() <= kMaxIdentifierLength &&
         hello.version().size() <= kMaxVersionLength;
}

StreamClose CloseReason(const Status& identity) {
  switch (identity.code()) {
    case StatusCode::kUnauthenticated:
      return StreamClose::kBadToken;
    case StatusCode::kPermissionDenied:
      return StreamClose::kNotACollector;
    default:
      return StreamClose::kUncheckedToken;
  }
}

// Empty: none was sent.
std::string BearerToken(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find("authorization");
  if (found == context.client_metadata().end()) {
    return {};
  }
  std::string_view value(found->second.data(), found->second.size());
  return std::string(value.starts_with(kBearer) ? value.substr(kBearer.size()) : "");
}

// Of a peer as gRPC names it, "ipv4:10.0.0.1:4711".
std::string AddressOf(std::string_view peer) {
  return std::string(peer.substr(0, peer.rfind(':')));
}

grpc::ByteBuffer Serialize(const v1::ReportResponse& response) {
  grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

}  // namespace

std::shared_ptr<ReportStream> ReportStream::Open(std::shared_ptr<ReportStreams> streams,
                                                 grpc::CallbackServerContext& context) {
  auto stream = std::make_shared<ReportStream>(streams, context);

  struct Verdict {
    bool closing = false;
    bool full = false;
    bool peer_full = false;
  };

  auto verdict = streams->registry.With([&](ReportStreams::Registry& registry) {
    Verdict result{.closing = registry.closing,
                   .full = registry.all.size() >= streams->options.max_streams};
    size_t& of_peer = registry.by_peer[stream->peer_];
    result.peer_full = of_peer >= streams->options.max_streams_per_peer;
    ++of_peer;
    registry.all.insert(stream);
    streams->metrics.streams.Set(static_cast<double>(registry.all.size()));
    return result;
  });
  if (verdict.closing) {
    stream->Drain();
  } else if (verdict.full) {
    stream->Close({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many report streams"},
                  StreamClose::kLimit);
  } else if (verdict.peer_full) {
    stream->Close({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many report streams of this address"},
                  StreamClose::kLimit);
  } else if (streams->identify) {
    stream->Identify();
  } else {
    stream->Drive();
  }
  return stream;
}

ReportStream::ReportStream(std::shared_ptr<ReportStreams> streams,
                           grpc::CallbackServerContext& context)
    : streams_(std::move(streams)),
      context_(context),
      peer_(AddressOf(context.peer())),
      opened_at_(std::chrono::steady_clock::now()) {}

void ReportStream::Identify() {
  std::string token = BearerToken(context_);
  if (token.empty()) {
    Refuse({grpc::StatusCode::UNAUTHENTICATED, "a ServiceAccount token was expected"},
           StreamClose::kBadToken);
    return;
  }
  data_.With([](Data& data) { data.identifying = true; });
  // The answer may come when the stream is over.
  streams_->identify(std::move(token),
                     [weak = weak_from_this()](StatusOr<CollectorIdentity> identity) {
                       if (auto self = weak.lock()) {
                         self->OnIdentified(std::move(identity));
                       }
                     });
}

void ReportStream::OnIdentified(StatusOr<CollectorIdentity> identity) {
  if (!identity.ok()) {
    Refuse(
        {static_cast<grpc::StatusCode>(identity.status().code()), StatusMessage(identity.status())},
        CloseReason(identity.status()));
    return;
  }
  data_.With([&](Data& data) {
    identity_ = *std::move(identity);
    data.identifying = false;
  });
  Drive();
}

void ReportStream::Close(grpc::Status status, StreamClose reason) {
  bool first = data_.With([&](Data& data) {
    if (data.close) {
      return false;
    }
    data.close = std::move(status);
    data.closed_at = std::chrono::steady_clock::now();
    return true;
  });
  if (first) {
    streams_->metrics.Closed(reason).Increment();
    Drive();
  }
}

void ReportStream::Drain() {
  data_.With([](Data& data) { data.draining = true; });
  Drive();
}

void ReportStream::CheckTime(SteadyTime now) {
  struct Verdict {
    bool no_hello = false;
    bool identifying = false;
    bool stuck = false;
  };

  Verdict verdict = data_.With([&](Data& data) {
    Verdict result;
    result.no_hello = !data.greeted && !data.close && !data.finished &&
                      now - opened_at_ > streams_->options.hello_timeout;
    result.identifying = data.identifying;
    result.stuck = data.close && !data.finished && now - data.closed_at > kCloseGrace;
    data.cancel = data.cancel || result.stuck;
    return result;
  });
  if (verdict.no_hello && verdict.identifying) {
    Close({grpc::StatusCode::UNAVAILABLE, "the token could not be checked in time"},
          StreamClose::kUncheckedToken);
  } else if (verdict.no_hello) {
    Close({grpc::StatusCode::DEADLINE_EXCEEDED, "no Hello in time"}, StreamClose::kHelloTimeout);
  } else if (verdict.stuck) {
    Drive();
  }
}

void ReportStream::Drive() {
  bool mine = data_.With([](Data& data) { return !std::exchange(data.driving, true); });
  // Another thread that drives looks at the state again before it stops.
  while (mine) {
    Action action = data_.With([this](Data& data) {
      Action next = NextAction(data);
      data.driving = next != Action::kNone;
      return next;
    });
    switch (action) {
      case Action::kNone:
        return;
      case Action::kRead:
        StartRead(&request_);
        break;
      case Action::kWrite:
        StartWrite(&response_);
        break;
      case Action::kCancel:
        context_.TryCancel();
        break;
      case Action::kFinish:
        // OnDone may run from here on; `finished` keeps everyone from starting more.
        Finish(*data_.With([](Data& data) { return data.close; }));
        break;
    }
  }
}

ReportStream::Action ReportStream::NextAction(Data& data) {
  if (data.finished) {
    return Action::kNone;
  }
  if (std::exchange(data.cancel, false)) {
    return Action::kCancel;
  }
  bool to_write = data.welcome || data.applied > data.acknowledged;
  bool idle = !data.writing && !to_write && data.submitted.empty();
  if (!data.close && idle && data.draining) {
    data.close = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the mapper is shutting down");
    streams_->metrics.Closed(StreamClose::kShutdown).Increment();
  }
  if (!data.close && idle && data.read_closed) {
    data.close = grpc::Status::OK;
    streams_->metrics.Closed(StreamClose::kClient).Increment();
  }
  if (data.close) {
    if (data.writing) {
      return Action::kNone;
    }
    data.finished = true;
    return Action::kFinish;
  }
  if (to_write && !data.writing) {
    PrepareWrite(data);
    return Action::kWrite;
  }
  bool may_read = !data.reading && !data.read_closed && !data.draining && !data.identifying &&
                  data.pauses <= 0 &&
                  data.submitted.size() < streams_->options.max_unapplied_batches;
  if (may_read) {
    data.reading = true;
    return Action::kRead;
  }
  return Action::kNone;
}

void ReportStream::PrepareWrite(Data& data) {
  data.writing = true;
  v1::ReportResponse response;
  if (data.welcome) {
    v1::Welcome& welcome = *response.mutable_welcome();
    welcome.set_applied_sequence(*data.welcome);
    welcome.set_max_batch_observations(streams_->options.max_batch_observations);
    welcome.set_max_batch_bytes(streams_->options.max_batch_bytes);
    data.welcome.reset();
  } else {
    // Whatever was applied while the last write was under way goes out as one acknowledgement.
    data.acknowledged = data.applied;
    response.mutable_acknowledgement()->set_sequence(data.acknowledged);
  }
  response_ = Serialize(response);
}

void ReportStream::OnReadDone(bool ok) {
  std::shared_ptr<ReportStream> self = shared_from_this();
  if (ok) {
    Read(request_);
    // Not kept until the next one comes: streams are many.
    request_.Clear();
  }
  data_.With([ok](Data& data) {
    data.reading = false;
    data.read_closed = data.read_closed || !ok;
  });
  Drive();
}

void ReportStream::OnWriteDone(bool ok) {
  std::shared_ptr<ReportStream> self = shared_from_this();
  data_.With([](Data& data) { data.writing = false; });
  if (!ok) {
    Close({grpc::StatusCode::CANCELLED, "the collector is gone"}, StreamClose::kClient);
  }
  Drive();
}

void ReportStream::OnCancel() {
  std::shared_ptr<ReportStream> self = shared_from_this();
  Close({grpc::StatusCode::CANCELLED, "the collector is gone"}, StreamClose::kClient);
}

void ReportStream::OnDone() {
  std::shared_ptr<ReportStream> self = shared_from_this();
  if (announced_) {
    streams_->sink.OnStreamOver(instance_id_);
  }
  streams_->registry.With([&](ReportStreams::Registry& registry) {
    registry.all.erase(self);
    auto of_peer = registry.by_peer.find(peer_);
    if (--of_peer->second == 0) {
      registry.by_peer.erase(of_peer);
    }
    streams_->metrics.streams.Set(static_cast<double>(registry.all.size()));
    auto found = registry.by_instance.find(instance_id_);
    if (found != registry.by_instance.end() && found->second.lock() == self) {
      registry.by_instance.erase(found);
    }
  });
}

void ReportStream::Read(grpc::ByteBuffer& bytes) {
  v1::ReportRequest request;
  if (bytes.Length() > streams_->options.max_batch_bytes + kMessageOverhead) {
    Refuse("more bytes in a batch than Welcome allows", StreamClose::kTooLarge);
    return;
  }
  grpc::ProtoBufferReader reader(&bytes);
  if (!reader.status().ok() || !request.ParseFromZeroCopyStream(&reader)) {
    Refuse("not a ReportRequest, or text in it that is not UTF-8", StreamClose::kBadMessage);
    return;
  }
  Handle(request);
}

void ReportStream::Handle(const v1::ReportRequest& request) {
  bool greeted = !instance_id_.empty();
  if (request.has_hello() && !greeted) {
    Greet(request.hello());
  } else if (request.has_batch() && greeted) {
    Take(request.batch());
  } else {
    Refuse(greeted ? "a Batch was expected" : "a Hello was expected", StreamClose::kBadMessage);
  }
}

void ReportStream::Refuse(const std::string& message, StreamClose reason) {
  Refuse({grpc::StatusCode::INVALID_ARGUMENT, message}, reason);
}

void ReportStream::Refuse(const grpc::Status& status, StreamClose reason) {
  bool log = streams_->log_limit.With([&](PeerLogLimit& limit) {
    return limit.Allow(context_.peer(), reason, std::chrono::steady_clock::now());
  });
  if (log) {
    LogWarn("report stream refused", {{"instance_id", instance_id_},
                                      {"collector", component_},
                                      {"node", node_name_},
                                      {"peer", context_.peer()},
                                      {"reason", status.error_message()}});
  }
  if (reason == StreamClose::kBadToken || reason == StreamClose::kNotACollector) {
    streams_->last_stranger.With([&status](std::optional<ReportStreams::Stranger>& last) {
      last = {.refused_at = std::chrono::steady_clock::now(), .reason = status.error_message()};
    });
  }
  Close(status, reason);
}

void ReportStream::Greet(const v1::Hello& hello) {
  if (!IsGood(hello)) {
    Refuse("Hello has an empty or overlong field", StreamClose::kBadMessage);
    return;
  }
  instance_id_ = hello.instance_id();
  component_ = hello.component();
  node_name_ = hello.node_name();
  if (identity_.only && !identity_.node_name.empty()) {
    // Its node says nothing of what it reports.
    node_name_ = identity_.node_name;
  }
  if (!identity_.node_name.empty() && identity_.node_name != node_name_) {
    Refuse({grpc::StatusCode::PERMISSION_DENIED,
            fmt::format("Hello is of node {}, but the token of one on node {}", node_name_,
                        identity_.node_name)},
           StreamClose::kNotACollector);
    return;
  }
  TakeOver();
  announced_ = true;
  streams_->sink.OnStreamOpen(
      {.instance_id = instance_id_, .component = component_, .node_name = node_name_});
  uint64_t applied = streams_->sink.AppliedSequence(instance_id_);
  data_.With([applied](Data& data) {
    data.greeted = true;
    data.welcome = applied;
    data.applied = applied;
    data.acknowledged = applied;
  });
}

// The newer stream of a collector wins: the older one is a connection that the collector has given
// up.
void ReportStream::TakeOver() {
  std::shared_ptr<ReportStream> older =
      streams_->registry.With([this](ReportStreams::Registry& registry) {
        std::weak_ptr<ReportStream>& slot = registry.by_instance[instance_id_];
        return std::exchange(slot, weak_from_this()).lock();
      });
  if (older != nullptr) {
    older->Close({grpc::StatusCode::ABORTED, "the same collector opened a newer stream"},
                 StreamClose::kReplaced);
  }
}

void ReportStream::Take(const v1::Batch& batch) {
  if (batch.sequence() <= last_sequence_) {
    Refuse("sequence numbers must rise within a stream", StreamClose::kBadSequence);
    return;
  }
  last_sequence_ = batch.sequence();
  if (static_cast<uint64_t>(batch.observations_size()) > streams_->options.max_batch_observations) {
    Refuse("more observations in a batch than Welcome allows", StreamClose::kTooLarge);
    return;
  }
  bool open = data_.With([&](Data& data) {
    if (data.close) {
      return false;
    }
    data.submitted.push_back({.sequence = batch.sequence()});
    return true;
  });
  if (open) {
    Submit(batch);
  }
}

void ReportStream::Submit(const v1::Batch& batch) {
  ObservationBatch domain;
  domain.instance_id = instance_id_;
  domain.component = component_;
  domain.node_name = node_name_;
  domain.proven_node = identity_.node_name;
  domain.sequence = batch.sequence();
  domain.totals = DecodeTotals(batch.statistics());
  if (domain.totals.sent_at) {
    domain.clock_offset = std::chrono::system_clock::now() - *domain.totals.sent_at;
  }
  domain.observations.reserve(static_cast<size_t>(batch.observations_size()));
  for (const v1::Observation& message : batch.observations()) {
    auto decoded = DecodeObservation(message);
    auto* observation = std::get_if<Observation>(&decoded);
    if (observation != nullptr && identity_.only && observation->collector != *identity_.only) {
      decoded = ObservationRefusal::kNotAllowed;
      observation = nullptr;
    }
    if (observation != nullptr) {
      domain.observations.push_back(std::move(*observation));
    } else {
      ++domain.unreadable;
      streams_->metrics.Refused(std::get<ObservationRefusal>(decoded)).Increment();
    }
  }
  ReportServerMetrics& metrics = streams_->metrics;
  metrics.batches.Increment();
  metrics.observations.Increment(static_cast<double>(domain.observations.size()));
  if (batch.sequence() <= streams_->sink.AppliedSequence(instance_id_)) {
    metrics.duplicates.Increment();
  }
  // The callbacks may come when the stream is over.
  auto applied = [weak = weak_from_this(), sequence = batch.sequence()] {
    if (auto self = weak.lock()) {
      self->OnApplied(sequence);
    }
  };
  auto resume = [weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->OnResume();
    }
  };
  if (!streams_->sink.Submit(std::move(domain), std::move(applied), std::move(resume))) {
    metrics.pushbacks.Increment();
    data_.With([](Data& data) { ++data.pauses; });
  }
}

void ReportStream::OnApplied(uint64_t sequence) {
  data_.With([sequence](Data& data) {
    auto found = std::lower_bound(
        data.submitted.begin(), data.submitted.end(), sequence,
        [](const Submitted& entry, uint64_t wanted) { return entry.sequence < wanted; });
    if (found != data.submitted.end() && found->sequence == sequence) {
      found->applied = true;
    }
    while (!data.submitted.empty() && data.submitted.front().applied) {
      data.applied = std::max(data.applied, data.submitted.front().sequence);
      // A batch that had been applied before the stream began is acknowledged once more.
      data.acknowledged = std::min(data.acknowledged, data.submitted.front().sequence - 1);
      data.submitted.pop_front();
    }
  });
  Drive();
}

void ReportStream::OnResume() {
  data_.With([](Data& data) { --data.pauses; });
  Drive();
}

}  // namespace network_mapper
