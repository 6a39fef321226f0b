// The state of the certificate authorities, which a person may have edited, and the certificates
// that a ConfigMap gives. Invariants: what is decoded is the same after one more journey; what
// passes the check of certificates passes it again unchanged.
#include <cstdint>
#include <string_view>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/trust_bundle.h"

namespace {

using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is one
                                 // check

void CheckState(std::string_view text) {
  const auto state = aws::DecodeAuthorities(text);
  if (!state.ok()) {
    return;
  }
  const auto again = aws::DecodeAuthorities(aws::EncodeAuthorities(*state));
  if (!again.ok() || aws::EncodeAuthorities(*again) != aws::EncodeAuthorities(*state)) {
    __builtin_trap();
  }
  auto later = *state;
  const auto updated = aws::BringUpToDate({.title = "t", .domains = {"d"}}, Time(), later);
  if (updated.ok() && !later.empty()) {
    aws::SigningAuthority(later, Time());
  }
}

void CheckCertificates(std::string_view text) {
  const auto checked = aws::CheckOwnCertificates(text);
  if (!checked.ok()) {
    return;
  }
  const auto again = aws::CheckOwnCertificates(*checked);
  if (!again.ok() || *again != *checked) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckState(text);
  CheckCertificates(text);
  return 0;
}
