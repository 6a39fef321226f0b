#include "common/kube/cluster_access.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/credential_source.h"
#include "common/kube/exec_plugin.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kube {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Environment Variables(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

constexpr std::string_view kFull = R"(
apiVersion: v1
kind: Config
current-context: main
contexts:
- {name: main, context: {cluster: c, user: u, namespace: shop}}
- {name: bare, context: {cluster: c}}
- {name: plugin, context: {cluster: c, user: p}}
clusters:
- name: c
  cluster:
    server: https://10.0.0.1:6443
    tls-server-name: kube.example
    certificate-authority: pki/ca.crt
users:
- name: u
  user:
    client-certificate-data: Zm9v
    client-key: /abs/key.pem
    token: abc
    tokenFile: tokens/t
    as: jane
    as-groups: [dev, ops]
    as-user-extra: {scopes: [view]}
- name: p
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./get-token
      args: [--cluster, x]
      env: [{name: A, value: b}]
      provideClusterInfo: true
      interactiveMode: Never
)";

StatusOr<ClusterAccess> ParseOne(std::string_view content, std::string_view context = {}) {
  return ParseKubeconfig({{"/home/x/.kube/config", std::string(content)}}, context);
}

TEST(Kubeconfig, ReadsClusterUserAndContext) {
  const auto access = ParseOne(kFull);
  ASSERT_THAT(access, IsOk());
  EXPECT_EQ(access->server, "https://10.0.0.1:6443");
  EXPECT_EQ(access->tls_server_name, "kube.example");
  EXPECT_FALSE(access->insecure_skip_tls_verify);
  EXPECT_EQ(access->certificate_authority.path, "/home/x/.kube/pki/ca.crt");
  EXPECT_EQ(access->client_certificate.pem, "foo");
  EXPECT_EQ(access->client_key.path, "/abs/key.pem");
  EXPECT_EQ(access->token, "abc");
  EXPECT_EQ(access->token_file, "/home/x/.kube/tokens/t");
  EXPECT_EQ(access->name_space, "shop");
  ASSERT_TRUE(access->impersonation.has_value());
  EXPECT_EQ(access->impersonation->user, "jane");
  EXPECT_THAT(access->impersonation->groups, ElementsAre("dev", "ops"));
}

TEST(Kubeconfig, PicksAnotherContextWhenAsked) {
  const auto bare = ParseOne(kFull, "bare");
  ASSERT_THAT(bare, IsOk());
  EXPECT_EQ(bare->token, "");
  EXPECT_EQ(bare->name_space, "default");
  const auto plugin = ParseOne(kFull, "plugin");
  ASSERT_THAT(plugin, IsOk());
  ASSERT_TRUE(plugin->exec.has_value());
  EXPECT_EQ(plugin->exec->command, "/home/x/.kube/./get-token");
  EXPECT_THAT(plugin->exec->arguments, ElementsAre("--cluster", "x"));
  EXPECT_THAT(plugin->exec->environment, ElementsAre(Pair("A", "b")));
  EXPECT_TRUE(plugin->exec->provide_cluster_info);
}

TEST(Kubeconfig, MergesFilesSoThatTheFirstWins) {
  const std::vector<KubeconfigFile> files = {
      {"/one/config",
       "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
       "clusters: [{name: c, cluster: {server: 'https://first'}}]\n"},
      {"/two/config",
       "current-context: a\n"
       "clusters: [{name: c, cluster: {server: 'https://second'}}]\n"
       "users: [{name: u, user: {tokenFile: t}}]\n"},
      {"/three/config", "current-context: b\n"},
      {"/empty/config", ""}};
  const auto access = ParseKubeconfig(files, "");
  ASSERT_THAT(access, IsOk());
  EXPECT_EQ(access->server, "https://first");
  EXPECT_EQ(access->token_file, "/two/t");
}

TEST(Kubeconfig, NamesWhatIsWrong) {
  const std::string head =
      "current-context: m\ncontexts: [{name: m, context: {cluster: c, user: u}}]\n";
  const std::string cluster = "clusters: [{name: c, cluster: {server: 'https://a'}}]\n";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"a: [", "/home/x/.kube/config"},
      {"[1, 2]", "no YAML map"},
      {"clusters: 3", "clusters is no list"},
      {"{}", "current-context"},
      {"current-context: nope", "no context named 'nope'"},
      {head, "no cluster named 'c'"},
      {head + cluster, "no user named 'u'"},
      {head + "clusters: [{name: c, cluster: {server: 'a:1'}}]\n", "must start with http"},
      {head + "clusters: [{name: c, cluster: {server: 'https://a', proxy-url: 'http://p'}}]\n",
       "proxy-url is not supported"},
      {head + cluster + "users: [{name: u, user: {auth-provider: {name: gcp}}}]\n",
       "auth-provider is not supported"},
      {head + cluster + "users: [{name: u, user: {client-certificate: a}}]\n", "come together"},
      {head + cluster + "users: [{name: u, user: {client-key-data: '*'}}]\n", "is no Base64"},
      {head + cluster + "users: [{name: u, user: {as-uid: '1'}}]\n", "need as"},
      {head + cluster + "users: [{name: u, user: {exec: {apiVersion: x, command: c}}}]\n",
       "apiVersion 'x' is not supported"},
      {head + cluster +
           "users: [{name: u, user: {exec: {apiVersion: "
           "client.authentication.k8s.io/v1, command: c, interactiveMode: Always}}}]\n",
       "interactiveMode Always"},
  };
  for (const auto& [content, message] : table) {
    const auto access = ParseOne(content);
    ASSERT_FALSE(access.ok()) << content;
    EXPECT_THAT(StatusMessage(access.status()), HasSubstr(message)) << content;
  }
}

TEST(Kubeconfig, SurvivesTruncationAtEachByte) {
  for (size_t size = 0; size < kFull.size(); ++size) {
    const auto access = ParseOne(kFull.substr(0, size));
    if (access.ok()) {
      EXPECT_EQ(access->server, "https://10.0.0.1:6443") << size;
    }
  }
}

TEST(KubeconfigAccess, FollowsTheSearchOrder) {
  const TemporaryDirectory directory;
  const auto config = [](const std::string& server) {
    return fmt::format(
        "current-context: m\ncontexts: [{{name: m, context: {{cluster: c}}}}]\n"
        "clusters: [{{name: c, cluster: {{server: 'https://{}'}}}}]\n",
        server);
  };
  const std::string explicit_file = directory.WriteFile("explicit", config("explicit")).string();
  const std::string listed = directory.WriteFile("listed", config("listed")).string();
  directory.WriteFile(".kube/config", config("home"));
  const std::string home = directory.Path().string();
  const Environment both =
      Variables({{"HOME", home}, {"KUBECONFIG", home + "/missing::" + listed}});
  EXPECT_EQ(KubeconfigAccess(both, explicit_file)->server, "https://explicit");
  EXPECT_EQ(KubeconfigAccess(both)->server, "https://listed");
  EXPECT_EQ(FindClusterAccess(both, {})->server, "https://listed");
  EXPECT_EQ(FindClusterAccess(both, {.server_url = "http://x:1"})->server, "http://x:1");
  EXPECT_EQ(FindClusterAccess(Variables({{"HOME", home}}), {})->server, "https://home");
  EXPECT_THAT(FindClusterAccess(Variables({{"HOME", home + "/no"}}), {}),
              StatusIs(StatusCode::kNotFound, HasSubstr("not in a pod")));
  EXPECT_THAT(KubeconfigAccess(both, home + "/no"), StatusIs(StatusCode::kNotFound, _));
}

TEST(InClusterAccess, ReadsTheServiceAccount) {
  const TemporaryDirectory directory;
  directory.WriteFile("token", "t\n");
  directory.WriteFile("ca.crt", "pem");
  directory.WriteFile("namespace", "shop");
  const Environment pod =
      Variables({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
  const auto access = InClusterAccess(pod, directory.Path());
  ASSERT_THAT(access, IsOk());
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->name_space, "shop");
  EXPECT_THAT(InClusterAccess(Variables({}), directory.Path()),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("not in a pod")));
  std::filesystem::remove(directory.Path() / "ca.crt");
  EXPECT_THAT(InClusterAccess(pod, directory.Path()),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("ca.crt")));
}

std::string Authorization(const Credential& credential) {
  for (const auto& [name, value] : credential.headers) {
    if (name == "Authorization") {
      return value;
    }
  }
  return "";
}

TEST(CredentialSource, ReadsATokenFileAgainAfterAMinuteAndKeepsTheOldOneOnFailure) {
  const TemporaryDirectory directory;
  FakeClock clock;
  ClusterAccess access;
  access.token_file = directory.WriteFile("token", "one\n").string();
  CredentialSource source(access, clock);
  EXPECT_EQ(Authorization(*source.Current()), "Bearer one");
  directory.WriteFile("token", "two\n");
  EXPECT_EQ(Authorization(*source.Current()), "Bearer one");
  clock.Advance(std::chrono::minutes(1));
  EXPECT_EQ(Authorization(*source.Current()), "Bearer two");
  std::filesystem::remove(access.token_file);
  clock.Advance(std::chrono::minutes(1));
  EXPECT_EQ(Authorization(*source.Current()), "Bearer two");
}

TEST(CredentialSource, SendsBasicAuthenticationAndImpersonation) {
  FakeClock clock;
  ClusterAccess access;
  access.username = "Aladdin";
  access.password = "open sesame";
  access.impersonation = Impersonation{"jane", "7", {"dev", "ops"}, {{"a/b", {"x"}}}};
  CredentialSource source(access, clock);
  EXPECT_THAT(source.Current()->headers,
              ElementsAre(Pair("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
                          Pair("Impersonate-User", "jane"), Pair("Impersonate-Uid", "7"),
                          Pair("Impersonate-Group", "dev"), Pair("Impersonate-Group", "ops"),
                          Pair("Impersonate-Extra-a%2Fb", "x")));
}

// A plugin that counts its runs and prints the token "run-<n>-<A>".
ClusterAccess PluginAccess(const TemporaryDirectory& directory, const std::string& expires) {
  const std::string script = fmt::format(
      "#!/bin/sh\necho x >> {0}/runs\nn=$(wc -l < {0}/runs)\necho \"$KUBERNETES_EXEC_INFO\" > "
      "{0}/info\n"
      "echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
      "\"status\":{{{1}\"token\":\"run-'$n'-'$A'\"}}}}'\n",
      directory.Path().string(), expires);
  ClusterAccess access;
  access.server = "https://a";
  access.exec.emplace();
  access.exec->command = "/bin/sh";
  access.exec->arguments = {directory.WriteFile("plugin", script).string()};
  access.exec->environment = {{"A", "b"}};
  access.exec->api_version = "client.authentication.k8s.io/v1";
  access.exec->provide_cluster_info = true;
  return access;
}

TEST(CredentialSource, RunsAPluginOnceAndAgainAfterARejection) {
  const TemporaryDirectory directory;
  FakeClock clock;
  const ClusterAccess access = PluginAccess(directory, "");
  CredentialSource source(access, clock);
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-1-b");
  clock.Advance(std::chrono::hours(10));
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-1-b");
  EXPECT_THAT(ReadFileOrDie(directory.Path() / "info"), HasSubstr(R"("server":"https://a")"));
  EXPECT_TRUE(source.Reject(source.Current()->generation));
  const Credential second = *source.Current();
  EXPECT_EQ(Authorization(second), "Bearer run-2-b");
  source.Reject(second.generation - 1);
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-2-b");
}

TEST(CredentialSource, RunsAPluginAgainWhenItsCredentialExpires) {
  const TemporaryDirectory directory;
  FakeClock clock;
  const ClusterAccess access =
      PluginAccess(directory, R"("expirationTimestamp":"2026-01-01T01:00:00Z",)");
  CredentialSource source(access, clock);
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-1-b");
  clock.Advance(std::chrono::minutes(59));
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-1-b");
  clock.Advance(std::chrono::seconds(55));
  EXPECT_EQ(Authorization(*source.Current()), "Bearer run-2-b");
}

TEST(ExecPlugin, TellsWhyItFailed) {
  ClusterAccess access;
  access.exec.emplace();
  access.exec->api_version = "client.authentication.k8s.io/v1";
  access.exec->command = "/nonexistent/plugin";
  access.exec->install_hint = "install it";
  const auto limit = std::chrono::seconds(5);
  EXPECT_THAT(RunExecPlugin(access, "", limit),
              StatusIs(StatusCode::kNotFound, HasSubstr("install it")));
  access.exec->command = "/bin/sh";
  access.exec->arguments = {"-c", "exit 3"};
  EXPECT_THAT(RunExecPlugin(access, "", limit),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("exit code 3")));
  access.exec->arguments = {"-c", "echo no"};
  EXPECT_THAT(RunExecPlugin(access, "", limit),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no ExecCredential")));
  access.exec->arguments = {"-c", "exec sleep 20"};
  EXPECT_THAT(RunExecPlugin(access, "", std::chrono::milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("50 ms")));
}

TEST(ExecPlugin, RefusesCredentialsThatAreNotWhole) {
  constexpr std::string_view kVersion = "client.authentication.k8s.io/v1beta1";
  const auto parse = [&](std::string_view status) {
    return ParseExecCredential(
        fmt::format(R"({{"kind":"ExecCredential","apiVersion":"{}","status":{}}})", kVersion,
                    status),
        kVersion);
  };
  EXPECT_EQ(parse(R"({"clientCertificateData":"c","clientKeyData":"k"})")->client_key, "k");
  EXPECT_FALSE(parse("{}").ok());
  EXPECT_FALSE(parse("null").ok());
  EXPECT_FALSE(parse(R"({"clientCertificateData":"c","token":"t"})").ok());
  EXPECT_FALSE(parse(R"({"token":"t","expirationTimestamp":"soon"})").ok());
  EXPECT_THAT(ParseExecCredential(R"({"kind":"ExecCredential","apiVersion":"v9"})", kVersion),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'v9'")));
}

}  // namespace
}  // namespace network_mapper::kube
