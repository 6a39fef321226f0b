#include "tests/support/kube_stand_in/kube_stand_in.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>
#include <utility>

#include "tests/support/kube_stand_in/discovery.h"
#include "tests/support/kube_stand_in/list_pages.h"
#include "tests/support/kube_stand_in/manifests.h"
#include "tests/support/kube_stand_in/request_path.h"
#include "tests/support/kube_stand_in/watch_stream.h"

namespace network_mapper::stand_in {

namespace {

using httplib::Request;
using httplib::Response;

constexpr const char* kJson = "application/json";
// A type that the HTTP library does not compress: it would hold frames back.
constexpr const char* kWatchJson = "application/json;stream=watch";
// How long a watch stays deaf to a stop or to a client that has left.
constexpr std::chrono::milliseconds kWatchSlice{200};

struct HttpError {
  int code;
  const char* reason;
};

HttpError HttpErrorOf(StatusCode code) {
  switch (code) {
    case StatusCode::kNotFound:
      return {404, "NotFound"};
    case StatusCode::kAlreadyExists:
      return {409, "AlreadyExists"};
    case StatusCode::kAborted:
      return {409, "Conflict"};
    case StatusCode::kOutOfRange:
      return {410, "Expired"};
    case StatusCode::kInvalidArgument:
      return {422, "Invalid"};
    default:
      return {500, "InternalError"};
  }
}

void Answer(Response& response, int code, std::string body) {
  response.status = code;
  response.set_header("Content-Type", kJson);
  response.body = std::move(body);
}

void AnswerError(Response& response, int code, std::string_view reason, std::string_view message) {
  Answer(response, code, StatusBody(code, reason, message));
}

void AnswerError(Response& response, const Status& status) {
  const HttpError error = HttpErrorOf(status.code());
  AnswerError(response, error.code, error.reason, StatusMessage(status));
}

// Sends the body without a copy and without compression; after `sent_bytes` the connection breaks.
void AnswerLarge(Response& response, std::string body, size_t sent_bytes) {
  const auto shared = std::make_shared<const std::string>(std::move(body));
  response.status = 200;
  response.set_content_provider(
      shared->size(), kJson,
      [shared, sent_bytes](size_t offset, size_t length, httplib::DataSink& sink) {
        const size_t end = std::min({offset + length, sent_bytes, shared->size()});
        return offset < end && sink.write(shared->data() + offset, end - offset);
      });
}

template <typename Number>
std::optional<Number> NumberParameter(const Request& request, const char* name) {
  const std::string text = request.get_param_value(name);
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

bool IsTrue(const Request& request, const char* name) {
  const std::string value = request.get_param_value(name);
  return value == "true" || value == "1";
}

bool WantsMetadataOnly(const Request& request) {
  return request.get_header_value("Accept").find("as=PartialObjectMetadata") != std::string::npos;
}

std::string VerbOf(const Request& request, const std::optional<RequestPath>& path) {
  if (request.method != "GET") {
    return request.method == "POST"    ? "create"
           : request.method == "PUT"   ? "update"
           : request.method == "PATCH" ? "patch"
                                       : "delete";
  }
  if (!path || path->plural.empty() || !path->name.empty()) {
    return "get";
  }
  return IsTrue(request, "watch") ? "watch" : "list";
}

}  // namespace

class KubeStandIn::Impl {
 public:
  explicit Impl(KubeStandInOptions options) : options_(std::move(options)), pages_(store_) {}

  ~Impl() {
    stopping_ = true;
    server_.stop();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Start() {
    server_.new_task_queue = [this] { return new httplib::ThreadPool(options_.threads); };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(1'000'000);
    server_.set_keep_alive_timeout(2);
    const auto handle = [this](const Request& request, Response& response) {
      Handle(request, response);
    };
    server_.Get(".*", handle).Post(".*", handle).Put(".*", handle);
    server_.Patch(".*", handle).Delete(".*", handle);
    if (options_.port == 0) {
      port_ = server_.bind_to_any_port(options_.host);
    } else {
      port_ = server_.bind_to_port(options_.host, options_.port) ? options_.port : -1;
    }
    if (port_ <= 0) {
      return Unavailable("cannot listen on {}:{}", options_.host, options_.port);
    }
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) {
      std::this_thread::yield();
    }
    return OkStatus();
  }

  const KubeStandInOptions& Options() const { return options_; }

  int Port() const { return port_; }

  ObjectStore& Objects() { return store_; }

  FaultPlan& Faults() { return faults_; }

  void EndWatches() { ++watch_generation_; }

  StandInStatistics Statistics() const {
    return {requests_.load(), lists_.load(), watches_.load(), open_watches_.load()};
  }

 private:
  void Handle(const Request& request, Response& response) {
    ++requests_;
    if (request.path.starts_with("/stand-in/")) {
      HandleAdmin(request, response);
      return;
    }
    if (!options_.token.empty() &&
        request.get_header_value("Authorization") != "Bearer " + options_.token) {
      AnswerError(response, 401, "Unauthorized", "Unauthorized");
      return;
    }
    const auto path = ParseRequestPath(request.path);
    const std::string verb = VerbOf(request, path);
    const auto fault = faults_.Take(request.path, verb);
    if (fault && AnswerFault(*fault, response)) {
      return;
    }
    if (!path || path->plural.empty()) {
      HandleDiscovery(request, path, response);
    } else if (path->plural == "services" && path->subresource == "proxy") {
      HandleProxy(request, *path, response);
    } else {
      HandleResource(request, *path, verb, fault, response);
    }
  }

  // False for faults that need the answer they break.
  static bool AnswerFault(const Fault& fault, Response& response) {
    switch (fault.kind) {
      case FaultKind::kGone:
        AnswerError(response, 410, "Expired", "too old resource version: 1 (2)");
        return true;
      case FaultKind::kTooManyRequests:
        response.set_header("Retry-After", std::to_string(fault.retry_after_seconds));
        AnswerError(response, 429, "TooManyRequests", "too many requests, please try again later");
        return true;
      case FaultKind::kInternalError:
        AnswerError(response, 500, "InternalError", "an error on the server");
        return true;
      case FaultKind::kForbidden:
        AnswerError(response, 403, "Forbidden", "the stand-in was told to forbid this");
        return true;
      case FaultKind::kDropConnection:
        AnswerLarge(response, "{}", 0);
        return true;
      case FaultKind::kGoneFrame:
      case FaultKind::kHalfObject:
      case FaultKind::kSilentWatch:
        return false;
    }
    return false;
  }

  void HandleAdmin(const Request& request, Response& response) {
    Status status = OkStatus();
    if (request.path == "/stand-in/faults" && request.method == "POST") {
      status = faults_.AddJson(request.body);
    } else if (request.path == "/stand-in/faults" && request.method == "DELETE") {
      faults_.Clear();
    } else if (request.path == "/stand-in/compact") {
      store_.Compact();
    } else if (request.path == "/stand-in/end-watches") {
      EndWatches();
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

  void HandleDiscovery(const Request& request, const std::optional<RequestPath>& path,
                       Response& response) {
    const std::vector<ResourceType> types = store_.Types();
    const bool aggregated =
        request.get_header_value("Accept").find("as=APIGroupDiscoveryList") != std::string::npos;
    const std::string& where = request.path;
    std::string body;
    if (path) {
      body = ResourceList(types, path->group, path->version);
    } else if (where == "/api" || where == "/apis") {
      if (aggregated) {
        body = AggregatedDiscovery(types, where == "/api");
      } else if (where == "/apis") {
        body = GroupList(types);
      } else {
        body = R"({"kind":"APIVersions","versions":["v1"]})";
      }
    } else if (where == "/version") {
      body = R"({"major":"1","minor":"36","gitVersion":"v1.36.0-stand-in"})";
    } else if (where == "/readyz" || where == "/livez" || where == "/healthz") {
      response.set_content("ok", "text/plain");
      return;
    }
    if (body.empty()) {
      AnswerError(response, 404, "NotFound", "the server could not find the requested resource");
    } else {
      Answer(response, 200, std::move(body));
    }
  }

  void HandleProxy(const Request& request, const RequestPath& path, Response& response) {
    const auto backend = options_.proxies.find(path.name_space + "/" + path.name);
    if (backend == options_.proxies.end()) {
      AnswerError(response, 503, "ServiceUnavailable",
                  "no endpoints available for service \"" + path.name + "\"");
      return;
    }
    httplib::Client client(backend->second);
    std::string target = "/" + path.rest;
    if (const size_t query = request.target.find('?'); query != std::string::npos) {
      target += request.target.substr(query);
    }
    const std::string type = request.get_header_value("Content-Type");
    const httplib::Result result =
        request.method == "POST" ? client.Post(target, request.body, type) : client.Get(target);
    if (!result) {
      AnswerError(response, 503, "ServiceUnavailable",
                  "error trying to reach service: " + httplib::to_string(result.error()));
      return;
    }
    response.status = result->status;
    response.set_content(result->body, result->get_header_value("Content-Type"));
  }

  void HandleResource(const Request& request, const RequestPath& path, const std::string& verb,
                      const std::optional<Fault>& fault, Response& response) {
    const auto type = store_.TypeByPath(path.group, path.version, path.plural);
    const bool known_subresource =
        path.subresource.empty() || path.subresource == "status" || path.subresource == "finalize";
    if (!type || !known_subresource) {
      AnswerError(response, 404, "NotFound", "the server could not find the requested resource");
      return;
    }
    if (verb == "watch") {
      HandleWatch(request, path, *type, fault, response);
    } else if (verb == "list") {
      HandleList(request, path, *type, fault, response);
    } else if (verb == "get") {
      HandleGet(request, path, *type, fault, response);
    } else {
      HandleWrite(request, path, *type, verb, response);
    }
  }

  void HandleGet(const Request& request, const RequestPath& path, const ResourceType& type,
                 const std::optional<Fault>& fault, Response& response) {
    const StoredObjectPtr object = store_.Get(type, {path.name_space, path.name});
    if (!object) {
      AnswerError(response, NotFound("{} \"{}\" not found", type.plural, path.name));
      return;
    }
    std::string body;
    if (WantsMetadataOnly(request)) {
      AppendMetadataOnly(*object, body);
    } else {
      AppendObject(type, *object, body);
    }
    const size_t half = body.size() / 2;
    AnswerLarge(response, std::move(body), fault ? half : SIZE_MAX);
  }

  // Labels and fields of a LIST or WATCH; absent after an error answer.
  static std::optional<std::pair<Selector, Selector>> Selectors(const Request& request,
                                                                Response& response) {
    auto labels = Selector::Parse(request.get_param_value("labelSelector"));
    auto fields = Selector::Parse(request.get_param_value("fieldSelector"));
    if (!labels.ok() || !fields.ok()) {
      AnswerError(response, 400, "BadRequest", "unable to parse a selector");
      return std::nullopt;
    }
    return std::pair(*std::move(labels), *std::move(fields));
  }

  void HandleList(const Request& request, const RequestPath& path, const ResourceType& type,
                  const std::optional<Fault>& fault, Response& response) {
    ++lists_;
    const auto selectors = Selectors(request, response);
    if (!selectors) {
      return;
    }
    auto body = pages_.Body({.type = type,
                             .name_space = path.name_space,
                             .labels = selectors->first,
                             .fields = selectors->second,
                             .limit = NumberParameter<size_t>(request, "limit").value_or(0),
                             .continue_token = request.get_param_value("continue"),
                             .metadata_only = WantsMetadataOnly(request)});
    if (!body.ok()) {
      AnswerError(response, body.status());
      return;
    }
    const size_t half = body->size() / 2;
    AnswerLarge(response, *std::move(body), fault ? half : SIZE_MAX);
  }

  void HandleWatch(const Request& request, const RequestPath& path, const ResourceType& type,
                   const std::optional<Fault>& fault, Response& response) {
    ++watches_;
    const auto selectors = Selectors(request, response);
    if (!selectors) {
      return;
    }
    WatchRequest watch{.type = type,
                       .name_space = path.name_space,
                       .labels = selectors->first,
                       .fields = selectors->second,
                       .bookmarks = IsTrue(request, "allowWatchBookmarks"),
                       .send_initial_events = IsTrue(request, "sendInitialEvents"),
                       .metadata_only = WantsMetadataOnly(request),
                       .bookmark_interval = options_.bookmark_interval};
    watch.resource_version = NumberParameter<uint64_t>(request, "resourceVersion");
    if (watch.resource_version == 0) {
      watch.resource_version.reset();
    }
    if (const auto seconds = NumberParameter<int>(request, "timeoutSeconds")) {
      watch.timeout = std::chrono::seconds(*seconds);
    }
    if (watch.resource_version) {
      if (const auto changes = store_.ChangesAfter(type, *watch.resource_version); !changes.ok()) {
        AnswerError(response, changes.status());
        return;
      }
    }
    SendWatch(std::move(watch), fault, response);
  }

  struct OpenWatch {
    OpenWatch(const ObjectStore& store, WatchRequest request, std::atomic<uint64_t>& counter)
        : stream(store, std::move(request)), open(counter) {
      ++open;
    }

    OpenWatch(const OpenWatch&) = delete;
    OpenWatch& operator=(const OpenWatch&) = delete;

    ~OpenWatch() { --open; }

    WatchStream stream;
    std::atomic<uint64_t>& open;
  };

  void SendWatch(WatchRequest request, const std::optional<Fault>& fault, Response& response) {
    const auto watch = std::make_shared<OpenWatch>(store_, std::move(request), open_watches_);
    const uint64_t generation = watch_generation_;
    const auto kind = fault ? std::optional(fault->kind) : std::nullopt;
    response.status = 200;
    response.set_chunked_content_provider(
        kWatchJson, [this, watch, generation, kind](size_t, httplib::DataSink& sink) {
          return WriteFrames(watch->stream, generation, kind, sink);
        });
  }

  // One slice of a watch; false breaks the connection.
  bool WriteFrames(WatchStream& stream, uint64_t generation, std::optional<FaultKind> fault,
                   httplib::DataSink& sink) {
    if (stopping_ || !sink.is_writable()) {
      return false;
    }
    if (fault == FaultKind::kSilentWatch) {
      std::this_thread::sleep_for(kWatchSlice);
      return true;
    }
    if (fault == FaultKind::kGoneFrame) {
      const std::string frame = ErrorFrame(410, "Expired", "too old resource version: 1 (2)");
      const bool written = sink.write(frame.data(), frame.size());
      sink.done();
      return written;
    }
    const auto frames = watch_generation_ == generation ? stream.Next(kWatchSlice) : std::nullopt;
    if (!frames) {
      sink.done();
      return true;
    }
    if (frames->empty()) {
      return true;
    }
    if (fault == FaultKind::kHalfObject) {
      sink.write(frames->data(), frames->find('\n') / 2);
      return false;
    }
    return sink.write(frames->data(), frames->size());
  }

  void HandleWrite(const Request& request, const RequestPath& path, const ResourceType& type,
                   const std::string& verb, Response& response) {
    const ObjectKey key{path.name_space, path.name};
    StatusOr<StoredObjectPtr> written = StoredObjectPtr();
    if (verb == "create") {
      written = store_.Create(type, path.name_space, request.body);
    } else if (verb == "update") {
      written = store_.Replace(type, key, request.body);
    } else if (verb == "delete") {
      written = store_.Delete(type, key);
    } else {
      const std::string format = request.get_header_value("Content-Type");
      if (format.find("apply-patch") != std::string::npos) {
        AnswerError(response, 415, "UnsupportedMediaType", "server-side apply is not served here");
        return;
      }
      written =
          store_.Patch(type, key,
                       format.find("json-patch") != std::string::npos ? PatchFormat::kJsonPatch
                                                                      : PatchFormat::kMergePatch,
                       request.body);
    }
    if (!written.ok()) {
      AnswerError(response, written.status());
      return;
    }
    std::string body;
    AppendObject(type, **written, body);
    Answer(response, verb == "create" ? 201 : 200, std::move(body));
  }

  const KubeStandInOptions options_;
  ObjectStore store_;
  FaultPlan faults_;
  ListPages pages_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> watch_generation_{0};
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> lists_{0};
  std::atomic<uint64_t> watches_{0};
  std::atomic<uint64_t> open_watches_{0};
  int port_ = 0;
  httplib::Server server_;
  std::jthread thread_;
};

KubeStandIn::KubeStandIn(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KubeStandIn::~KubeStandIn() = default;

StatusOr<std::unique_ptr<KubeStandIn>> KubeStandIn::Start(KubeStandInOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<KubeStandIn>(new KubeStandIn(std::move(impl)));
}

int KubeStandIn::Port() const {
  return impl_->Port();
}

std::string KubeStandIn::Url() const {
  return fmt::format("http://{}:{}", impl_->Options().host, impl_->Port());
}

ObjectStore& KubeStandIn::Objects() {
  return impl_->Objects();
}

FaultPlan& KubeStandIn::Faults() {
  return impl_->Faults();
}

void KubeStandIn::EndWatches() {
  impl_->EndWatches();
}

StandInStatistics KubeStandIn::Statistics() const {
  return impl_->Statistics();
}

}  // namespace network_mapper::stand_in
