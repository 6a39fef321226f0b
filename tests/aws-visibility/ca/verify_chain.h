// What a client's OpenSSL says of a certificate.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "aws-visibility/ca/openssl_types.h"

namespace network_mapper::aws {

// "ok", or OpenSSL's reason why `leaf` is not trusted as `name` at `now` by who trusts `roots`.
inline std::string Verify(std::string_view leaf, std::string_view roots, const std::string& name,
                          Time now) {
  const auto leaves = ReadCertificates(leaf, 1);
  const auto trusted = ReadCertificates(roots, 1000);
  if (!leaves.ok() || !trusted.ok() || leaves->empty()) {
    return "unreadable";
  }
  X509_STORE* store = X509_STORE_new();
  for (const CertificatePtr& root : *trusted) {
    X509_STORE_add_cert(store, root.get());
  }
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaves->front().get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(now));
  X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  const int verified = X509_verify_cert(context);
  std::string outcome =
      verified == 1 ? "ok" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return outcome;
}

}  // namespace network_mapper::aws
