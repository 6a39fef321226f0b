#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/mapper/ingest/pipeline_fixture.h"

namespace network_mapper {
namespace {

using PipelineConcurrency = PipelineFixture;

TEST_F(PipelineConcurrency, ManyInstancesWithResendsCountEachBatchOnce) {
  constexpr int kInstances = 4;
  constexpr int kBatches = 50;
  options_.queue_observations = 40;
  options_.low_water_observations = 10;
  Start();
  std::vector<std::jthread> senders;
  for (int i = 0; i < kInstances; ++i) {
    senders.emplace_back([this, i] {
      const std::string instance = "instance-" + std::to_string(i);
      for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
        for (int attempt = 0; attempt < 2; ++attempt) {
          Tally resumed;
          const bool more = pipeline_->Submit(Batch(instance, sequence, "10.0.0.2", 3),
                                              applied_.Callback(), resumed.Callback());
          if (!more) {
            EXPECT_TRUE(resumed.WaitFor(1));
          }
        }
      }
    });
  }
  std::jthread reader([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      CountOf("db");
      pipeline_->HasRoom();
      pipeline_->Collectors();
      pipeline_->AppliedSequence("instance-0");
    }
  });
  senders.clear();
  ASSERT_TRUE(applied_.WaitFor(2 * kInstances * kBatches));
  reader = {};
  pipeline_->Stop();
  EXPECT_EQ(CountOf("db"), uint64_t{3} * kInstances * kBatches);
}

}  // namespace
}  // namespace network_mapper
