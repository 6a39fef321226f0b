// A ledger through the report stream: numbered entries, each of which makes an intent of its own,
// whose count says how often it was applied.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/observation/observation.h"
#include "common/report/report_client.h"
#include "tests/integration/eventually.h"
#include "tests/integration/mapper_process.h"

namespace network_mapper {

inline constexpr std::string_view kLedgerArn = "arn:aws:s3:::entry-";

// Fewer than the AWS resources that a client may have on the map.
inline constexpr uint64_t kLedgerEntriesPerClient = 1000;

inline Observation LedgerEntry(uint64_t number) {
  Observation observation;
  observation.collector = Collector::kAws;
  observation.first_seen = Time(std::chrono::seconds(1'700'000'000));
  observation.last_seen = observation.first_seen;
  observation.target =
      AwsTarget{.resource_arn = std::string(kLedgerArn) + std::to_string(number),
                .actions = {"s3:GetObject"},
                .iam_role = {},
                .client_name = "ledger-" + std::to_string(number / kLedgerEntriesPerClient),
                .client_namespace = "shop"};
  return observation;
}

// Reports entries first, first + step, first + 2 * step ... in batches of uneven size until it is
// stopped.
class LedgerLoad {
 public:
  LedgerLoad(ReportClient& client, uint32_t seed, uint64_t first = 0, uint64_t step = 1)
      : worker_([this, &client, seed, first, step](const std::stop_token& stop) {
          std::minstd_rand random(seed);
          std::uniform_int_distribution<int> batch_size(1, 40);
          while (!stop.stop_requested()) {
            std::vector<Observation> entries;
            for (int i = batch_size(random); i > 0; --i) {
              entries.push_back(LedgerEntry(first + step * sent_++));
            }
            client.Report(entries, {});
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}

  // How many entries were reported in all.
  uint64_t Stop() {
    worker_.request_stop();
    worker_.join();
    return sent_;
  }

 private:
  std::atomic<uint64_t> sent_{0};
  std::jthread worker_;
};

// How often each entry is on the map.
inline std::vector<int> LedgerCounts(const MapperProcess& mapper, uint64_t entries) {
  std::vector<int> counts(entries, 0);
  nlohmann::json data = mapper.Query("{intents{server{name} awsActions evidence{count}}}");
  for (const auto& intent : data["intents"]) {
    std::string name = intent["server"]["name"];
    EXPECT_TRUE(name.starts_with(kLedgerArn)) << name;
    for (const auto& evidence : intent["evidence"]) {
      counts.at(std::stoul(name.substr(kLedgerArn.size()))) += evidence["count"].get<int>();
    }
  }
  return counts;
}

inline uint32_t LedgerSeed() {
  const char* text = std::getenv("LEDGER_SEED");
  return text == nullptr ? 20260101U : static_cast<uint32_t>(std::atoi(text));
}

}  // namespace network_mapper
