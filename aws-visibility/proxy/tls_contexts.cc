#include "aws-visibility/proxy/tls_contexts.h"

#include <openssl/x509v3.h>

namespace network_mapper::aws {

namespace {

// Only called when the server asks for a certificate, which we do not have: the handshake pauses,
// and the connection is spliced.
int NoClientCertificate(SSL*, X509**, EVP_PKEY**) {
  return -1;
}

// Called when a session can be resumed; the session stays OpenSSL's, as 0 says.
int KeepSession(SSL* ssl, SSL_SESSION* session) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr && SSL_session_reused(ssl) == 0) {
    static_cast<UpstreamSessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))
        ->Keep(name, *session);
  }
  return 0;
}

int ChooseProtocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                   const unsigned char*, unsigned int, void*) {
  const auto* protocol = static_cast<const std::string*>(SSL_get_ex_data(ssl, 0));
  if (protocol == nullptr || protocol->empty()) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = reinterpret_cast<const unsigned char*>(protocol->data());
  *size = static_cast<unsigned char>(protocol->size());
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL's macro for it has a cast in C's way.
bool SetServerName(SSL* ssl, std::string name) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

void SetCommon(SSL_CTX* context) {
  // Buffers of 17 KB are held only while a record is under way; what a pod did not renegotiate
  // with the endpoint it does not renegotiate with us.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // One system call a record instead of two.
  SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace

StatusOr<TlsContexts> TlsContexts::Create(const std::string& roots_file, const Clock& clock) {
  TlsContexts contexts;
  contexts.sessions_ = std::make_unique<UpstreamSessions>(clock);
  contexts.upstream_.reset(SSL_CTX_new(TLS_client_method()));
  contexts.client_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const upstream = contexts.upstream_.get();
  SSL_CTX* const client = contexts.client_.get();
  if (upstream == nullptr || client == nullptr) {
    return Internal("TLS: {}", TakeTlsError());
  }
  SetCommon(upstream);
  SetCommon(client);
  SSL_CTX_set_verify(upstream, SSL_VERIFY_PEER, nullptr);
  const bool has_roots = roots_file.empty() ? SSL_CTX_set_default_verify_paths(upstream) == 1
                                            : SSL_CTX_load_verify_locations(
                                                  upstream, roots_file.c_str(), nullptr) == 1;
  if (!has_roots) {
    return InvalidArgument("authorities of endpoints, {}: {}",
                           roots_file.empty() ? "the system's" : roots_file, TakeTlsError());
  }
  SSL_CTX_set_client_cert_cb(upstream, NoClientCertificate);
  SSL_CTX_set_session_cache_mode(upstream, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(upstream, KeepSession);
  SSL_CTX_set_app_data(upstream, contexts.sessions_.get());
  SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(client, ChooseProtocol, nullptr);
  return contexts;
}

TlsPtr<SSL> TlsContexts::ToUpstream(const std::string& server_name,
                                    std::string_view protocols) const {
  TlsPtr<SSL> ssl(SSL_new(upstream_.get()));
  if (ssl == nullptr) {
    return nullptr;
  }
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const TlsPtr<SSL_SESSION> session = sessions_->For(server_name);
  const bool set =
      (session == nullptr || SSL_set_session(ssl.get(), session.get()) == 1) &&
      SSL_set1_host(ssl.get(), server_name.c_str()) == 1 && SetServerName(ssl.get(), server_name) &&
      // Zero is success, of this function alone.
      (protocols.empty() ||
       SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                           static_cast<unsigned int>(protocols.size())) == 0);
  if (!set) {
    return nullptr;
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

TlsPtr<SSL> TlsContexts::ToClient(const Leaf& leaf, const std::string& protocol) const {
  TlsPtr<SSL> ssl(SSL_new(client_.get()));
  if (ssl == nullptr || SSL_use_cert_and_key(ssl.get(), leaf.certificate.get(), leaf.key.get(),
                                             leaf.chain.get(), 1) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_ex_data(ssl.get(), 0, const_cast<std::string*>(&protocol));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace network_mapper::aws
