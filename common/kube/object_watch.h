// One list+watch loop over one Kubernetes resource, as client-go's reflector does it: paginated
// LIST, WATCH from the list's resourceVersion with bookmarks, relist after 410, back-off with
// jitter after 429 and 5xx, rewatch at the end of a stream. Objects are handed on as raw JSON; what
// they mean is the handler's business.
#pragma once

#include <string_view>

namespace network_mapper {

// Called from the watch's own thread. A list is delivered as BeginList, one Upsert an object,
// EndList: whatever was known before and was not delivered in between no longer exists. Views are
// valid during the call only.
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

}  // namespace network_mapper
