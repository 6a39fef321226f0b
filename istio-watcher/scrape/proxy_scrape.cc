#include "istio-watcher/scrape/proxy_scrape.h"

#include <utility>

#include "istio-watcher/scrape/command_fetch.h"
#include "istio-watcher/scrape/metrics_fetch.h"

namespace network_mapper::istio {

namespace {

// Envoy's filter is a regular expression that is searched for in names of statistics; others pass
// over it.
constexpr const char* kRequestsPath = "/stats/prometheus?filter=istio_requests_total";
constexpr const char* kConnectionsPath =
    "/stats/prometheus?filter=istio_tcp_connections_opened_total";

// Every image of the proxy has it. It asks Envoy's admin interface, which is for the pod only, and
// puts the slash before the path (pilot/cmd/pilot-agent/app/request.go). The same text as at the
// metrics port, so that the series are the same; the JSON form's names are ambiguous.
std::vector<std::string> RequestsCommand() {
  return {"pilot-agent", "request", "GET", std::string(kRequestsPath).substr(1)};
}

// Whether another port may do better. One that is slow says that the proxy is there.
bool MayBeOnAnotherPort(ScrapeFailure failure) {
  return failure != ScrapeFailure::kTimeout && failure != ScrapeFailure::kTooLong;
}

}  // namespace

ProxyScrape::ProxyScrape(const ScrapeOptions& options, ScrapeAddress address, size_t first_port,
                         ProxyCounters& counters, const Clock& clock)
    : options_(options),
      address_(std::move(address)),
      counters_(counters),
      clock_(clock),
      port_(first_port % address_.ports.size()) {
  BeginAttempt();
}

ProxyScrape::ProxyScrape(const ScrapeOptions& options, ProxyCommand& command, const ProxyPod& pod,
                         ProxyCounters& counters, const Clock& clock)
    : options_(options), counters_(counters), clock_(clock) {
  address_.name_space = pod.name_space;
  TakeStats take = BeginReading();
  fetch_ = std::make_unique<CommandFetch>(command.Start(pod, RequestsCommand(), options_.timeout),
                                          clock_.SteadyNow() + options_.timeout, std::move(take));
  if (fetch_->IsOver()) {
    EndAttempt();
  }
}

ProxyScrape::~ProxyScrape() = default;

TakeStats ProxyScrape::BeginReading() {
  counters_.BeginScrape();
  // What a kind does not count, its agent may pass on all the same, on one port and not on another.
  const Metric wanted =
      address_.kind == ProxyKind::kEnvoy ? Metric::kRequests : Metric::kTcpConnectionsOpened;
  reader_ = std::make_unique<PrometheusReader>(
      options_.reader,
      [this, wanted](const Series& series) {
        if (series.metric == wanted) {
          counters_.Take(series);
        }
      },
      address_.kind == ProxyKind::kEnvoy ? address_.name_space : "");
  began_ = clock_.Now();
  return [this](std::string_view part) { return reader_->Feed(part); };
}

void ProxyScrape::BeginAttempt() {
  TakeStats take = BeginReading();
  fetch_ = std::make_unique<MetricsFetch>(
      FetchTarget{address_.address, address_.ports[port_],
                  address_.kind == ProxyKind::kEnvoy ? kRequestsPath : kConnectionsPath},
      clock_.SteadyNow() + options_.timeout, std::move(take));
  if (fetch_->IsOver()) {
    EndAttempt();
  }
}

void ProxyScrape::Advance() {
  if (is_over_) {
    return;
  }
  fetch_->Advance(clock_.SteadyNow());
  if (fetch_->IsOver()) {
    EndAttempt();
  }
}

void ProxyScrape::EndAttempt() {
  bytes_ += fetch_->Bytes();
  std::optional<ScrapeFailure> failure = fetch_->Failure();
  if (!failure && !reader_->Finish().ok()) {
    failure = ScrapeFailure::kCut;
  }
  if (!failure) {
    failure_.reset();
    result_ = counters_.EndScrape(ScrapeEnd::kComplete, began_);
    is_over_ = true;
    return;
  }
  // An Envoy whose metrics are for its pod only does not even listen; the agent beside it says why.
  if (!failure_ || *failure_ == ScrapeFailure::kUnreachable) {
    failure_ = failure;
  }
  if (MayBeOnAnotherPort(*failure) && ++attempts_ < address_.ports.size()) {
    port_ = (port_ + 1) % address_.ports.size();
    BeginAttempt();
    return;
  }
  result_ = counters_.EndScrape(NeedsCommand() ? ScrapeEnd::kPutOff : ScrapeEnd::kFailed, began_);
  is_over_ = true;
}

}  // namespace network_mapper::istio
