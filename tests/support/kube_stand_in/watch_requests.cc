#include "tests/support/kube_stand_in/watch_requests.h"

#include <memory>
#include <utility>

#include "tests/support/kube_stand_in/answers.h"

namespace network_mapper::stand_in {

namespace {

// A type that the HTTP library does not compress: it would hold frames back.
constexpr const char* kWatchJson = "application/json;stream=watch";

}  // namespace

struct WatchRequests::OpenWatch {
  OpenWatch(const ObjectStore& store, WatchRequest request, std::atomic<uint64_t>& counter)
      : stream(store, std::move(request)), open(counter) {
    ++open;
  }

  OpenWatch(const OpenWatch&) = delete;
  OpenWatch& operator=(const OpenWatch&) = delete;

  ~OpenWatch() { --open; }

  WatchStream stream;
  std::atomic<uint64_t>& open;
  uint64_t generation = 0;
  std::optional<FaultKind> fault{};
};

void WatchRequests::Handle(WatchRequest request, const std::optional<Fault>& fault,
                           httplib::Response& response) {
  ++begun_;
  if (request.resource_version) {
    if (const auto changes = store_.ChangesAfter(request.type, *request.resource_version);
        !changes.ok()) {
      AnswerError(response, changes.status());
      return;
    }
  }
  const auto watch = std::make_shared<OpenWatch>(store_, std::move(request), open_);
  watch->generation = generation_;
  watch->fault = fault ? std::optional(fault->kind) : std::nullopt;
  response.status = 200;
  response.set_chunked_content_provider(kWatchJson, [this, watch](size_t, httplib::DataSink& sink) {
    return WriteFrames(*watch, sink);
  });
}

bool WatchRequests::WriteFrames(OpenWatch& watch, httplib::DataSink& sink) const {
  if (stopping_ || !sink.is_writable()) {
    return false;
  }
  if (watch.fault == FaultKind::kGoneFrame) {
    const std::string frame = ErrorFrame(410, "Expired", "too old resource version: 1 (2)");
    const bool written = sink.write(frame.data(), frame.size());
    sink.done();
    return written;
  }
  const auto frames =
      generation_ == watch.generation ? watch.stream.Next(kStreamSlice) : std::nullopt;
  if (!frames) {
    sink.done();
    return true;
  }
  if (frames->empty()) {
    return true;
  }
  if (watch.fault == FaultKind::kHalfObject) {
    sink.write(frames->data(), frames->find('\n') / 2);
    return false;
  }
  return sink.write(frames->data(), frames->size());
}

}  // namespace network_mapper::stand_in
