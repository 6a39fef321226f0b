#include "tests/support/kube_stand_in/watch_stream.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace network_mapper::stand_in {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view kNames[] = {"ADDED", "MODIFIED", "DELETED"};

}  // namespace

std::string StatusBody(int code, std::string_view reason, std::string_view message) {
  return nlohmann::json{
      {"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", nlohmann::json::object()},
      {"status", "Failure"}, {"message", message}, {"reason", reason},
      {"code", code}}
      .dump();
}

std::string ErrorFrame(int code, std::string_view reason, std::string_view message) {
  return fmt::format("{{\"type\":\"ERROR\",\"object\":{}}}\n", StatusBody(code, reason, message));
}

WatchStream::WatchStream(const ObjectStore& store, WatchRequest request)
    : store_(store),
      request_(std::move(request)),
      version_(request_.resource_version.value_or(0)),
      initial_pending_(!request_.resource_version || request_.send_initial_events),
      deadline_(steady_clock::now() + request_.timeout),
      next_bookmark_(steady_clock::now() + request_.bookmark_interval) {}

bool WatchStream::Matches(const StoredObject& object) const {
  return (request_.name_space.empty() || object.name_space == request_.name_space) &&
         request_.labels.Matches(object.labels) && request_.fields.Matches(object.fields);
}

void WatchStream::AppendFrame(std::string_view type, const StoredObject& object,
                              std::string& out) const {
  out += R"({"type":")";
  out += type;
  out += R"(","object":)";
  if (request_.metadata_only) {
    AppendMetadataOnly(object, out);
  } else {
    AppendObject(request_.type, object, out);
  }
  out += "}\n";
}

// An object that begins to match a selector comes as ADDED, one that ceases to as DELETED.
void WatchStream::AppendChange(const Change& change, std::string& out) const {
  const bool before = change.previous && Matches(*change.previous);
  const bool after = change.type != ChangeType::kDeleted && Matches(*change.object);
  if (after) {
    AppendFrame(kNames[before ? 1 : 0], *change.object, out);
  } else if (before) {
    AppendFrame(kNames[2], *change.object, out);
  }
}

void WatchStream::AppendBookmark(bool initial_events_end, std::string& out) {
  out += fmt::format(
      R"({{"type":"BOOKMARK","object":{{"kind":"{}","apiVersion":"{}","metadata":{{"resourceVersion":"{}")",
      request_.metadata_only ? "PartialObjectMetadata" : request_.type.kind,
      request_.metadata_only ? "meta.k8s.io/v1" : request_.type.ApiVersion(), version_);
  if (initial_events_end) {
    out += R"(,"annotations":{"k8s.io/initial-events-end":"true"})";
  }
  out += "}}}\n";
  next_bookmark_ = steady_clock::now() + request_.bookmark_interval;
}

void WatchStream::AppendInitial(std::string& out) {
  const ListSnapshot snapshot = store_.List(request_.type, request_.name_space);
  for (const StoredObjectPtr& object : snapshot.objects) {
    if (Matches(*object)) {
      AppendFrame(kNames[0], *object, out);
    }
  }
  version_ = snapshot.resource_version;
  initial_pending_ = false;
  if (request_.send_initial_events && request_.bookmarks) {
    AppendBookmark(true, out);
  }
}

std::optional<std::string> WatchStream::Next(std::chrono::milliseconds limit) {
  if (ended_) {
    return std::nullopt;
  }
  std::string out;
  if (initial_pending_) {
    AppendInitial(out);
    return out;
  }
  const auto now = steady_clock::now();
  auto until = std::min(deadline_, now + limit);
  if (request_.bookmarks) {
    until = std::min(until, next_bookmark_);
  }
  store_.WaitForChange(request_.type, version_,
                       std::chrono::ceil<std::chrono::milliseconds>(std::max(until, now) - now));
  const auto changes = store_.ChangesAfter(request_.type, version_);
  if (!changes.ok()) {
    ended_ = true;
    return ErrorFrame(410, "Expired", StatusMessage(changes.status()));
  }
  for (const Change& change : *changes) {
    AppendChange(change, out);
    version_ = change.resource_version;
  }
  const bool over = steady_clock::now() >= deadline_;
  if (request_.bookmarks && (over || steady_clock::now() >= next_bookmark_)) {
    AppendBookmark(false, out);
  }
  ended_ = over;
  return out;
}

}  // namespace network_mapper::stand_in
