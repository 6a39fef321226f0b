// OpenSSL's objects with owners, and what certificates are made of. Only for .cc files of rooms
// that make or read certificates.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct OpenSslDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(BIO* bio) const { BIO_free_all(bio); }
};

using CertificatePtr = std::unique_ptr<X509, OpenSslDeleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDeleter>;
using BioPtr = std::unique_ptr<BIO, OpenSslDeleter>;

// Internal, with OpenSSL's reason. It never has bytes of a key.
Status OpenSslFailure(std::string_view what);

// ECDSA P-256.
StatusOr<KeyPtr> MakeKey();
StatusOr<std::string> ToPem(X509* certificate);
StatusOr<std::string> ToPem(EVP_PKEY* key);
// Every certificate in `pem`, in order; what stands between them is skipped. Errors: one that is
// broken, or more than `most`.
StatusOr<std::vector<CertificatePtr>> ReadCertificates(std::string_view pem, size_t most);
// Not encrypted. Errors say nothing of the key.
StatusOr<KeyPtr> ReadKey(std::string_view pem);

// Absent times of a certificate are errors.
StatusOr<Time> NotBefore(const X509* certificate);
StatusOr<Time> NotAfter(const X509* certificate);

struct CertificatePlan {
  // Organisation and common name; the latter may be empty.
  std::string organization;
  std::string common_name;
  Time not_before;
  Time not_after;
  // OpenSSL's numbers of extensions and their texts, as x509v3_config(5) has them.
  std::vector<std::pair<int, std::string>> extensions;
};

// Signed by `issuer_key`; `issuer` null: by itself. The serial number is random.
StatusOr<CertificatePtr> MakeCertificate(const CertificatePlan& plan, EVP_PKEY* key, X509* issuer,
                                         EVP_PKEY* issuer_key);

}  // namespace network_mapper::aws
