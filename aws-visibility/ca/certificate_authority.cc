#include "aws-visibility/ca/certificate_authority.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <openssl/x509v3.h>

#include "aws-visibility/ca/openssl_types.h"
#include "common/concurrency/guarded.h"
#include "common/concurrency/stop_wait.h"
#include "common/kube/object_name.h"
#include "common/log/log.h"
#include "common/time/time_text.h"

namespace network_mapper::aws {

namespace {

// How often a refresh begins anew because another replica was faster.
constexpr int kMostRaces = 10;

// What signs at the moment.
struct Signer {
  Authority authority;
  CertificatePtr certificate;
  KeyPtr key;
};

StatusOr<std::shared_ptr<const Signer>> MakeSigner(const Authority& authority) {
  auto signer = std::make_shared<Signer>();
  signer->authority = authority;
  ASSIGN_OR_RETURN(std::vector<CertificatePtr> certificates,
                   ReadCertificates(authority.certificate, 1));
  if (certificates.empty()) {
    return Internal("the authority has no certificate");
  }
  signer->certificate = std::move(certificates.front());
  ASSIGN_OR_RETURN(signer->key, ReadKey(authority.key));
  return std::shared_ptr<const Signer>(std::move(signer));
}

}  // namespace

bool IsWithin(std::string_view name, const std::vector<std::string>& domains) {
  return kube::IsSubdomainName(name) &&
         std::any_of(domains.begin(), domains.end(), [name](const std::string& domain) {
           return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                                     name[name.size() - domain.size() - 1] == '.');
         });
}

class CertificateAuthority::Implementation {
 public:
  Implementation(AuthorityPlan plan, std::unique_ptr<AuthorityStore> store,
                 PublishCertificates publish, const Clock& clock)
      : plan_(std::move(plan)),
        store_(std::move(store)),
        publish_(std::move(publish)),
        clock_(clock) {}

  Status Refresh() {
    const std::lock_guard lock(refreshing_);
    Status outcome = RefreshLocked();
    state_.With([&outcome](State& state) { state.last_refresh = outcome; });
    return outcome;
  }

  void Run(const std::stop_token& stop) {
    std::string told;
    while (!stop.stop_requested()) {
      const Status outcome = Refresh();
      std::string problem = outcome.ok() ? std::string() : StatusMessage(outcome);
      if (problem != told && !problem.empty()) {
        LogWarn("certificate authority", {{"place", store_->Place()}, {"error", problem}});
      } else if (problem != told) {
        LogInfo("certificate authority is in order again", {{"place", store_->Place()}});
      }
      told = std::move(problem);
      if (!WaitUnlessStopped(stop, outcome.ok() ? kRefreshInterval : kRetryInterval)) {
        return;
      }
    }
  }

  Status Ready() const {
    return state_.With([this](const State& state) {
      if (state.signer == nullptr) {
        return state.last_refresh.ok() ? Unavailable("{} was not read yet", store_->Place())
                                       : state.last_refresh;
      }
      return state.signer->authority.not_after > clock_.Now()
                 ? OkStatus()
                 : FailedPrecondition("the authority of {} has ended", store_->Place());
    });
  }

  Status LastRefresh() const {
    return state_.With([](const State& state) { return state.last_refresh; });
  }

  std::optional<Time> NotAfter() const {
    return state_.With([](const State& state) {
      return state.signer == nullptr ? std::nullopt
                                     : std::optional<Time>(state.signer->authority.not_after);
    });
  }

  uint64_t Generation() const {
    return state_.With([](const State& state) { return state.generation; });
  }

  StatusOr<IssuedCertificate> Issue(std::string_view server_name) const {
    if (!IsWithin(server_name, plan_.domains)) {
      return InvalidArgument("the authority may not speak for this name");
    }
    RETURN_IF_ERROR(Ready());
    const std::shared_ptr<const Signer> signer =
        state_.With([](const State& state) { return state.signer; });
    const Time now = std::chrono::floor<std::chrono::seconds>(clock_.Now());
    CertificatePlan plan;
    plan.organization = "network-mapper";
    plan.not_before = now - kBackdate;
    plan.not_after = std::min<Time>(now + plan_.leaf_lifetime, signer->authority.not_after);
    plan.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                       {NID_key_usage, "critical,digitalSignature"},
                       {NID_ext_key_usage, "serverAuth"},
                       {NID_authority_key_identifier, "keyid"},
                       {NID_subject_alt_name, fmt::format("DNS:{}", server_name)}};
    ASSIGN_OR_RETURN(const KeyPtr key, MakeKey());
    ASSIGN_OR_RETURN(
        const CertificatePtr certificate,
        MakeCertificate(plan, key.get(), signer->certificate.get(), signer->key.get()));
    IssuedCertificate issued;
    ASSIGN_OR_RETURN(issued.chain, ToPem(certificate.get()));
    ASSIGN_OR_RETURN(issued.key, ToPem(key.get()));
    issued.not_after = plan.not_after;
    return issued;
  }

 private:
  struct State {
    std::shared_ptr<const Signer> signer;
    uint64_t generation = 0;
    Status last_refresh;
  };

  Status RefreshLocked() {
    StatusOr<Authorities> authorities = Agree();
    if (!authorities.ok()) {
      return authorities.status();
    }
    // Published before it is used, where that can be.
    const Status published = publish_ ? publish_(PublicCertificates(*authorities)) : OkStatus();
    RETURN_IF_ERROR(Adopt(SigningAuthority(*authorities, clock_.Now())));
    return Annotate(published, "publish the authority's certificate");
  }

  // What the store has, brought up to date there.
  StatusOr<Authorities> Agree() {
    for (int race = 0; race < kMostRaces; ++race) {
      ASSIGN_OR_RETURN(const std::string text, store_->Load());
      Authorities authorities;
      if (!text.empty()) {
        StatusOr<Authorities> decoded = DecodeAuthorities(text);
        if (!decoded.ok()) {
          return MakeStatus(decoded.status().code(),
                            fmt::format("{}: {}; {}", store_->Place(),
                                        StatusMessage(decoded.status()), store_->Remedy()));
        }
        authorities = *std::move(decoded);
      }
      ASSIGN_OR_RETURN(const bool changed, BringUpToDate(plan_, clock_.Now(), authorities));
      if (!changed) {
        return authorities;
      }
      const Status saved = store_->Save(EncodeAuthorities(authorities));
      if (saved.ok()) {
        LogInfo("certificate authorities changed",
                {{"place", store_->Place()},
                 {"authorities", authorities.size()},
                 {"newest_ends", FormatRfc3339(authorities.back().not_after)}});
        return authorities;
      }
      if (saved.code() != StatusCode::kAborted) {
        return saved;
      }
    }
    return Unavailable("{} is being changed all the time", store_->Place());
  }

  Status Adopt(const Authority& authority) {
    const std::shared_ptr<const Signer> current =
        state_.With([](const State& state) { return state.signer; });
    if (current != nullptr && current->authority.certificate == authority.certificate) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(std::shared_ptr<const Signer> signer, MakeSigner(authority));
    state_.With([&signer](State& state) {
      state.signer = std::move(signer);
      ++state.generation;
    });
    return OkStatus();
  }

  const AuthorityPlan plan_;
  const std::unique_ptr<AuthorityStore> store_;
  const PublishCertificates publish_;
  const Clock& clock_;
  std::mutex refreshing_;
  Guarded<State> state_;
};

CertificateAuthority::CertificateAuthority(AuthorityPlan plan,
                                           std::unique_ptr<AuthorityStore> store,
                                           PublishCertificates publish, const Clock& clock)
    : implementation_(std::make_unique<Implementation>(std::move(plan), std::move(store),
                                                       std::move(publish), clock)) {}

CertificateAuthority::~CertificateAuthority() = default;

Status CertificateAuthority::Refresh() {
  return implementation_->Refresh();
}

void CertificateAuthority::Run(const std::stop_token& stop) {
  implementation_->Run(stop);
}

Status CertificateAuthority::Ready() const {
  return implementation_->Ready();
}

Status CertificateAuthority::LastRefresh() const {
  return implementation_->LastRefresh();
}

std::optional<Time> CertificateAuthority::NotAfter() const {
  return implementation_->NotAfter();
}

StatusOr<IssuedCertificate> CertificateAuthority::Issue(std::string_view server_name) {
  return implementation_->Issue(server_name);
}

uint64_t CertificateAuthority::Generation() const {
  return implementation_->Generation();
}

}  // namespace network_mapper::aws
