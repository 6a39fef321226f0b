#include "istio-watcher/deltas/growth.h"

#include <gtest/gtest.h>

namespace network_mapper::istio {
namespace {

bool WasAnsweredWith(std::string_view code, std::string_view flags, std::string_view grpc = "",
                     Metric metric = Metric::kRequests) {
  Series series;
  series.metric = metric;
  series.response_code = code;
  series.response_flags = flags;
  series.grpc_response_status = grpc;
  return WasAnswered(series);
}

TEST(WasAnswered, ByTheServer) {
  for (const char* code : {"200", "101", "204", "302", "400", "404", "429", "500", "503"}) {
    EXPECT_TRUE(WasAnsweredWith(code, "-")) << code;
  }
  EXPECT_TRUE(WasAnsweredWith("200", "DC"));
  EXPECT_TRUE(WasAnsweredWith("200", "UC"));
  EXPECT_TRUE(WasAnsweredWith("503", "URX"));
  EXPECT_TRUE(WasAnsweredWith("500", "DI"));
  EXPECT_TRUE(WasAnsweredWith("200", "-", "5"));
  EXPECT_TRUE(WasAnsweredWith("200", "-", "0"));
  EXPECT_TRUE(WasAnsweredWith("200", "UC", "0"));
}

TEST(WasAnswered, NotByEnvoyInItsPlace) {
  for (const char* flags : {"UF", "UH", "UO", "UF,URX", "UC", "UT", "LR", "NC", "FI", "-,UF"}) {
    EXPECT_FALSE(WasAnsweredWith("503", flags)) << flags;
  }
  EXPECT_FALSE(WasAnsweredWith("404", "NR"));
  EXPECT_FALSE(WasAnsweredWith("429", "RL"));
  EXPECT_FALSE(WasAnsweredWith("200", "UF", "2"));
}

TEST(WasAnswered, NotWhereNothingCameOrItWasDenied) {
  EXPECT_FALSE(WasAnsweredWith("0", "DC"));
  EXPECT_FALSE(WasAnsweredWith("0", "-"));
  EXPECT_FALSE(WasAnsweredWith("no number", "-"));
  EXPECT_FALSE(WasAnsweredWith("401", "-"));
  EXPECT_FALSE(WasAnsweredWith("403", "-"));
  EXPECT_FALSE(WasAnsweredWith("403", "UAEX"));
  EXPECT_FALSE(WasAnsweredWith("200", "-", "7"));
  EXPECT_FALSE(WasAnsweredWith("200", "-", "14"));
  EXPECT_FALSE(WasAnsweredWith("200", "-", "16"));
}

TEST(WasAnswered, AsFarAsTheMeshSaysIt) {
  EXPECT_TRUE(WasAnsweredWith("", ""));
  EXPECT_TRUE(WasAnsweredWith("", "-"));
  EXPECT_FALSE(WasAnsweredWith("", "UF"));
  EXPECT_TRUE(WasAnsweredWith("503", ""));
}

TEST(WasAnswered, ConnectionsByTheirFlagsOnly) {
  const Metric tcp = Metric::kTcpConnectionsOpened;
  EXPECT_TRUE(WasAnsweredWith("", "-", "", tcp));
  EXPECT_TRUE(WasAnsweredWith("0", "-", "", tcp));
  EXPECT_FALSE(WasAnsweredWith("", "UF", "", tcp));
  EXPECT_FALSE(WasAnsweredWith("", "DENY", "", tcp));
}

}  // namespace
}  // namespace network_mapper::istio
