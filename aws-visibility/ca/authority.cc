#include "aws-visibility/ca/authority.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "aws-visibility/ca/openssl_types.h"
#include "common/time/time_text.h"

namespace network_mapper::aws {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr size_t kMostStateBytes = size_t{256} << 10U;
// How long an authority stays published after the last leaf that it signed has ended.
constexpr std::chrono::hours kFarewell{24};

std::chrono::nanoseconds LifeOf(const Authority& authority) {
  return authority.not_after - authority.not_before;
}

// From when on authorities[index] signs.
Time SignsFrom(const Authorities& authorities, size_t index) {
  const Authority& authority = authorities[index];
  if (index == 0) {
    return authority.not_before;
  }
  const Authority& older = authorities[index - 1];
  const std::chrono::nanoseconds margin =
      std::min<std::chrono::nanoseconds>(std::chrono::hours(24), LifeOf(older) / 20);
  return std::min<Time>(authority.not_before + LifeOf(authority) / 5, older.not_after - margin);
}

std::string Constraints(const std::vector<std::string>& domains) {
  // Constraints of one form of name leave the others alone, so addresses are barred by themselves.
  std::string text = "critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::";
  for (const std::string& domain : domains) {
    text += ",permitted;DNS:" + domain;
  }
  return text;
}

Status Damaged(std::string_view what) {
  return MakeStatus(StatusCode::kDataLoss,
                    fmt::format("the state of the authority is damaged: {}", what));
}

// Whether the private part belongs to the public part, which alone is compared with a certificate.
bool IsSound(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_bits(key) != 256) {
    return false;
  }
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
  const bool sound = context != nullptr && EVP_PKEY_check(context) == 1;
  EVP_PKEY_CTX_free(context);
  ERR_clear_error();
  return sound;
}

StatusOr<Authority> Understand(const Json& entry) {
  const auto certificate = entry.find("certificate");
  const auto key = entry.find("key");
  if (!entry.is_object() || certificate == entry.end() || !certificate->is_string() ||
      key == entry.end() || !key->is_string()) {
    return InvalidArgument("certificate and key are missing");
  }
  Authority authority{.certificate = certificate->get<std::string>(),
                      .key = key->get<std::string>(),
                      .not_before = {},
                      .not_after = {}};
  ASSIGN_OR_RETURN(const auto certificates, ReadCertificates(authority.certificate, 1));
  if (certificates.empty()) {
    return InvalidArgument("the certificate is no certificate in PEM");
  }
  X509* parsed = certificates.front().get();
  ASSIGN_OR_RETURN(const KeyPtr parsed_key, ReadKey(authority.key));
  if (X509_check_private_key(parsed, parsed_key.get()) != 1) {
    return InvalidArgument("the key does not belong to the certificate");
  }
  if (!IsSound(parsed_key.get())) {
    return InvalidArgument("the key is no sound key of P-256");
  }
  if (X509_check_ca(parsed) != 1) {
    return InvalidArgument("the certificate is not one of an authority");
  }
  ASSIGN_OR_RETURN(authority.not_before, NotBefore(parsed));
  ASSIGN_OR_RETURN(authority.not_after, NotAfter(parsed));
  if (authority.not_after <= authority.not_before) {
    return InvalidArgument("the certificate ends before it begins");
  }
  // As we write them, without what may stand around them.
  ASSIGN_OR_RETURN(authority.certificate, ToPem(parsed));
  ASSIGN_OR_RETURN(authority.key, ToPem(parsed_key.get()));
  return authority;
}

bool IsOlder(const Authority& one, const Authority& other) {
  return one.not_before < other.not_before;
}

}  // namespace

StatusOr<Authority> MakeAuthority(const AuthorityPlan& plan, Time now) {
  CertificatePlan certificate_plan;
  certificate_plan.organization = "network-mapper";
  // Two authorities must not share a name, or clients take the wrong one.
  certificate_plan.common_name = fmt::format(
      "{} {}", plan.title, FormatRfc3339(std::chrono::floor<std::chrono::seconds>(now)));
  const Time begin = std::chrono::floor<std::chrono::seconds>(now);
  certificate_plan.not_before = begin - kBackdate;
  certificate_plan.not_after = begin + plan.lifetime;
  certificate_plan.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                 {NID_key_usage, "critical,keyCertSign"},
                                 {NID_ext_key_usage, "serverAuth"},
                                 {NID_subject_key_identifier, "hash"},
                                 {NID_name_constraints, Constraints(plan.domains)}};
  ASSIGN_OR_RETURN(const KeyPtr key, MakeKey());
  ASSIGN_OR_RETURN(const CertificatePtr certificate,
                   MakeCertificate(certificate_plan, key.get(), nullptr, key.get()));
  Authority authority{.certificate = {},
                      .key = {},
                      .not_before = certificate_plan.not_before,
                      .not_after = certificate_plan.not_after};
  ASSIGN_OR_RETURN(authority.certificate, ToPem(certificate.get()));
  ASSIGN_OR_RETURN(authority.key, ToPem(key.get()));
  return authority;
}

StatusOr<bool> BringUpToDate(const AuthorityPlan& plan, Time now, Authorities& authorities) {
  const size_t before = authorities.size();
  std::erase_if(authorities,
                [now](const Authority& authority) { return authority.not_after <= now; });
  while (authorities.size() > 1 &&
         now >= SignsFrom(authorities, 1) + plan.leaf_lifetime + kFarewell) {
    authorities.erase(authorities.begin());
  }
  bool changed = authorities.size() != before;
  if (authorities.empty() ||
      now >= authorities.back().not_before + LifeOf(authorities.back()) / 5 * 3) {
    if (authorities.size() == kMostAuthorities) {
      return ResourceExhausted("there are {} authorities already", authorities.size());
    }
    ASSIGN_OR_RETURN(Authority authority, MakeAuthority(plan, now));
    authorities.push_back(std::move(authority));
    changed = true;
  }
  return changed;
}

const Authority& SigningAuthority(const Authorities& authorities, Time now) {
  size_t index = authorities.size() - 1;
  while (index > 0 && now < SignsFrom(authorities, index)) {
    --index;
  }
  return authorities[index];
}

std::string PublicCertificates(const Authorities& authorities) {
  std::string pem;
  for (const Authority& authority : authorities) {
    pem += authority.certificate;
  }
  return pem;
}

std::string EncodeAuthorities(const Authorities& authorities) {
  Json entries = Json::array();
  for (const Authority& authority : authorities) {
    entries.push_back({{"certificate", authority.certificate}, {"key", authority.key}});
  }
  return Json{{"version", kVersion}, {"authorities", std::move(entries)}}.dump(2) + "\n";
}

StatusOr<Authorities> DecodeAuthorities(std::string_view text) {
  if (text.size() > kMostStateBytes) {
    return Damaged("it is too long");
  }
  // The parser's own messages would quote it.
  const Json state = Json::parse(text, nullptr, false);
  const auto version = state.find("version");
  if (!state.is_object() || version == state.end() || !version->is_number_integer()) {
    return Damaged("it is no JSON object with a version");
  }
  if (*version != kVersion) {
    return Damaged("its version is not the one that this program knows");
  }
  const auto entries = state.find("authorities");
  if (entries == state.end() || !entries->is_array() || entries->empty() ||
      entries->size() > kMostAuthorities) {
    return Damaged(fmt::format("it has no list of 1 to {} authorities", kMostAuthorities));
  }
  Authorities authorities;
  for (const Json& entry : *entries) {
    StatusOr<Authority> authority = Understand(entry);
    if (!authority.ok()) {
      return Damaged(fmt::format("authority {}: {}", authorities.size() + 1,
                                 StatusMessage(authority.status())));
    }
    authorities.push_back(*std::move(authority));
  }
  std::stable_sort(authorities.begin(), authorities.end(), IsOlder);
  return authorities;
}

}  // namespace network_mapper::aws
