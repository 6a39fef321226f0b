#include "aws-visibility/webhook/namespace_copies.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <openssl/sha.h>

#include "aws-visibility/webhook/pod_patch.h"
#include "aws-visibility/webhook/pod_spec.h"
#include "common/concurrency/stop_wait.h"
#include "common/kube/base64.h"
#include "common/kube/paths.h"
#include "common/log/log.h"
#include "common/time/time_text.h"

namespace network_mapper::aws {

namespace {

constexpr const char* kOwnerLabel = "app.kubernetes.io/managed-by";
constexpr const char* kOwnerValue = "network-mapper-aws-webhook";
constexpr const char* kDigestAnnotation = "network-mapper.otterize.com/bundle-digest";
constexpr const char* kUnusedAnnotation = "network-mapper.otterize.com/unused-since";
constexpr const char* kMetadataList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr int kMostRaces = 5;
// For so long a copy that was right is not looked at again when a pod is admitted; far less than
// kUnusedFor.
constexpr std::chrono::seconds kConfirmedFor{20};
constexpr size_t kMostConfirmed = 10'000;

std::string DigestOf(const TrustBundle& bundle) {
  const std::string all = bundle.own + bundle.bundle + bundle.trust_store;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
  return kube::EncodeBase64({reinterpret_cast<const char*>(digest), sizeof(digest)});
}

std::string ValueIn(const kube::MetadataPairs& pairs, const char* key) {
  const auto found = pairs.find(key);
  return found == pairs.end() ? std::string() : found->second;
}

bool IsOurs(const kube::DataObject& copy) {
  return ValueIn(copy.labels, kOwnerLabel) == kOwnerValue;
}

kube::RequestOptions RequestWithin(std::chrono::milliseconds limit, const std::stop_token& stop) {
  kube::RequestOptions options;
  options.timeout = limit;
  options.stop = stop;
  return options;
}

// Calls `on_item` with each item's metadata.
Status ForEachMetadata(kube::Client& client, const std::string& path, kube::RequestOptions options,
                       const std::function<void(const Json& item, const Json& metadata)>& on_item) {
  options.accept = kMetadataList;
  std::string next;
  do {
    ASSIGN_OR_RETURN(
        const kube::Response answer,
        client.Get(fmt::format("{}&limit=500{}{}", path,
                               next.empty() ? "" : "&continue=", kube::PercentEncode(next)),
                   options));
    const Json page = Json::parse(answer.body, nullptr, false);
    if (!page.is_object()) {
      return Unavailable("the answer is no list");
    }
    ASSIGN_OR_RETURN(const std::vector<const Json*> items, ObjectsOf(page, "items"));
    for (const Json* item : items) {
      if (const Json* metadata = ObjectOf(*item, "metadata")) {
        on_item(*item, *metadata);
      }
    }
    const Json* metadata = ObjectOf(page, "metadata");
    next = metadata == nullptr ? "" : TextOf(*metadata, "continue");
  } while (!next.empty());
  return OkStatus();
}

}  // namespace

NamespaceCopies::NamespaceCopies(std::string config_map, std::string public_roots,
                                 std::shared_ptr<kube::Client> client, const Clock& clock)
    : config_map_(std::move(config_map)),
      public_roots_(std::move(public_roots)),
      client_(std::move(client)),
      clock_(clock) {}

kube::DataName NamespaceCopies::NameIn(const std::string& name_space) const {
  return {.kind = kube::DataKind::kConfigMap, .name_space = name_space, .name = config_map_};
}

Status NamespaceCopies::RefreshBundle(const std::stop_token& stop) {
  const kube::DataName place = NameIn(client_->Namespace());
  const auto read = [&]() -> StatusOr<TrustBundle> {
    ASSIGN_OR_RETURN(
        const kube::DataObject published,
        kube::ReadData(*client_, place, RequestWithin(std::chrono::seconds(10), stop)));
    const auto own = published.values.find(kOwnCertificatesKey);
    if (own == published.values.end() || own->second.empty()) {
      return Unavailable("{} is empty: the proxy has not published its certificates yet",
                         place.ToString());
    }
    StatusOr<TrustBundle> bundle = MakeTrustBundle(own->second, public_roots_);
    return bundle.ok() ? std::move(bundle) : Annotate(bundle.status(), place.ToString());
  };
  StatusOr<TrustBundle> bundle = read();
  Status outcome = bundle.status();
  state_.With([&](State& state) {
    state.refreshed = outcome;
    if (!bundle.ok()) {
      return;
    }
    std::string digest = DigestOf(*bundle);
    if (digest != state.digest) {
      state.bundle = std::make_shared<const TrustBundle>(*std::move(bundle));
      state.digest = std::move(digest);
      state.confirmed.clear();
    }
  });
  return outcome;
}

StatusOr<NamespaceCopies::Bundle> NamespaceCopies::Current() const {
  return state_.With([](const State& state) -> StatusOr<Bundle> {
    if (state.bundle == nullptr) {
      return state.refreshed;
    }
    return Bundle{state.bundle, state.digest};
  });
}

Status NamespaceCopies::Ready() const {
  return Current().status();
}

kube::DataObject NamespaceCopies::Filled(kube::DataObject object, const Bundle& bundle) const {
  object.values = {{kOwnCertificatesKey, bundle.files->own},
                   {kBundleKey, bundle.files->bundle},
                   {kTrustStoreKey, bundle.files->trust_store}};
  object.labels[kOwnerLabel] = kOwnerValue;
  object.annotations[kDigestAnnotation] = bundle.digest;
  object.annotations.erase(kUnusedAnnotation);
  return object;
}

Status NamespaceCopies::AllowNewCopy() {
  constexpr auto kPace = std::chrono::seconds(60) / kMostNewCopies;
  return state_.With([now = clock_.SteadyNow(), kPace](State& state) -> Status {
    const SteadyTime until = std::max(state.new_copies_until, now) + kPace;
    if (until - now > kMostNewCopies * kPace) {
      return ResourceExhausted(
          "{} namespaces have got certificates in the last minute, and it may "
          "be no more; make the pod anew later",
          kMostNewCopies);
    }
    state.new_copies_until = until;
    return OkStatus();
  });
}

Status NamespaceCopies::PutRight(const std::string& name_space, const Bundle& bundle, bool asked,
                                 const kube::RequestOptions& options) {
  const kube::DataName name = NameIn(name_space);
  kube::RequestOptions metadata_only = options;
  metadata_only.accept = kube::kMetadataOnly;
  const StatusOr<kube::DataObject> copy = kube::ReadData(*client_, name, metadata_only);
  if (copy.status().code() == StatusCode::kNotFound) {
    if (asked) {
      RETURN_IF_ERROR(AllowNewCopy());
    }
    return kube::CreateData(*client_, name, Filled({}, bundle), options).status();
  }
  RETURN_IF_ERROR(copy.status());
  if (!IsOurs(*copy)) {
    return FailedPrecondition("{} is not ours: it has no label {}={}", name.ToString(), kOwnerLabel,
                              kOwnerValue);
  }
  if (ValueIn(copy->annotations, kDigestAnnotation) == bundle.digest &&
      copy->annotations.count(kUnusedAnnotation) == 0) {
    return OkStatus();
  }
  return kube::UpdateData(*client_, name, Filled(*copy, bundle), options).status();
}

Status NamespaceCopies::Ensure(const std::string& name_space, std::chrono::milliseconds limit) {
  ASSIGN_OR_RETURN(const Bundle bundle, Current());
  const SteadyTime begun = clock_.SteadyNow();
  const bool confirmed = state_.With([&](State& state) {
    const auto found = state.confirmed.find(name_space);
    return found != state.confirmed.end() && begun - found->second < kConfirmedFor;
  });
  if (confirmed) {
    return OkStatus();
  }
  Status outcome;
  for (int race = 0; race < kMostRaces; ++race) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(limit - (clock_.SteadyNow() - begun));
    if (left.count() <= 0) {
      return DeadlineExceeded("{} took too long", NameIn(name_space).ToString());
    }
    outcome = PutRight(name_space, bundle, true, RequestWithin(left, {}));
    if (outcome.code() != StatusCode::kAborted) {
      break;
    }
  }
  if (outcome.ok()) {
    state_.With([&](State& state) {
      if (state.digest == bundle.digest && state.confirmed.size() < kMostConfirmed) {
        state.confirmed[name_space] = begun;
      }
    });
  }
  return outcome;
}

StatusOr<std::set<std::string>> NamespaceCopies::NamespacesOfPods(
    const kube::RequestOptions& options) {
  std::set<std::string> names;
  RETURN_IF_ERROR(
      ForEachMetadata(*client_, "/api/v1/pods?labelSelector=" + kube::PercentEncode(kPatchedLabel),
                      options, [&names](const Json& /*item*/, const Json& metadata) {
                        names.emplace(TextOf(metadata, "namespace"));
                      }));
  return names;
}

StatusOr<std::map<std::string, kube::DataObject>> NamespaceCopies::Copies(
    const kube::RequestOptions& options) {
  std::map<std::string, kube::DataObject> copies;
  RETURN_IF_ERROR(ForEachMetadata(
      *client_,
      "/api/v1/configmaps?fieldSelector=" + kube::PercentEncode("metadata.name=" + config_map_),
      options, [&](const Json& item, const Json& metadata) {
        auto copy = kube::ParseDataObject(
            kube::DataKind::kConfigMap, item.dump(-1, ' ', false, Json::error_handler_t::replace));
        std::string name_space(TextOf(metadata, "namespace"));
        if (copy.ok() && IsOurs(*copy) && name_space != client_->Namespace()) {
          copies.emplace(std::move(name_space), *std::move(copy));
        }
      }));
  return copies;
}

Status NamespaceCopies::DropUnused(const std::string& name_space, const kube::DataObject& copy,
                                   const kube::RequestOptions& options) {
  const auto since = ParseRfc3339(ValueIn(copy.annotations, kUnusedAnnotation));
  if (since && clock_.Now() - *since >= kUnusedFor) {
    // Only as it is now: whoever takes the mark off makes this fail.
    RETURN_IF_ERROR(kube::DeleteData(*client_, NameIn(name_space), copy, options));
    LogInfo("certificates taken out of a namespace without patched pods",
            {{"namespace", name_space}});
    return OkStatus();
  }
  if (since) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(kube::DataObject whole, kube::ReadData(*client_, NameIn(name_space), options));
  if (whole.resource_version != copy.resource_version) {
    return OkStatus();
  }
  whole.annotations[kUnusedAnnotation] =
      FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
  return kube::UpdateData(*client_, NameIn(name_space), whole, options).status();
}

Status NamespaceCopies::Tidy(const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const Bundle bundle, Current());
  const kube::RequestOptions options = RequestWithin(std::chrono::seconds(20), stop);
  // Copies first: a pod that comes between the two is in the second.
  ASSIGN_OR_RETURN(const auto copies, Copies(options));
  ASSIGN_OR_RETURN(std::set<std::string> needed, NamespacesOfPods(options));
  needed.erase(client_->Namespace());
  Status first_failure;
  const auto note = [&first_failure](const Status& outcome) {
    // Aborted: somebody else works on it; the next round sees how it ended.
    if (!outcome.ok() && outcome.code() != StatusCode::kAborted && first_failure.ok()) {
      first_failure = outcome;
    }
  };
  for (const std::string& name_space : needed) {
    const auto copy = copies.find(name_space);
    const bool right = copy != copies.end() &&
                       ValueIn(copy->second.annotations, kDigestAnnotation) == bundle.digest &&
                       copy->second.annotations.count(kUnusedAnnotation) == 0;
    if (!right) {
      note(PutRight(name_space, bundle, false, options));
    }
  }
  for (const auto& [name_space, copy] : copies) {
    if (needed.count(name_space) == 0) {
      state_.With([&name_space = name_space](State& state) { state.confirmed.erase(name_space); });
      note(DropUnused(name_space, copy, options));
    }
  }
  return first_failure;
}

void NamespaceCopies::Run(const std::stop_token& stop) {
  std::string told;
  while (!stop.stop_requested()) {
    Status outcome = RefreshBundle(stop);
    if (Ready().ok()) {
      const Status tidied = Tidy(stop);
      outcome = outcome.ok() ? tidied : outcome;
    }
    std::string problem = outcome.ok() ? std::string() : StatusMessage(outcome);
    if (problem != told && !problem.empty() && !stop.stop_requested()) {
      LogWarn("certificates for pods", {{"error", problem}});
    }
    told = std::move(problem);
    WaitUnlessStopped(stop, Ready().ok() ? kTidyInterval : std::chrono::seconds(3));
  }
}

}  // namespace network_mapper::aws
