#include "mapper/resolve/cluster_name.h"

#include <string>

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

using Kind = ClusterName::Kind;

ClusterName Parse(std::string_view name) {
  return ParseClusterName(name, "cluster.local");
}

TEST(ClusterName, G1HoldsTheDomainAtALabelBoundary) {
  EXPECT_EQ(Parse("api.shop.svc.notcluster.local").kind, Kind::kExternal);
  EXPECT_EQ(Parse("notcluster.local").kind, Kind::kExternal);
  EXPECT_EQ(Parse("example.com").kind, Kind::kExternal);
  EXPECT_EQ(Parse("").kind, Kind::kExternal);
  EXPECT_EQ(Parse("cluster.local.example.com").kind, Kind::kExternal);
}

TEST(ClusterName, SurvivesTheBareClusterDomainThatCrashedTheOriginal) {
  EXPECT_EQ(Parse("cluster.local").kind, Kind::kUnsupported);
  EXPECT_EQ(Parse(".cluster.local").kind, Kind::kUnsupported);
}

TEST(ClusterName, G2TakesServiceAndNamespaceAndIgnoresSrvLabels) {
  const ClusterName plain = Parse("api.shop.svc.cluster.local");
  EXPECT_EQ(plain.kind, Kind::kService);
  EXPECT_EQ(plain.service, "api");
  EXPECT_EQ(plain.name_space, "shop");
  EXPECT_EQ(plain.host, "");
  const ClusterName srv = Parse("_http._tcp.api.shop.svc.cluster.local");
  EXPECT_EQ(srv.kind, Kind::kService);
  EXPECT_EQ(srv.service, "api");
  EXPECT_EQ(srv.host, "");
  EXPECT_EQ(Parse("_tcp.api.shop.svc.cluster.local").host, "");
}

TEST(ClusterName, KeepsTheHostOfAHeadlessServiceAndTheDashedAddress) {
  EXPECT_EQ(Parse("db-0.db.shop.svc.cluster.local").host, "db-0");
  EXPECT_EQ(Parse("10-1-2-3.db.shop.svc.cluster.local").host, "10-1-2-3");
}

TEST(ClusterName, G2ReadsPodNamesOfBothFamilies) {
  const ClusterName v4 = Parse("10-1-2-3.shop.pod.cluster.local");
  EXPECT_EQ(v4.kind, Kind::kPod);
  EXPECT_EQ(v4.address.ToString(), "10.1.2.3");
  const ClusterName v6 = Parse("fd00-10--a1.shop.pod.cluster.local");
  EXPECT_EQ(v6.kind, Kind::kPod);
  EXPECT_EQ(v6.address.ToString(), "fd00:10::a1");
}

TEST(ClusterName, G2RefusesOtherNamesOfTheCluster) {
  for (const char* name :
       {"svc.cluster.local", "shop.svc.cluster.local", "api.shop.cluster.local",
        "node1.cluster.local", "..svc.cluster.local", ".shop.svc.cluster.local",
        "api..svc.cluster.local", "pod.cluster.local", "shop.pod.cluster.local",
        "999-1-2-3.shop.pod.cluster.local", "web.shop.pod.cluster.local", "..cluster.local",
        "0123456789-0123456789-0123456789-0123456789-0123456789.shop.pod.cluster.local"}) {
    EXPECT_EQ(Parse(name).kind, Kind::kUnsupported) << name;
  }
}

TEST(ClusterName, LowersNamesAndTakesTheTrailingDotOff) {
  EXPECT_EQ(LoweredName("Api.SHOP.svc.Cluster.Local.").View(), "api.shop.svc.cluster.local");
  EXPECT_EQ(LoweredName(std::string(255, 'A')).View(), std::string(255, 'a'));
  EXPECT_EQ(LoweredName(std::string(256, 'a')).View(), "");
  EXPECT_EQ(LoweredName("").View(), "");
  EXPECT_EQ(NormalizeClusterDomain(".K8s.Example.Org."), "k8s.example.org");
}

TEST(ClusterName, AnEmptyDomainMakesEveryNameExternal) {
  EXPECT_EQ(ParseClusterName("api.shop.svc", "").kind, Kind::kExternal);
}

}  // namespace
}  // namespace network_mapper
