// The files that a pod is given to trust our authority: of our own certificates alone, with the
// public roots, and the same for a JVM. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper::aws {

inline constexpr const char* kOwnCertificatesKey = "ca.crt";
inline constexpr const char* kBundleKey = "bundle.pem";
inline constexpr const char* kTrustStoreKey = "truststore.jks";

struct TrustBundle {
  // PEM of ours alone.
  std::string own;
  // PEM of the public roots and ours: most clients trust what they are given instead of, not
  // beside, what the system trusts.
  std::string bundle;
  // The same as a Java key store (version 2), password "changeit".
  std::string trust_store;
};

// The certificates in `pem`, as they are to be trusted: at most a few, each of an authority whose
// name constraints are critical, so that whoever can write where they come from cannot make pods
// trust any authority for everything. InvalidArgument otherwise, and for none.
StatusOr<std::string> CheckOwnCertificates(std::string_view pem);

// `own` as above; `public_roots`: PEM, as /etc/ssl/certs/ca-certificates.crt has it. The same input
// makes the same bytes.
StatusOr<TrustBundle> MakeTrustBundle(std::string_view own, std::string_view public_roots);

}  // namespace network_mapper::aws
