#include "aws-visibility/ca/published_certificates.h"

#include "aws-visibility/ca/trust_bundle.h"
#include "common/kube/data_object.h"

namespace network_mapper::aws {

Status PublishToConfigMap(kube::Client& client, const std::string& name,
                          const std::string& certificates) {
  const kube::DataName place{
      .kind = kube::DataKind::kConfigMap, .name_space = client.Namespace(), .name = name};
  ASSIGN_OR_RETURN(const kube::DataObject object, kube::ReadData(client, place));
  kube::DataValues values = object.values;
  values.insert_or_assign(kOwnCertificatesKey, certificates);
  if (values == object.values) {
    return OkStatus();
  }
  const Status written = kube::UpdateData(client, place, object, values).status();
  // Another replica was faster, with the same certificates; the next refresh sees whether it was
  // so.
  return written.code() == StatusCode::kAborted ? OkStatus() : written;
}

}  // namespace network_mapper::aws
