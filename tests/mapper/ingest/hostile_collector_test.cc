// What a hostile or broken collector may do to the report server, which must refuse it with a word
// and a count and go on serving the others.
#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "common/report/observation_codec.h"
#include "network_mapper/v1/report.grpc.pb.h"
#include "tests/mapper/ingest/report_stream_fixture.h"
#include "tests/support/raw_connection.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A stream that says what it is told to, on a connection of its own.
class RawStream {
 public:
  explicit RawStream(uint16_t port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::ReportService::NewStub(grpc::CreateCustomChannel(
        "ipv4:127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
    context_.set_deadline(std::chrono::system_clock::now() + 20s);
    call_ = stub_->Report(&context_);
  }

  RawStream(uint16_t port, const std::string& instance_id) : RawStream(port) {
    SendHello(instance_id);
    EXPECT_TRUE(Read().has_welcome());
  }

  bool Send(const v1::ReportRequest& request) { return call_->Write(request); }

  bool SendHello(const std::string& instance_id) {
    v1::ReportRequest request;
    request.mutable_hello()->set_instance_id(instance_id);
    return Send(request);
  }

  bool SendBatch(uint64_t sequence, const std::vector<v1::Observation>& observations = {}) {
    v1::ReportRequest request;
    request.mutable_batch()->set_sequence(sequence);
    for (const v1::Observation& observation : observations) {
      *request.mutable_batch()->add_observations() = observation;
    }
    return Send(request);
  }

  v1::ReportResponse Read() {
    v1::ReportResponse response;
    readable_ = call_->Read(&response);
    return response;
  }

  uint64_t ReadAcknowledgement() { return Read().acknowledgement().sequence(); }

  // How the server ends it, whatever it says until then.
  grpc::Status End() {
    while (readable_) {
      Read();
    }
    return call_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::ReportService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> call_;
  bool readable_ = true;
};

v1::Observation Good(const std::string& name = "name") {
  v1::Observation message;
  EncodeObservation(NamedObservation(name), message);
  return message;
}

class HostileCollectorTest : public ReportStreamTest {
 protected:
  void Start() {
    server_ = StartServer();
    ASSERT_NE(server_, nullptr);
    bystander_ = StartClient(server_->Port());
  }

  // The bystander's stream is the one it had before, and alive.
  void TearDown() override {
    if (bystander_ != nullptr) {
      bystander_->Report({NamedObservation("bystander")}, {});
      EXPECT_TRUE(bystander_->Flush(In(20s))) << bystander_->State().last_error;
      EXPECT_EQ(bystander_->State().failed_connections, 0U);
    }
  }

  double Closed(StreamClose reason) { return metrics_.Closed(reason).Value(); }

  void ExpectEnd(RawStream& stream, grpc::StatusCode code, const std::string& text,
                 StreamClose reason) {
    grpc::Status status = stream.End();
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(text));
    EXPECT_EQ(Closed(reason), 1);
  }

  ReportServerMetrics metrics_{server_metrics_};
  std::unique_ptr<ReportServer> server_;
  std::unique_ptr<ReportClient> bystander_;
};

TEST_F(HostileCollectorTest, SendsRandomBytes) {
  Start();
  std::mt19937 random(20260101);
  for (int i = 0; i < 50; ++i) {
    RawConnection connection(server_->Port());
    std::string bytes(random() % 4000 + 30, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
    connection.Send(bytes);
    // Closed by the server: what it says until then is not endless.
    EXPECT_LT(connection.ReadAll().size(), 1000U);
  }
}

TEST_F(HostileCollectorTest, SendsGarbageAfterThePrefaceOfHttp2) {
  Start();
  std::mt19937 random(20260102);
  for (int i = 0; i < 50; ++i) {
    RawConnection connection(server_->Port());
    std::string bytes(kHttp2Preface);
    // A frame of SETTINGS first, so that the handshake succeeds; then a frame of nonsense length
    // and type.
    bytes += std::string("\0\0\0\4\0\0\0\0\0", 9) + "\xff\xff\xff";
    std::generate_n(std::back_inserter(bytes), 3000, [&] { return static_cast<char>(random()); });
    connection.Send(bytes);
    EXPECT_LT(connection.ReadAll().size(), 1000U);
  }
}

TEST_F(HostileCollectorTest, ConnectsAndSaysNothing) {
  server_options_.hello_timeout = 2s;
  Start();
  RawConnection silent(server_->Port());
  // Ends when the server hangs up; the socket's own patience would be longer than the test's.
  silent.ReadAll();
  RawConnection preface_only(server_->Port());
  preface_only.Send(kHttp2Preface);
  preface_only.ReadAll();
  EXPECT_EQ(server_->Streams(), 1U);
}

TEST_F(HostileCollectorTest, OpensAStreamAndSaysNothing) {
  server_options_.hello_timeout = 2s;
  Start();
  RawStream stream(server_->Port());
  ExpectEnd(stream, grpc::StatusCode::DEADLINE_EXCEEDED, "no Hello in time",
            StreamClose::kHelloTimeout);
}

TEST_F(HostileCollectorTest, SendsABatchBeforeItsHello) {
  Start();
  RawStream stream(server_->Port());
  stream.SendBatch(1, {Good()});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "a Hello was expected",
            StreamClose::kBadMessage);
  EXPECT_EQ(sink_.Names().count("name"), 0U);
}

TEST_F(HostileCollectorTest, SendsAnEmptyMessage) {
  Start();
  RawStream stream(server_->Port());
  stream.Send({});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "a Hello was expected",
            StreamClose::kBadMessage);
}

TEST_F(HostileCollectorTest, SaysHelloTwice) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendHello("b");
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "a Batch was expected",
            StreamClose::kBadMessage);
}

TEST_F(HostileCollectorTest, SaysHelloWithoutOrWithEndlessInstance) {
  Start();
  for (const std::string& instance_id : {std::string(), std::string(65, 'x')}) {
    RawStream stream(server_->Port());
    stream.SendHello(instance_id);
    EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(Closed(StreamClose::kBadMessage), 2);
}

TEST_F(HostileCollectorTest, SendsTextThatIsNotUtf8) {
  Start();
  RawStream stream(server_->Port(), "a");
  v1::Observation bad = Good();
  bad.mutable_name()->set_name("\xff\xfe");
  stream.SendBatch(1, {bad});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "not UTF-8", StreamClose::kBadMessage);
}

TEST_F(HostileCollectorTest, SendsTooManyObservations) {
  server_options_.max_batch_observations = 10;
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(1, std::vector<v1::Observation>(11, Good()));
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "more observations",
            StreamClose::kTooLarge);
}

TEST_F(HostileCollectorTest, SendsMoreBytesThanAllowed) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(1, {Good(std::string(server_options_.max_batch_bytes + 10'000, 'x'))});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "more bytes", StreamClose::kTooLarge);
}

TEST_F(HostileCollectorTest, SendsFarMoreBytesThanAllowed) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(1, {Good(std::string(20 * server_options_.max_batch_bytes, 'x'))});
  grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_TRUE(Eventually([&] { return server_->Streams() == 1; }));
}

TEST_F(HostileCollectorTest, SendsObservationsThatMakeNoSense) {
  Start();
  RawStream stream(server_->Port(), "a");
  const std::vector<std::pair<ObservationRefusal, std::function<void(v1::Observation&)>>> spoilers =
      {
          {ObservationRefusal::kBadTime,
           [](auto& o) { o.mutable_last_seen()->set_seconds(INT64_MAX); }},
          {ObservationRefusal::kBadTime,
           [](auto& o) { o.mutable_first_seen()->set_seconds(INT64_MIN); }},
          {ObservationRefusal::kBadTime,
           [](auto& o) { o.mutable_first_seen()->set_nanos(INT32_MIN); }},
          {ObservationRefusal::kBadTime, [](auto& o) { o.clear_last_seen(); }},
          {ObservationRefusal::kBadCount, [](auto& o) { o.set_count(0); }},
          {ObservationRefusal::kBadCount, [](auto& o) { o.set_count(UINT64_MAX); }},
          {ObservationRefusal::kEmptyText, [](auto& o) { o.mutable_name()->set_name(""); }},
          {ObservationRefusal::kTooLong,
           [](auto& o) { o.mutable_name()->set_name(std::string(100'000, 'x')); }},
          {ObservationRefusal::kTooMany,
           [](auto& o) {
             o.mutable_name()->mutable_addresses()->Reserve(5000);
             for (int i = 0; i < 5000; ++i) {
               o.mutable_name()->add_addresses("\1\2\3\4");
             }
           }},
          {ObservationRefusal::kBadAddress, [](auto& o) { o.mutable_client()->set_ip("12345"); }},
          {ObservationRefusal::kMissingTarget, [](auto& o) { o.clear_target(); }},
          {ObservationRefusal::kMissingClient, [](auto& o) { o.clear_client(); }},
          {ObservationRefusal::kUnknownEnum,
           [](auto& o) { o.set_collector(static_cast<v1::Collector>(99)); }},
          {ObservationRefusal::kWrongTarget, [](auto& o) { o.set_collector(v1::COLLECTOR_KAFKA); }},
      };
  std::map<ObservationRefusal, int> expected;
  std::vector<v1::Observation> observations = {Good()};
  for (const auto& [reason, spoil] : spoilers) {
    observations.push_back(Good());
    spoil(observations.back());
    ++expected[reason];
  }
  stream.SendBatch(1, observations);
  EXPECT_EQ(stream.ReadAcknowledgement(), 1U);
  for (const auto& [reason, count] : expected) {
    EXPECT_EQ(metrics_.Refused(reason).Value(), count) << ObservationRefusalName(reason);
  }
  EXPECT_EQ(sink_.Names(), (std::map<std::string, int>{{"name", 1}}));
}

TEST_F(HostileCollectorTest, CountsFromZero) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(0, {Good()});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "must rise", StreamClose::kBadSequence);
}

TEST_F(HostileCollectorTest, RepeatsANumber) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(5, {Good()});
  EXPECT_EQ(stream.ReadAcknowledgement(), 5U);
  stream.SendBatch(5, {Good()});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "must rise", StreamClose::kBadSequence);
  EXPECT_EQ(sink_.Names().at("name"), 1);
}

TEST_F(HostileCollectorTest, GoesBack) {
  Start();
  RawStream stream(server_->Port(), "a");
  stream.SendBatch(5, {Good()});
  stream.SendBatch(4, {Good("older")});
  ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "must rise", StreamClose::kBadSequence);
  EXPECT_EQ(sink_.Names().count("older"), 0U);
}

TEST_F(HostileCollectorTest, JumpsToTheLastNumberThereIs) {
  Start();
  {
    RawStream stream(server_->Port(), "a");
    stream.SendBatch(1, {Good()});
    EXPECT_EQ(stream.ReadAcknowledgement(), 1U);
    stream.SendBatch(UINT64_MAX, {Good()});
    EXPECT_EQ(stream.ReadAcknowledgement(), UINT64_MAX);
    stream.SendBatch(1, {Good()});
    ExpectEnd(stream, grpc::StatusCode::INVALID_ARGUMENT, "must rise", StreamClose::kBadSequence);
  }
  // It has harmed itself only: what it sends from now on was applied before.
  RawStream again(server_->Port());
  again.SendHello("a");
  EXPECT_EQ(again.Read().welcome().applied_sequence(), UINT64_MAX);
  again.SendBatch(2, {Good()});
  EXPECT_EQ(again.ReadAcknowledgement(), UINT64_MAX);
  EXPECT_EQ(sink_.Names().at("name"), 2);
  EXPECT_EQ(metrics_.duplicates.Value(), 1);
}

TEST_F(HostileCollectorTest, OpensASecondStreamAsTheSameInstance) {
  Start();
  RawStream first(server_->Port(), "a");
  RawStream second(server_->Port(), "a");
  ExpectEnd(first, grpc::StatusCode::ABORTED, "newer stream", StreamClose::kReplaced);
  second.SendBatch(1, {Good()});
  EXPECT_EQ(second.ReadAcknowledgement(), 1U);
}

TEST_F(HostileCollectorTest, NeverReadsItsAcknowledgements) {
  Start();
  RawStream stream(server_->Port(), "a");
  constexpr uint64_t kBatches = 30'000;
  for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
    ASSERT_TRUE(stream.SendBatch(sequence, {Good("x")}));
  }
  EXPECT_TRUE(sink_.WaitForObservations(kBatches, 30s));
  // What waits for it is one acknowledgement, not thirty thousand.
  server_->Shutdown(2s);
  uint64_t acknowledgements = 0;
  while (stream.ReadAcknowledgement() > 0) {
    ++acknowledgements;
  }
  EXPECT_LT(acknowledgements, kBatches);
  bystander_.reset();
}

TEST_F(HostileCollectorTest, OpensMoreStreamsThanAllowed) {
  server_options_.max_streams = 5;
  Start();
  ASSERT_TRUE(Eventually([&] { return bystander_->State().connected; }));
  std::vector<std::unique_ptr<RawStream>> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(
        std::make_unique<RawStream>(server_->Port(), "instance-" + std::to_string(i)));
  }
  RawStream one_more(server_->Port());
  ExpectEnd(one_more, grpc::StatusCode::RESOURCE_EXHAUSTED, "too many report streams",
            StreamClose::kLimit);
  streams.clear();
  ASSERT_TRUE(Eventually([&] { return server_->Streams() == 1; }));
  RawStream later(server_->Port(), "later");
}

TEST_F(HostileCollectorTest, OpensMoreStreamsThanOneAddressMay) {
  server_options_.max_streams_per_peer = 5;
  Start();
  ASSERT_TRUE(Eventually([&] { return bystander_->State().connected; }));
  std::vector<std::unique_ptr<RawStream>> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(
        std::make_unique<RawStream>(server_->Port(), "instance-" + std::to_string(i)));
  }
  // On a connection that is there already.
  RawStream one_more(server_->Port());
  ExpectEnd(one_more, grpc::StatusCode::RESOURCE_EXHAUSTED, "of this address", StreamClose::kLimit);
  streams.clear();
  ASSERT_TRUE(Eventually([&] { return server_->Streams() == 1; }));
  RawStream later(server_->Port(), "later");
}

TEST_F(HostileCollectorTest, OpensMoreConnectionsThanOneAddressMay) {
  server_options_.max_streams_per_peer = 10;
  Start();
  ASSERT_TRUE(Eventually([&] { return bystander_->State().connected; }));
  {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (int i = 0; i < 150; ++i) {
      connections.push_back(std::make_unique<RawConnection>(server_->Port()));
    }
    EXPECT_TRUE(Eventually([&] { return metrics_.refused_connections.Value() >= 41; }));
  }
  EXPECT_TRUE(Eventually([&] {
    RawStream later(server_->Port());
    return later.SendHello("later") && later.Read().has_welcome();
  }));
}

TEST_F(HostileCollectorTest, OpensMoreConnectionsThanAllowed) {
  server_options_.max_streams = 10;
  Start();
  ASSERT_TRUE(Eventually([&] { return bystander_->State().connected; }));
  {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (int i = 0; i < 500; ++i) {
      connections.push_back(std::make_unique<RawConnection>(server_->Port()));
    }
    EXPECT_TRUE(Eventually([&] { return metrics_.refused_connections.Value() > 0; }));
  }
  // Once they are gone, there is room again.
  EXPECT_TRUE(Eventually([&] {
    RawStream later(server_->Port());
    return later.SendHello("later") && later.Read().has_welcome();
  }));
}

}  // namespace

}  // namespace network_mapper
