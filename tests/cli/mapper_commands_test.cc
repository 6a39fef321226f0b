// Commands against the mapper's real API, so that each question is one that it understands.
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "cli/commands.h"
#include "cli/screen_text.h"
#include "tests/mapper/api/api_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  Status status;
  std::string out;
  std::string err;
  int exit_code = 0;
};

class MapperCommands : public ApiTest {
 protected:
  using Strength = network_mapper::Strength;

  Outcome RunLine(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "network-mapper");
    const char* environment[] = {nullptr};
    CommandLineResult line =
        ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), environment);
    if (line.error) {
      return {.status = InvalidArgument("{}", line.error->message),
              .out = "",
              .err = line.error->usage,
              .exit_code = line.error->exit_code};
    }
    std::ostringstream out;
    std::ostringstream err;
    CommandContext context{
        .connect = [this]() -> StatusOr<QueryTransport> {
          return QueryTransport([this](const std::string& body) -> StatusOr<HttpReply> {
            HttpResponse response = PostBody(body);
            return HttpReply{.status = response.status, .body = response.body};
          });
        },
        .out = out,
        .err = err,
        .program = "network-mapper",
        .now = clock_.Now()};
    StatusOr<int> exit_code = RunCommand(line.invocation->options, context);
    return {
        .status = exit_code.status(),
        .out = out.str(),
        .err = err.str(),
        .exit_code = exit_code.ok() ? *exit_code : ErrorExitCode(line.invocation->options.command)};
  }

  void SeeOf(const std::string& client, const std::string& server, Strength strength,
             int second = 0) {
    IntentSighting sighting = MakeSighting(client, server, second);
    sighting.strength = strength;
    See(store_, std::move(sighting));
  }

  void SeeInAws(const std::string& arn, std::vector<std::string> actions, Strength strength) {
    IntentSighting sighting = MakeSighting(MakeWorkload("shop", "web"), MakeWorkload("", arn));
    sighting.strength = strength;
    sighting.type = IntentType::kAws;
    sighting.collector = Collector::kAws;
    sighting.resolution = Resolution::kAws;
    sighting.details = std::make_unique<IntentDetails>();
    sighting.details->aws_actions = std::move(actions);
    sighting.details->aws_regions = {"eu-west-1"};
    sighting.details->aws_roles = {"arn:aws:iam::1:role/web"};
    See(store_, std::move(sighting));
  }

  // web->cart connected (and looked up), web->ghost attempted, web->prices resolved, worker->bank
  // used.
  void SeeShop() {
    IntentSighting syn = MakeSighting("web", "cart", 10);
    syn.strength = Strength::kConnected;
    syn.port = PortSeen{.number = 7070, .protocol = Protocol::kTcp};
    syn.count = 5;
    syn.answered = 4;
    syn.shared = true;
    syn.kubernetes_service = Text("cart-svc");
    syn.sample = {.client_pod = Text("web-1"),
                  .server_pod = Text("cart-1"),
                  .server_address = IpAddress::Parse("10.0.0.7")};
    See(store_, std::move(syn));
    IntentSighting lookup = MakeSighting("web", "cart", 5);
    lookup.collector = Collector::kDns;
    lookup.strength = Strength::kResolved;
    See(store_, std::move(lookup));
    SeeOf("web", "ghost", Strength::kAttempted);
    SeeOf("web", "prices", Strength::kResolved);
    SeeOf("worker", "bank", Strength::kUsed);
  }
};

// docs/regressions.md P1
TEST_F(MapperCommands, ExplainSaysWhatEachCollectorSaw) {
  SeeShop();
  Outcome outcome = RunLine({"explain", "web", "cart", "-n", "shop"});
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "web in namespace shop calls cart in namespace shop\n"
            "  strength          connected (a connection was seen)\n"
            "  first seen        2026-01-01T00:00:05Z\n"
            "  last seen         2026-01-01T00:00:10Z\n"
            "  seen              6 times\n"
            "  ports             7070 (TCP)\n"
            "  by service        cart-svc\n"
            "  dns: resolved (the name was looked up, nothing more was seen)\n"
            "    first seen        2026-01-01T00:00:05Z\n"
            "    last seen         2026-01-01T00:00:05Z\n"
            "    seen              once\n"
            "  tcp_syn: connected (a connection was seen)\n"
            "    first seen        2026-01-01T00:00:10Z\n"
            "    last seen         2026-01-01T00:00:10Z\n"
            "    seen              5 times; 5 of these to a service with several workloads behind "
            "it, and may have been for another\n"
            "    answered          4 of 5 SYNs\n"
            "    ports             7070\n"
            "    client pods       web-1\n"
            "    server pods       cart-1\n"
            "    server addresses  10.0.0.7\n");
}

TEST_F(MapperCommands, ExplainSaysThatAKafkaOperationWasDenied) {
  IntentSighting denied = MakeSighting("mallory", "kafka");
  denied.type = IntentType::kKafka;
  denied.collector = Collector::kKafka;
  denied.resolution = Resolution::kKafka;
  denied.details = std::make_unique<IntentDetails>();
  denied.details->kafka_topics.push_back({"payroll", {KafkaOperation::kConsume}});
  See(store_, std::move(denied));
  EXPECT_EQ(RunLine({"explain", "mallory", "kafka"}).out,
            "mallory in namespace shop calls kafka in namespace shop\n"
            "  strength          attempted (tried, and denied)\n"
            "  type              KAFKA\n"
            "  first seen        2026-01-01T00:00:00Z\n"
            "  last seen         2026-01-01T00:00:00Z\n"
            "  seen              once\n"
            "  Kafka topic       payroll: CONSUME\n"
            "  kafka: attempted (tried, and denied)\n"
            "    first seen        2026-01-01T00:00:00Z\n"
            "    last seen         2026-01-01T00:00:00Z\n"
            "    seen              once\n");
}

TEST_F(MapperCommands, ShowsWhatIsDoneInAws) {
  SeeOf("web", "cart", Strength::kConnected);
  // A bucket's name may have dots.
  SeeInAws("arn:aws:s3:::my.bills/2026.pdf", {"s3:GetObject", "s3:PutObject"}, Strength::kUsed);
  SeeInAws("arn:aws:sqs:eu-west-1:1:q", {"sqs:SendMessage"}, Strength::kAttempted);
  EXPECT_EQ(RunLine({"list", "-q"}).out,
            "web in namespace shop calls:\n"
            "  - arn:aws:s3:::my.bills/2026.pdf in AWS\n"
            "    - actions: [s3:GetObject s3:PutObject]\n"
            "  - arn:aws:sqs:eu-west-1:1:q in AWS (attempted only)\n"
            "    - actions: [sqs:SendMessage]\n"
            "  - cart in namespace shop\n");
  EXPECT_THAT(RunLine({"explain", "web", "arn:aws:sqs:eu-west-1:1:q", "-n", "shop"}).out,
              AllOf(StartsWith("web in namespace shop calls arn:aws:sqs:eu-west-1:1:q\n"),
                    HasSubstr("attempted (tried, and denied or not answered)"),
                    HasSubstr("AWS regions       eu-west-1\n"),
                    HasSubstr("IAM roles         arn:aws:iam::1:role/web\n")));
  EXPECT_THAT(RunLine({"export"}).out, HasSubstr("    - aws:\n"
                                                 "        arn: arn:aws:s3:::my.bills/2026.pdf\n"
                                                 "        actions:\n"
                                                 "          - s3:GetObject\n"
                                                 "          - s3:PutObject\n"));
  EXPECT_THAT(RunLine({"export", "--output-version", "v1"}).out,
              HasSubstr("    - name: arn:aws:s3:::my.bills/2026.pdf\n"
                        "      type: aws\n"
                        "      awsActions:\n"
                        "        - s3:GetObject\n"));
  const Json json = Json::parse(RunLine({"export", "--format", "json"}).out);
  EXPECT_EQ(json[0]["spec"]["targets"][0],
            Json::parse(R"({"aws":{"arn":"arn:aws:s3:::my.bills/2026.pdf",
      "actions":["s3:GetObject","s3:PutObject"]}})"));
  TemporaryDirectory directory;
  const std::string picture = (directory.Path() / "map.dot").string();
  ASSERT_THAT(RunLine({"visualize", "-q", "-o", picture.c_str()}).status, IsOk());
  EXPECT_THAT(ReadFileOrDie(picture), AllOf(HasSubstr("<B>AWS</B>"), HasSubstr("&#8594; AWS")));
}

// A mapper refuses such names; whoever lists the map need not rely on that.
TEST_F(MapperCommands, NothingOfTheMapIsObeyedByTheTerminal) {
  const std::string arn = "arn:aws:s3:::a\nfake in namespace bank calls:\x1B[2J\xC2\x9B\x7F";
  SeeInAws(arn, {"s3:GetObject", "s3:Get\nObject"}, Strength::kUsed);
  for (const std::vector<const char*>& line :
       std::vector<std::vector<const char*>>{{"list"},
                                             {"export"},
                                             {"export", "--format", "json"},
                                             {"export", "--format", "iam-policy"},
                                             {"explain", "web", arn.c_str()},
                                             {"explain", "web", "nothing"},
                                             {"explain", "web", arn.c_str(), "--format", "json"}}) {
    const Outcome outcome = RunLine(line);
    const std::string all = outcome.out + outcome.err;
    EXPECT_EQ(LinesOnScreen(all), all) << line[0];
    EXPECT_THAT(all, Not(HasSubstr("\nfake"))) << line[0];
    EXPECT_FALSE(all.empty());
  }
  EXPECT_THAT(RunLine({"list"}).out, HasSubstr("a\\u000afake in namespace bank calls:\\u001b[2J"));
}

TEST_F(MapperCommands, WhatWasExportedOfAwsReadsBack) {
  SeeInAws("arn:aws:s3:::my.bills/2026.pdf", {"s3:GetObject"}, Strength::kUsed);
  TemporaryDirectory directory;
  const std::string v2 = (directory.Path() / "v2.yaml").string();
  const std::string v1 = (directory.Path() / "v1.yaml").string();
  ASSERT_THAT(RunLine({"export", "-q", "-o", v2.c_str()}).status, IsOk());
  ASSERT_THAT(RunLine({"export", "-q", "-o", v1.c_str(), "--output-version", "v1"}).status, IsOk());
  EXPECT_EQ(RunLine({"diff", v2.c_str(), "now"}).exit_code, 0);
  EXPECT_EQ(RunLine({"diff", v1.c_str(), v2.c_str()}).exit_code, 0);
  SeeInAws("arn:aws:s3:::my.bills/2026.pdf", {"s3:PutObject"}, Strength::kUsed);
  EXPECT_THAT(RunLine({"diff", v2.c_str(), "now"}).out,
              HasSubstr("web.shop -> arn:aws:s3:::my.bills/2026.pdf\n"));
}

TEST_F(MapperCommands, ExportsWhatWasDoneInAwsAsPolicies) {
  SeeOf("web", "cart", Strength::kConnected);
  EXPECT_EQ(RunLine({"export", "--format", "iam-policy"}).out, "[]\n");
  EXPECT_THAT(RunLine({"export", "--format", "iam-policy"}).err, HasSubstr("No workload"));
  SeeInAws("arn:aws:s3:::bills/2026", {"s3:GetObject"}, Strength::kUsed);
  SeeInAws("arn:aws:sqs:eu-west-1:1:q", {"sqs:SendMessage"}, Strength::kAttempted);
  const Json policies = Json::parse(RunLine({"export", "--format", "iam-policy"}).out);
  ASSERT_EQ(policies.size(), 1U);
  EXPECT_EQ(policies[0]["workload"]["name"], "web");
  EXPECT_EQ(policies[0]["roles"], Json::parse(R"(["arn:aws:iam::1:role/web"])"));
  EXPECT_EQ(policies[0]["policies"][0]["Statement"], Json::parse(R"([{"Effect":"Allow",
      "Action":["s3:GetObject"],"Resource":["arn:aws:s3:::bills/2026"]}])"));
  // Choosing by strength is not yet a wish to allow what was denied.
  EXPECT_EQ(
      Json::parse(RunLine({"export", "--format", "iam-policy", "--evidence", "attempted"}).out),
      policies);
  TemporaryDirectory directory;
  const std::string folder = directory.Path().string();
  ASSERT_THAT(RunLine({"export", "-q", "--format", "iam-policy", "-o", folder.c_str(),
                       "--output-type", "dir"})
                  .status,
              IsOk());
  EXPECT_EQ(Json::parse(ReadFileOrDie(folder + "/web.shop.json")), policies[0]["policies"][0]);
}

TEST_F(MapperCommands, ExplainTakesNamesInEverySpelling) {
  SeeShop();
  IntentSighting elsewhere =
      MakeSighting(MakeWorkload("test", "web"), MakeWorkload("test", "cart"));
  See(store_, std::move(elsewhere));
  const std::string shop = RunLine({"explain", "web.shop", "shop/cart"}).out;
  EXPECT_THAT(shop, StartsWith("web in namespace shop calls cart in namespace shop\n"));
  EXPECT_THAT(shop, Not(HasSubstr("test")));
  EXPECT_EQ(RunLine({"explain", "web", "cart", "-n", "shop"}).out, shop);
  EXPECT_THAT(RunLine({"explain", "web", "cart"}).out,
              AllOf(HasSubstr("namespace shop calls"), HasSubstr("namespace test calls")));
  EXPECT_THAT(RunLine({"explain", "web"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("explain CLIENT SERVER")));
}

TEST_F(MapperCommands, ExplainGivesTheEvidenceAsJson) {
  SeeShop();
  Json json = Json::parse(RunLine({"explain", "web", "cart", "--format", "json"}).out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["evidence"][1]["answered"], 4);
  EXPECT_EQ(RunLine({"explain", "web", "bank", "--format", "json"}).out, "[]\n");
}

// docs/regressions.md P1
TEST_F(MapperCommands, ExplainNamesWhatComesNearWhenThereIsNoSuchEdge) {
  SeeShop();
  Outcome typo = RunLine({"explain", "wbe", "carts"});
  ASSERT_THAT(typo.status, IsOk());
  EXPECT_EQ(typo.exit_code, 1);
  EXPECT_EQ(typo.out, "");
  EXPECT_EQ(typo.err,
            "No connection from wbe to carts was seen.\n"
            "  - No client called wbe is on the map; near: web.shop.\n"
            "  - No server called carts is on the map; near: cart.shop.\n");
  EXPECT_EQ(RunLine({"explain", "worker", "cart"}).err,
            "No connection from worker to cart was seen.\n"
            "  - worker calls bank.shop.\n"
            "  - cart is called by web.shop.\n");
  EXPECT_THAT(RunLine({"explain", "cart", "web"}).err,
              EndsWith("  - The other way round there is one: web calls cart.\n"));
  EXPECT_EQ(RunLine({"explain", "wbe", "carts", "-q"}).err, "");
}

// docs/regressions.md P1
TEST_F(MapperCommands, WhatWasAttemptedOnlyIsMarkedAndNotExported) {
  SeeShop();
  EXPECT_EQ(RunLine({"list"}).out,
            "web in namespace shop calls:\n"
            "  - cart in namespace shop\n"
            "  - ghost in namespace shop (attempted only)\n"
            "  - prices in namespace shop\n"
            "worker in namespace shop calls:\n"
            "  - bank in namespace shop\n");
  Outcome exported = RunLine({"export"});
  EXPECT_THAT(exported.out, AllOf(HasSubstr("name: prices"), Not(HasSubstr("ghost"))));
  EXPECT_EQ(exported.err,
            "1 connection that was attempted only, without an answer, is left out; "
            "--include-attempted exports it.\n");
  EXPECT_EQ(RunLine({"export", "-q"}).err, "");
  Outcome all = RunLine({"export", "--include-attempted"});
  EXPECT_THAT(all.out, HasSubstr("name: ghost"));
  EXPECT_EQ(all.err, "");
}

TEST_F(MapperCommands, EvidenceChoosesByStrength) {
  SeeShop();
  EXPECT_EQ(RunLine({"list", "--evidence", "connected"}).out,
            "web in namespace shop calls:\n"
            "  - cart in namespace shop\n"
            "worker in namespace shop calls:\n"
            "  - bank in namespace shop\n");
  EXPECT_THAT(RunLine({"list", "--evidence", "attempted"}).out,
              AllOf(HasSubstr("ghost"), Not(HasSubstr("prices"))));
  EXPECT_THAT(RunLine({"export", "--evidence", "attempted"}).out, HasSubstr("name: ghost"));
  EXPECT_THAT(RunLine({"export", "--evidence", "used"}).out,
              AllOf(HasSubstr("name: bank"), Not(HasSubstr("cart"))));
  EXPECT_THAT(RunLine({"list", "--evidence", "sure"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("connected")));
}

TEST_F(MapperCommands, SpansChooseByWhenSomethingWasSeen) {
  SeeOf("web", "old", Strength::kConnected, 0);
  SeeOf("web", "new", Strength::kConnected, 7200);
  clock_.Advance(std::chrono::hours(3));
  EXPECT_EQ(RunLine({"list", "--since", "2h"}).out,
            "web in namespace shop calls:\n"
            "  - new in namespace shop\n");
  EXPECT_EQ(RunLine({"list", "--until", "2026-01-01T01:00:00Z"}).out,
            "web in namespace shop calls:\n"
            "  - old in namespace shop\n");
  EXPECT_THAT(RunLine({"export", "--since", "30d"}).out,
              AllOf(HasSubstr("name: old"), HasSubstr("name: new")));
  EXPECT_THAT(RunLine({"list", "--since", "30m"}).err,
              HasSubstr("Nothing matches --since 30m; is it right?"));
  EXPECT_THAT(RunLine({"list", "--since", "yesterday"}).status,
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--since"), HasSubstr("no point in time"))));
}

TEST_F(MapperCommands, DiffComparesAnExportWithTheMapper) {
  SeeShop();
  TemporaryDirectory directory;
  const std::string file = (directory.Path() / "intents.yaml").string();
  ASSERT_THAT(RunLine({"export", "-q", "-o", file.c_str()}).status, IsOk());
  Outcome same = RunLine({"diff", file.c_str(), "now"});
  ASSERT_THAT(same.status, IsOk());
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "");
  EXPECT_EQ(same.err, "0 added, 0 gone, 0 changed\n");

  SeeOf("worker", "cart", Strength::kConnected);
  SeeOf("intruder", "bank", Strength::kAttempted);
  Outcome more = RunLine({"diff", file.c_str(), "now"});
  EXPECT_EQ(more.exit_code, 1);
  EXPECT_EQ(more.out, "added    worker.shop -> cart.shop\n");
  EXPECT_EQ(more.err, "1 added, 0 gone, 0 changed\n");
  EXPECT_EQ(RunLine({"diff", "now", file.c_str(), "-q"}).out,
            "gone     worker.shop -> cart.shop\n");
  EXPECT_EQ(RunLine({"diff", file.c_str(), "now", "--exclude-services", "worker"}).exit_code, 0);
  EXPECT_EQ(RunLine({"diff", file.c_str(), "now", "-n", "test"}).exit_code, 0);
  EXPECT_THAT(RunLine({"diff", file.c_str(), "now", "--include-attempted"}).out,
              HasSubstr("added    intruder.shop -> bank.shop\n"));
  EXPECT_EQ(Json::parse(RunLine({"diff", file.c_str(), "now", "--format", "json"})
                            .out)["added"][0]["server"]["name"],
            "cart");
}

TEST_F(MapperCommands, DiffOfTwoFilesAsksNoMapper) {
  TemporaryDirectory directory;
  directory.WriteFile("a.yaml", "");
  directory.WriteFile("b.json", "[]");
  EXPECT_EQ(RunLine({"diff", (directory.Path() / "a.yaml").c_str(),
                     (directory.Path() / "b.json").c_str()})
                .exit_code,
            0);
}

TEST_F(MapperCommands, DiffOfTwoTimesTellsWhatIsNewAndWhatWasNotSeenAnyMore) {
  SeeOf("web", "old", Strength::kConnected, 0);
  SeeOf("web", "steady", Strength::kConnected, 0);
  SeeOf("web", "steady", Strength::kConnected, 7200);
  SeeOf("web", "new", Strength::kConnected, 7200);
  clock_.Advance(std::chrono::hours(3));
  Outcome outcome = RunLine({"diff", "2h", "now"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out,
            "added    web.shop -> new.shop\n"
            "gone     web.shop -> old.shop\n");
  EXPECT_EQ(RunLine({"diff", "2h", "90m"}).out, "gone     web.shop -> old.shop\n");
}

TEST_F(MapperCommands, DiffFailsWithAnExitCodeOfItsOwn) {
  for (std::vector<const char*> line : {std::vector<const char*>{"diff", "now", "now"},
                                        {"diff", "now", "2h"},
                                        {"diff", "1h", "2h"},
                                        {"diff", "nonexistent.yaml", "now"},
                                        {"diff", "now"},
                                        {"diff", "--unknown"}}) {
    Outcome outcome = RunLine(line);
    EXPECT_FALSE(outcome.status.ok());
    EXPECT_EQ(outcome.exit_code, 2);
  }
  EXPECT_THAT(RunLine({"diff", "nonexistent.yaml", "now"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no file nonexistent.yaml")));
}

TEST_F(MapperCommands, ResetForgetsWhatPassesItsFilters) {
  SeeOf("web", "old", Strength::kConnected, 0);
  SeeOf("web", "new", Strength::kConnected, 7200);
  See(store_, MakeSighting(MakeWorkload("test", "web"), MakeWorkload("test", "old")));
  See(store_, MakeSighting(MakeWorkload("dev", "web"), MakeWorkload("dev", "old")));
  clock_.Advance(std::chrono::hours(3));
  Outcome both = RunLine({"reset", "-n", "shop", "--older-than", "2h"});
  ASSERT_THAT(both.status, IsOk());
  EXPECT_EQ(both.err, "1 connection forgotten\n");
  EXPECT_THAT(Edges(store_), testing::ElementsAre("dev/web -> dev/old", "shop/web -> shop/new",
                                                  "test/web -> test/old"));
  EXPECT_EQ(RunLine({"reset", "--namespaces", "test,shop", "-q"}).err, "");
  EXPECT_THAT(Edges(store_), testing::ElementsAre("dev/web -> dev/old"));
  EXPECT_EQ(RunLine({"reset", "--older-than", "4h"}).err, "0 connections forgotten\n");
  EXPECT_THAT(RunLine({"reset", "--older-than", "2026-01-01"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no age")));
  EXPECT_EQ(Edges(store_).size(), 1U);
  EXPECT_EQ(RunLine({"reset"}).err, "");
  EXPECT_TRUE(Edges(store_).empty());
}

CollectorAccount Sniffer(const std::string& node, bool connected = true) {
  CollectorAccount account;
  account.name = {.instance_id = node + "-life", .component = "sniffer", .node_name = node};
  account.open_streams = connected ? 1 : 0;
  account.first_contact = At(0);
  account.last_contact = At(60);
  account.totals.packets_received = 1204113;
  account.observations = 12;
  account.clock_offset = std::chrono::milliseconds(-1500);
  return account;
}

class MapCompleteness : public MapperCommands {
 protected:
  MapCompleteness() {
    completeness_.ledger.mapper_started = At(0);
    completeness_.nodes = {"a", "b"};
    completeness_.ledger.collectors = {Sniffer("a"), Sniffer("b")};
    completeness_.ledger.sums.totals.packets_received = 2408226;
    completeness_.ledger.sums.observations = 24;
    Refuse(Refusal::kExternalName, 300);
    SeeShop();
  }

  void Refuse(Refusal reason, uint64_t count) {
    completeness_.ledger.sums.refused.at(static_cast<size_t>(reason)) = count;
  }

  std::string Line() { return RunLine({"list"}).err; }
};

// docs/regressions.md P8
TEST_F(MapCompleteness, ListSaysHowFarItCanBeTrusted) {
  EXPECT_EQ(Line(),
            "Complete since 2026-01-01T00:00:00Z: 2 of 2 nodes reporting, 0 of 2,408,226 packets "
            "dropped, 0 observations unresolved.\n");
  EXPECT_EQ(RunLine({"list", "-q"}).err, "");
  EXPECT_EQ(RunLine({"list", "-q"}).out, RunLine({"list"}).out);
}

// docs/regressions.md P8
TEST_F(MapCompleteness, ListDoesNotClaimToBeCompleteWhenItIsNot) {
  Refuse(Refusal::kUnknownClient, 12);
  Refuse(Refusal::kNoBackends, 1);
  EXPECT_EQ(Line(),
            "Since 2026-01-01T00:00:00Z: 2 of 2 nodes reporting, 0 of 2,408,226 packets dropped, "
            "13 observations unresolved: 12 unknown_client, 1 no_backends.\n");
  Refuse(Refusal::kUnknownClient, 0);
  Refuse(Refusal::kNoBackends, 0);
  completeness_.ledger.collectors[1].open_streams = 0;
  completeness_.ledger.sums.totals.packets_dropped_by_kernel = 7;
  completeness_.ledger.sums.totals.observations_dropped_from_spool = 1;
  completeness_.map_since = At(-3600);
  EXPECT_EQ(Line(),
            "Since 2026-01-01T00:00:00Z (map: since 2025-12-31T23:00:00Z): 1 of 2 nodes reporting "
            "(not b), 7 of 2,408,226 packets dropped, 1 observation dropped by full spools, 0 "
            "observations unresolved.\n");
}

TEST_F(MapCompleteness, WhatALimitKeptOutIsMissing) {
  completeness_.ledger.kept_out = 214289;
  EXPECT_EQ(Line(),
            "Since 2026-01-01T00:00:00Z: 2 of 2 nodes reporting, 0 of 2,408,226 packets dropped, "
            "214,289 additions kept out by the map's limits, 0 observations unresolved.\n");
  EXPECT_THAT(RunLine({"status"}).out, HasSubstr("kept out       214,289 additions by the map's"));
}

TEST_F(MapCompleteness, NobodyReportingIsNotComplete) {
  completeness_ = {};
  completeness_.ledger.mapper_started = At(0);
  EXPECT_EQ(Line(),
            "Since 2026-01-01T00:00:00Z: 0 nodes reporting, 0 of 0 packets dropped, 0 observations "
            "unresolved.\n");
}

TEST_F(MapCompleteness, ShowsWhatAKafkaWatcherHasToSay) {
  CollectorAccount watcher;
  watcher.name = {.instance_id = "k", .component = "kafka-watcher", .node_name = "a"};
  watcher.open_streams = 1;
  watcher.totals.log_lines_read = 1500;
  watcher.totals.notices = {"kafka/broker-0 is silent"};
  completeness_.ledger.collectors.push_back(watcher);
  completeness_.ledger.sums.totals.log_lines_read = 1500;
  completeness_.ledger.sums.totals.log_lines_refused = 3;
  const std::string status = RunLine({"status"}).out;
  EXPECT_THAT(status, HasSubstr("2 of 2 nodes reporting\n"));
  EXPECT_THAT(status,
              HasSubstr("log lines      1,500 read, 3 about an access could not be used\n"));
  EXPECT_THAT(status, HasSubstr("\nkafka-watcher: kafka/broker-0 is silent\n"));
  EXPECT_EQ(Line(),
            "Since 2026-01-01T00:00:00Z: 2 of 2 nodes reporting, 0 of 2,408,226 packets dropped, 0 "
            "observations unresolved, 1 notice (`network-mapper status` shows it).\n");
}

TEST_F(MapCompleteness, StatusShowsEveryCollector) {
  clock_.Advance(std::chrono::seconds(63));
  EXPECT_EQ(
      RunLine({"status"}).out,
      "map since      2026-01-01T00:00:00Z\n"
      "counted since  2026-01-01T00:00:00Z\n"
      "nodes          2 of 2 nodes reporting\n"
      "packets        0 of 2,408,226 packets dropped, 0 malformed\n"
      "observations   24 taken in, 0 dropped by full spools\n"
      "unresolved     0\n"
      "left out       300: 300 external_name\n"
      "\n"
      "COLLECTOR  NODE  CONNECTED  LAST CONTACT  PACKETS    DROPPED  MALFORMED  OBSERVATIONS  "
      "SPOOL DROPPED  UNRESOLVED  CLOCK\n"
      "sniffer    a     yes        3s ago        1,204,113  0        0          12            "
      "0              0           -1.500s\n"
      "sniffer    b     yes        3s ago        1,204,113  0        0          12            "
      "0              0           -1.500s\n");
  EXPECT_THAT(RunLine({"status", "--no-headers"}).out, Not(HasSubstr("CONNECTED")));
  Json json = Json::parse(RunLine({"status", "--format", "json"}).out);
  EXPECT_EQ(json["collectors"][1]["node"], "b");
  EXPECT_EQ(json["collectors"][1]["clockOffsetSeconds"], -1.5);
  EXPECT_EQ(json["refused"][0], Json::parse(R"({"reason":"external_name","count":300,
                                                "mayHideAnEdge":false})"));
}

}  // namespace
}  // namespace network_mapper::cli
