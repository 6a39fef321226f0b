#include "aws-visibility/ca/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "aws-visibility/ca/aws_names.h"
#include "aws-visibility/ca/openssl_types.h"
#include "tests/aws-visibility/ca/verify_chain.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {
namespace {

using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr hours kDay{24};

AuthorityPlan Plan(std::chrono::seconds lifetime = kDay * 1000) {
  return {.title = "AWS visibility", .domains = AwsDomains(), .lifetime = lifetime};
}

Time Start() {
  return FakeClock().Now();
}

// A certificate that somebody with the authority's key makes.
std::string Forge(const Authority& authority, const std::string& alternative_name) {
  const auto certificates = ReadCertificates(authority.certificate, 1);
  const auto signing_key = ReadKey(authority.key);
  const auto key = MakeKey();
  CertificatePlan plan;
  plan.organization = "forger";
  plan.not_before = Start();
  plan.not_after = Start() + kDay;
  plan.extensions = {{NID_authority_key_identifier, "keyid"},
                     {NID_subject_alt_name, alternative_name}};
  const auto forged =
      MakeCertificate(plan, key->get(), certificates->front().get(), signing_key->get());
  return *ToPem(forged->get());
}

TEST(AuthorityTest, SpeaksForNamesOfAwsAndNothingElse) {
  const auto authority = MakeAuthority(Plan(), Start());
  ASSERT_THAT(authority, IsOk());
  const auto says = [&](const std::string& alternative_name, const std::string& name) {
    return Verify(Forge(*authority, alternative_name), authority->certificate, name,
                  Start() + hours(1));
  };
  for (const std::string name :
       {"sts.amazonaws.com", "my-bucket.s3.eu-west-1.amazonaws.com",
        "sqs.cn-north-1.amazonaws.com.cn", "lambda.eu-west-1.api.aws",
        "sts.eusc-de-east-1.amazonaws.eu", "ec2.eusc-de-east-1.api.amazonwebservices.eu",
        "sqs.us-iso-east-1.c2s.ic.gov"}) {
    EXPECT_EQ(says("DNS:" + name, name), "ok") << name;
  }
  for (const std::string name : {"example.com", "amazonaws.com.example.com", "notamazonaws.com"}) {
    EXPECT_EQ(says("DNS:" + name, name), "permitted subtree violation") << name;
  }
  EXPECT_EQ(says("DNS:sts.amazonaws.com,DNS:example.com", "sts.amazonaws.com"),
            "permitted subtree violation");
  EXPECT_EQ(says("DNS:sts.amazonaws.com,IP:10.0.0.1", "sts.amazonaws.com"),
            "excluded subtree violation");
  EXPECT_EQ(says("DNS:sts.amazonaws.com,IP:fd00::1", "sts.amazonaws.com"),
            "excluded subtree violation");
}

TEST(AuthorityTest, HasCriticalConstraints) {
  const auto authority = MakeAuthority(Plan(), Start());
  ASSERT_THAT(authority, IsOk());
  const auto certificates = ReadCertificates(authority->certificate, 1);
  X509* certificate = certificates->front().get();
  for (const int id : {NID_basic_constraints, NID_key_usage, NID_name_constraints}) {
    X509_EXTENSION* extension = X509_get_ext(certificate, X509_get_ext_by_NID(certificate, id, -1));
    ASSERT_NE(extension, nullptr) << OBJ_nid2sn(id);
    EXPECT_EQ(X509_EXTENSION_get_critical(extension), 1) << OBJ_nid2sn(id);
  }
  EXPECT_EQ(X509_get_pathlen(certificate), 0);
  EXPECT_EQ(X509_get_key_usage(certificate), static_cast<uint32_t>(KU_KEY_CERT_SIGN));
  EXPECT_EQ(authority->not_before, Start() - kBackdate);
  EXPECT_EQ(authority->not_after, Start() + kDay * 1000);
}

TEST(AuthorityTest, TheNextOneIsPublishedLongBeforeItSigns) {
  const AuthorityPlan plan = Plan();
  Authorities authorities;
  const auto update = [&](int day) {
    return BringUpToDate(plan, Start() + kDay * day, authorities);
  };
  EXPECT_EQ(*update(0), true);
  ASSERT_EQ(authorities.size(), 1U);
  const std::string first = authorities.front().certificate;
  const auto signing = [&](int day) {
    return SigningAuthority(authorities, Start() + kDay * day).certificate;
  };
  EXPECT_EQ(*update(0), false);
  EXPECT_EQ(*update(599), false);
  EXPECT_EQ(*update(600), true);
  ASSERT_EQ(authorities.size(), 2U);
  const std::string second = authorities.back().certificate;
  EXPECT_EQ(signing(600), first);
  EXPECT_EQ(signing(799), first);
  EXPECT_EQ(signing(801), second);
  // Leaves of the first live for 7 days, and it stays for one more.
  EXPECT_EQ(*update(807), false);
  EXPECT_EQ(*update(809), true);
  ASSERT_EQ(authorities.size(), 1U);
  EXPECT_EQ(authorities.front().certificate, second);
  EXPECT_EQ(PublicCertificates(authorities), second);
}

TEST(AuthorityTest, ALateNextOneSignsBeforeTheOldOneEnds) {
  Authorities authorities;
  const AuthorityPlan plan = Plan();
  ASSERT_THAT(BringUpToDate(plan, Start(), authorities), IsOk());
  ASSERT_THAT(BringUpToDate(plan, Start() + kDay * 950, authorities), IsOk());
  ASSERT_EQ(authorities.size(), 2U);
  const auto& newest = authorities.back().certificate;
  EXPECT_NE(SigningAuthority(authorities, Start() + kDay * 998).certificate, newest);
  EXPECT_EQ(SigningAuthority(authorities, Start() + kDay * 999 + hours(1)).certificate, newest);
  // Nobody looked for years.
  ASSERT_THAT(BringUpToDate(plan, Start() + kDay * 5000, authorities), IsOk());
  EXPECT_EQ(authorities.size(), 1U);
}

TEST(AuthorityTest, AShorterLifeMakesNoPile) {
  Authorities authorities;
  ASSERT_THAT(BringUpToDate(Plan(), Start(), authorities), IsOk());
  size_t most = 0;
  for (int hour = 600 * 24; hour < 700 * 24; ++hour) {
    ASSERT_THAT(BringUpToDate(Plan(kDay), Start() + hours(hour), authorities), IsOk());
    most = std::max(most, authorities.size());
  }
  EXPECT_LE(most, 4U);
}

TEST(AuthorityTest, StateSurvivesItsJourney) {
  Authorities authorities;
  ASSERT_THAT(BringUpToDate(Plan(), Start(), authorities), IsOk());
  ASSERT_THAT(BringUpToDate(Plan(), Start() + kDay * 700, authorities), IsOk());
  const auto decoded = DecodeAuthorities(EncodeAuthorities(authorities));
  ASSERT_THAT(decoded, IsOk());
  ASSERT_EQ(decoded->size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*decoded)[i].certificate, authorities[i].certificate);
    EXPECT_EQ((*decoded)[i].key, authorities[i].key);
    EXPECT_EQ((*decoded)[i].not_before, authorities[i].not_before);
    EXPECT_EQ((*decoded)[i].not_after, authorities[i].not_after);
  }
}

TEST(AuthorityTest, DamageIsNamedWithoutTextOfAKey) {
  Authorities one;
  Authorities other;
  ASSERT_THAT(BringUpToDate(Plan(), Start(), one), IsOk());
  ASSERT_THAT(BringUpToDate(Plan(), Start(), other), IsOk());
  const std::string good = EncodeAuthorities(one);
  const std::string secret = one.front().key.substr(60, 20);
  const auto expect_damage = [&](const std::string& text, const std::string& what) {
    EXPECT_THAT(DecodeAuthorities(text),
                StatusIs(StatusCode::kDataLoss, AllOf(HasSubstr(what), Not(HasSubstr(secret)))));
  };
  for (size_t size = 0; size + 2 < good.size(); size += 7) {
    expect_damage(good.substr(0, size), "no JSON object");
  }
  expect_damage(R"({"version":2,"authorities":[]})", "version");
  expect_damage(R"({"version":1,"authorities":[]})", "1 to 8");
  expect_damage(R"({"version":1,"authorities":[3]})",
                "authority 1: certificate and key are missing");
  Authorities mixed = one;
  mixed.front().key = other.front().key;
  expect_damage(EncodeAuthorities(mixed),
                "authority 1: the key does not belong to the certificate");
  mixed = one;
  mixed.front().key[100] = mixed.front().key[100] == 'A' ? 'B' : 'A';
  EXPECT_THAT(DecodeAuthorities(EncodeAuthorities(mixed)),
              StatusIs(StatusCode::kDataLoss, Not(HasSubstr(secret))));
  mixed = one;
  mixed.front().certificate = Forge(one.front(), "DNS:sts.amazonaws.com");
  expect_damage(EncodeAuthorities(mixed), "authority 1");
}

}  // namespace
}  // namespace network_mapper::aws
