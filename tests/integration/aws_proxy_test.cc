// The AWS proxy's real binary, between clients and a server that plays AWS, with the mapper's real
// binary: how it starts, changes its authority, waits for a mapper and ends.
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/aws_names.h"
#include "common/concurrency/waitable.h"
#include "common/kube/base64.h"
#include "common/kube/data_object.h"
#include "tests/aws-visibility/proxy/tls_peers.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/mapper_process.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kProxy = "network-mapper-aws-proxy";
constexpr const char* kS3 = "s3.eu-west-1.amazonaws.com";
constexpr const char* kPodAddress = "127.0.0.2";

std::string S3Request(const std::string& bucket) {
  return "GET /" + bucket + "/key HTTP/1.1\r\nHost: " + kS3 +
         "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/"
         "s3/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n";
}

// Plays AWS: answers "hello", but for /held/..., which gets the head and half a body of twenty
// bytes, and the rest when the test says so.
class FakeAws {
 public:
  FakeAws()
      : server_(authority_.Issue("aws", "DNS:*.eu-west-1.amazonaws.com"),
                [this](PeerStream& stream) { Serve(stream); }) {}

  ~FakeAws() { Release(); }

  std::string Address() const { return "127.0.0.1:" + std::to_string(server_.Port()); }

  const std::string& Roots() const { return authority_.Pem(); }

  void Release() {
    released_.Change([](bool& released) { released = true; });
  }

 private:
  void Serve(PeerStream& stream) {
    while (true) {
      const std::string request = stream.ReceiveUntil("\r\n\r\n");
      if (request.empty()) {
        return;
      }
      if (request.starts_with("GET /held/")) {
        stream.Send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nfirst half");
        released_.WaitFor(60s, [](bool released) { return released; });
        stream.Send("the second");
      } else {
        stream.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      }
    }
  }

  TestAuthority authority_{"public authority"};
  Waitable<bool> released_;
  // Ends first.
  PeerServer server_;
};

class AwsProxyProcess : public ::testing::Test {
 protected:
  std::unique_ptr<DaemonProcess> Start(std::vector<std::string> options,
                                       const std::string& program = kProxy) {
    for (const std::string& option :
         {"--aws-proxy-port=" + std::to_string(proxy_port_), std::string("--aws-http-port=0"),
          "--aws-upstream-override=" + aws_.Address(), "--aws-upstream-roots-file=" + roots_file_,
          std::string("--aws-report-interval=100ms")}) {
      options.push_back(option);
    }
    return std::make_unique<DaemonProcess>(program, std::move(options));
  }

  std::vector<std::string> AuthorityInFiles() const {
    return {"--debug", "--aws-ca-file=" + (folder_.Path() / "ca.json").string(),
            "--aws-ca-certificate-file=" + (folder_.Path() / "ca.crt").string()};
  }

  std::string CertificateFile() const { return ReadFileOrDie(folder_.Path() / "ca.crt"); }

  PeerConnection Connect(const std::string& roots, const std::string& from = kPodAddress) const {
    return ConnectPeer(proxy_port_, {.server_name = kS3, .roots = roots, .from = from});
  }

  // On a connection of its own.
  std::string Call(const std::string& bucket, const std::string& roots,
                   const std::string& from = kPodAddress) const {
    const PeerConnection connection = Connect(roots, from);
    if (connection.stream == nullptr) {
      return connection.failure;
    }
    connection.stream->Send(S3Request(bucket));
    return connection.stream->ReceiveUntil("hello");
  }

  const TemporaryDirectory folder_;
  FakeAws aws_;
  const std::string roots_file_ = folder_.WriteFile("roots.pem", aws_.Roots());
  const uint16_t proxy_port_ = FreePort();
};

// Nothing of the key, however a log writes it.
void ExpectNoKeyIn(const std::string& log, const std::string& state) {
  const auto authorities = DecodeAuthorities(state);
  ASSERT_THAT(authorities, IsOk());
  EXPECT_THAT(log, Not(HasSubstr("PRIVATE KEY")));
  for (const Authority& authority : *authorities) {
    std::istringstream lines(authority.key);
    int compared = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("-----")) {
        EXPECT_EQ(log.find(line), std::string::npos);
        ++compared;
      }
    }
    EXPECT_GT(compared, 1);
  }
}

TEST_F(AwsProxyProcess, KeepsItsAuthorityInAFile) {
  std::string published;
  std::string log;
  for (int start = 0; start < 2; ++start) {
    // There is no mapper to wait for.
    std::vector<std::string> options = AuthorityInFiles();
    options.emplace_back("--shutdown-grace=500ms");
    const auto proxy = Start(std::move(options));
    ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
    EXPECT_TRUE(start == 0 || CertificateFile() == published);
    published = CertificateFile();
    EXPECT_THAT(Call("shop", published), HasSubstr("hello"));
    EXPECT_THAT(Call("shop", aws_.Roots(), "127.0.0.3"), HasSubstr("certificate verify failed"));
    proxy->Signal(SIGTERM);
    EXPECT_EQ(proxy->WaitForExit(10s), 0);
    log += proxy->Log();
  }

  struct stat file {};

  ASSERT_EQ(stat((folder_.Path() / "ca.json").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  EXPECT_THAT(log, HasSubstr("\"option\":\"debug\",\"value\":\"true\""));
  ExpectNoKeyIn(log, ReadFileOrDie(folder_.Path() / "ca.json"));
}

TEST_F(AwsProxyProcess, IsNotReadyWithoutAnAuthority) {
  const auto place = folder_.WriteFile("ca.json", "secret rubbish");
  std::filesystem::permissions(place, std::filesystem::perms::owner_read);
  const auto proxy = Start(AuthorityInFiles());
  ASSERT_TRUE(proxy->ReadinessBecomes(503, "is damaged")) << proxy->Log();
  EXPECT_THAT(proxy->Ready().text, AllOf(HasSubstr("or remove"), HasSubstr(place.string())));
  EXPECT_THAT(proxy->Log(), AllOf(HasSubstr("is damaged"), Not(HasSubstr("secret rubbish"))));
  EXPECT_EQ(Connect("").stream, nullptr);
  // The remedy.
  std::filesystem::remove(place);
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  EXPECT_THAT(Call("shop", CertificateFile()), HasSubstr("hello"));
}

TEST_F(AwsProxyProcess, TakesUpAnotherAuthorityWhileConnectionsGoOn) {
  auto started = stand_in::KubeStandIn::Start({});
  ASSERT_THAT(started, IsOk());
  stand_in::ObjectStore& store = (*started)->Objects();
  const auto write_secret = [&store](const std::string& state) {
    Json secret = {{"apiVersion", "v1"},
                   {"kind", "Secret"},
                   {"metadata", {{"name", "keys"}, {"namespace", "default"}}}};
    if (!state.empty()) {
      secret["data"] = {{"authorities.json", kube::EncodeBase64(state)}};
    }
    ASSERT_THAT(store.Apply(secret.dump()), IsOk());
  };
  const auto api = *kube::Client::Create(*kube::ServerUrlAccess((*started)->Url()));
  const auto value = [&api](kube::DataKind kind, const std::string& name, const char* key) {
    return kube::ReadData(*api, {.kind = kind, .name_space = "default", .name = name})->values[key];
  };
  write_secret("");
  ASSERT_THAT(store.Apply(R"({"apiVersion":"v1","kind":"ConfigMap",
                              "metadata":{"name":"certificates","namespace":"default"}})"),
              IsOk());
  const auto proxy = Start({"--debug", "--aws-ca-secret=keys", "--aws-ca-config-map=certificates",
                            "--kube-api-url=" + (*started)->Url()});
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  const std::string first = value(kube::DataKind::kConfigMap, "certificates", "ca.crt");
  const std::string first_state = value(kube::DataKind::kSecret, "keys", "authorities.json");
  const PeerConnection old = Connect(first);
  ASSERT_EQ(old.failure, "");
  old.stream->Send(S3Request("held"));
  EXPECT_THAT(old.stream->ReceiveUntil("first half"), HasSubstr("200 OK"));

  const auto next =
      MakeAuthority({.title = "next", .domains = AwsDomains()}, Clock::System().Now());
  ASSERT_THAT(next, IsOk());
  write_secret(EncodeAuthorities({*next}));
  // It looks every 30 seconds; and what it signs with is published first.
  ASSERT_TRUE(Eventually(
      [&] {
        return value(kube::DataKind::kConfigMap, "certificates", "ca.crt") == next->certificate;
      },
      45s))
      << proxy->Log();
  // Each from an address of its own: who does not trust the proxy is passed on from then on.
  int client = 10;
  EXPECT_TRUE(Eventually([&] {
    return Call("after", next->certificate, "127.0.0." + std::to_string(client++))
        .ends_with("hello");
  })) << proxy->Log();
  EXPECT_LT(client, 13);
  EXPECT_THAT(Connect(first, "127.0.0.3").failure, HasSubstr("certificate verify failed"));
  aws_.Release();
  EXPECT_EQ(old.stream->ReceiveUntil("the second"), "the second");
  old.stream->Send(S3Request("after"));
  EXPECT_THAT(old.stream->ReceiveUntil("hello"), HasSubstr("200 OK"));
  EXPECT_EQ(proxy->Ready().status, 200);
  ExpectNoKeyIn(proxy->Log(), first_state);
  ExpectNoKeyIn(proxy->Log(), EncodeAuthorities({*next}));
}

// A third of the connections that come would use up the files that it may open.
TEST_F(AwsProxyProcess, TakesNoMoreConnectionsThanItMayOpenFiles) {
  constexpr int kClients = 150;
  const auto limited =
      folder_.WriteFile("limited", "#!/bin/sh\nulimit -n 300\nexec " +
                                       (BuildDirectory() / "bin" / kProxy).string() + " \"$@\"\n");
  std::filesystem::permissions(limited, std::filesystem::perms::owner_all);
  const auto proxy = Start(AuthorityInFiles(), limited);
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  EXPECT_THAT(proxy->Log(),
              AllOf(HasSubstr("\"connections\":22,"), HasSubstr("\"aws_max_connections\":10000,"),
                    HasSubstr("allow 20256 open files")));
  const std::string roots = CertificateFile();
  std::vector<PeerConnection> held;
  for (int i = 0; i < kClients; ++i) {
    held.push_back(Connect(roots, "127.0.1." + std::to_string(10 + i % 50)));
  }
  EXPECT_EQ(std::count_if(held.begin(), held.end(),
                          [](const PeerConnection& one) { return one.stream != nullptr; }),
            22);
  EXPECT_EQ(held.back().failure, "reset");
  EXPECT_EQ(proxy->Metric("network_mapper_aws_proxy_refused_total", "reason=\"limit\""),
            kClients - 22);
  // Names lead to AWS again.
  EXPECT_TRUE(proxy->ReadinessBecomes(503, "22 connections are open"));
  held.clear();
  EXPECT_TRUE(proxy->BecomesReady());
  EXPECT_THAT(Call("shop", roots), HasSubstr("hello"));
}

class AwsProxyReports : public AwsProxyProcess {
 protected:
  void SetUp() override {
    const Json pod = {{"apiVersion", "v1"},
                      {"kind", "Pod"},
                      {"metadata",
                       {{"name", "shop"},
                        {"namespace", "shop"},
                        {"uid", "00000000-0000-4000-8000-000000000001"},
                        {"creationTimestamp", "2025-01-01T00:00:00Z"}}},
                      {"spec", {{"nodeName", "node-1"}, {"containers", {{{"name", "shop"}}}}}},
                      {"status",
                       {{"phase", "Running"},
                        {"podIP", kPodAddress},
                        {"podIPs", {{{"ip", kPodAddress}}}},
                        {"startTime", "2025-01-01T00:00:00Z"}}}};
    ASSERT_THAT(mapper_.ApiServer().Objects().Apply(pod.dump()), IsOk());
  }

  std::unique_ptr<DaemonProcess> StartReporting(std::vector<std::string> more = {}) {
    std::vector<std::string> options = AuthorityInFiles();
    options.push_back("--mapper-address=127.0.0.1:" + std::to_string(mapper_.ReportPort()));
    options.insert(options.end(), more.begin(), more.end());
    return Start(std::move(options));
  }

  // "ARN COUNT" of all accesses on the map, sorted.
  std::vector<std::string> OnTheMap() const {
    std::vector<std::string> accesses;
    // Without its actions, what is in AWS is not asked for.
    const Json data = mapper_.Query("{intents{server{name} awsActions evidence{count}}}");
    for (const auto& intent : data["intents"]) {
      accesses.push_back(intent["server"]["name"].get<std::string>() + " " +
                         std::to_string(intent["evidence"][0]["count"].get<uint64_t>()));
    }
    std::sort(accesses.begin(), accesses.end());
    return accesses;
  }

  MapperProcess mapper_{{"--store=sqlite:" + (folder_.Path() / "map.db").string()}};
};

TEST_F(AwsProxyReports, AreKeptUntilThereIsAMapper) {
  const auto proxy = StartReporting();
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  EXPECT_THAT(proxy->Ready().text, HasSubstr("\"mapper\":\"degraded: no connection to"));
  const std::string roots = CertificateFile();
  std::vector<std::string> wanted;
  for (int i = 10; i < 30; ++i) {
    ASSERT_THAT(Call("bucket-" + std::to_string(i), roots), HasSubstr("hello"));
    wanted.push_back("arn:aws:s3:::bucket-" + std::to_string(i) + "/key 1");
  }
  const std::string kept = "network_mapper_report_client_spool_observations";
  EXPECT_TRUE(Eventually([&] { return proxy->Metric(kept) == 20; })) << proxy->Metric(kept);
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  ASSERT_TRUE(Eventually([&] { return proxy->Metric(kept) == 0; })) << proxy->Log();
  EXPECT_EQ(proxy->Metric("network_mapper_report_client_acknowledged_observations_total"), 20);
  EXPECT_TRUE(proxy->ReadinessBecomes(200, "\"mapper\":\"ok\""));
  EXPECT_TRUE(Eventually([&] { return OnTheMap() == wanted; }));
  EXPECT_EQ(OnTheMap(), wanted);
  // Killed and back again: what was acknowledged is there, and what came meanwhile follows.
  mapper_.Kill();
  ASSERT_THAT(Call("bucket-30", roots), HasSubstr("hello"));
  EXPECT_TRUE(Eventually([&] { return proxy->Metric(kept) == 1; }));
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  wanted.push_back("arn:aws:s3:::bucket-30/key 1");
  EXPECT_TRUE(Eventually([&] { return OnTheMap() == wanted; }));
  EXPECT_EQ(OnTheMap(), wanted);
  EXPECT_EQ(proxy->Metric("network_mapper_report_client_dropped_observations_total"), 0);
}

TEST_F(AwsProxyReports, ComeAfterWhatWasUnderWayAtItsStop) {
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  const auto proxy = StartReporting();
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  const PeerConnection transfer = Connect(CertificateFile());
  ASSERT_EQ(transfer.failure, "");
  transfer.stream->Send(S3Request("held"));
  EXPECT_THAT(transfer.stream->ReceiveUntil("first half"), HasSubstr("200 OK"));
  proxy->Signal(SIGTERM);
  // DNS leads nobody here any more; whoever comes all the same tries again elsewhere.
  ASSERT_TRUE(proxy->ReadinessBecomes(503, "stopping")) << proxy->Ready().text;
  EXPECT_TRUE(Eventually([&] { return Connect("").failure == "connect"; }));
  EXPECT_TRUE(proxy->IsRunning());
  aws_.Release();
  EXPECT_EQ(transfer.stream->ReceiveUntil("the second"), "the second");
  transfer.stream->SayEnd();
  EXPECT_EQ(proxy->WaitForExit(10s), 0) << proxy->Log();
  EXPECT_THAT(OnTheMap(), ElementsAre("arn:aws:s3:::held/key 1"));
}

TEST_F(AwsProxyReports, ComeThoughATransferOutlastsItsGrace) {
  ASSERT_TRUE(mapper_.Start()) << mapper_.Log();
  const auto proxy = StartReporting({"--shutdown-grace=1s", "--aws-report-interval=5m"});
  ASSERT_TRUE(proxy->BecomesReady()) << proxy->Log();
  ASSERT_TRUE(proxy->ReadinessBecomes(200, "\"mapper\":\"ok\""));
  const std::string roots = CertificateFile();
  const PeerConnection transfer = Connect(roots);
  ASSERT_EQ(transfer.failure, "");
  transfer.stream->Send(S3Request("held"));
  transfer.stream->ReceiveUntil("first half");
  ASSERT_THAT(Call("shop", roots), HasSubstr("hello"));
  proxy->Signal(SIGTERM);
  EXPECT_EQ(proxy->WaitForExit(10s), 0);
  EXPECT_EQ(transfer.stream->ReceiveAll(), "");
  EXPECT_THAT(OnTheMap(), testing::Contains("arn:aws:s3:::shop/key 1")) << proxy->Log();
  EXPECT_THAT(proxy->Log(), HasSubstr("\"unacknowledged_observations\":0"));
}

TEST(AwsProxyOptions, ThatAreWrongAreNamed) {
  struct Case {
    std::vector<std::string> options;
    std::string words;
  };

  const std::string file = "--aws-ca-file=x";
  const std::vector<Case> cases = {
      {{}, "one of the options aws-ca-secret and aws-ca-file"},
      {{file, "--aws-ca-secret=keys"}, "one of the options aws-ca-secret and aws-ca-file"},
      {{file, "--aws-ca-config-map=a", "--aws-ca-certificate-file=b"},
       "aws-ca-config-map and aws-ca-certificate-file exclude each other"},
      {{"--aws-ca-secret=A_B"}, "option aws-ca-secret: \"A_B\" is no name"},
      {{file, "--aws-ca-config-map=a..b"}, "option aws-ca-config-map: \"a..b\" is no name"},
      {{file, "--aws-upstream-override=nowhere"}, "is not address:port, such as 127.0.0.1:5000"},
      {{file, "--aws-upstream-override=127.0.0.1:0"}, "option aws-upstream-override"},
      {{file, "--aws-upstream-override=127.0.0.1:99999"}, "option aws-upstream-override"},
      {{file, "--aws-upstream-override=[::1]"}, "option aws-upstream-override"},
      {{file, "--aws-upstream-plain-text"}, "aws-upstream-plain-text needs aws-upstream-override"},
      {{file, "--aws-own-name=a..b"}, "option aws-own-name: \"a..b\" is no DNS name"},
      {{file, "--aws-max-connections=0"}, "aws-max-connections"},
      {{file, "--aws-splice-duration=0s"}, "aws-splice-duration"},
      {{file, "--aws-idle-timeout=25h"}, "aws-idle-timeout"},
      {{file, "--aws-ca-lifetime=5m"}, "aws-ca-lifetime"},
      {{file, "--aws-report-interval=10"}, "aws-report-interval"},
      {{file, "--aws-exact-objects=99999"}, "aws-exact-objects"},
      {{file, "--shutdown-grace=1h"}, "shutdown-grace"},
      {{file, "--aws-proxy-port=70000"}, "aws-proxy-port"},
      {{file, "--tls-cert-file=x"}, "tls-cert-file and tls-key-file belong together"},
      {{"--aws-ca-fiel=x"}, "--aws-ca-file"},
  };
  for (const Case& wrong : cases) {
    const Ending ending = EndingOf(kProxy, wrong.options);
    EXPECT_EQ(ending.code, 2) << wrong.words;
    EXPECT_THAT(ending.text, AllOf(HasSubstr(wrong.words), HasSubstr("Try --help")));
  }
}

TEST_F(AwsProxyProcess, SaysWhichOptionKeepsItFromStarting) {
  const std::string file = "--aws-ca-file=" + (folder_.Path() / "ca.json").string();
  Ending ending =
      EndingOf(kProxy, {file, "--aws-proxy-port=0", "--aws-upstream-roots-file=/nowhere.pem"});
  EXPECT_EQ(ending.code, 1);
  EXPECT_THAT(ending.text, AllOf(HasSubstr("option aws-upstream-roots-file"),
                                 HasSubstr("/nowhere.pem: No such file or directory")));
  const auto first = Start(AuthorityInFiles());
  ASSERT_TRUE(first->BecomesReady()) << first->Log();
  ending = EndingOf(kProxy, {file, "--listen-address=127.0.0.1",
                             "--aws-proxy-port=" + std::to_string(proxy_port_)});
  EXPECT_EQ(ending.code, 1);
  EXPECT_THAT(ending.text, HasSubstr("option aws-proxy-port"));
}

}  // namespace

}  // namespace network_mapper::aws
