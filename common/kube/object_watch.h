// One list+watch loop over one Kubernetes resource: paginated LIST, WATCH from the list's
// resourceVersion with bookmarks, relist after 410, back-off with jitter after 429, 5xx and broken
// connections, rewatch at the end of a stream. Objects are handed on as raw JSON; what they mean is
// the handler's business.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/kube/client.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper {

// Called from the watch's own thread. A list is delivered as BeginList, one Upsert an object,
// EndList: whatever was known before and was not delivered in between no longer exists. A list that
// fails half-way is followed by another BeginList without EndList: what it delivered is true, what
// it left out means nothing. The same object may come again unchanged. Views are valid during the
// call only.
class ObjectHandler {
 public:
  virtual ~ObjectHandler() = default;
  virtual void BeginList() = 0;
  // The JSON of one object (an item of a list lacks kind and apiVersion).
  virtual void Upsert(std::string_view object_json) = 0;
  virtual void EndList() = 0;
  // The last state of an object that was deleted.
  virtual void Delete(std::string_view object_json) = 0;
};

namespace kube {

struct ObjectWatchOptions {
  // The collection: "/api/v1/pods", "/apis/apps/v1/replicasets", "/api/v1/namespaces/x/pods".
  std::string path{};
  std::string label_selector{};
  // For example "spec.nodeName=node-1".
  std::string field_selector{};
  // Only metadata is delivered, where the server can do that (all since 1.15).
  bool metadata_only = false;
  size_t page_size = 500;
  // A longer watch frame is counted and leads to a new list.
  size_t max_frame_bytes = size_t{16} << 20U;
  // Length of one WATCH: random between once and twice this.
  std::chrono::seconds watch_duration{300};
  // A watch that is silent for so long is begun anew. That is a failure if it has sent a bookmark
  // before, of which a server sends about one a minute: then it is frozen, or gone without a word.
  std::chrono::milliseconds longest_silence{150'000};
  std::chrono::milliseconds first_back_off{800};
  std::chrono::milliseconds longest_back_off{30'000};
};

struct ObjectWatchState {
  // A first list was delivered completely.
  bool synced = false;
  // When the server last sent something: a list, an event, a bookmark.
  std::optional<Time> last_event;
  // Why list or watch fails now, naming verb and path; OK once one works again.
  Status last_error;
  // Since when no watch has worked; absent while one does.
  std::optional<Time> failing_since;
  // Since when the server has agreed to the watch; absent when it failed since.
  std::optional<SteadyTime> open_since;
  // Lists after the first.
  uint64_t relists = 0;
};

// Uniform in [0, 1); called from the watch's thread.
using Random = std::function<double()>;
Random SystemRandom();

class ObjectWatch {
 public:
  // Everything passed by reference must outlive this. Metrics are labelled with the resource's
  // plural.
  struct Dependencies {
    Client& client;
    ObjectHandler& handler;
    MetricsRegistry& metrics;
    const Clock& clock = Clock::System();
    Random random = SystemRandom();
  };

  ObjectWatch(ObjectWatchOptions options, Dependencies dependencies);
  ObjectWatch(const ObjectWatch&) = delete;
  ObjectWatch& operator=(const ObjectWatch&) = delete;
  // Stops.
  ~ObjectWatch();

  // Starts the thread; call once.
  void Start();
  // Ends an open watch or a wait at once and joins. Must not be called from the handler.
  void Stop();

  // Thread-safe.
  ObjectWatchState State() const;
  const ObjectWatchOptions& Options() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace kube
}  // namespace network_mapper
