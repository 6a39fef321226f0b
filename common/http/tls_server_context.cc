#include "common/http/tls_server_context.h"

#include <limits>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace network_mapper {

namespace {

using ContextPtr = std::shared_ptr<SSL_CTX>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using PemReader = std::unique_ptr<BIO, decltype(&BIO_free)>;

PemReader ReadPem(std::string_view pem) {
  constexpr size_t kMost = size_t{1} << 20U;
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kMost))), BIO_free};
}

Status UseChain(SSL_CTX* context, std::string_view chain) {
  const PemReader reader = ReadPem(chain);
  const CertificatePtr leaf(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr), X509_free);
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return InvalidArgument("the certificate is no certificate in PEM that can be used");
  }
  while (true) {
    CertificatePtr next(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr), X509_free);
    if (next == nullptr) {
      const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      ERR_clear_error();
      return at_end ? OkStatus() : InvalidArgument("the certificate's chain is no PEM");
    }
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1) {
      return InvalidArgument("the certificate's chain cannot be used");
    }
    static_cast<void>(next.release());
  }
}

Status UseKey(SSL_CTX* context, std::string_view pem) {
  const PemReader reader = ReadPem(pem);
  // An empty password: none is asked for at the terminal.
  char no_password[] = "";
  const PrivateKeyPtr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, nullptr, no_password),
                          EVP_PKEY_free);
  if (key == nullptr) {
    return InvalidArgument("the key is no private key in PEM");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return InvalidArgument("the key does not belong to the certificate");
  }
  return OkStatus();
}

StatusOr<ContextPtr> MakeContext(std::string_view chain, std::string_view key) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return Internal("OpenSSL makes no TLS context");
  }
  // Sessions are not resumed: callers keep their connections, and the certificate changes.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                         SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  RETURN_IF_ERROR(UseChain(context.get(), chain));
  RETURN_IF_ERROR(UseKey(context.get(), key));
  return context;
}

}  // namespace

Status TlsServerContext::SetCertificate(std::string_view chain, std::string_view key) {
  StatusOr<ContextPtr> context = MakeContext(chain, key);
  ERR_clear_error();
  if (!context.ok()) {
    return context.status();
  }
  current_.With([&context](ContextPtr& current) { current = *std::move(context); });
  return OkStatus();
}

std::shared_ptr<SSL_CTX> TlsServerContext::Current() const {
  return current_.With([](const ContextPtr& current) { return current; });
}

}  // namespace network_mapper
