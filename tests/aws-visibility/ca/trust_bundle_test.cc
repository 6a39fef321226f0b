#include "aws-visibility/ca/trust_bundle.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/aws_names.h"
#include "aws-visibility/ca/openssl_types.h"
#include "tests/support/child_process.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {
namespace {

using ::testing::HasSubstr;

std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string PublicRoots() {
  return ReadWholeFile("/etc/ssl/certs/ca-certificates.crt");
}

std::string OwnCertificates() {
  return MakeAuthority({.title = "AWS visibility", .domains = AwsDomains()}, Clock::System().Now())
      ->certificate;
}

TEST(TrustBundleTest, HasThePublicRootsAndOurs) {
  const std::string own = OwnCertificates();
  const auto bundle = MakeTrustBundle(own, PublicRoots());
  ASSERT_THAT(bundle, IsOk());
  EXPECT_EQ(bundle->own, own);
  const size_t roots = ReadCertificates(PublicRoots(), 1000)->size();
  EXPECT_GT(roots, 50U);
  const auto all = ReadCertificates(bundle->bundle, 1000);
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(all->size(), roots + 1);
  EXPECT_EQ(*ToPem(all->back().get()), own);
  // A ConfigMap's values have 1 MiB, the key store as base64.
  EXPECT_LT(bundle->own.size() + bundle->bundle.size() + bundle->trust_store.size() * 4 / 3,
            size_t{700} << 10U);
  EXPECT_EQ(MakeTrustBundle(own, PublicRoots())->trust_store, bundle->trust_store);
}

TEST(TrustBundleTest, TakesNoAuthorityThatMaySpeakForEverything) {
  EXPECT_THAT(MakeTrustBundle("", PublicRoots()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no certificate")));
  EXPECT_THAT(MakeTrustBundle(OwnCertificates(), ""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("public roots")));
  std::string roots = PublicRoots();
  const std::string_view end = "-----END CERTIFICATE-----\n";
  const std::string one = roots.substr(0, roots.find(end) + end.size());
  EXPECT_THAT(CheckOwnCertificates(OwnCertificates() + one),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("name constraints")));
  EXPECT_THAT(
      CheckOwnCertificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("certificate 1")));
}

}  // namespace
}  // namespace network_mapper::aws
