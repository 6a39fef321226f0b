#include "mapper/ingest/tls_server_credentials.h"

#include <optional>
#include <string>
#include <utility>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "common/concurrency/guarded.h"
#include "common/log/log.h"
#include "common/report/pem_file.h"
#include "common/time/clock.h"

namespace network_mapper {

namespace {

struct PemFiles {
  PemKeyPair own;
  // Empty: clients need no certificate.
  std::string client_authorities;
};

bool Differ(const PemFiles& a, const PemFiles& b) {
  return a.own.certificate_chain != b.own.certificate_chain ||
         a.own.private_key != b.own.private_key || a.client_authorities != b.client_authorities;
}

StatusOr<PemFiles> ReadAll(const ReportServerTls& tls) {
  PemFiles files;
  ASSIGN_OR_RETURN(files.own, ReadPemKeyPair(tls.certificate_file, tls.key_file));
  if (!tls.client_ca_file.empty()) {
    ASSIGN_OR_RETURN(files.client_authorities,
                     ReadPemCertificates(kTlsClientCaFile, tls.client_ca_file));
  }
  return files;
}

// gRPC asks it for certificates at every new connection. (Its own FileWatcherCertificateProvider,
// as of 1.51, ends the process when it finds an empty file, and takes a key that is not the
// certificate's.)
class TlsServerCredentials final : public grpc::ServerCredentials {
 public:
  TlsServerCredentials(ReportServerTls tls, PemFiles files)
      : tls_(std::move(tls)), state_(State{.files = std::move(files), .checked_at = Now()}) {
    auto request = tls_.client_ca_file.empty()
                       ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                       : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, Fetch, this));
  }

  TlsServerCredentials(const TlsServerCredentials&) = delete;
  TlsServerCredentials& operator=(const TlsServerCredentials&) = delete;

  ~TlsServerCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  struct State {
    PemFiles files;
    SteadyTime checked_at;
    // Whether gRPC has them.
    bool handed_over = false;
  };

  static SteadyTime Now() { return std::chrono::steady_clock::now(); }

  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    std::optional<PemFiles> files = static_cast<TlsServerCredentials*>(self)->TakeNew();
    if (!files) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    grpc_ssl_pem_key_cert_pair pair{.private_key = files->own.private_key.c_str(),
                                    .cert_chain = files->own.certificate_chain.c_str()};
    // Without client certificates, authorities have no use, yet gRPC insists on some.
    const std::string& authorities = files->client_authorities.empty()
                                         ? files->own.certificate_chain
                                         : files->client_authorities;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  // What gRPC does not have yet.
  std::optional<PemFiles> TakeNew() {
    return state_.With([this](State& state) -> std::optional<PemFiles> {
      if (Now() - state.checked_at >= tls_.refresh_interval) {
        state.checked_at = Now();
        Refresh(state);
      }
      return std::exchange(state.handed_over, true) ? std::nullopt : std::optional(state.files);
    });
  }

  void Refresh(State& state) const {
    StatusOr<PemFiles> files = ReadAll(tls_);
    if (!files.ok()) {
      LogWarn("TLS files cannot be used; going on with the former ones",
              {{"error", files.status()}});
    } else if (Differ(*files, state.files)) {
      state.files = *std::move(files);
      state.handed_over = false;
      LogInfo("TLS files have changed", {{"certificate", tls_.certificate_file}});
    }
  }

  const ReportServerTls tls_;
  Guarded<State> state_;
  grpc_server_credentials* credentials_;
};

}  // namespace

StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTlsServerCredentials(
    const ReportServerTls& tls) {
  ASSIGN_OR_RETURN(PemFiles files, ReadAll(tls));
  return std::shared_ptr<grpc::ServerCredentials>(
      std::make_shared<TlsServerCredentials>(tls, std::move(files)));
}

}  // namespace network_mapper
