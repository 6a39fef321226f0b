#include "mapper/app/cluster_domain.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

TEST(ClusterDomain, ComesFromTheSearchList) {
  EXPECT_EQ(FindClusterDomain("nameserver 10.96.0.10\n"
                              "search otterize-system.svc.corp.example svc.corp.example "
                              "corp.example\noptions ndots:5\n"),
            "corp.example");
  EXPECT_EQ(FindClusterDomain("search ns.svc.cluster.local. svc.cluster.local."), "cluster.local");
}

TEST(ClusterDomain, IsTheDefaultOutsideACluster) {
  for (const char* text :
       {"", "search example.com", "nameserver 1.1.1.1", "search", "# search a.svc.b.c",
        "search a.b.svc.c", "search .svc.x", "search a.svc."}) {
    EXPECT_EQ(FindClusterDomain(text), "cluster.local") << text;
  }
}

}  // namespace
}  // namespace network_mapper
