// Proxy variables of the environment, as many clusters inject them into every pod, must not lead
// the programs' traffic inside the cluster to the proxy.
#include <gtest/gtest.h>

#include "tests/integration/mapper_process.h"

namespace network_mapper {

namespace {

// Nothing listens there: whoever asks the proxy fails.
std::vector<std::string> ProxyVariables() {
  std::vector<std::string> variables;
  for (const char* name : {"http_proxy", "https_proxy", "grpc_proxy", "all_proxy", "HTTP_PROXY",
                           "HTTPS_PROXY", "ALL_PROXY"}) {
    variables.push_back(std::string(name) + "=http://127.0.0.1:1");
  }
  // Would make an exception for the loopback.
  variables.emplace_back("no_proxy=");
  variables.emplace_back("NO_PROXY=");
  return variables;
}

std::string Binary(const char* name) {
  return (BuildDirectory() / "bin" / name).string();
}

// docs/regressions.md P14
TEST(ProxyVariables, DoNotReachTheProgramsInTheCluster) {
  // Ready only once it has listed the API server's objects.
  MapperProcess mapper({}, ProxyVariables());
  ASSERT_TRUE(mapper.Start()) << mapper.Log();

  TemporaryDirectory directory;
  // gRPC looks at the variables only for names. The sniffer ends well once the mapper has
  // acknowledged what the file holds.
  ChildProcess sniffer({Binary("network-mapper-sniffer"),
                        "--read-pcap=" + TestDataPath("pcap/dns_ethernet.pcap").string(),
                        "--mapper-address=localhost:" + std::to_string(mapper.ReportPort()),
                        "--metrics-port=0", "--health-probes-port=0"},
                       directory.Path() / "sniffer.log", ProxyVariables());
  EXPECT_EQ(sniffer.WaitForExit(), 0) << ReadFileOrDie(directory.Path() / "sniffer.log");
  EXPECT_GT(mapper.Metric("network_mapper_report_server_observations_total"), 0);

  ChildProcess list({Binary("network-mapper"), "list", "--mapper-url",
                     "http://localhost:" + std::to_string(mapper.ApiPort())},
                    directory.Path() / "list.log", ProxyVariables());
  EXPECT_EQ(list.WaitForExit(), 0) << ReadFileOrDie(directory.Path() / "list.log");
}

}  // namespace

}  // namespace network_mapper
