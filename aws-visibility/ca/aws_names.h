// The domains that AWS's endpoints are in, of every partition (botocore's partitions.json): all
// that our authority may speak for.
#pragma once

#include <string>
#include <vector>

namespace network_mapper::aws {

inline const std::vector<std::string>& AwsDomains() {
  static const std::vector<std::string> domains = {
      "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws",
      "api.amazonwebservices.com.cn", "api.amazonwebservices.eu",
      // The partitions iso, iso-b, iso-e and iso-f.
      "c2s.ic.gov", "api.aws.ic.gov", "sc2s.sgov.gov", "api.aws.scloud", "cloud.adc-e.uk",
      "api.cloud-aws.adc-e.uk", "csp.hci.ic.gov", "api.aws.hci.ic.gov"};
  return domains;
}

}  // namespace network_mapper::aws
