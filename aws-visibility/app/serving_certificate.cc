#include "aws-visibility/app/serving_certificate.h"

#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "aws-visibility/ca/openssl_types.h"
#include "common/concurrency/stop_wait.h"
#include "common/log/log.h"
#include "common/time/time_text.h"

namespace network_mapper::aws {

namespace {

constexpr std::chrono::seconds kLookAgain{2};
constexpr std::streamsize kMostPemBytes = 1 << 20;

StatusOr<std::string> ReadPemFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<size_t>(kMostPemBytes), '\0');
  file.read(text.data(), kMostPemBytes);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.empty()) {
    return Unavailable("{} cannot be read or is empty", path);
  }
  return text;
}

}  // namespace

ServingCertificate::ServingCertificate(CertificateAuthority& authority, std::string server_name,
                                       TlsServerContext& tls, const Clock& clock)
    : authority_(&authority), server_name_(std::move(server_name)), tls_(tls), clock_(clock) {}

ServingCertificate::ServingCertificate(std::string certificate_file, std::string key_file,
                                       TlsServerContext& tls, const Clock& clock)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      tls_(tls),
      clock_(clock) {}

Status ServingCertificate::Refresh() {
  Status outcome = authority_ != nullptr ? IssueWhenDue(*authority_) : ReadWhenChanged();
  outcome_.With([&outcome](Status& last) { last = outcome; });
  return outcome;
}

Status ServingCertificate::IssueWhenDue(CertificateAuthority& authority) {
  const uint64_t generation = authority.Generation();
  const Time now = clock_.Now();
  if (generation == generation_ && now < renew_at_) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const IssuedCertificate issued, authority.Issue(server_name_));
  RETURN_IF_ERROR(tls_.SetCertificate(issued.chain, issued.key));
  generation_ = generation;
  renew_at_ = now + (issued.not_after - now) / 2;
  LogInfo("certificate of this webhook made", {{"name", server_name_}});
  return OkStatus();
}

Status ServingCertificate::ReadWhenChanged() {
  ASSIGN_OR_RETURN(const std::string certificate, ReadPemFile(certificate_file_));
  ASSIGN_OR_RETURN(const std::string key, ReadPemFile(key_file_));
  std::string both = certificate + key;
  if (both == in_use_) {
    return OkStatus();
  }
  RETURN_IF_ERROR(Annotate(tls_.SetCertificate(certificate, key), certificate_file_));
  in_use_ = std::move(both);
  LogInfo("certificate of this webhook read", {{"file", certificate_file_}});
  return OkStatus();
}

void ServingCertificate::Run(const std::stop_token& stop) {
  std::string told;
  while (!stop.stop_requested()) {
    const Status outcome = Refresh();
    std::string problem = outcome.ok() ? std::string() : StatusMessage(outcome);
    if (problem != told && !problem.empty()) {
      LogWarn("certificate of this webhook", {{"error", problem}});
    }
    told = std::move(problem);
    WaitUnlessStopped(stop, kLookAgain);
  }
}

Status ServingCertificate::Ready() const {
  const std::shared_ptr<SSL_CTX> context = tls_.Current();
  Status outcome = outcome_.With([](const Status& last) { return last; });
  if (context == nullptr) {
    return outcome;
  }
  ASSIGN_OR_RETURN(const Time not_after, NotAfter(SSL_CTX_get0_certificate(context.get())));
  if (clock_.Now() < not_after) {
    return OkStatus();
  }
  const std::string ended = fmt::format("the certificate has ended {}", FormatRfc3339(not_after));
  return outcome.ok() ? Unavailable("{}", ended) : Annotate(outcome, ended);
}

}  // namespace network_mapper::aws
