#include "kafka-watcher/log/watched_log.h"

#include <gtest/gtest.h>

namespace network_mapper::kafka {
namespace {

TEST(WatchedLog, HasNoPositionBeforeAnythingWasRead) {
  WatchedLog log({.pod = "broker-0", .name_space = "kafka"});
  EXPECT_FALSE(log.Take().position.has_value());
}

}  // namespace
}  // namespace network_mapper::kafka
