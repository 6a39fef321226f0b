#include "common/kube/lease_election.h"

#include <algorithm>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "common/concurrency/stop_wait.h"
#include "common/concurrency/waitable.h"
#include "common/kube/api_error.h"
#include "common/kube/lease.h"
#include "common/kube/paths.h"
#include "common/log/log.h"

namespace network_mapper::kube {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kJsonType = "application/json";
constexpr std::chrono::seconds kLongestPause{10};
constexpr std::chrono::seconds kReleaseLimit{2};
constexpr size_t kLargestLease = size_t{1} << 20U;

struct ElectionMetrics {
  explicit ElectionMetrics(MetricsRegistry& registry)
      : is_leader(registry.AddGauge("network_mapper_lease_is_leader",
                                    "1 while this one leads, of those that share the Lease.")),
        terms(registry.AddCounter("network_mapper_lease_terms_total",
                                  "How often this one became the leader.")),
        changes(registry.AddCounter("network_mapper_lease_holder_changes_total",
                                    "How often the Lease was seen with another holder.")),
        failures(registry.AddCounter("network_mapper_lease_failures_total",
                                     "Looks at the Lease and writes of it that failed.")) {}

  Gauge& is_leader;
  Counter& terms;
  Counter& changes;
  Counter& failures;
};

// What both threads know.
struct Standing {
  SteadyTime leads_from = SteadyTime::min();
  SteadyTime leads_until = SteadyTime::min();
  SteadyTime another_until = SteadyTime::min();
  std::string holder;
  Status last_error;
  bool is_fit = true;
  bool is_working = false;

  bool Leads(SteadyTime now) const { return is_fit && now >= leads_from && now < leads_until; }
};

}  // namespace

class LeaseElection::Implementation {
 public:
  Implementation(LeaseElectionOptions options, Dependencies dependencies, Work work)
      : options_(std::move(options)),
        client_(dependencies.client),
        clock_(dependencies.clock),
        metrics_(dependencies.metrics),
        work_(std::move(work)),
        collection_(fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases",
                                PercentEncode(options_.name_space))),
        path_(fmt::format("{}/{}", collection_, PercentEncode(options_.name))),
        candidate_(options_.identity, options_.timing),
        elections_([this](const std::stop_token& stop) { Elect(stop); }),
        terms_([this](const std::stop_token& stop) { ServeTerms(stop); }) {}

  void Stop() {
    if (!terms_.joinable()) {
      return;
    }
    // While the work ends, the Lease is held on.
    terms_.request_stop();
    terms_.join();
    elections_.request_stop();
    elections_.join();
    Release();
    standing_.Change([](Standing& standing) { standing.leads_until = SteadyTime::min(); });
  }

  LeaseElectionState State() const {
    const SteadyTime now = clock_.SteadyNow();
    return standing_.Read([&](const Standing& standing) {
      return LeaseElectionState{.is_leader = standing.Leads(now),
                                .another_leads = now < standing.another_until,
                                .holder = standing.holder,
                                .last_error = standing.last_error};
    });
  }

 private:
  void Elect(const std::stop_token& stop) {
    std::mt19937_64 engine(std::random_device{}());
    std::uniform_real_distribution<double> jitter(1.0, 1.2);
    while (!stop.stop_requested()) {
      const bool is_fit = !options_.is_fit || options_.is_fit();
      const bool is_working = standing_.Change([is_fit](Standing& standing) {
        standing.is_fit = is_fit;
        return standing.is_working;
      });
      // Who may not lead any more holds the Lease on until its work has ended.
      const Status status = is_fit || is_working ? Try(stop) : GiveUp(stop);
      if (stop.stop_requested()) {
        return;
      }
      Show(status);
      milliseconds pause = candidate_.HasToLook() ? options_.timing.retry : options_.timing.renewal;
      if (const auto asked = RetryAfter(status)) {
        pause = std::clamp<milliseconds>(*asked, pause, kLongestPause);
      }
      WaitUnlessStopped(stop, pause * jitter(engine));
    }
  }

  Status Try(const std::stop_token& stop) {
    constexpr int kAttempts = 2;
    Status status;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (candidate_.HasToLook()) {
        RETURN_IF_ERROR(Look(stop));
      }
      const std::optional<Lease> claim = candidate_.Claim(clock_.SteadyNow(), clock_.Now());
      if (!claim) {
        return OkStatus();
      }
      status = Write(*claim, Request(stop));
      // Somebody else was faster, or has deleted it: that is worth a second look at once.
      if (status.code() != StatusCode::kAborted && status.code() != StatusCode::kNotFound) {
        break;
      }
    }
    return status;
  }

  Status GiveUp(const std::stop_token& stop) {
    if (candidate_.HasToLook()) {
      RETURN_IF_ERROR(Look(stop));
    }
    const std::optional<Lease> released = candidate_.Release(clock_.SteadyNow());
    return released ? Write(*released, Request(stop)) : OkStatus();
  }

  RequestOptions Request(const std::stop_token& stop) const {
    RequestOptions request;
    request.timeout = options_.timing.leads;
    request.max_response_bytes = kLargestLease;
    request.stop = stop;
    return request;
  }

  Status Look(const std::stop_token& stop) {
    const StatusOr<Response> answer = client_.Get(path_, Request(stop));
    std::optional<Lease> lease;
    if (answer.ok()) {
      ASSIGN_OR_RETURN(lease, ParseLease(answer->body));
    } else if (HttpCode(answer.status()) != 404) {
      return WithRemedy(answer.status());
    }
    candidate_.See(std::move(lease), clock_.SteadyNow());
    return OkStatus();
  }

  Status Write(const Lease& claim, const RequestOptions& request) {
    const std::string body = EncodeLease(claim, options_.name_space, options_.name);
    const SteadyTime sent = clock_.SteadyNow();
    // Until the answer says otherwise.
    candidate_.Doubt();
    const StatusOr<Response> answer = claim.resource_version.empty()
                                          ? client_.Post(collection_, body, kJsonType, request)
                                          : client_.Put(path_, body, kJsonType, request);
    if (!answer.ok()) {
      return WithRemedy(answer.status());
    }
    ASSIGN_OR_RETURN(Lease lease, ParseLease(answer->body));
    candidate_.Hold(std::move(lease), sent, clock_.SteadyNow());
    return OkStatus();
  }

  // Of 404 only a write needs to be known as such, which is followed by a look.
  Status WithRemedy(const Status& status) const {
    const std::string what = fmt::format("Lease {}/{}", options_.name_space, options_.name);
    if (status.code() != StatusCode::kPermissionDenied) {
      return Annotate(status, what);
    }
    return Annotate(status,
                    what +
                        ": grant get, create and update on leases of coordination.k8s.io in this "
                        "namespace; until then nobody leads");
  }

  void Show(const Status& status) {
    const std::string holder = candidate_.Holder();
    bool was_ok = false;
    std::string before;
    standing_.Change([&](Standing& standing) {
      was_ok = standing.last_error.ok();
      before = std::exchange(standing.holder, holder);
      standing.last_error = status;
      standing.leads_from = candidate_.LeadsFrom();
      standing.leads_until = candidate_.LeadsUntil();
      standing.another_until = candidate_.AnotherUntil();
    });
    if (holder != before && !holder.empty()) {
      metrics_.changes.Increment();
      LogInfo("lease has a new holder", {{"lease", options_.name}, {"holder", holder}});
    }
    if (!status.ok()) {
      metrics_.failures.Increment();
      if (was_ok) {
        LogWarn("no part in the election of a leader now",
                {{"lease", options_.name}, {"error", status}});
      }
    }
  }

  void ServeTerms(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!WaitUntilLeads(true, stop)) {
        return;
      }
      const SteadyTime now = clock_.SteadyNow();
      // Not if it has become unfit meanwhile: then the Lease is being given up.
      if (!standing_.Change(
              [now](Standing& standing) { return standing.is_working = standing.Leads(now); })) {
        continue;
      }
      metrics_.terms.Increment();
      metrics_.is_leader.Set(1);
      LogInfo("this one leads", {{"lease", options_.name}, {"identity", options_.identity}});
      {
        std::jthread term(work_);
        WaitUntilLeads(false, stop);
        metrics_.is_leader.Set(0);
      }
      standing_.Change([](Standing& standing) { standing.is_working = false; });
      LogInfo("this one leads no longer",
              {{"lease", options_.name}, {"identity", options_.identity}});
    }
  }

  // False when stopped before.
  bool WaitUntilLeads(bool leads, const std::stop_token& stop) const {
    constexpr milliseconds kLongestWait{3'600'000};
    const std::stop_callback wake(stop, [this] { standing_.Change([](Standing&) {}); });
    while (!stop.stop_requested()) {
      const SteadyTime now = clock_.SteadyNow();
      const auto [is_there, next] = standing_.Read([&](const Standing& standing) {
        return std::pair(standing.Leads(now) == leads,
                         now < standing.leads_from ? standing.leads_from : standing.leads_until);
      });
      if (is_there) {
        return true;
      }
      // A change of the standing is seen at the same time by its other end.
      const std::chrono::nanoseconds limit =
          next > now ? std::min<std::chrono::nanoseconds>(next - now, kLongestWait) : kLongestWait;
      standing_.WaitFor(limit, [&](const Standing& standing) {
        return stop.stop_requested() || standing.Leads(clock_.SteadyNow()) == leads;
      });
    }
    return false;
  }

  void Release() {
    if (const std::optional<Lease> released = candidate_.Release(clock_.SteadyNow())) {
      RequestOptions request = Request({});
      request.timeout = kReleaseLimit;
      const Status status = Write(*released, request);
      if (!status.ok()) {
        LogWarn("the lease is not released: the next leader waits for its end",
                {{"lease", options_.name}, {"error", status}});
      }
    }
  }

  const LeaseElectionOptions options_;
  Client& client_;
  const Clock& clock_;
  ElectionMetrics metrics_;
  const Work work_;
  const std::string collection_;
  const std::string path_;
  // Of the thread of elections; after its end, of Stop.
  LeaseCandidate candidate_;
  mutable Waitable<Standing> standing_;
  std::jthread elections_;
  std::jthread terms_;
};

LeaseElection::LeaseElection(LeaseElectionOptions options, Dependencies dependencies, Work work)
    : implementation_(
          std::make_unique<Implementation>(std::move(options), dependencies, std::move(work))) {}

LeaseElection::~LeaseElection() {
  Stop();
}

void LeaseElection::Stop() {
  implementation_->Stop();
}

bool LeaseElection::IsLeader() const {
  return implementation_->State().is_leader;
}

LeaseElectionState LeaseElection::State() const {
  return implementation_->State();
}

}  // namespace network_mapper::kube
