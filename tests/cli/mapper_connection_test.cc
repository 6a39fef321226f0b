// The commands against a real mapper API behind an API server: TLS, credentials, service proxy.
#include "cli/mapper_connection.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "common/http/http_server.h"
#include "tests/mapper/api/api_fixture.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using stand_in::Fault;
using stand_in::FaultKind;
using stand_in::KubeStandIn;
using stand_in::KubeStandInOptions;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kMap =
    "web in namespace shop calls:\n"
    "  - cart in namespace shop\n";
constexpr const char* kTokenUser = "{token: secret}";

struct Outcome {
  Status status;
  std::string out;
};

class MapperBehindApiServer : public ApiTest {
 protected:
  void SetUp() override {
    IntentSighting sighting = MakeSighting("web", "cart");
    sighting.strength = network_mapper::Strength::kConnected;
    See(store_, std::move(sighting));
    auto mapper = HttpServer::Start({.host = "127.0.0.1"}, [this](const HttpRequest& request) {
      return handler_.Handle(request);
    });
    ASSERT_THAT(mapper, IsOk());
    mapper_ = *std::move(mapper);
    const std::string backend = fmt::format("http://127.0.0.1:{}", mapper_->Port());
    options_.token = "secret";
    options_.proxies = {{"otterize-system/otterize-network-mapper:9090", backend},
                        {"maps/mapper:80", backend},
                        {"broken/otterize-network-mapper:9090", "http://127.0.0.1:1"}};
    StartApiServer(authority_.Issue("kube", "IP:127.0.0.1"));
  }

  void StartApiServer(const CertifiedKey& key) {
    options_.tls = HttpTestTls{.certificate = Write("tls.crt", key.certificate_pem),
                               .key = Write("tls.key", key.key_pem),
                               .client_authority = Write("ca.crt", authority_.Pem())};
    auto server = KubeStandIn::Start(options_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  std::string Write(std::string_view name, std::string_view content) {
    return directory_.WriteFile(name, content).string();
  }

  // One context, "here", whose user has the credentials `user` (YAML).
  std::string Kubeconfig(const std::string& user) {
    return Write("config", ClusterPart() + ContextPart("here", "here") + UserPart("jane", user));
  }

  std::string ClusterPart() const {
    return fmt::format(
        "clusters: [{{name: here, cluster: {{server: '{}', certificate-authority: ca.crt}}}}, "
        "{{name: away, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n",
        server_->Url());
  }

  static std::string ContextPart(const std::string& name, const std::string& cluster) {
    return fmt::format(
        "current-context: {0}\n"
        "contexts: [{{name: {0}, context: {{cluster: {1}, user: jane}}}}, "
        "{{name: other, context: {{cluster: away, user: jane}}}}]\n",
        name, cluster);
  }

  static std::string UserPart(const std::string& name, const std::string& user) {
    return fmt::format("users: [{{name: {}, user: {}}}]\n", name, user);
  }

  Outcome Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "network-mapper");
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments) {
      pointers.push_back(argument.c_str());
    }
    const char* nothing[] = {nullptr};
    CommandLineResult line =
        ParseCommandLine(static_cast<int>(pointers.size()), pointers.data(), nothing);
    if (line.error) {
      return {.status = InvalidArgument("{}", line.error->message), .out = ""};
    }
    std::ostringstream out;
    std::ostringstream err;
    const kube::Environment environment =
        [this](std::string_view name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    };
    const CliOptions& options = line.invocation->options;
    const CommandContext context{.connect = [&] { return ConnectToMapper(options, environment); },
                                 .out = out,
                                 .err = err,
                                 .program = "network-mapper"};
    const Status status = RunCommand(options, context).status();
    return {.status = status, .out = out.str()};
  }

  Outcome List(const std::string& user, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"list", "--kubeconfig", Kubeconfig(user)});
    return Run(std::move(arguments));
  }

  TestAuthority authority_;
  TemporaryDirectory directory_;
  std::map<std::string, std::string, std::less<>> environment_ = {{"HOME", "/nonexistent"}};
  std::unique_ptr<HttpServer> mapper_;
  KubeStandInOptions options_;
  std::unique_ptr<KubeStandIn> server_;
};

TEST_F(MapperBehindApiServer, ListsWithABearerToken) {
  const Outcome outcome = List(kTokenUser);
  EXPECT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.out, kMap);
}

TEST_F(MapperBehindApiServer, ListsWithATokenFile) {
  Write("token", "secret\n");
  EXPECT_EQ(List("{tokenFile: token}").out, kMap);
}

TEST_F(MapperBehindApiServer, ListsWithAClientCertificate) {
  const CertifiedKey jane = authority_.Issue("jane", "");
  Write("jane.crt", jane.certificate_pem);
  Write("jane.key", jane.key_pem);
  EXPECT_EQ(List("{client-certificate: jane.crt, client-key: jane.key}").out, kMap);
}

TEST_F(MapperBehindApiServer, ListsWithACredentialPlugin) {
  const std::string plugin =
      Write("plugin",
            "#!/bin/sh\n"
            R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("status":{"token":"'"$1"'"}}')"
            "\n");
  std::filesystem::permissions(plugin, std::filesystem::perms::owner_all);
  EXPECT_EQ(List("{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, "
                 "args: [secret], interactiveMode: Never}}")
                .out,
            kMap);
}

TEST_F(MapperBehindApiServer, TakesTheContextThatIsAskedFor) {
  const std::string config =
      Write("config", ClusterPart() + ContextPart("wrong", "away") + UserPart("jane", kTokenUser));
  EXPECT_THAT(Run({"list", "--kubeconfig", config}).status,
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("cannot connect to 127.0.0.1 port 1"),
                             HasSubstr("the API server https://127.0.0.1:1 gives no answer"),
                             HasSubstr("--context"))));
  Kubeconfig(kTokenUser);
  EXPECT_EQ(Run({"list", "--kubeconfig", config, "--context", "here"}).out, kMap);
  EXPECT_THAT(Run({"list", "--kubeconfig", config, "--context", "there"}).status,
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("kubeconfig has no context named 'there', only: here, other")));
}

TEST_F(MapperBehindApiServer, MergesTheFilesOfTheVariableKubeconfig) {
  const std::string contexts = Write("contexts", ContextPart("here", "here"));
  const std::string clusters = Write("clusters", ClusterPart());
  const std::string users = Write("users", UserPart("jane", kTokenUser));
  environment_["KUBECONFIG"] = contexts + ":/nonexistent/config:" + clusters + ":" + users;
  const Outcome outcome = Run({"list"});
  EXPECT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.out, kMap);
}

TEST_F(MapperBehindApiServer, FindsTheConfigurationInTheHomeFolder) {
  environment_["HOME"] = directory_.Path().string();
  std::filesystem::create_directory(directory_.Path() / ".kube");
  Write("ca.crt", authority_.Pem());
  std::filesystem::copy(Kubeconfig(kTokenUser), directory_.Path() / ".kube/config");
  std::filesystem::copy(directory_.Path() / "ca.crt", directory_.Path() / ".kube/ca.crt");
  EXPECT_EQ(Run({"list"}).out, kMap);
}

TEST_F(MapperBehindApiServer, FindsAMapperOfAnotherNamespaceNameAndPort) {
  EXPECT_EQ(List(kTokenUser, {"--mapper-namespace", "maps", "--mapper-service-name", "mapper",
                              "--mapper-service-port", "80"})
                .out,
            kMap);
}

TEST_F(MapperBehindApiServer, ResetsThroughTheProxyToo) {
  EXPECT_THAT(Run({"reset", "--kubeconfig", Kubeconfig(kTokenUser)}).status, IsOk());
  EXPECT_EQ(store_.Size(), 0U);
}

class GuardedMapperBehindApiServer : public MapperBehindApiServer {
 protected:
  void SetUp() override {
    MapperBehindApiServer::SetUp();
    auto mapper = HttpServer::Start({.host = "127.0.0.1"}, [this](const HttpRequest& request) {
      return guarded_.Handle(request);
    });
    ASSERT_THAT(mapper, IsOk());
    guarded_mapper_ = *std::move(mapper);
    url_ = fmt::format("http://127.0.0.1:{}", guarded_mapper_->Port());
    options_.proxies = {{"otterize-system/otterize-network-mapper:9090", url_}};
    options_.service_accounts = {kAdmin};
    StartApiServer(authority_.Issue("kube", "IP:127.0.0.1"));
  }

  Outcome Reset(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"reset", "--kubeconfig", Kubeconfig(kTokenUser)});
    return Run(std::move(arguments));
  }

  static constexpr const char* kAdmin = "otterize-system/otterize-network-mapper-admin";
  ApiHandler guarded_{Root(), {}, {.check_role = [](Role role, const std::string& token) {
                        if (token.empty()) {
                          return Unauthenticated("no token was shown");
                        }
                        bool good = role == Role::kAdmin &&
                                    token == stand_in::TokenOf(kAdmin, "network-mapper");
                        return good ? OkStatus() : PermissionDenied("somebody else");
                      }}};
  std::unique_ptr<HttpServer> guarded_mapper_;
  std::string url_;
};

TEST_F(GuardedMapperBehindApiServer, IsResetWithATokenThatTheApiServerGives) {
  EXPECT_THAT(Reset().status, IsOk());
  EXPECT_EQ(store_.Size(), 0U);
}

TEST_F(GuardedMapperBehindApiServer, SaysWhichRightAResetTakes) {
  server_->Faults().Add(
      {.kind = FaultKind::kForbidden, .path = "/serviceaccounts/", .verb = "create"});
  EXPECT_THAT(
      Reset().status,
      StatusIs(StatusCode::kPermissionDenied,
               AllOf(HasSubstr("the mapper wants a token"),
                     HasSubstr("right to create serviceaccounts/token"),
                     HasSubstr("otterize-network-mapper-admin in namespace otterize-system"))));
  EXPECT_EQ(store_.Size(), 1U);
}

TEST_F(GuardedMapperBehindApiServer, IsResetDirectlyWithATokenFile) {
  EXPECT_THAT(Run({"reset", "--mapper-url", url_}).status,
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("--token-file"), HasSubstr("status code: 401"))));
  EXPECT_THAT(Run({"reset", "--mapper-url", url_, "--token-file", Write("wrong", "a.b.c")}).status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("status code: 403")));
  EXPECT_THAT(Run({"reset", "--mapper-url", url_, "--token-file", "/nonexistent"}).status,
              StatusIs(StatusCode::kNotFound, HasSubstr("/nonexistent")));
  EXPECT_EQ(store_.Size(), 1U);
  const std::string token = Write("token", stand_in::TokenOf(kAdmin, "network-mapper"));
  EXPECT_THAT(Run({"reset", "--mapper-url", url_, "--token-file", token}).status, IsOk());
  EXPECT_EQ(store_.Size(), 0U);
}

TEST_F(GuardedMapperBehindApiServer, IsListedWithoutAnyToken) {
  server_->Faults().Add(
      {.kind = FaultKind::kForbidden, .path = "/serviceaccounts/", .verb = "create"});
  EXPECT_EQ(List(kTokenUser).out, kMap);
}

// Over TLS, so that the way of the forwarded port has its handshake and its credentials as well.
TEST_F(MapperBehindApiServer, SaysWhichRightsAreMissing) {
  ASSERT_THAT(server_->Objects().Apply(R"({"apiVersion":"v1","kind":"Pod",
      "metadata":{"name":"mapper-1","namespace":"otterize-system",
                  "labels":{"app":"otterize-network-mapper"}},
      "status":{"conditions":[{"type":"Ready","status":"True"}]}})"),
              IsOk());
  server_->Faults().Add({.kind = FaultKind::kForbidden, .path = "/proxy/", .verb = "create"});
  server_->Faults().Add({.kind = FaultKind::kForbidden, .path = "/services/", .verb = ""});
  server_->Faults().Add({.kind = FaultKind::kForbidden, .path = "/portforward", .verb = ""});
  EXPECT_THAT(List(kTokenUser).status,
              StatusIs(StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("right to create services/proxy"),
                             HasSubstr("in namespace otterize-system"),
                             HasSubstr(R"(cannot create resource "services/proxy")"),
                             HasSubstr(R"(cannot get resource "pods/portforward")"),
                             HasSubstr("HTTP error status code: 403"))));
  EXPECT_EQ(server_->Faults().Pending(), 0);
}

TEST_F(MapperBehindApiServer, AsksWhetherTheMapperIsInstalled) {
  EXPECT_THAT(List(kTokenUser, {"--mapper-namespace", "nowhere"}).status,
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("service otterize-network-mapper is not in namespace "
                                       "nowhere; is the network mapper installed"),
                             HasSubstr("--mapper-namespace"))));
}

TEST_F(MapperBehindApiServer, AsksWhetherTheMapperRuns) {
  ASSERT_THAT(server_->Objects().Apply(R"({"apiVersion":"v1","kind":"Service",
      "metadata":{"name":"otterize-network-mapper","namespace":"empty"}})"),
              IsOk());
  EXPECT_THAT(List(kTokenUser, {"--mapper-namespace", "empty"}).status,
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("no pod answers behind service otterize-network-mapper in "
                                       "namespace empty"),
                             HasSubstr("no endpoints available"))));
  EXPECT_THAT(List(kTokenUser, {"--mapper-namespace", "broken"}).status,
              StatusIs(StatusCode::kUnavailable, AllOf(HasSubstr("no pod answers behind"),
                                                       HasSubstr("error trying to reach"))));
}

TEST_F(MapperBehindApiServer, SaysThatTheCredentialsAreNoLongerGood) {
  EXPECT_THAT(List("{token: old}").status,
              StatusIs(StatusCode::kUnauthenticated,
                       AllOf(HasSubstr("does not accept the credentials"), HasSubstr("expired"))));
  const CertifiedKey jane = authority_.Issue("jane", "", std::chrono::hours(-1) / 2);
  Write("jane.crt", jane.certificate_pem);
  Write("jane.key", jane.key_pem);
  EXPECT_THAT(List("{client-certificate: jane.crt, client-key: jane.key}").status,
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(MapperBehindApiServer, TellsAboutAnExpiredOrForeignServerCertificate) {
  StartApiServer(authority_.Issue("kube", "IP:127.0.0.1", std::chrono::hours(-1) / 2));
  EXPECT_THAT(List(kTokenUser).status,
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("is not trusted"), HasSubstr("certificate has expired"))));
  const TestAuthority other;
  StartApiServer(other.Issue("kube", "IP:127.0.0.1"));
  EXPECT_THAT(List(kTokenUser).status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("is not trusted")));
}

TEST_F(MapperBehindApiServer, SaysWhichFormAMapperUrlHas) {
  for (const char* url : {"localhost:9090", "http://", "http://h:9090/?x", "http://h:port"}) {
    EXPECT_THAT(Run({"list", "--mapper-url", url}).status,
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("form http://HOST:9090")))
        << url;
  }
  const std::string address = fmt::format("http://127.0.0.1:{}", mapper_->Port());
  for (const char* path : {"", "/", "/query"}) {
    const Outcome outcome = Run({"list", "--mapper-url", address + path});
    EXPECT_THAT(outcome.status, IsOk()) << path;
    EXPECT_EQ(outcome.out, kMap) << path;
  }
  EXPECT_THAT(Run({"list", "--mapper-url", address + "/graphql"}).status,
              StatusIs(StatusCode::kNotFound, HasSubstr("form http://HOST:9090")));
}

TEST_F(MapperBehindApiServer, SaysWhatToDoWithoutAnyConfiguration) {
  EXPECT_THAT(Run({"list"}).status,
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("--mapper-url http://HOST:9090"), HasSubstr("--kubeconfig"),
                             HasSubstr("'/nonexistent/.kube/config'"))));
  EXPECT_THAT(Run({"list", "--kubeconfig", "/nonexistent/x"}).status,
              StatusIs(StatusCode::kNotFound, HasSubstr("cannot read the kubeconfig")));
}

TEST_F(MapperBehindApiServer, ReportsAMapperThatFailsInsteadOfAnEmptyMap) {
  server_->Faults().Add({.kind = FaultKind::kInternalError, .path = "/proxy/", .verb = ""});
  const Outcome outcome = List(kTokenUser);
  EXPECT_THAT(outcome.status, StatusIs(StatusCode::kUnavailable, HasSubstr("500")));
  EXPECT_EQ(outcome.out, "");
  server_->Faults().Add({.kind = FaultKind::kDropConnection, .path = "/proxy/", .verb = ""});
  EXPECT_THAT(List(kTokenUser).status,
              StatusIs(StatusCode::kUnavailable, Not(HasSubstr("HTTP error status code"))));
}

}  // namespace
}  // namespace network_mapper::cli
