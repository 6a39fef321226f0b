// The values of one ConfigMap or Secret, read and written by name. What else the object has
// (labels, owners, Helm's annotations) stays as it is. Used by programs that share state through
// the cluster.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::kube {

enum class DataKind : uint8_t { kConfigMap, kSecret };

struct DataName {
  DataKind kind = DataKind::kConfigMap;
  std::string name_space;
  std::string name;

  // "Secret shop/keys".
  std::string ToString() const;
  // With and without the name.
  std::string Path() const;
  std::string CollectionPath() const;
};

// By key. Bytes as they are: base64 is undone.
using DataValues = std::map<std::string, std::string>;
using MetadataPairs = std::map<std::string, std::string>;

struct DataObject {
  DataValues values;
  MetadataPairs labels;
  MetadataPairs annotations;
  std::string resource_version;
  // As the server sent it. Of a Secret it holds the values, too: never to be logged.
  std::string json;
};

// Pure. Errors: no ConfigMap or Secret with a resourceVersion; values that are no base64. No error
// has text of a value.
StatusOr<DataObject> ParseDataObject(DataKind kind, std::string_view json);

// Asks for the metadata alone, which ReadData takes as an object without values.
inline constexpr const char* kMetadataOnly =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

// Errors as those of Client, with the name and the right that is missing; Aborted when the object
// has changed since it was read (update, delete) or exists already (create). `options` for each
// request.
StatusOr<DataObject> ReadData(Client& client, const DataName& name, RequestOptions options = {});
// `changed`: what ReadData gave, with other values, labels and annotations. All of them are
// written; the rest stays as it was.
StatusOr<DataObject> UpdateData(Client& client, const DataName& name, const DataObject& changed,
                                RequestOptions options = {});
// Of `object`, values, labels and annotations.
StatusOr<DataObject> CreateData(Client& client, const DataName& name, const DataObject& object,
                                RequestOptions options = {});
// An object that is not there is as good as deleted.
Status DeleteData(Client& client, const DataName& name, const DataObject& last,
                  const RequestOptions& options = {});

}  // namespace network_mapper::kube
