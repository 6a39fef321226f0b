#include "sniffer/app/sniffer_app.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/http/diagnostics_server.h"
#include "mapper/ingest/report_server.h"
#include "tests/support/fake_batch_sink.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::HasSubstr;

class SnifferAppTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ReportServerOptions options;
    options.host = "127.0.0.1";
    auto server = ReportServer::Create(options, sink_, metrics_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    config_.mapper_address = "127.0.0.1:" + std::to_string(server_->Port());
    config_.read_pcap = TestDataPath("pcap/dns_sll.pcap");
    config_.listen_address = "127.0.0.1";
    config_.metrics_port = 0;
    config_.health_probes_port = 0;
    config_.dns_ports = {53};
  }

  FakeBatchSink sink_{1000, false};
  MetricsRegistry metrics_;
  std::unique_ptr<ReportServer> server_;
  SnifferConfig config_;
};

// docs/regressions.md P15: port clashes on the host network crashed the original.
TEST_F(SnifferAppTest, CapturesThoughItsPortsAreTaken) {
  auto first = DiagnosticsServer::Start("127.0.0.1", 0, {});
  auto second = DiagnosticsServer::Start("127.0.0.1", 0, {});
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  config_.metrics_port = (*first)->Port();
  config_.health_probes_port = (*second)->Port();
  auto app = SnifferApp::Create(config_);
  ASSERT_THAT(app, IsOk());
  EXPECT_EQ((*app)->MetricsPort(), 0);
  EXPECT_EQ((*app)->HealthPort(), 0);
  EXPECT_THAT((*app)->Run({}), IsOk());
  EXPECT_GT(sink_.Observations(), 0U);
}

TEST_F(SnifferAppTest, ReportsWhatAFileHoldsAndEnds) {
  auto app = SnifferApp::Create(config_);
  ASSERT_THAT(app, IsOk());
  EXPECT_NE((*app)->MetricsPort(), 0);
  EXPECT_NE((*app)->HealthPort(), 0);
  EXPECT_THAT((*app)->Run({}), IsOk());
  EXPECT_GT(sink_.Observations(), 0U);
  EXPECT_GT(sink_.LastTotals().packets_received, 0U);
}

TEST_F(SnifferAppTest, StopsWithinItsGraceWhileTheMapperDoesNotAcknowledge) {
  sink_.Hold(true);
  config_.shutdown_grace = std::chrono::milliseconds(1);
  auto app = SnifferApp::Create(config_);
  ASSERT_THAT(app, IsOk());
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(sink_.WaitForQueue(1, std::chrono::seconds(30)));
    stop.request_stop();
  });
  SteadyTime begin = std::chrono::steady_clock::now();
  EXPECT_THAT((*app)->Run(stop.get_token()), IsOk()) << "a stop is never an error";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(40))
      << "without a stop a file waits for a minute";
}

TEST_F(SnifferAppTest, NamesAFileThatIsMissing) {
  config_.read_pcap = "/no/such.pcap";
  EXPECT_THAT(SnifferApp::Create(config_), StatusIs(StatusCode::kNotFound, HasSubstr("such.pcap")));
}

// A tcpdump that was killed leaves such a file.
TEST_F(SnifferAppTest, ReportsWhatACutCaptureHoldsAndSaysThatItIsCut) {
  std::filesystem::path cut = std::filesystem::path(::testing::TempDir()) / "cut.pcap";
  std::filesystem::copy_file(config_.read_pcap, cut,
                             std::filesystem::copy_options::overwrite_existing);
  // A record header that announces more than follows.
  std::ofstream(cut, std::ios::binary | std::ios::app)
      << std::string("\1\0\0\0\1\0\0\0\x40\0\0\0\x40\0\0\0x", 17);
  config_.read_pcap = cut.string();
  auto app = SnifferApp::Create(config_);
  ASSERT_THAT(app, IsOk());
  Status status = (*app)->Run(std::stop_token());
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut.pcap")));
  EXPECT_GT(sink_.Observations(), 0U);
  std::filesystem::remove(cut);
}

}  // namespace
}  // namespace network_mapper::sniffer
