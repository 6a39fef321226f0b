// One GET of a text over HTTP/1.1 and a connection of its own, which never blocks: many go on side
// by side on one thread, which waits for their descriptors. Nothing is followed, decompressed or
// kept; the body is handed on as it comes. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/response_body.h"
#include "common/net/ip_address.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

struct FetchTarget {
  IpAddress address;
  uint16_t port = 0;
  // With the query.
  std::string path;
};

class MetricsFetch {
 public:
  // Takes what has come of the body; an error ends the fetch (kTooLong).
  using Take = std::function<Status(std::string_view)>;

  // Begins to connect. What is not over at `deadline` fails.
  MetricsFetch(FetchTarget target, SteadyTime deadline, Take take);
  MetricsFetch(const MetricsFetch&) = delete;
  MetricsFetch& operator=(const MetricsFetch&) = delete;
  ~MetricsFetch();

  // For poll(2); -1 when it is over.
  int Descriptor() const { return fd_; }

  short Events() const;

  SteadyTime Deadline() const { return deadline_; }

  // To be called when the descriptor is ready, and when the deadline has passed.
  void Advance(SteadyTime now);

  bool IsOver() const { return fd_ < 0; }

  // Once it is over; absent: the whole body was handed on.
  std::optional<ScrapeFailure> Failure() const { return failure_; }

  // Of the body, so far.
  uint64_t Bytes() const { return bytes_; }

 private:
  enum class Step : uint8_t { kConnecting, kSending, kReading };

  void Connect();
  void FinishConnecting();
  void Send();
  void Read();
  void TakeBytes(std::string_view bytes);
  void TakeBody(std::string_view bytes);
  void TakeHead(const ResponseHead& head);
  void TakeEnd();
  void End(std::optional<ScrapeFailure> failure);

  FetchTarget target_;
  SteadyTime deadline_;
  Take take_;
  int fd_ = -1;
  Step step_ = Step::kConnecting;
  // What is still to be sent.
  std::string request_;
  // The begin of the answer, until its head is whole.
  std::string head_;
  std::optional<ResponseBody> body_;
  std::optional<ScrapeFailure> failure_;
  uint64_t bytes_ = 0;
};

}  // namespace network_mapper::istio
