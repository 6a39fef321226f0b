#include "aws-visibility/app/serving_certificate.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "aws-visibility/ca/authority_store.h"
#include "tests/aws-visibility/ca/verify_chain.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper::aws {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kName = "webhook.otterize-system.svc";
constexpr hours kDay{24};

class ServingCertificateTest : public ::testing::Test {
 protected:
  // PEM of what a client is shown; empty without.
  std::string Shown() const {
    const std::shared_ptr<SSL_CTX> context = tls_.Current();
    return context == nullptr ? "" : *ToPem(SSL_CTX_get0_certificate(context.get()));
  }

  TemporaryDirectory folder_;
  FakeClock clock_;
  TlsServerContext tls_;
};

class CertificateOfOurAuthority : public ServingCertificateTest {
 protected:
  std::string VerifyShown() const { return Verify(Shown(), published_, kName, clock_.Now()); }

  // As Run of the authority does, and then of the certificate.
  void RefreshBoth() {
    ASSERT_THAT(authority_.Refresh(), IsOk());
    ASSERT_THAT(certificate_.Refresh(), IsOk());
  }

  std::string published_;
  CertificateAuthority authority_{{.title = "webhook", .domains = {kName}, .lifetime = kDay * 100},
                                  MakeFileAuthorityStore((folder_.Path() / "ca.json").string()),
                                  [this](const std::string& certificates) {
                                    published_ = certificates;
                                    return OkStatus();
                                  },
                                  clock_};
  ServingCertificate certificate_{authority_, kName, tls_, clock_};
};

TEST_F(CertificateOfOurAuthority, IsThereOnceTheAuthorityIs) {
  EXPECT_THAT(certificate_.Ready(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("no certificate yet")));
  EXPECT_THAT(certificate_.Refresh(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("not read yet")));
  EXPECT_THAT(certificate_.Ready(), StatusIs(StatusCode::kUnavailable, HasSubstr("not read yet")));
  EXPECT_THAT(Shown(), IsEmpty());
  RefreshBoth();
  EXPECT_THAT(certificate_.Ready(), IsOk());
  EXPECT_EQ(VerifyShown(), "ok");
}

TEST_F(CertificateOfOurAuthority, IsMadeAnewAtHalfItsLife) {
  RefreshBoth();
  const std::string first = Shown();
  clock_.Advance(kDay * 3);
  RefreshBoth();
  EXPECT_EQ(Shown(), first);
  clock_.Advance(hours(12));
  RefreshBoth();
  EXPECT_NE(Shown(), first);
  EXPECT_EQ(VerifyShown(), "ok");
}

TEST_F(CertificateOfOurAuthority, IsMadeAnewWhenTheNextAuthoritySigns) {
  // Always good by what is published at that time, through three authorities.
  std::string shown;
  int changes = 0;
  for (int hour = 0; hour < 24 * 200; hour += 12) {
    RefreshBoth();
    ASSERT_EQ(VerifyShown(), "ok") << hour;
    changes += Shown() != shown ? 1 : 0;
    shown = Shown();
    clock_.Advance(hours(12));
  }
  EXPECT_GE(changes, 200 / 4);
}

TEST_F(CertificateOfOurAuthority, ThatHasEndedIsNotReady) {
  RefreshBoth();
  // From now on its authority cannot be looked after, which signs until its own end.
  ASSERT_TRUE(std::filesystem::remove(folder_.Path() / "ca.json"));
  std::filesystem::create_directory(folder_.Path() / "ca.json");
  clock_.Advance(kDay * 99);
  EXPECT_FALSE(authority_.Refresh().ok());
  EXPECT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_THAT(certificate_.Ready(), IsOk());
  EXPECT_EQ(VerifyShown(), "ok");
  clock_.Advance(kDay);
  EXPECT_FALSE(certificate_.Refresh().ok());
  EXPECT_THAT(StatusMessage(certificate_.Ready()),
              AllOf(HasSubstr("certificate has ended"), HasSubstr("authority of file")));
}

class CertificateFromFiles : public ServingCertificateTest {
 protected:
  void Write(const CertifiedKey& key) {
    folder_.WriteFile("tls.crt", key.certificate_pem + issuer_.Pem());
    folder_.WriteFile("tls.key", key.key_pem);
  }

  TestAuthority issuer_;
  ServingCertificate certificate_{(folder_.Path() / "tls.crt").string(),
                                  (folder_.Path() / "tls.key").string(), tls_, Clock::System()};
};

TEST_F(CertificateFromFiles, IsReadWheneverTheyChange) {
  EXPECT_THAT(certificate_.Refresh(), StatusIs(StatusCode::kUnavailable, HasSubstr("tls.crt")));
  EXPECT_THAT(certificate_.Ready(), StatusIs(StatusCode::kUnavailable, HasSubstr("tls.crt")));
  const CertifiedKey first = issuer_.Issue("first", "DNS:first");
  Write(first);
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_THAT(certificate_.Ready(), IsOk());
  EXPECT_EQ(Shown(), first.certificate_pem);
  const std::shared_ptr<SSL_CTX> in_use = tls_.Current();
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_EQ(tls_.Current(), in_use);
  const CertifiedKey second = issuer_.Issue("second", "DNS:second");
  Write(second);
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_EQ(Shown(), second.certificate_pem);
}

TEST_F(CertificateFromFiles, StaysWhileTheyAreNoPair) {
  const CertifiedKey first = issuer_.Issue("first", "DNS:first");
  const CertifiedKey second = issuer_.Issue("second", "DNS:second");
  Write(first);
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  // Who renews them writes one after the other.
  folder_.WriteFile("tls.crt", second.certificate_pem);
  EXPECT_THAT(certificate_.Refresh(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("tls.crt"), HasSubstr("does not belong"))));
  EXPECT_EQ(Shown(), first.certificate_pem);
  EXPECT_THAT(certificate_.Ready(), IsOk());
  folder_.WriteFile("tls.key", "rubbish");
  EXPECT_THAT(certificate_.Refresh(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no private key")));
  folder_.WriteFile("tls.key", second.key_pem);
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_EQ(Shown(), second.certificate_pem);
}

TEST_F(CertificateFromFiles, ThatHasEndedIsNotReady) {
  Write(issuer_.Issue("late", "DNS:late", seconds(-10)));
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_THAT(certificate_.Ready(), StatusIs(StatusCode::kUnavailable, HasSubstr("has ended")));
  Write(issuer_.Issue("fresh", "DNS:fresh"));
  ASSERT_THAT(certificate_.Refresh(), IsOk());
  EXPECT_THAT(certificate_.Ready(), IsOk());
}

}  // namespace
}  // namespace network_mapper::aws
