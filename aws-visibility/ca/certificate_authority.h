// The authority that all replicas share: reads it from its store, makes it when there is none, has
// the next one ready in time, publishes the certificates, and signs leaves. Used by the proxy, for
// names of AWS, and by the webhook, for its own name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/authority_store.h"
#include "aws-visibility/ca/leaf_issuer.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

// Takes the PEM of all certificates that are to be trusted. Called at every refresh, from one
// thread at a time, so that what somebody else has changed is put right; does nothing when all is
// in place.
using PublishCertificates = std::function<Status(const std::string& certificates)>;

// Thread-safe.
class CertificateAuthority final : public LeafIssuer {
 public:
  static constexpr std::chrono::seconds kRefreshInterval{30};
  static constexpr std::chrono::seconds kRetryInterval{3};

  // Does nothing yet. `publish` may be empty. `clock` must outlive this.
  CertificateAuthority(AuthorityPlan plan, std::unique_ptr<AuthorityStore> store,
                       PublishCertificates publish, const Clock& clock = Clock::System());
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;
  ~CertificateAuthority() override;

  // Looks after the state once. DataLoss: it is damaged; it is left as it is, and the message names
  // the remedy. Whatever fails, an authority that was there goes on signing.
  Status Refresh();
  // Refreshes until stop is requested, and logs what fails.
  void Run(const std::stop_token& stop);

  // OK when there is an authority to sign with; else why not.
  Status Ready() const;
  // How the last Refresh ended; what fails may pass.
  Status LastRefresh() const;
  // When the authority that signs ends; absent without one.
  std::optional<Time> NotAfter() const;

  // Unavailable while there is no authority; InvalidArgument for a name that it may not speak for.
  StatusOr<IssuedCertificate> Issue(std::string_view server_name) override;
  uint64_t Generation() const override;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Whether `name` is a DNS name in lower case within one of `domains`. Pure.
bool IsWithin(std::string_view name, const std::vector<std::string>& domains);

}  // namespace network_mapper::aws
