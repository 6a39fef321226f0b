#include "tests/support/kube_stand_in/list_pages.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace network_mapper::stand_in {

namespace {

// Enough for a handful of clients that read several lists at once.
constexpr size_t kSnapshots = 32;

// "<snapshot>:<next item>"
std::optional<std::pair<uint64_t, size_t>> ParseToken(std::string_view token) {
  uint64_t id = 0;
  size_t next = 0;
  const char* end = token.data() + token.size();
  const auto first = std::from_chars(token.data(), end, id);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') {
    return std::nullopt;
  }
  const auto second = std::from_chars(first.ptr + 1, end, next);
  if (second.ec != std::errc() || second.ptr != end) {
    return std::nullopt;
  }
  return std::pair(id, next);
}

}  // namespace

ListSnapshot ListPages::Take(const ListRequest& request) const {
  ListSnapshot snapshot = store_.List(request.type, request.name_space);
  std::erase_if(snapshot.objects, [&](const StoredObjectPtr& object) {
    return !request.labels.Matches(object->labels) || !request.fields.Matches(object->fields);
  });
  return snapshot;
}

std::string ListPages::Remember(const ListSnapshot& snapshot, size_t next,
                                const std::string& token) {
  return state_.With([&](State& state) {
    const auto known = ParseToken(token);
    const uint64_t id = known ? known->first : ++state.last_id;
    if (!known) {
      state.snapshots.push_back({id, snapshot});
      if (state.snapshots.size() > kSnapshots) {
        state.snapshots.pop_front();
      }
    }
    return fmt::format("{}:{}", id, next);
  });
}

StatusOr<std::string> ListPages::Body(const ListRequest& request) {
  ListSnapshot snapshot;
  size_t first = 0;
  if (request.continue_token.empty()) {
    snapshot = Take(request);
  } else {
    const auto token = ParseToken(request.continue_token);
    const bool found = token && state_.With([&](State& state) {
      for (const Snapshot& candidate : state.snapshots) {
        if (candidate.id == token->first) {
          snapshot = candidate.list;
          return true;
        }
      }
      return false;
    });
    if (!found) {
      return MakeStatus(StatusCode::kOutOfRange,
                        "The provided continue parameter is too old to display a consistent list "
                        "result.");
    }
    first = std::min(token->second, snapshot.objects.size());
  }
  const size_t total = snapshot.objects.size();
  const size_t last = request.limit == 0 ? total : std::min(total, first + request.limit);
  size_t bytes = 512;
  for (size_t i = first; i < last; ++i) {
    bytes += snapshot.objects[i]->metadata.size() + snapshot.objects[i]->rest.size() + 160;
  }
  std::string body;
  body.reserve(bytes);
  body +=
      fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{{"resourceVersion":"{}")",
                  request.metadata_only ? "PartialObjectMetadataList" : request.type.kind + "List",
                  request.metadata_only ? "meta.k8s.io/v1" : request.type.ApiVersion(),
                  snapshot.resource_version);
  if (last < total) {
    body += fmt::format(R"(,"continue":"{}","remainingItemCount":{})",
                        Remember(snapshot, last, request.continue_token), total - last);
  }
  body += R"(},"items":[)";
  for (size_t i = first; i < last; ++i) {
    if (i != first) {
      body += ',';
    }
    if (request.metadata_only) {
      AppendMetadataOnly(*snapshot.objects[i], body);
    } else {
      AppendListItem(request.type, *snapshot.objects[i], body);
    }
  }
  body += "]}";
  return body;
}

}  // namespace network_mapper::stand_in
