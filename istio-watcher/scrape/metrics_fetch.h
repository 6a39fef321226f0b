// One GET of a text over HTTP/1.1 and a connection of its own. Nothing is followed, decompressed or
// kept; the body is handed on as it comes. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/response_body.h"
#include "common/net/ip_address.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "istio-watcher/scrape/scrape_failure.h"
#include "istio-watcher/scrape/stats_fetch.h"

namespace network_mapper::istio {

struct FetchTarget {
  IpAddress address;
  uint16_t port = 0;
  // With the query.
  std::string path;
};

class MetricsFetch final : public StatsFetch {
 public:
  // Begins to connect. What is not over at `deadline` fails.
  MetricsFetch(FetchTarget target, SteadyTime deadline, TakeStats take);
  ~MetricsFetch() override;

  int Descriptor() const override { return fd_; }

  short Events() const override;

  SteadyTime Deadline() const override { return deadline_; }

  void Advance(SteadyTime now) override;

  bool IsOver() const override { return fd_ < 0; }

  std::optional<ScrapeFailure> Failure() const override { return failure_; }

  uint64_t Bytes() const override { return bytes_; }

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
  TakeStats take_;
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
