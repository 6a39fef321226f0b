#include "mapper/app/cluster_wide_collectors.h"

#include <atomic>
#include <chrono>
#include <latch>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/concurrency/stop_wait.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using namespace std::chrono_literals;

TEST(ClusterWideCollectors, RunAtOnceInAMapperThatIsAlone) {
  std::latch begun(2);
  std::atomic<int> ended{0};
  const auto collect = [&](const std::stop_token& stop) {
    begun.count_down();
    WaitUnlessStopped(stop, 1h);
    ++ended;
  };
  ClusterWideCollectors collectors({collect, collect});
  begun.wait();
  EXPECT_THAT(collectors.Health(), IsOk());
  EXPECT_EQ(collectors.Leader(), "this mapper leads");
  EXPECT_EQ(ended, 0);
  collectors.Stop();
  EXPECT_EQ(ended, 2);
}

TEST(ClusterWideCollectors, RunWhereTheLeaderIs) {
  auto server = stand_in::KubeStandIn::Start({});
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT((*server)->Objects().Apply(R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
    "metadata":{"namespace":"n","name":"l"},"spec":{"holderIdentity":"gone","leaseDurationSeconds":1}})"),
              IsOk());
  kube::ClusterAccess access;
  access.server = (*server)->Url();
  const auto client = *kube::Client::Create(std::move(access));
  MetricsRegistry metrics;
  std::latch begun(1);
  ClusterWideCollectors collectors(
      {[&begun](const std::stop_token& stop) {
        begun.count_down();
        WaitUnlessStopped(stop, 1h);
      }},
      {.name_space = "n",
       .name = "l",
       .identity = "me",
       .timing = {.duration = 1s, .leads = 600ms, .renewal = 100ms, .retry = 50ms}},
      {.client = *client, .metrics = metrics});
  begun.wait();
  EXPECT_EQ(collectors.Leader(), "me leads");
  EXPECT_THAT(collectors.Health(), IsOk());
}

TEST(LeaseIdentity, IsOfOneLife) {
  EXPECT_NE(LeaseIdentity(), LeaseIdentity());
  EXPECT_THAT(LeaseIdentity(), testing::MatchesRegex(".+_[0-9a-f]{16}"));
}

}  // namespace
}  // namespace network_mapper
