#include "common/kube/tls_settings.h"

#include <cstdint>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/net/ip_address.h"

namespace network_mapper::kube {

struct TlsCallbacks {
  static int Index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }

  static TlsSettings* Of(const SSL* ssl) {
    return static_cast<TlsSettings*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), Index()));
  }

  // Runs before the ClientHello is built, after cpp-httplib has set the host as SNI.
  static void OnInfo(const SSL* ssl, int where, int /*value*/) {
    if ((where & SSL_CB_HANDSHAKE_START) == 0) {
      return;
    }
    const TlsSettings* settings = Of(ssl);
    const std::string& name = settings->server_name_indication_;
    char* value_or_none = name.empty() ? nullptr : const_cast<char*>(name.c_str());
    SSL_ctrl(const_cast<SSL*>(ssl), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             value_or_none);
  }

  static int OnVerify(int accepted, X509_STORE_CTX* store) {
    if (accepted == 0) {
      const auto* ssl = static_cast<const SSL*>(
          X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
      Of(ssl)->refusal_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    return accepted;
  }

  static int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
    return 0;
  }
};

namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

using BioPtr = std::unique_ptr<BIO, BioDeleter>;
using X509Ptr = std::unique_ptr<X509, X509Deleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

BioPtr OpenText(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

X509Ptr NextCertificate(BIO* bio) {
  X509Ptr certificate(PEM_read_bio_X509(bio, nullptr, &TlsCallbacks::NoPassphrase, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
  }
  return certificate;
}

Status TrustAuthorities(SSL_CTX* context, const std::string& pem) {
  if (pem.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return OkStatus();
  }
  const BioPtr bio = OpenText(pem);
  int count = 0;
  for (X509Ptr certificate = NextCertificate(bio.get()); certificate != nullptr;
       certificate = NextCertificate(bio.get())) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) {
    return InvalidArgument("certificate-authority holds no PEM certificate");
  }
  return OkStatus();
}

Status UseClientCertificate(SSL_CTX* context, const HttpEndpoint& endpoint) {
  if (endpoint.client_certificate.empty()) {
    return OkStatus();
  }
  const BioPtr chain = OpenText(endpoint.client_certificate);
  const X509Ptr leaf = NextCertificate(chain.get());
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return InvalidArgument("client-certificate holds no PEM certificate");
  }
  for (X509Ptr issuer = NextCertificate(chain.get()); issuer != nullptr;
       issuer = NextCertificate(chain.get())) {
    SSL_CTX_add1_chain_cert(context, issuer.get());
  }
  const BioPtr key_text = OpenText(endpoint.client_key);
  const KeyPtr key(
      PEM_read_bio_PrivateKey(key_text.get(), nullptr, &TlsCallbacks::NoPassphrase, nullptr));
  const bool used = key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  ERR_clear_error();
  if (!used) {
    return InvalidArgument(
        "client-key is no unencrypted PEM key that belongs to client-certificate");
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<TlsSettings>> TlsSettings::Apply(const HttpEndpoint& endpoint,
                                                          ssl_ctx_st* context) {
  std::unique_ptr<TlsSettings> settings(new TlsSettings());
  const std::string& name =
      endpoint.tls_server_name.empty() ? endpoint.host : endpoint.tls_server_name;
  const bool is_address = IpAddress::Parse(name).has_value();
  if (!is_address) {
    settings->server_name_indication_ = name;
  }
  SSL_CTX_set_ex_data(context, TlsCallbacks::Index(), settings.get());
  SSL_CTX_set_info_callback(context, &TlsCallbacks::OnInfo);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (endpoint.insecure_skip_tls_verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  } else {
    X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(context);
    const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                               : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
    if (set != 1) {
      return InvalidArgument("cannot verify the server name '{}'", name);
    }
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &TlsCallbacks::OnVerify);
    RETURN_IF_ERROR(TrustAuthorities(context, endpoint.certificate_authority));
  }
  RETURN_IF_ERROR(UseClientCertificate(context, endpoint));
  return settings;
}

}  // namespace network_mapper::kube
