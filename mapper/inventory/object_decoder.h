// ObjectDecoder: the JSON of Kubernetes objects, as the watches deliver it, to the records that the
// inventory keeps. Reads only the fields that are needed; whatever else an object holds is skipped.
// Used by InventoryFeed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

struct DecoderOptions {
  // Annotation on a pod that names its workload.
  std::string workload_annotation = "intents.otterize.com/workload-name";
};

// Not thread-safe: it reuses its parser's memory. InvalidArgument when the text is no JSON object
// or lacks a name or UID.
class ObjectDecoder {
 public:
  explicit ObjectDecoder(DecoderOptions options = {});
  ObjectDecoder(const ObjectDecoder&) = delete;
  ObjectDecoder& operator=(const ObjectDecoder&) = delete;
  ~ObjectDecoder();

  StatusOr<PodRecord> DecodePod(std::string_view json);
  StatusOr<ServiceRecord> DecodeService(std::string_view json);
  StatusOr<EndpointSliceRecord> DecodeEndpointSlice(std::string_view json);
  StatusOr<NodeRecord> DecodeNode(std::string_view json);
  // Any object, by its metadata alone.
  StatusOr<OwnerRecord> DecodeOwner(std::string_view json);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
