// Owners of OpenSSL's objects. Include it in this room's .cc files and inner headers only.
#pragma once

#include <memory>
#include <string>
#include <system_error>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace network_mapper::aws {

struct TlsFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }

  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }

  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(BIO* bio) const { BIO_free(bio); }

  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};

template <typename T>
using TlsPtr = std::unique_ptr<T, TlsFree>;

// What OpenSSL says of the last failure on this thread, which it then forgets.
inline std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no cause given" : reason;
}

}  // namespace network_mapper::aws
