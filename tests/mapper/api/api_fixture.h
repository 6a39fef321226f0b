// The API over a real intent store and a sink that records what it is given.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mapper/api/api_handler.h"
#include "tests/mapper/intents/sighting_builder.h"
#include "tests/support/fake_clock.h"

namespace network_mapper {

class RecordingSink final : public BatchSink {
 public:
  bool Submit(ObservationBatch batch, std::function<void()> /*on_applied*/,
              std::function<void()> /*on_resume*/) override {
    batches.push_back(std::move(batch));
    return true;
  }

  uint64_t AppliedSequence(std::string_view /*instance_id*/) const override { return 0; }

  bool HasRoom() const override { return has_room; }

  std::vector<Observation> Observations() const {
    std::vector<Observation> all;
    for (const ObservationBatch& batch : batches) {
      all.insert(all.end(), batch.observations.begin(), batch.observations.end());
    }
    return all;
  }

  std::vector<ObservationBatch> batches;
  bool has_room = true;
};

class ApiTest : public ::testing::Test {
 protected:
  using Json = nlohmann::json;

  static HttpRequest MakeRequest(std::string method, std::string path) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    return request;
  }

  static std::string HeaderOf(const HttpResponse& response, std::string_view name) {
    std::string joined;
    for (const auto& [key, value] : response.headers) {
      if (key == name) {
        joined += (joined.empty() ? "" : ", ") + value;
      }
    }
    return joined;
  }

  HttpResponse PostBody(std::string body, std::string content_type = "application/json") {
    HttpRequest request = MakeRequest("POST", "/query");
    request.headers["content-type"] = std::move(content_type);
    request.body = std::move(body);
    return handler_.Handle(request);
  }

  HttpResponse Post(const std::string& query, const Json& variables = nullptr) {
    Json body = {{"query", query}};
    if (!variables.is_null()) {
      body["variables"] = variables;
    }
    return PostBody(body.dump());
  }

  // The data of an operation that must succeed.
  Json Data(const std::string& query, const Json& variables = nullptr) {
    HttpResponse response = Post(query, variables);
    EXPECT_EQ(response.status, 200) << response.body;
    Json body = Json::parse(response.body);
    EXPECT_FALSE(body.contains("errors")) << response.body;
    return body["data"];
  }

  ApiRoot Root() {
    return {.store = store_,
            .sink = sink_,
            .metrics = metrics_,
            .clock = clock_,
            .completeness = [this] { return JudgeCompleteness(completeness_); }};
  }

  MetricsRegistry registry_;
  IntentStoreMetrics store_metrics_{registry_};
  IntentStore store_{IntentLimits{}, store_metrics_};
  RecordingSink sink_;
  ApiMetrics metrics_{registry_};
  FakeClock clock_;
  // Of a cluster where nothing is yet.
  CompletenessParts completeness_{};
  ApiHandler handler_{Root(), {}};
};

}  // namespace network_mapper
