// Keeps the TLS server's certificate current: from our own authority, or from files that somebody
// else renews.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "aws-visibility/ca/certificate_authority.h"
#include "common/concurrency/guarded.h"
#include "common/http/tls_server_context.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class ServingCertificate {
 public:
  // All that is given by reference must outlive this.
  ServingCertificate(CertificateAuthority& authority, std::string server_name,
                     TlsServerContext& tls, const Clock& clock = Clock::System());
  ServingCertificate(std::string certificate_file, std::string key_file, TlsServerContext& tls,
                     const Clock& clock = Clock::System());

  // Once; does nothing when all is current.
  Status Refresh();
  void Run(const std::stop_token& stop);
  // OK while there is a certificate that has not ended; else why there is no other.
  Status Ready() const;

 private:
  Status IssueWhenDue(CertificateAuthority& authority);
  Status ReadWhenChanged();

  CertificateAuthority* const authority_ = nullptr;
  const std::string server_name_;
  const std::string certificate_file_;
  const std::string key_file_;
  TlsServerContext& tls_;
  const Clock& clock_;
  uint64_t generation_ = 0;
  Time renew_at_;
  // Of the files that are in use.
  std::string in_use_;
  Guarded<Status> outcome_{Unavailable("there is no certificate yet")};
};

}  // namespace network_mapper::aws
