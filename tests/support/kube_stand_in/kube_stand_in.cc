#include "tests/support/kube_stand_in/kube_stand_in.h"

#include <httplib.h>

#include <atomic>
#include <utility>

#include "tests/support/kube_stand_in/answers.h"
#include "tests/support/kube_stand_in/discovery.h"
#include "tests/support/kube_stand_in/log_requests.h"
#include "tests/support/kube_stand_in/manifests.h"
#include "tests/support/kube_stand_in/request_words.h"
#include "tests/support/kube_stand_in/resource_requests.h"
#include "tests/support/kube_stand_in/watch_requests.h"

namespace network_mapper::stand_in {

using httplib::Request;
using httplib::Response;

// Sends every request to the part that answers it.
class KubeStandIn::Impl {
 public:
  explicit Impl(KubeStandInOptions options)
      : options_(std::move(options)),
        watches_(store_),
        resources_(store_, watches_, options_.bookmark_interval) {}

  ~Impl() { watches_.Stop(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Start() {
    if (options_.load) {
      RETURN_IF_ERROR(options_.load(store_));
    }
    const auto handle = [this](const Request& request, Response& response) {
      Handle(request, response);
    };
    ASSIGN_OR_RETURN(server_, HttpTestServer::Start(
                                  {.host = options_.host,
                                   .port = options_.port,
                                   .threads = options_.threads,
                                   .tls = options_.tls},
                                  [&handle](httplib::Server& server) {
                                    server.Get(".*", handle).Post(".*", handle).Put(".*", handle);
                                    server.Patch(".*", handle).Delete(".*", handle);
                                  }));
    return OkStatus();
  }

  const HttpTestServer& Server() const { return *server_; }

  ObjectStore& Objects() { return store_; }

  FaultPlan& Faults() { return faults_; }

  PodLogs& Logs() { return logs_; }

  void EndWatches() { watches_.EndAll(); }

  StandInStatistics Statistics() const {
    return {requests_.load(), resources_.Lists(), watches_.Begun(), watches_.Open()};
  }

 private:
  void Handle(const Request& request, Response& response) {
    ++requests_;
    if (request.path.starts_with("/stand-in/")) {
      HandleControl(request, response);
      return;
    }
    if (!Admits(request)) {
      AnswerError(response, 401, "Unauthorized", "Unauthorized");
      return;
    }
    const RequestWords words(request);
    const auto& path = words.path;
    const auto fault = faults_.Take(request.path, words.verb);
    if (fault && AnswerFault(
                     *fault, words, [this] { return watches_.Stopping(); }, response)) {
      return;
    }
    if (!path || path->plural.empty()) {
      HandleDiscovery(request, response);
    } else if (path->plural == "pods" && path->subresource == "log") {
      AnswerLog(
          request, *path, store_, logs_, [this] { return watches_.Stopping(); }, response);
    } else if (path->plural == "services" && path->subresource == "proxy") {
      ProxyToService(request, *path, options_.proxies, store_, response);
    } else if (path->plural == "serviceaccounts" && path->subresource == "token") {
      IssueToken(request, *path, options_.service_accounts, response);
    } else if (path->plural == "tokenreviews") {
      ReviewToken(request, options_.service_accounts, response);
    } else {
      resources_.Handle(request, *path, words.verb, fault, response);
    }
  }

  bool Admits(const Request& request) const {
    const bool asks_certificates = options_.tls && !options_.tls->client_authority.empty();
    if (options_.token.empty() && !asks_certificates) {
      return true;
    }
    const bool has_token = !options_.token.empty() &&
                           request.get_header_value("Authorization") == "Bearer " + options_.token;
    return has_token || VerifiedClientName(request).has_value();
  }

  void HandleControl(const Request& request, Response& response) {
    Status status = OkStatus();
    if (request.path == "/stand-in/faults" && request.method == "POST") {
      status = faults_.AddJson(request.body);
    } else if (request.path == "/stand-in/faults" && request.method == "DELETE") {
      faults_.Clear();
    } else if (request.path == "/stand-in/compact") {
      store_.Compact();
    } else if (request.path == "/stand-in/end-watches") {
      EndWatches();
    } else if (request.path == "/stand-in/log") {
      WriteLog(request, logs_);
    } else if (request.path == "/stand-in/apply") {
      status = ApplyManifests(request.body);
    } else if (request.path != "/stand-in/faults" && request.path != "/stand-in/statistics") {
      status = NotFound("no such path");
    }
    if (!status.ok()) {
      AnswerError(response, status);
      return;
    }
    const StandInStatistics now = Statistics();
    Answer(response, 200,
           fmt::format(R"({{"pending":{},"requests":{},"lists":{},"watches":{},"openWatches":{}}})"
                       "\n",
                       faults_.Pending(), now.requests, now.lists, now.watches, now.open_watches));
  }

  Status ApplyManifests(const std::string& text) {
    ASSIGN_OR_RETURN(const std::vector<std::string> documents, ParseManifests(text));
    for (const std::string& document : documents) {
      RETURN_IF_ERROR(store_.Apply(document).status());
    }
    return OkStatus();
  }

  void HandleDiscovery(const Request& request, Response& response) {
    const std::string& path = request.path;
    if (path == "/readyz" || path == "/livez" || path == "/healthz") {
      response.set_content("ok", "text/plain");
      return;
    }
    const bool aggregated =
        request.get_header_value("Accept").find("as=APIGroupDiscoveryList") != std::string::npos;
    std::string body = DiscoveryDocument(store_.Types(), path, aggregated);
    if (body.empty()) {
      AnswerError(response, 404, "NotFound", "the server could not find the requested resource");
    } else {
      Answer(response, 200, std::move(body));
    }
  }

  const KubeStandInOptions options_;
  ObjectStore store_;
  FaultPlan faults_;
  PodLogs logs_;
  WatchRequests watches_;
  ResourceRequests resources_;
  std::atomic<uint64_t> requests_{0};
  // Declared last: it ends before what its handler uses.
  std::unique_ptr<HttpTestServer> server_;
};

KubeStandIn::KubeStandIn(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KubeStandIn::~KubeStandIn() = default;

StatusOr<std::unique_ptr<KubeStandIn>> KubeStandIn::Start(KubeStandInOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<KubeStandIn>(new KubeStandIn(std::move(impl)));
}

int KubeStandIn::Port() const {
  return impl_->Server().Port();
}

std::string KubeStandIn::Url() const {
  return impl_->Server().Url();
}

ObjectStore& KubeStandIn::Objects() {
  return impl_->Objects();
}

FaultPlan& KubeStandIn::Faults() {
  return impl_->Faults();
}

PodLogs& KubeStandIn::Logs() {
  return impl_->Logs();
}

void KubeStandIn::EndWatches() {
  impl_->EndWatches();
}

StandInStatistics KubeStandIn::Statistics() const {
  return impl_->Statistics();
}

}  // namespace network_mapper::stand_in
