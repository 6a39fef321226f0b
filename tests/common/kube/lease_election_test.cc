#include "common/kube/lease_election.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/concurrency/stop_wait.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

// A Lease counts whole seconds.
constexpr LeaseTiming kQuick{.duration = 1000ms, .leads = 600ms, .renewal = 150ms, .retry = 100ms};
constexpr const char* kObject = R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
  "metadata":{"namespace":"n","name":"l"},"spec":{"holderIdentity":""}})";

// Who works at the moment, over all candidates of a test.
struct Workplace {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
};

class Candidate {
 public:
  Candidate(const std::string& url, std::string identity, Workplace& workplace) {
    ClusterAccess access;
    access.server = url;
    client_ = *Client::Create(std::move(access));
    election_ = std::make_unique<LeaseElection>(
        LeaseElectionOptions{.name_space = "n",
                             .name = "l",
                             .identity = std::move(identity),
                             .timing = kQuick,
                             .is_fit = [this] { return is_fit_.load(); }},
        LeaseElection::Dependencies{.client = *client_, .metrics = metrics_},
        [&workplace, this](const std::stop_token& stop) {
          workplace.most = std::max<int>(workplace.most, ++workplace.now);
          is_working_ = true;
          WaitUnlessStopped(stop, 1h);
          is_working_ = false;
          --workplace.now;
        });
  }

  LeaseElection& Election() { return *election_; }

  void SetFit(bool fit) { is_fit_ = fit; }

  bool IsWorking() const { return is_working_; }

  bool WaitUntilWorking(bool working, std::chrono::milliseconds limit) const {
    const auto end = steady_clock::now() + limit;
    while (is_working_ != working && steady_clock::now() < end) {
      std::this_thread::sleep_for(2ms);
    }
    return is_working_ == working;
  }

  double Metric(std::string_view name) { return metrics_.AddCounter(name, "").Value(); }

  double Gauge(std::string_view name) { return metrics_.AddGauge(name, "").Value(); }

 private:
  std::unique_ptr<Client> client_;
  MetricsRegistry metrics_;
  std::atomic<bool> is_working_{false};
  std::atomic<bool> is_fit_{true};
  std::unique_ptr<LeaseElection> election_;
};

class LeaseElectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = stand_in::KubeStandIn::Start({});
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
    ASSERT_THAT(server_->Objects().Apply(kObject), IsOk());
  }

  nlohmann::json Spec() const {
    const auto type = server_->Objects().TypeByPath("coordination.k8s.io", "v1", "leases");
    const auto object = server_->Objects().Get(*type, {"n", "l"});
    std::string text;
    stand_in::AppendObject(*type, *object, text);
    return nlohmann::json::parse(text)["spec"];
  }

  std::unique_ptr<stand_in::KubeStandIn> server_;
  Workplace workplace_;
};

TEST_F(LeaseElectionTest, OneLeadsAndHandsOverWhenItEnds) {
  auto first = std::make_unique<Candidate>(server_->Url(), "first", workplace_);
  ASSERT_TRUE(first->WaitUntilWorking(true, 5s));
  EXPECT_TRUE(first->Election().IsLeader());
  EXPECT_EQ(first->Gauge("network_mapper_lease_is_leader"), 1);
  Candidate second(server_->Url(), "second", workplace_);
  // Longer than a Lease lasts.
  std::this_thread::sleep_for(1500ms);
  EXPECT_TRUE(first->IsWorking());
  EXPECT_FALSE(second.Election().IsLeader());
  EXPECT_EQ(second.Election().State().holder, "first");
  EXPECT_EQ(Spec()["holderIdentity"], "first");

  const auto end = steady_clock::now();
  first->Election().Stop();
  EXPECT_FALSE(first->IsWorking());
  EXPECT_FALSE(first->Election().IsLeader());
  ASSERT_TRUE(second.WaitUntilWorking(true, 5s));
  EXPECT_LT(steady_clock::now() - end, kQuick.duration) << "it waited for the end of the Lease";
  first.reset();
  EXPECT_EQ(Spec()["holderIdentity"], "second");
  EXPECT_EQ(Spec()["leaseDurationSeconds"], 1);
  EXPECT_EQ(Spec()["leaseTransitions"], 2);
  EXPECT_EQ(second.Metric("network_mapper_lease_terms_total"), 1);
  EXPECT_EQ(second.Metric("network_mapper_lease_holder_changes_total"), 2);
  EXPECT_EQ(workplace_.most, 1);
}

TEST_F(LeaseElectionTest, ALeaderWithoutTheServerEndsBeforeTheNextOneBegins) {
  CuttingProxy proxy(static_cast<uint16_t>(server_->Port()), [] { return SIZE_MAX; });
  Candidate first("http://127.0.0.1:" + std::to_string(proxy.Port()), "first", workplace_);
  ASSERT_TRUE(first.WaitUntilWorking(true, 5s));
  Candidate second(server_->Url(), "second", workplace_);
  std::this_thread::sleep_for(300ms);
  // Nothing is refused; nothing arrives.
  proxy.Hold(true);
  const auto parted = steady_clock::now();
  ASSERT_TRUE(first.WaitUntilWorking(false, 5s));
  EXPECT_LT(steady_clock::now() - parted, kQuick.duration);
  EXPECT_FALSE(second.IsWorking());
  ASSERT_TRUE(second.WaitUntilWorking(true, 5s));
  EXPECT_EQ(workplace_.most, 1);
  // What was under way arrives late and is refused.
  proxy.Hold(false);
  std::this_thread::sleep_for(1500ms);
  EXPECT_TRUE(second.IsWorking());
  EXPECT_FALSE(first.Election().IsLeader());
  EXPECT_THAT(first.Election().State().last_error, IsOk());
  EXPECT_EQ(first.Election().State().holder, "second");
}

TEST_F(LeaseElectionTest, WhoIsUnfitGivesWay) {
  Candidate first(server_->Url(), "first", workplace_);
  ASSERT_TRUE(first.WaitUntilWorking(true, 5s));
  Candidate second(server_->Url(), "second", workplace_);
  second.SetFit(false);
  first.SetFit(false);
  ASSERT_TRUE(first.WaitUntilWorking(false, 5s));
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(Spec()["holderIdentity"], "");
  EXPECT_FALSE(second.IsWorking());
  EXPECT_FALSE(first.Election().State().another_leads);
  second.SetFit(true);
  ASSERT_TRUE(second.WaitUntilWorking(true, 5s));
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(first.Election().State().another_leads);
  EXPECT_FALSE(second.Election().State().another_leads);
  first.SetFit(true);
  std::this_thread::sleep_for(1500ms);
  EXPECT_TRUE(second.IsWorking());
  EXPECT_EQ(workplace_.most, 1);
}

TEST_F(LeaseElectionTest, MakesTheLeaseAndWaitsOnce) {
  const auto type = server_->Objects().TypeByPath("coordination.k8s.io", "v1", "leases");
  ASSERT_THAT(server_->Objects().Delete(*type, {"n", "l"}), IsOk());
  const auto start = steady_clock::now();
  Candidate candidate(server_->Url(), "only", workplace_);
  ASSERT_TRUE(candidate.WaitUntilWorking(true, 5s));
  EXPECT_GE(steady_clock::now() - start, kQuick.duration);
  EXPECT_EQ(Spec()["leaseTransitions"], 0);

  ASSERT_THAT(server_->Objects().Delete(*type, {"n", "l"}), IsOk());
  ASSERT_TRUE(candidate.WaitUntilWorking(false, 5s));
  ASSERT_TRUE(candidate.WaitUntilWorking(true, 5s));
  EXPECT_EQ(candidate.Metric("network_mapper_lease_terms_total"), 2);
}

TEST_F(LeaseElectionTest, SurvivesWritesOfOthers) {
  Candidate candidate(server_->Url(), "only", workplace_);
  ASSERT_TRUE(candidate.WaitUntilWorking(true, 5s));
  const auto type = server_->Objects().TypeByPath("coordination.k8s.io", "v1", "leases");
  const auto end = steady_clock::now() + 2s;
  for (int i = 0; steady_clock::now() < end; ++i) {
    const std::string patch =
        R"({"metadata":{"annotations":{"a":")" + std::to_string(i) + R"("}}})";
    // Refused when the candidate writes at the same time.
    (void)server_->Objects().Patch(*type, {"n", "l"}, stand_in::PatchFormat::kMergePatch, patch);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_TRUE(candidate.IsWorking());
  EXPECT_EQ(candidate.Metric("network_mapper_lease_terms_total"), 1);
}

TEST_F(LeaseElectionTest, NamesAMissingRight) {
  ASSERT_THAT(server_->Faults().AddJson(R"({"kind":"forbidden","path":"/leases","count":1000000})"),
              IsOk());
  Candidate candidate(server_->Url(), "only", workplace_);
  const auto end = steady_clock::now() + 5s;
  while (candidate.Election().State().last_error.ok() && steady_clock::now() < end) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_THAT(candidate.Election().State().last_error,
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("Lease n/l: grant get, create and update on leases")));
  EXPECT_FALSE(candidate.Election().IsLeader());
  server_->Faults().Clear();
  ASSERT_TRUE(candidate.WaitUntilWorking(true, 5s));
  EXPECT_THAT(candidate.Election().State().last_error, IsOk());
  EXPECT_GT(candidate.Metric("network_mapper_lease_failures_total"), 0);
}

// Candidates come, end and lose the server in any order.
TEST_F(LeaseElectionTest, NeverTwoWork) {
  CuttingProxy proxy(static_cast<uint16_t>(server_->Port()), [] { return SIZE_MAX; });
  const std::string cut_url = "http://127.0.0.1:" + std::to_string(proxy.Port());
  std::vector<std::unique_ptr<Candidate>> candidates(4);
  for (int round = 0; round < 24; ++round) {
    auto& candidate = candidates.at(static_cast<size_t>(round) % candidates.size());
    candidate.reset();
    candidate = std::make_unique<Candidate>(round % 2 == 0 ? cut_url : server_->Url(),
                                            "c" + std::to_string(round), workplace_);
    proxy.Hold(round % 8 >= 5);
    std::this_thread::sleep_for(std::chrono::milliseconds(37 * (round % 7)));
  }
  proxy.Hold(false);
  const auto end = steady_clock::now() + 10s;
  while (workplace_.now == 0 && steady_clock::now() < end) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(workplace_.now, 1);
  EXPECT_EQ(workplace_.most, 1);
}

}  // namespace
}  // namespace network_mapper::kube
