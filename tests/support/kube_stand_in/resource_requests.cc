#include "tests/support/kube_stand_in/resource_requests.h"

#include <utility>

#include "tests/support/kube_stand_in/answers.h"
#include "tests/support/kube_stand_in/request_words.h"

namespace network_mapper::stand_in {

namespace {

struct Selectors {
  Selector labels;
  Selector fields;
};

StatusOr<Selectors> SelectorsOf(const httplib::Request& request) {
  Selectors selectors;
  ASSIGN_OR_RETURN(selectors.labels, Selector::Parse(request.get_param_value("labelSelector")));
  ASSIGN_OR_RETURN(selectors.fields, Selector::Parse(request.get_param_value("fieldSelector")));
  return selectors;
}

}  // namespace

void ResourceRequests::Handle(const httplib::Request& request, const RequestPath& path,
                              const std::string& verb, const std::optional<Fault>& fault,
                              httplib::Response& response) {
  const auto type = store_.TypeByPath(path.group, path.version, path.plural);
  const bool known_subresource =
      path.subresource.empty() || path.subresource == "status" || path.subresource == "finalize";
  if (!type || !known_subresource) {
    AnswerError(response, 404, "NotFound", "the server could not find the requested resource");
    return;
  }
  if (verb == "watch") {
    Watch(request, path, *type, fault, response);
  } else if (verb == "list") {
    List(request, path, *type, fault, response);
  } else if (verb == "get") {
    Get(request, path, *type, fault, response);
  } else {
    Write(request, path, *type, verb, response);
  }
}

void ResourceRequests::Get(const httplib::Request& request, const RequestPath& path,
                           const ResourceType& type, const std::optional<Fault>& fault,
                           httplib::Response& response) const {
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

void ResourceRequests::List(const httplib::Request& request, const RequestPath& path,
                            const ResourceType& type, const std::optional<Fault>& fault,
                            httplib::Response& response) {
  ++lists_;
  const auto selectors = SelectorsOf(request);
  if (!selectors.ok()) {
    AnswerError(response, 400, "BadRequest", StatusMessage(selectors.status()));
    return;
  }
  auto body = pages_.Body({.type = type,
                           .name_space = path.name_space,
                           .labels = selectors->labels,
                           .fields = selectors->fields,
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

void ResourceRequests::Watch(const httplib::Request& request, const RequestPath& path,
                             const ResourceType& type, const std::optional<Fault>& fault,
                             httplib::Response& response) {
  const auto selectors = SelectorsOf(request);
  if (!selectors.ok()) {
    AnswerError(response, 400, "BadRequest", StatusMessage(selectors.status()));
    return;
  }
  WatchRequest watch{.type = type,
                     .name_space = path.name_space,
                     .labels = selectors->labels,
                     .fields = selectors->fields,
                     .bookmarks = IsTrue(request, "allowWatchBookmarks"),
                     .send_initial_events = IsTrue(request, "sendInitialEvents"),
                     .metadata_only = WantsMetadataOnly(request),
                     .bookmark_interval = bookmark_interval_};
  watch.resource_version = NumberParameter<uint64_t>(request, "resourceVersion");
  if (watch.resource_version == 0) {
    watch.resource_version.reset();
  }
  if (const auto seconds = NumberParameter<int>(request, "timeoutSeconds")) {
    watch.timeout = std::chrono::seconds(*seconds);
  }
  watches_.Handle(std::move(watch), fault, response);
}

void ResourceRequests::Write(const httplib::Request& request, const RequestPath& path,
                             const ResourceType& type, const std::string& verb,
                             httplib::Response& response) {
  const ObjectKey key{path.name_space, path.name};
  StatusOr<StoredObjectPtr> written = StoredObjectPtr();
  if (verb == "create") {
    written = store_.Create(type, path.name_space, request.body);
  } else if (verb == "update") {
    written = store_.Replace(type, key, request.body);
  } else if (verb == "delete") {
    written = store_.Delete(type, key, request.body);
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

}  // namespace network_mapper::stand_in
