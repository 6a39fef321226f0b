#include "sniffer/procfs/proc_process.h"

#include <string>

#include <gtest/gtest.h>

namespace network_mapper::sniffer {
namespace {

constexpr const char* kUid = "1d24fefc-036b-4076-958d-366e3da868a1";
constexpr const char* kContainer =
    "aeae7dff14d0c2fa08e37b444df5d748b8e079f675c8bf8c76a040e4168a2347";

struct CgroupCase {
  const char* name;
  std::string file;
  // Null: not a pod's process.
  const char* uid;
};

class CgroupTest : public ::testing::TestWithParam<CgroupCase> {};

TEST_P(CgroupTest, FindsThePod) {
  std::optional<PodUid> uid = PodUidFromCgroup(GetParam().file);
  if (GetParam().uid == nullptr) {
    EXPECT_FALSE(uid) << uid->ToString();
    return;
  }
  ASSERT_TRUE(uid) << GetParam().file;
  EXPECT_EQ(*uid, PodUid::Parse(GetParam().uid));
}

std::string Systemd(const std::string& before, const std::string& leaf) {
  return "0::" + before + "-pod1d24fefc_036b_4076_958d_366e3da868a1.slice/" + leaf + "\n";
}

const std::string kBurstableSlice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable";
const std::string kId = kContainer;
const std::string kPod = std::string("pod") + kUid;

INSTANTIATE_TEST_SUITE_P(
    PodShapes, CgroupTest,
    ::testing::Values(
        CgroupCase{"CgroupfsBurstable", "0::/kubepods/burstable/" + kPod + "/" + kId + "\n", kUid},
        CgroupCase{"CgroupfsBestEffort", "0::/kubepods/besteffort/" + kPod + "/" + kId, kUid},
        CgroupCase{"CgroupfsGuaranteedHasNoQosLevel", "0::/kubepods/" + kPod + "/" + kId, kUid},
        CgroupCase{"CgroupfsCrio", "0::/kubepods/burstable/" + kPod + "/crio-" + kId, kUid},
        CgroupCase{"WithoutContainer", "0::/kubepods/burstable/" + kPod + "\n", kUid},
        CgroupCase{"SystemdContainerd",
                   Systemd(kBurstableSlice, "cri-containerd-" + kId + ".scope"), kUid},
        CgroupCase{"SystemdGuaranteed",
                   Systemd("/kubepods.slice/kubepods", "cri-containerd-" + kId + ".scope"), kUid},
        CgroupCase{"SystemdCrio", Systemd(kBurstableSlice, "crio-" + kId + ".scope"), kUid},
        CgroupCase{"SystemdCrioMonitor", Systemd(kBurstableSlice, "crio-conmon-" + kId + ".scope"),
                   kUid},
        CgroupCase{"SystemdDocker", Systemd(kBurstableSlice, "docker-" + kId + ".scope"), kUid},
        CgroupCase{"CrunAddsAChild", Systemd(kBurstableSlice, "crio-" + kId + ".scope/container"),
                   kUid},
        CgroupCase{"ApplicationMakesChildren",
                   Systemd(kBurstableSlice, "docker-" + kId + ".scope/init.scope/system.slice"),
                   kUid},
        CgroupCase{"DriversThatDisagree",
                   "0::/system.slice/containerd.service/kubepods-besteffort-"
                   "pod1d24fefc_036b_4076_958d_366e3da868a1.slice:cri-containerd:" +
                       kId,
                   kUid},
        CgroupCase{"OtherCgroupNamespaceOfTheReader",
                   Systemd("/../../kubepods-burstable", "cri-containerd-" + kId + ".scope"), kUid},
        CgroupCase{"Kind",
                   Systemd("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                           "kubelet-kubepods-burstable",
                           "cri-containerd-" + kId + ".scope"),
                   kUid},
        CgroupCase{"KindBelowTheNodesContainer",
                   "0::/docker/" + kId + "/kubelet/kubepods/burstable/" + kPod + "/" + kId, kUid},
        CgroupCase{"OwnCgroupRoot", "0::/node2/kubepods/burstable/" + kPod + "/" + kId, kUid},
        CgroupCase{"KubernetesInAPodCountsTheOuterPod",
                   "0::/kubepods/burstable/" + kPod + "/" + kId +
                       "/kubelet/kubepods/pod99999999-0000-0000-0000-000000000000/" + kId,
                   kUid},
        CgroupCase{"Version1EveryController",
                   "11:name=systemd:/kubepods/burstable/" + kPod + "/" + kId +
                       "\n4:memory:/kubepods/burstable/" + kPod + "/" + kId + "\n0::/\n",
                   kUid},
        CgroupCase{"HybridWithAnUnmanagedUnifiedHierarchyFirst",
                   "0::/\n4:memory:/kubepods/" + kPod + "/" + kId, kUid},
        CgroupCase{"AControllerWithoutThePodFirst",
                   "12:rdma:/\n11:cpu,cpuacct:/kubepods/" + kPod + "/" + kId, kUid},
        CgroupCase{"StaticPodHasAHashWithoutDashes",
                   "0::/kubepods/burstable/pod8ff9bf0bf4a9b3f4f5f1bd4e8a4e2b33/" + kId,
                   "8ff9bf0bf4a9b3f4f5f1bd4e8a4e2b33"},
        CgroupCase{"StaticPodSystemd",
                   "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
                   "pod8ff9bf0bf4a9b3f4f5f1bd4e8a4e2b33.slice/cri-containerd-" +
                       kId + ".scope",
                   "8ff9bf0bf4a9b3f4f5f1bd4e8a4e2b33"},
        CgroupCase{"UidOfAnOldCluster",
                   "0::/kubepods/pod74c13223-5a00-11e9-b385-42010a80018d/" + kId,
                   "74c13223-5a00-11e9-b385-42010a80018d"}),
    [](const auto& one) { return std::string(one.param.name); });

INSTANTIATE_TEST_SUITE_P(
    NoPod, CgroupTest,
    ::testing::Values(
        CgroupCase{"Nothing", "", nullptr}, CgroupCase{"Root", "0::/\n", nullptr},
        CgroupCase{"Service", "0::/system.slice/kubelet.service\n", nullptr},
        CgroupCase{"PlainDocker", "0::/system.slice/docker-" + kId + ".scope", nullptr},
        CgroupCase{"OwnPodInAPrivateCgroupNamespace", "0::/../cri-containerd-" + kId + ".scope",
                   nullptr},
        CgroupCase{"Podman", "0::/machine.slice/libpod-" + kId + ".scope", nullptr},
        CgroupCase{"PodmanPod",
                   "0::/machine.slice/machine-libpod_pod_" + kId + ".slice/libpod-" + kId, nullptr},
        CgroupCase{"QosLevelOnly", "0::/kubepods/burstable", nullptr},
        CgroupCase{"UidTooShort", "0::/kubepods/pod1d24fefc-036b-4076-958d-366e3da868a/x", nullptr},
        CgroupCase{"UidTooLong", "0::/kubepods/" + kPod + "0/x", nullptr},
        CgroupCase{"UidWithAnotherLetter", "0::/kubepods/podzd24fefc-036b-4076-958d-366e3da868a1/x",
                   nullptr},
        CgroupCase{"PodInsideAWord", "0::/kubepods/my" + kPod + "/x", nullptr},
        CgroupCase{"NoPath", "0:" + kPod, nullptr}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(StatFile, ReadsTheStart) {
  EXPECT_EQ(StartTicksFromStat("42 (sleep) S 1 42 42 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 0 "
                               "5817 2461696 208 18446744073709551615\n"),
            5817U);
}

TEST(StatFile, IsNotMisledByTheNameOfTheProcess) {
  EXPECT_EQ(StartTicksFromStat("42 (a) S 1 ) R (b)) S 1 42 42 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 "
                               "0 5817 2461696"),
            5817U);
}

TEST(StatFile, RefusesWhatIsCutOrNoNumber) {
  EXPECT_FALSE(StartTicksFromStat(""));
  EXPECT_FALSE(StartTicksFromStat("42 (sleep"));
  EXPECT_FALSE(StartTicksFromStat("42 (sleep) S 1 42 42 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 0"));
  EXPECT_FALSE(StartTicksFromStat("42 (x) S 1 42 42 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 0 1x 2"));
  EXPECT_FALSE(StartTicksFromStat(
      "42 (x) S 1 42 42 0 -1 4194560 90 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999 2"));
}

TEST(LinkTarget, ReadsTheInodeOfItsKindOnly) {
  EXPECT_EQ(InodeFromLinkTarget("socket:[123]", "socket"), 123U);
  EXPECT_EQ(InodeFromLinkTarget("net:[4026531840]", "net"), 4026531840U);
  for (const char* target :
       {"", "socket", "socket:[", "socket:[]", "socket:[1", "socket:123]", "pipe:[123]",
        "socket:[12x]", "/tmp/socket:[123]", "socket:[123] (deleted)"}) {
    EXPECT_FALSE(InodeFromLinkTarget(target, "socket")) << target;
  }
}

TEST(OpenFileFromFdinfo, ReadsMountAndInode) {
  std::optional<OpenFile> file =
      OpenFileFromFdinfo("pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t1868750\nlock:\t1: x\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->mount_id, 10U);
  EXPECT_EQ(file->inode, 1868750U);
}

TEST(OpenFileFromFdinfo, NeedsBothLines) {
  for (const char* text :
       {"", "\n\n", "mnt_id:\t10\n", "ino:\t7", "mnt_id:\t10\nino:\t\n", "mnt_id: 10\nino: 7\n",
        "mnt_id:\t-1\nino:\t7\n", "mnt_id:\t10\nino:\t99999999999999999999999\n"}) {
    EXPECT_FALSE(OpenFileFromFdinfo(text)) << text;
  }
}

}  // namespace
}  // namespace network_mapper::sniffer
