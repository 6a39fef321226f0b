#include "common/http/diagnostics_server.h"

#include <httplib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::HasSubstr;

HttpRequest Get(std::string path) {
  HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  return request;
}

TEST(Diagnostics, NamesEveryCheckAndWhyItFails) {
  std::vector<HealthCheck> checks = {
      {"inventory", [] { return OkStatus(); }},
      {"sink", [] { return Unavailable("the \"sink\" is full"); }},
  };
  HttpResponse response = RunHealthChecks(checks);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            "{\"status\":\"unavailable\",\"checks\":{\"inventory\":\"ok\","
            "\"sink\":\"the \\\"sink\\\" is full\"}}\n");
  checks.pop_back();
  response = RunHealthChecks(checks);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"status\":\"ok\",\"checks\":{\"inventory\":\"ok\"}}\n");
}

TEST(Diagnostics, StaysReadyWhileSomethingIsDegraded) {
  std::vector<HealthCheck> checks = {
      {.name = "inventory",
       .check = [] { return OkStatus(); },
       .note = [] { return std::string("3 kinds"); }},
      {.name = "watches",
       .check = [] { return Unavailable("pods: gone"); },
       .essential = false,
       .note = [] { return std::string("not said of what fails"); }},
  };
  HttpResponse response = RunHealthChecks(checks);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "{\"status\":\"degraded\",\"checks\":{\"inventory\":\"ok, 3 kinds\","
            "\"watches\":\"degraded: pods: gone\"}}\n");
  checks[0].check = [] { return Unavailable("not listed yet"); };
  response = RunHealthChecks(checks);
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("\"status\":\"unavailable\""));
}

TEST(Diagnostics, AnswersOnlyWhatItServes) {
  MetricsRegistry metrics;
  metrics.AddCounter("network_mapper_test_events_total", "Events.").Increment();
  DiagnosticsOptions options{.metrics = &metrics, .liveness = {}, .readiness = {}};
  EXPECT_THAT(HandleDiagnostics(options, Get("/metrics")).body,
              HasSubstr("network_mapper_test_events_total 1"));
  EXPECT_EQ(HandleDiagnostics(options, Get("/healthz")).status, 200);
  EXPECT_EQ(HandleDiagnostics(options, Get("/other")).status, 404);
  HttpRequest post = Get("/metrics");
  post.method = "POST";
  EXPECT_EQ(HandleDiagnostics(options, post).status, 405);
  options.serve_health = false;
  EXPECT_EQ(HandleDiagnostics(options, Get("/readyz")).status, 404);
}

TEST(Diagnostics, ServesOverHttpAndReportsATakenPort) {
  MetricsRegistry metrics;
  auto make_options = [&] {
    return DiagnosticsOptions{
        .metrics = &metrics,
        .liveness = {},
        .readiness = {{"warm", [] { return FailedPrecondition("not yet"); }}}};
  };
  auto server = DiagnosticsServer::Start("127.0.0.1", 0, make_options());
  ASSERT_THAT(server, IsOk());
  httplib::Client client("127.0.0.1", (*server)->Port());
  auto answer = client.Get("/readyz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_THAT(answer->body, HasSubstr("\"warm\":\"not yet\""));
  EXPECT_THAT(DiagnosticsServer::Start("127.0.0.1", (*server)->Port(), make_options()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("taken by another process")));
}

// docs/regressions.md P15
TEST(Diagnostics, TakesThePortOnceItIsFree) {
  MetricsRegistry metrics;
  auto owner = DiagnosticsServer::Start("127.0.0.1", 0, {});
  ASSERT_THAT(owner, IsOk());
  const uint16_t port = (*owner)->Port();
  testing::internal::CaptureStderr();
  const PatientDiagnosticsServer patient({"127.0.0.1", port, "metrics-port"},
                                         {.metrics = &metrics, .liveness = {}, .readiness = {}},
                                         std::chrono::milliseconds(5));
  EXPECT_EQ(patient.Port(), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr(R"("option":"--metrics-port")"), HasSubstr("choose another port")));
  owner->reset();
  for (int i = 0; i < 2000 && patient.Port() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(patient.Port(), port);
  httplib::Client client("127.0.0.1", port);
  auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
}

TEST(Diagnostics, OfAProgramHasHealthOnAPortOfItsOwn) {
  MetricsRegistry metrics;
  metrics.AddCounter("demo_total", "Demo.", {});
  HttpServerMetrics http_metrics(metrics);
  const ProgramDiagnostics diagnostics(
      {.host = "127.0.0.1"}, metrics, http_metrics,
      {{.name = "loop", .check = [] { return OkStatus(); }}},
      {{.name = "warm", .check = [] { return Unavailable("not yet"); }}});
  httplib::Client of_metrics("127.0.0.1", diagnostics.MetricsPort());
  httplib::Client of_health("127.0.0.1", diagnostics.HealthPort());
  const auto status = [](httplib::Client& client, const char* path) {
    const httplib::Result answer = client.Get(path);
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(status(of_metrics, "/metrics"), 200);
  EXPECT_EQ(status(of_metrics, "/healthz"), 404);
  EXPECT_EQ(status(of_health, "/healthz"), 200);
  EXPECT_EQ(status(of_health, "/readyz"), 503);
  EXPECT_EQ(status(of_health, "/metrics"), 404);
}

}  // namespace
}  // namespace network_mapper
