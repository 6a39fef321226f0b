#include "aws-visibility/ca/published_certificates.h"

#include "aws-visibility/ca/trust_bundle.h"
#include "common/kube/data_object.h"

namespace network_mapper::aws {

Status PublishToConfigMap(kube::Client& client, const std::string& name,
                          const std::string& certificates) {
  const kube::DataName place{
      .kind = kube::DataKind::kConfigMap, .name_space = client.Namespace(), .name = name};
  ASSIGN_OR_RETURN(kube::DataObject object, kube::ReadData(client, place));
  std::string& published = object.values[kOwnCertificatesKey];
  if (published == certificates) {
    return OkStatus();
  }
  published = certificates;
  const Status written = kube::UpdateData(client, place, object).status();
  // Another replica was faster, with the same certificates; the next refresh sees whether it was
  // so.
  return written.code() == StatusCode::kAborted ? OkStatus() : written;
}

}  // namespace network_mapper::aws
