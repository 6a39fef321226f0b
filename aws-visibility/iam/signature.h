// Who signed a request, for which service and region: SigV4 in a header or in the query, SigV4a,
// and the old SigV2.
#pragma once

#include <string>
#include <string_view>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

struct Signature {
  // Access key id; empty when the request is not signed, or by a token only.
  std::string key_id;
  // Empty when the signature does not say.
  std::string region;
  // In lower case.
  std::string service;
};

Signature ReadSignature(std::span<const Header> headers, std::string_view query);

// The account that the id of a newer access key tells; empty when it tells none.
std::string AccountOfKeyId(std::string_view key_id);

}  // namespace network_mapper::aws
