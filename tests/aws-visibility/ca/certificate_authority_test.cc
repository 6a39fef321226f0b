#include "aws-visibility/ca/certificate_authority.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws-visibility/ca/aws_names.h"
#include "aws-visibility/ca/published_certificates.h"
#include "common/concurrency/guarded.h"
#include "common/kube/data_object.h"
#include "tests/aws-visibility/ca/verify_chain.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {
namespace {

using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr hours kDay{24};

AuthorityPlan Plan() {
  return {.title = "AWS visibility", .domains = AwsDomains(), .lifetime = kDay * 1000};
}

constexpr const char* kSecret = R"({"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":
  {"name":"keys","namespace":"default","labels":{"app":"x"},"annotations":{"helm.sh/resource-policy":"keep"}}})";
constexpr const char* kConfigMap =
    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"certificates","namespace":"default"}})";

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    stand_in::KubeStandInOptions options;
    options.load = [](stand_in::ObjectStore& store) -> Status {
      RETURN_IF_ERROR(store.Apply(kSecret).status());
      return store.Apply(kConfigMap).status();
    };
    auto started = stand_in::KubeStandIn::Start(std::move(options));
    ASSERT_THAT(started, IsOk());
    cluster_ = *std::move(started);
  }

  std::shared_ptr<kube::Client> Client() const {
    return *kube::Client::Create(*kube::ServerUrlAccess(cluster_->Url()));
  }

  std::unique_ptr<CertificateAuthority> Replica() const {
    auto client = Client();
    return std::make_unique<CertificateAuthority>(
        Plan(), MakeSecretAuthorityStore("keys", client),
        [client](const std::string& certificates) {
          return PublishToConfigMap(*client, "certificates", certificates);
        },
        clock_);
  }

  std::string Published() const {
    const auto object = kube::ReadData(
        *Client(),
        {.kind = kube::DataKind::kConfigMap, .name_space = "default", .name = "certificates"});
    const auto found = object->values.find("ca.crt");
    return found == object->values.end() ? "" : found->second;
  }

  std::string StoredSecret() const {
    return kube::ReadData(
               *Client(),
               {.kind = kube::DataKind::kSecret, .name_space = "default", .name = "keys"})
        ->json;
  }

  std::unique_ptr<stand_in::KubeStandIn> cluster_;
  FakeClock clock_;
};

TEST_F(CertificateAuthorityTest, MakesPublishesAndIssues) {
  const auto authority = Replica();
  EXPECT_THAT(authority->Ready(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("Secret default/keys")));
  EXPECT_THAT(authority->Issue("sts.amazonaws.com"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("")));
  ASSERT_THAT(authority->Refresh(), IsOk());
  ASSERT_THAT(authority->Ready(), IsOk());
  EXPECT_EQ(authority->Generation(), 1U);
  const auto leaf = authority->Issue("sts.amazonaws.com");
  ASSERT_THAT(leaf, IsOk());
  EXPECT_EQ(leaf->not_after, clock_.Now() + kDay * 7);
  EXPECT_EQ(Verify(leaf->chain, Published(), "sts.amazonaws.com", clock_.Now()), "ok");
  EXPECT_EQ(Verify(leaf->chain, Published(), "sts.amazonaws.com",
                   clock_.Now() - std::chrono::minutes(50)),
            "ok");
  EXPECT_EQ(Verify(leaf->chain, Published(), "sqs.amazonaws.com", clock_.Now()),
            "hostname mismatch");
  // What others gave the Secret stays.
  EXPECT_THAT(StoredSecret(), HasSubstr("helm.sh/resource-policy"));
  for (const char* name : {"example.com", "Sts.amazonaws.com", "a,DNS:b.amazonaws.com",
                           "amazonaws.com.", "", "*.amazonaws.com", "xamazonaws.com"}) {
    EXPECT_THAT(authority->Issue(name), StatusIs(StatusCode::kInvalidArgument, HasSubstr("")))
        << name;
  }
}

TEST_F(CertificateAuthorityTest, ReplicasThatRaceEndWithOneAuthority) {
  constexpr int kReplicas = 6;
  std::vector<std::unique_ptr<CertificateAuthority>> replicas;
  for (int i = 0; i < kReplicas; ++i) {
    replicas.push_back(Replica());
  }
  {
    std::vector<std::jthread> threads;
    for (auto& replica : replicas) {
      threads.emplace_back([&replica] { EXPECT_THAT(replica->Refresh(), IsOk()); });
    }
  }
  // Whoever was overtaken while publishing puts it right.
  ASSERT_THAT(replicas.front()->Refresh(), IsOk());
  for (const auto& replica : replicas) {
    const auto leaf = replica->Issue("sts.amazonaws.com");
    ASSERT_THAT(leaf, IsOk());
    EXPECT_EQ(Verify(leaf->chain, Published(), "sts.amazonaws.com", clock_.Now()), "ok");
  }
}

TEST_F(CertificateAuthorityTest, TheNextAuthorityTakesOver) {
  const auto first = Replica();
  const auto second = Replica();
  ASSERT_THAT(first->Refresh(), IsOk());
  ASSERT_THAT(second->Refresh(), IsOk());
  const std::string before = Published();
  clock_.Advance(kDay * 650);
  ASSERT_THAT(first->Refresh(), IsOk());
  ASSERT_THAT(second->Refresh(), IsOk());
  const std::string both = Published();
  EXPECT_GT(both.size(), before.size());
  EXPECT_EQ(first->Generation(), 1U);
  EXPECT_EQ(
      Verify(first->Issue("sts.amazonaws.com")->chain, before, "sts.amazonaws.com", clock_.Now()),
      "ok");
  clock_.Advance(kDay * 201);
  ASSERT_THAT(first->Refresh(), IsOk());
  EXPECT_EQ(first->Generation(), 2U);
  const auto leaf = first->Issue("sts.amazonaws.com");
  EXPECT_EQ(Verify(leaf->chain, both, "sts.amazonaws.com", clock_.Now()), "ok");
  EXPECT_NE(Verify(leaf->chain, before, "sts.amazonaws.com", clock_.Now()), "ok");
}

TEST_F(CertificateAuthorityTest, DamageIsLeftAloneAndNamesItsRemedy) {
  const auto running = Replica();
  ASSERT_THAT(running->Refresh(), IsOk());
  const auto client = Client();
  const kube::DataName name{
      .kind = kube::DataKind::kSecret, .name_space = "default", .name = "keys"};
  auto object = kube::ReadData(*client, name);
  const std::string damaged = "{\"version\":1,\"authorities\":[{\"key\":\"-----BEGIN TOPSECRET";
  object->values["authorities.json"] = damaged;
  ASSERT_THAT(kube::UpdateData(*client, name, *object), IsOk());
  const auto starting = Replica();
  for (CertificateAuthority* authority : {running.get(), starting.get()}) {
    EXPECT_THAT(authority->Refresh(),
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr("damaged"), HasSubstr("Secret default/keys"),
                               HasSubstr("kubectl patch secret"), Not(HasSubstr("TOPSECRET")))));
  }
  EXPECT_EQ(kube::ReadData(*client, name)->values.at("authorities.json"), damaged);
  // Who has an authority goes on with it.
  EXPECT_THAT(running->Issue("sts.amazonaws.com"), IsOk());
  EXPECT_THAT(starting->Issue("sts.amazonaws.com"), StatusIs(StatusCode::kDataLoss, HasSubstr("")));
  EXPECT_THAT(running->LastRefresh(), StatusIs(StatusCode::kDataLoss, HasSubstr("")));
}

TEST_F(CertificateAuthorityTest, SaysWhatTheSecretLacks) {
  cluster_->Faults().Add(
      {.kind = stand_in::FaultKind::kForbidden, .path = "/secrets/", .verb = "get"});
  const auto authority = Replica();
  EXPECT_THAT(authority->Refresh(),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("needs the right get")));
  CertificateAuthority lost(Plan(), MakeSecretAuthorityStore("none", Client()), {}, clock_);
  EXPECT_THAT(lost.Refresh(),
              StatusIs(StatusCode::kNotFound, HasSubstr("Secret default/none must exist")));
}

class FileAuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("file-authority-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "ca.json").string();
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<CertificateAuthority> Process() const {
    return std::make_unique<CertificateAuthority>(Plan(), MakeFileAuthorityStore(path_),
                                                  PublishCertificates(), clock_);
  }

  std::filesystem::path folder_;
  std::string path_;
  FakeClock clock_;
};

TEST_F(FileAuthorityTest, ProcessesThatRaceEndWithOneAuthority) {
  std::vector<std::unique_ptr<CertificateAuthority>> processes;
  Guarded<std::set<std::string>> published;
  for (int i = 0; i < 4; ++i) {
    processes.push_back(std::make_unique<CertificateAuthority>(
        Plan(), MakeFileAuthorityStore(path_),
        [&published](const std::string& certificates) {
          published.With([&](auto& set) { set.insert(certificates); });
          return OkStatus();
        },
        clock_));
  }
  {
    std::vector<std::jthread> threads;
    for (auto& process : processes) {
      threads.emplace_back([&process] { EXPECT_THAT(process->Refresh(), IsOk()); });
    }
  }
  EXPECT_EQ(published.With([](const auto& set) { return set.size(); }), 1U);

  struct stat status {};

  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(FileAuthorityTest, RefusesAFileThatOthersCanRead) {
  ASSERT_THAT(Process()->Refresh(), IsOk());
  ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
  EXPECT_THAT(Process()->Refresh(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("chmod 600 " + path_)));
}

TEST_F(FileAuthorityTest, LeavesADamagedFileAlone) {
  std::ofstream(path_) << "no authority";
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  EXPECT_THAT(Process()->Refresh(),
              StatusIs(StatusCode::kDataLoss, AllOf(HasSubstr(path_), HasSubstr("remove"))));
  EXPECT_EQ(std::filesystem::file_size(path_), 12U);
}

}  // namespace
}  // namespace network_mapper::aws
