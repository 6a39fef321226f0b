#include "sniffer/procfs/pod_attribution.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace network_mapper::sniffer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const PodUid kUidA = PodUid::Parse("aaaaaaaa-0000-0000-0000-000000000001").value();
const PodUid kUidB = PodUid::Parse("bbbbbbbb-0000-0000-0000-000000000002").value();
const IpAddress kAddress = IpAddress::Parse("10.88.0.2").value();
const IpAddress kOther = IpAddress::Parse("10.88.0.3").value();

class PodAttributionTest : public ::testing::Test {
 protected:
  // Times are in milliseconds after the start.
  Time At(int offset) const { return start_ + milliseconds(offset); }

  NetworkNamespace Pod(uint64_t inode, std::optional<PodUid> uid, int started) const {
    NetworkNamespace one;
    one.id = {.device = 4, .inode = inode};
    one.pod_uid = uid;
    one.addresses = {kAddress};
    one.earliest_start = At(started);
    return one;
  }

  void Scan(int at, std::vector<NetworkNamespace> namespaces) {
    NamespaceSnapshot snapshot;
    snapshot.taken_at = At(at);
    snapshot.namespaces = std::move(namespaces);
    attribution_.Update(snapshot);
  }

  std::optional<PodUid> Owner(int at) const { return attribution_.OwnerAt(kAddress, At(at)); }

  Time start_ = FakeClock().Now();
  PodAttribution attribution_;
};

TEST_F(PodAttributionTest, KnowsTheOwnerFromItsStartToTheLastScan) {
  Scan(1000, {Pod(7, kUidA, 400)});
  Scan(2000, {Pod(7, kUidA, 400)});
  EXPECT_FALSE(Owner(399));
  EXPECT_EQ(Owner(400), kUidA);
  EXPECT_EQ(Owner(2000), kUidA);
  EXPECT_FALSE(Owner(2001)) << "after the last scan nothing is certain";
  EXPECT_FALSE(attribution_.OwnerAt(kOther, At(1000)));
}

// docs/regressions.md P5
TEST_F(PodAttributionTest, TellsTwoPodsApartThatHadTheAddressWithinASecond) {
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(1250, {Pod(8, kUidB, 1100)});
  EXPECT_EQ(Owner(1000), kUidA);
  EXPECT_EQ(Owner(1099), kUidA);
  EXPECT_EQ(Owner(1100), kUidB);
  EXPECT_EQ(Owner(1250), kUidB);
  EXPECT_TRUE(attribution_.SameOwner(kAddress, At(900), At(1099)));
  EXPECT_TRUE(attribution_.SameOwner(kAddress, At(1100), At(1250)));
  EXPECT_FALSE(attribution_.SameOwner(kAddress, At(1000), At(1200)));
}

TEST_F(PodAttributionTest, DoesNotGiveANewPodTheTimeOfItsPredecessor) {
  // The new pod's process is old, its address is not.
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(1250, {Pod(8, kUidB, 200)});
  EXPECT_EQ(Owner(900), kUidA);
  EXPECT_EQ(Owner(1100), kUidB);
}

TEST_F(PodAttributionTest, SaysNothingAboutAGapThatIsTooLong) {
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(2000, {});
  Scan(9000, {Pod(8, kUidB, 8000)});
  EXPECT_EQ(Owner(1000), kUidA);
  EXPECT_FALSE(Owner(5000));
  EXPECT_EQ(Owner(8000), kUidB);
}

TEST_F(PodAttributionTest, BelievesThatAPodThatIsGoneKeptItsAddressALittleLonger) {
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(1250, {});
  EXPECT_EQ(Owner(1200), kUidA);
  EXPECT_EQ(Owner(3000), kUidA);
  EXPECT_FALSE(Owner(3001));
}

TEST_F(PodAttributionTest, RemembersTheEndForItsTimeOnly) {
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(60'000, {});
  EXPECT_EQ(Owner(900), kUidA);
  Scan(62'000, {});
  EXPECT_FALSE(Owner(900));
}

TEST_F(PodAttributionTest, IsNotCertainWhileTwoNamespacesClaimTheAddress) {
  Scan(1000, {Pod(7, kUidA, 0)});
  Scan(1250, {Pod(7, kUidA, 0), Pod(8, kUidB, 1100)});
  EXPECT_EQ(Owner(999), kUidA);
  EXPECT_FALSE(Owner(1200));
  Scan(1500, {Pod(8, kUidB, 1100)});
  EXPECT_FALSE(Owner(1200));
  EXPECT_EQ(Owner(1400), kUidB);
  EXPECT_FALSE(attribution_.SameOwner(kAddress, At(999), At(1400)));
}

TEST_F(PodAttributionTest, KnowsThatTheOwnerIsNoPod) {
  Scan(1000, {Pod(7, std::nullopt, 0)});
  EXPECT_FALSE(Owner(1000));
  EXPECT_TRUE(attribution_.SameOwner(kAddress, At(500), At(1000)));
}

TEST_F(PodAttributionTest, LearnsThePodOfANamespaceThatHadNone) {
  Scan(1000, {Pod(7, std::nullopt, 900)});
  Scan(1250, {Pod(7, kUidA, 1100)});
  EXPECT_FALSE(Owner(1000));
  EXPECT_EQ(Owner(1200), kUidA);
}

TEST_F(PodAttributionTest, KnowsTheAddressesOfTheHost) {
  NetworkNamespace host = Pod(1, std::nullopt, 0);
  host.is_host = true;
  Scan(1000, {host});
  EXPECT_TRUE(attribution_.IsHostAddress(kAddress));
  EXPECT_FALSE(attribution_.IsHostAddress(kOther));
  Scan(2000, {Pod(7, kUidA, 0)});
  EXPECT_FALSE(attribution_.IsHostAddress(kAddress));
}

}  // namespace
}  // namespace network_mapper::sniffer
