// What answers say, what was cut off, who signed, and what is not known.
#include "aws-visibility/iam/recognizer.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/signature.h"

namespace network_mapper::aws {
namespace {

const std::string kScope =
    "AWS4-HMAC-SHA256 Credential=ASIAQNZGKIQY56JQ7WML/20260101/eu-west-1/{}/aws4_request, "
    "SignedHeaders=host, Signature=0";

struct Reply {
  int status = 200;
  std::string body;
};

constexpr std::string_view kAssumed =
    "<R><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>"
    "<Arn>arn:aws:sts::210987654321:assumed-role/b/s</Arn></AssumedRoleUser>"
    "<Credentials><AccessKeyId>ASIAQNZGKIQY56JQ7WML</AccessKeyId></Credentials></R>";

class AwsRecognizer : public testing::Test {
 protected:
  Recognition Get(std::string_view host, std::string_view target, const Reply& answer = {}) {
    const std::string scope = fmt::format(fmt::runtime(kScope), "s3");
    const std::vector<Header> headers = {{"authorization", scope}};
    return Recognizer::Recognize({"GET", host, target, headers}, {}, {answer.status, {}},
                                 {answer.body, true}, memory_);
  }

  Recognition Json(std::string_view service, std::string_view operation, Body body,
                   const Reply& answer = {}) {
    const std::string scope = fmt::format(fmt::runtime(kScope), service);
    const std::string host = fmt::format("{}.eu-west-1.amazonaws.com", service);
    const std::vector<Header> headers = {{"Authorization", scope}, {"X-Amz-Target", operation}};
    return Recognizer::Recognize({"POST", host, "/", headers}, body, {answer.status, {}},
                                 {answer.body, true}, memory_);
  }

  AnswerMemory memory_;
};

TEST_F(AwsRecognizer, KnowsWhatSucceeded) {
  const std::string denied =
      "<Error><Code>AccessDenied</Code><Message>User: "
      "arn:aws:sts::123456789012:assumed-role/shop/s is not authorized to perform: s3:GetObject on "
      "resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows it</Message></Error>";
  EXPECT_TRUE(Get("b.s3.amazonaws.com", "/k").Succeeded());
  EXPECT_TRUE(Get("b.s3.amazonaws.com", "/k", {304, ""}).Succeeded());
  EXPECT_EQ(Get("b.s3.amazonaws.com", "/k", {0, ""}).answer, Answer::kNone);
  for (const int status : {401, 403}) {
    EXPECT_EQ(Get("b.s3.amazonaws.com", "/k", {status, ""}).answer, Answer::kDenied) << status;
  }
  // What does not succeed tells nothing of a permission: many errors come before any decision.
  for (const int status : {101, 301, 307, 400, 404, 405, 412, 429, 500, 503}) {
    EXPECT_EQ(Get("b.s3.amazonaws.com", "/k", {status, ""}).answer, Answer::kFailed) << status;
  }
  const Recognition found = Get("b.s3.amazonaws.com", "/k", {403, denied});
  EXPECT_FALSE(found.Succeeded());
  EXPECT_EQ(found.role, "arn:aws:iam::123456789012:role/shop");
  ASSERT_EQ(found.accesses.size(), 1U);
  EXPECT_EQ(found.accesses[0].resource, "arn:aws:s3:::b/k");
  const Recognition denied_by_json = Json(
      "dynamodb", "DynamoDB_20120810.PutItem", {R"({"TableName":"t"})", true},
      {400,
       R"({"__type":"x#AccessDeniedException","Message":"User: arn:aws:sts::123456789012:assumed-role/shop/s )"
       R"(is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/t"})"});
  EXPECT_FALSE(denied_by_json.Succeeded());
  EXPECT_EQ(denied_by_json.role, "arn:aws:iam::123456789012:role/shop");
  ASSERT_EQ(denied_by_json.accesses.size(), 1U);
  EXPECT_EQ(denied_by_json.accesses[0].resource, "arn:aws:dynamodb:eu-west-1:123456789012:table/t");
  const std::vector<std::pair<std::string, Answer>> codes = {
      {"AccessDeniedException", Answer::kDenied},
      {"UnrecognizedClientException", Answer::kDenied},
      {"ThrottlingException", Answer::kFailed},
      {"ConditionalCheckFailedException", Answer::kFailed},
      {"ResourceNotFoundException", Answer::kFailed}};
  for (const auto& [code, answer] : codes) {
    EXPECT_EQ(Json("dynamodb", "DynamoDB_20120810.PutItem", {R"({"TableName":"t"})", true},
                   {400, fmt::format(R"({{"__type":"x#{}"}})", code)})
                  .answer,
              answer)
        << code;
  }
}

// A "*" in the place of such a name would be in an export, and allow more than what was called.
TEST_F(AwsRecognizer, SaysNothingOfNamesThatNoArnCanHave) {
  for (const char* target : {"/%0Ax/secret", "/payroll/%0A", "/payroll/%01", "/payroll/%FF"}) {
    const Recognition found = Get("s3.eu-west-1.amazonaws.com", target);
    EXPECT_EQ(found.result, RecognitionResult::kMalformed) << target;
    EXPECT_TRUE(found.accesses.empty()) << target;
  }
  const Recognition found =
      Json("secretsmanager", "secretsmanager.GetSecretValue", {R"({"SecretId":"a\u0001"})"});
  EXPECT_EQ(found.result, RecognitionResult::kMalformed);
  EXPECT_TRUE(found.accesses.empty());
  const std::string outpost = "x.op-*.s3-outposts.eu-west-1.amazonaws.com";
  for (const Access& access : Get(outpost, "/k").accesses) {
    EXPECT_NE(access.resource.find("outpost/op-${*}/"), std::string::npos) << access.resource;
  }
}

// What an answer of 200 says was done was done to something: to what is not told by "*".
TEST_F(AwsRecognizer, SaysNothingOfNamesThatItCannotRead) {
  using namespace std::string_literals;
  const std::string utf16 = "\xFF\xFE{\0\"\0T\0a\0b\0l\0e\0N\0a\0m\0e\0\"\0:\0\"\0t\0\"\0}\0"s;
  for (const std::string& body :
       {utf16, utf16.substr(2), "\xEF\xBB\xBF{\"TableName\":\"t\"}"s, R"({"tableName":"t"})"s,
        R"({'TableName':'t'})"s, R"({TableName:"t"})"s, R"({"TableName":["t"]})"s,
        R"({"TableName":""})"s, R"({"TableName":null})"s, "{}"s, ""s, "[]"s,
        "\x1F\x8B\x08{\"TableName\":\"t\"}"s, "<A><TableName>t</A>"s}) {
    const Recognition found = Json("dynamodb", "DynamoDB_20120810.DeleteTable", {body});
    EXPECT_EQ(found.result, RecognitionResult::kMalformed) << body;
    EXPECT_TRUE(found.accesses.empty()) << body;
  }
  // A member that there need not be, in a message that cannot be read.
  EXPECT_TRUE(
      Json("ecs", "AmazonEC2ContainerServiceV20141113.ListTasks", {utf16}).accesses.empty());
  EXPECT_FALSE(
      Json("ecs", "AmazonEC2ContainerServiceV20141113.ListTasks", {"{}"}).accesses.empty());
  EXPECT_TRUE(
      Json("sqs", "AmazonSQS.SendMessage", {R"({"QueueUrl":"https://x/"})"}).accesses.empty());
  // An answer that cannot be read could have had the name.
  EXPECT_TRUE(Json("kms", "TrentService.Decrypt", {R"({"CiphertextBlob":"x"})"}, {200, "\x1F\x8B"})
                  .accesses.empty());
  // What was not kept of a body is another matter, and is counted.
  const Recognition cut = Json("dynamodb", "DynamoDB_20120810.DeleteTable", {"{", false});
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.accesses.size(), 1U);
}

TEST_F(AwsRecognizer, ReadsNamesInXmlOfUriTemplates) {
  const auto create = [&](std::string_view body) {
    return Recognizer::Recognize(
        {"POST", "route53.amazonaws.com", "/2013-04-01/queryloggingconfig", {}}, {body}, {201, {}},
        {}, memory_);
  };
  const Recognition found = create(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- <HostedZoneId>Z0</HostedZoneId> -->"
      "<CreateQueryLoggingConfigRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
      "<HostedZoneId>Z1</HostedZoneId></CreateQueryLoggingConfigRequest>");
  ASSERT_EQ(found.accesses.size(), 1U);
  EXPECT_EQ(found.accesses[0].resource, "arn:aws:route53:::hostedzone/Z1");
  EXPECT_TRUE(create("<R><hostedZoneId>Z1</hostedZoneId></R>").accesses.empty());
}

TEST_F(AwsRecognizer, ReadsKeysOfDeletedObjectsAsS3Does) {
  const auto remove = [&](const std::string& body) {
    const std::vector<Header> headers = {{"x-amz-checksum-crc32", "AAAAAA=="}};
    return Recognizer::Recognize({"POST", "s3.eu-west-1.amazonaws.com", "/payroll?delete", headers},
                                 {body}, {200, {}}, {"<DeleteResult/>"}, memory_);
  };
  const auto object = [](std::string_view key) {
    return fmt::format("<Delete><Object><Key>{}</Key></Object></Delete>", key);
  };
  const std::vector<std::pair<std::string, std::string>> readable = {
      {object("&#233;"), "\u00E9"},
      {object("&#x1F600;"), "\U0001F600"},
      {object("<![CDATA[a<b>]]>c"), "a<b>c"},
      {object("<!-- x -->a"), "a"},
      {object("a<!--b-->c"), "ac"},
      {"\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>" + object("a"), "a"},
      {"<x:Delete xmlns:x='u'><x:Object\t><x:Key\t>a</x:Key></x:Object></x:Delete>", "a"},
      {"<Delete><!--<Object><Key>victim</Key></Object>--><Object><Key>a</Key></Object></Delete>",
       "a"},
      {"<Delete><Other><Object><Key>victim</Key></Object></Other><Object><Key>a</Key></Object>"
       "</Delete>",
       "a"},
  };
  for (const auto& [body, key] : readable) {
    const Recognition found = remove(body);
    ASSERT_EQ(found.accesses.size(), 1U) << body;
    EXPECT_EQ(found.accesses[0].resource, "arn:aws:s3:::payroll/" + key);
  }
  const std::string utf16 = []() {
    std::string text;
    for (const char c : std::string_view("<Delete><Object><Key>a</Key></Object></Delete>")) {
      text += {c, '\0'};
    }
    return text;
  }();
  for (const std::string& body :
       {object(""), object("&unknown;"), object("&#xD800;"), object("&#1114112;"), object("&#x;"),
        object("&"), object("a</Key><Key>b"), object("</Key></Object><Object><Key>a"), utf16,
        "\xFF\xFE" + utf16, std::string("<Delete><Object/></Delete>"), std::string("<Delete/>"),
        std::string(), std::string("<Delete><Object><Key>a</Key></Object>"),
        "<!DOCTYPE d [<!ENTITY e 'a'>]>" + object("&e;"),
        "<?xml encoding='UTF-16'?>" + object("a")}) {
    const Recognition found = remove(body);
    EXPECT_EQ(found.result, RecognitionResult::kMalformed) << body;
    EXPECT_TRUE(found.accesses.empty()) << body;
  }
}

// The name is in the form.
TEST_F(AwsRecognizer, SaysNothingOfObjectsWithoutAName) {
  const std::vector<Header> form = {{"Content-Type", "multipart/form-data; boundary=x"}};
  const Recognition posted = Recognizer::Recognize(
      {"POST", "s3.eu-west-1.amazonaws.com", "/payroll", form}, {}, {204, {}}, {}, memory_);
  EXPECT_EQ(posted.operation, "PutObject");
  EXPECT_EQ(posted.result, RecognitionResult::kMalformed);
  EXPECT_TRUE(posted.accesses.empty());
  const std::vector<Header> copy = {{"x-amz-copy-source", "/payroll/"}};
  const Recognition copied = Recognizer::Recognize(
      {"PUT", "s3.eu-west-1.amazonaws.com", "/own/k", copy}, {}, {200, {}}, {}, memory_);
  EXPECT_TRUE(copied.accesses.empty());
}

// One line: what the answer was taken for, and what was used by what action.
std::string Told(const Recognition& found) {
  static constexpr std::array<std::string_view, 4> kAnswers = {"none", "succeeded", "denied",
                                                               "failed"};
  std::string text(kAnswers[static_cast<size_t>(found.answer)]);
  for (const Access& access : found.accesses) {
    text += fmt::format(" {}", access.resource.substr(access.resource.rfind(':') + 1));
  }
  return text;
}

TEST_F(AwsRecognizer, ReadsWhatAnAnswerToADeletionRefuses) {
  const auto remove = [&](std::string_view response, bool complete = true) {
    const std::vector<Header> headers = {{"x-amz-checksum-crc32", "AAAAAA=="}};
    const RequestHead head{"POST", "s3.eu-west-1.amazonaws.com", "/payroll?delete", headers};
    EXPECT_GE(Recognizer::NeedsOf(head).response, size_t{1} << 20);
    return Told(Recognizer::Recognize(
        head,
        {"<Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>1</VersionId>"
         "</Object><Object><Key>&#99;</Key></Object></Delete>"},
        {200, {}}, {response, complete}, memory_));
  };
  const std::string b =
      "<Error><Key>b</Key><VersionId>1</VersionId><Code>AccessDenied</Code></Error>";
  const auto refused = [](std::string_view key, std::string_view code = "AccessDenied") {
    return fmt::format("<Error><Key>{}</Key><Code>{}</Code></Error>", key, code);
  };
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"<Deleted><Key>a</Key></Deleted>" + b + refused("c"), "succeeded payroll/a"},
      {refused("c") + b + refused("a"), "denied payroll/a payroll/b payroll/c"},
      {refused("c", "InternalError") + refused("a", "SlowDown"), "succeeded payroll/b"},
      // Quiet.
      {"", "succeeded payroll/a payroll/b payroll/c"},
      {b, "succeeded payroll/a payroll/c"},
      {refused("a", "InternalError") + refused("c", "InternalError") +
           "<Error><Key>b</Key><VersionId>1</VersionId><Code>InternalError</Code></Error>",
       "failed payroll/a payroll/b payroll/c"},
      // Of another name than any that was read in the request.
      {refused("d"), "none payroll/a payroll/b payroll/c"},
      {"<Deleted><Key>b</Key></Deleted>", "none payroll/a payroll/b payroll/c"},
  };
  for (const auto& [inside, wanted] : answers) {
    const std::string answer =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteResult>" + inside + "</DeleteResult>";
    EXPECT_EQ(remove(answer), wanted) << inside;
    EXPECT_EQ(remove(answer.substr(0, answer.size() - 16)), "none payroll/a payroll/b payroll/c");
    EXPECT_EQ(remove(answer, false), "none payroll/a payroll/b payroll/c");
  }
  for (const char* unread : {"", "\x1F\x8B\x08", "<Error><Code>InternalError</Code></Error>"}) {
    EXPECT_EQ(remove(unread), "none payroll/a payroll/b payroll/c") << unread;
  }
}

TEST_F(AwsRecognizer, ReadsWhatAnAnswerToABatchRefuses) {
  const auto statements = [&](std::string_view response) {
    return Told(Json("dynamodb", "DynamoDB_20120810.BatchExecuteStatement",
                     {R"({"Statements":[{"Statement":"DELETE FROM mine"},)"
                      R"({"Statement":"DELETE FROM payroll"}],"ReturnConsumedCapacity":"NONE"})"},
                     {200, std::string(response)}));
  };
  EXPECT_EQ(statements(R"({"Responses":[{"TableName":"mine"},{"Error":{"Code":"AccessDenied"}}]})"),
            "succeeded table/mine");
  EXPECT_EQ(statements(R"({"Responses":[{"Error":{"Code":"AccessDenied"}},{"Error":null}]})"),
            "succeeded table/payroll");
  EXPECT_EQ(statements(R"({"Responses":[{"Error":{"Code":"AccessDenied"}},)"
                       R"({"Error":{"Code":"ValidationError"}}]})"),
            "denied table/mine table/payroll");
  EXPECT_EQ(statements(R"({"Responses":[{"Error":{"Code":"ThrottlingError"}},)"
                       R"({"Error":{"Code":"ThrottlingError"}}]})"),
            "failed table/mine table/payroll");
  for (const char* unread :
       {"", "{}", R"({"Responses":[{}]})", R"({"Responses":[{},{}],"Responses":[{},{}]})",
        R"({"Responses":[{},{}])", "\x1F\x8B\x08"}) {
    EXPECT_EQ(statements(unread), "none table/mine table/payroll") << unread;
  }
  const auto events = [&](std::string_view response) {
    return Told(Json("events", "AWSEvents.PutEvents",
                     {R"({"Entries":[{"Detail":"{}"},{"EventBusName":"payroll"}]})"},
                     {200, std::string(response)}));
  };
  EXPECT_EQ(events(R"({"Entries":[{"EventId":"1"},{"ErrorCode":"AccessDeniedException"}]})"),
            "succeeded event-bus/default");
  EXPECT_EQ(events(R"({"FailedEntryCount":0,"Entries":[{"EventId":"1"},{"EventId":"2"}]})"),
            "succeeded event-bus/default event-bus/payroll");
}

TEST_F(AwsRecognizer, ReadsWhichSecretsAnAnswerHas) {
  const auto get = [&](std::string_view response) {
    return Told(Json("secretsmanager", "secretsmanager.BatchGetSecretValue",
                     {R"({"SecretIdList":["mine","victim/db"]})"}, {200, std::string(response)}));
  };
  EXPECT_EQ(
      get(R"({"SecretValues":[{"ARN":"arn:aws:secretsmanager:eu-west-1:1:secret:mine-a1B2c3",)"
          R"("SecretString":"x"}],"Errors":[{"SecretId":"victim/db",)"
          R"("ErrorCode":"AccessDeniedException"}]})"),
      "succeeded * mine-a1B2c3");
  EXPECT_EQ(get(R"({"SecretValues":[],"Errors":[{"SecretId":"mine"},{"SecretId":"victim/db"}]})"),
            "succeeded *");
  for (const char* unread : {"", "\x1F\x8B\x08", R"({"Errors":[]})", R"({"SecretValues":[)"}) {
    EXPECT_EQ(get(unread), "none * mine-?????? victim/db-??????") << unread;
  }
}

TEST_F(AwsRecognizer, ReadsStatementsOfSeveralLines) {
  const Recognition found = Json("dynamodb", "DynamoDB_20120810.ExecuteStatement",
                                 {R"({"Statement":"SELECT *\nFROM \"Orders\"\nWHERE id = 1"})"});
  ASSERT_EQ(found.accesses.size(), 1U);
  EXPECT_EQ(found.accesses[0].resource, "arn:aws:dynamodb:eu-west-1:029608264753:table/Orders");
}

// A table's name in a literal or a comment is no table.
TEST_F(AwsRecognizer, ReadsNoTablesInLiteralsOfStatements) {
  const auto run = [&](std::string_view statement) {
    return Told(Json("dynamodb", "DynamoDB_20120810.ExecuteStatement",
                     {fmt::format(R"({{"Statement":"{}"}})", statement)}));
  };
  EXPECT_EQ(run("SELECT ' from victim ' FROM mine"), "succeeded table/mine");
  EXPECT_EQ(run("SELECT a, 'it''s from victim' FROM mine"), "succeeded table/mine");
  EXPECT_EQ(run("SELECT a='b from victim' FROM mine"), "succeeded table/mine");
  EXPECT_EQ(run("SELECT ` from victim ` FROM mine.i"), "succeeded table/mine/index/i");
  EXPECT_EQ(run("DELETE FROM mine WHERE a='x'"), "succeeded table/mine");
  EXPECT_EQ(run("UPDATE mine SET a='x' WHERE b='from victim'"), "succeeded table/mine");
  EXPECT_EQ(run("INSERT INTO mine VALUE {'a':'into victim'}"), "succeeded table/mine");
  for (const char* unread : {"SELECT a /* from victim */ FROM mine", "SELECT a-- from victim",
                             "SELECT /**/ ' FROM victim '", "DELETE FROM 'mine'"}) {
    EXPECT_EQ(run(unread), "succeeded") << unread;
  }
}

// Only what the service at the endpoint understands says what is called there.
TEST_F(AwsRecognizer, BelievesNoNameOfAnotherService) {
  const std::string scope = fmt::format(fmt::runtime(kScope), "s3");
  const std::vector<Header> forged = {{"Authorization", scope},
                                      {"X-Amz-Target", "secretsmanager.GetSecretValue"},
                                      {"Smithy-Protocol", "rpc-v2-cbor"}};
  const Recognition put = Recognizer::Recognize(
      {"PUT", "s3.eu-west-1.amazonaws.com", "/own/x?Action=CreateUser&Version=2010-05-08", forged},
      {R"({"SecretId":"prod/db"})"}, {200, {}}, {}, memory_);
  EXPECT_EQ(put.service, "s3");
  ASSERT_EQ(put.accesses.size(), 1U);
  EXPECT_EQ(put.accesses[0].resource, "arn:aws:s3:::own/x");
  // A function's answer is no answer of STS, whatever it is asked.
  const std::vector<Header> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const Recognition invoked = Recognizer::Recognize(
      {"POST", "lambda.eu-west-1.amazonaws.com",
       "/2015-03-31/functions/f/invocations?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
       "RoleArn=arn:aws:iam::210987654321:role/Administrator",
       form},
      {}, {200, {}}, {"<R><AccessKeyId>ASIAQNZGKIQY56JQ7WML</AccessKeyId></R>"}, memory_);
  EXPECT_EQ(invoked.service, "lambda");
  EXPECT_EQ(invoked.operation, "Invoke");
  EXPECT_EQ(Json("sqs", "AmazonSQS.ListQueues", {"{}"}).role, "");
}

// What anybody is answered with 200 without credentials: health checks, and what browsers ask
// first.
TEST_F(AwsRecognizer, TakesNothingForACallThatTheServiceTakesForNone) {
  const std::vector<Header> target = {{"X-Amz-Target", "DynamoDB_20120810.DeleteTable"}};
  const std::vector<Header> cbor = {{"Smithy-Protocol", "rpc-v2-cbor"}};
  const std::string_view table = R"({"TableName":"payroll"})";
  for (const auto& [method, path] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"OPTIONS", "/"}, {"GET", "/"}, {"POST", "/ping"}}) {
    const Recognition found =
        Recognizer::Recognize({method, "dynamodb.eu-west-1.amazonaws.com", path, target}, {table},
                              {200, {}}, {}, memory_);
    EXPECT_TRUE(found.accesses.empty()) << method << path;
  }
  const std::string_view action =
      "?Action=DeleteQueue&QueueUrl=https://sqs.eu-west-1.amazonaws.com/123456789012/q";
  for (const auto& [method, path] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"OPTIONS", "/"}, {"GET", "/ping"}}) {
    const std::string asked = std::string(path) + std::string(action);
    const Recognition found = Recognizer::Recognize(
        {method, "sqs.eu-west-1.amazonaws.com", asked, {}}, {}, {200, {}}, {}, memory_);
    EXPECT_TRUE(found.accesses.empty()) << method << path;
  }
  for (const auto& [method, path] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"OPTIONS", "/service/GraniteServiceVersion20100801/operation/PutMetricData"},
           {"POST", "/x/service/GraniteServiceVersion20100801/operation/PutMetricData"}}) {
    const Recognition found = Recognizer::Recognize(
        {method, "monitoring.eu-west-1.amazonaws.com", path, cbor}, {}, {200, {}}, {}, memory_);
    EXPECT_TRUE(found.accesses.empty()) << method << path;
  }
}

TEST_F(AwsRecognizer, ChoosesBetweenNoTwoNames) {
  EXPECT_TRUE(Json("secretsmanager", "secretsmanager.GetSecretValue",
                   {R"({"SecretId":"victim/db","SecretId":"mine"})"})
                  .accesses.empty());
  EXPECT_EQ(Json("secretsmanager", "secretsmanager.GetSecretValue",
                 {R"({"SecretId":"mine","SecretId":"mine"})"})
                .accesses.size(),
            1U);
  const std::vector<Header> targets = {{"X-Amz-Target", "DynamoDB_20120810.DeleteTable"},
                                       {"X-Amz-Target", "DynamoDB_20120810.DescribeTable"}};
  EXPECT_TRUE(Recognizer::Recognize({"POST", "dynamodb.eu-west-1.amazonaws.com", "/", targets},
                                    {R"({"TableName":"t"})"}, {200, {}}, {}, memory_)
                  .accesses.empty());
  EXPECT_TRUE(
      Recognizer::Recognize({"GET",
                             "iam.amazonaws.com",
                             "/?%41ction=GetUser&Action=DeleteUser&Version=2010-05-08&UserName=u",
                             {}},
                            {}, {200, {}}, {}, memory_)
          .accesses.empty());
}

TEST_F(AwsRecognizer, AsksNoClientWhatItsRequestToS3Is) {
  EXPECT_EQ(Get("b.s3.amazonaws.com", "/k?x-id=GetObjectAcl").operation, "GetObject");
  const std::vector<Header> none;
  const auto operation = [&](std::string_view method, std::string_view target) {
    return Recognizer::Recognize({method, "s3.eu-west-1.amazonaws.com", target, none}, {},
                                 {200, {}}, {}, memory_)
        .operation;
  };
  EXPECT_EQ(operation("PUT", "/b?x-id=PutBucketPolicy"), "CreateBucket");
  EXPECT_EQ(operation("DELETE", "/b?%6cifecycle"), "DeleteBucketLifecycle");
}

// Another service than S3 does not look at it.
TEST_F(AwsRecognizer, TakesNoAccountFromAHeaderThatTheServiceDoesNotRead) {
  const std::vector<Header> headers = {{"X-Amz-Target", "DynamoDB_20120810.GetItem"},
                                       {"x-amz-account-id", "999999999999"},
                                       {"x-amz-expected-bucket-owner", "999999999999"}};
  const Recognition found =
      Recognizer::Recognize({"POST", "dynamodb.eu-west-1.amazonaws.com", "/", headers},
                            {R"({"TableName":"payroll"})"}, {200, {}}, {}, memory_);
  ASSERT_EQ(found.accesses.size(), 1U);
  EXPECT_EQ(found.accesses[0].resource, "arn:aws:dynamodb:eu-west-1:*:table/payroll");
}

TEST_F(AwsRecognizer, ChoosesBetweenNoTwoActions) {
  const std::vector<Header> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const RequestHead both{"POST", "sqs.eu-west-1.amazonaws.com",
                         "/?Action=DeleteQueue&Version=2012-11-05", form};
  EXPECT_GT(Recognizer::NeedsOf(both).request, 0U);
  const Recognition ambiguous =
      Recognizer::Recognize(both, {"Action=ListQueues&Version=2012-11-05"}, {200, {}}, {}, memory_);
  EXPECT_TRUE(ambiguous.accesses.empty());
  const Recognition in_query = Recognizer::Recognize(
      {"GET",
       "sqs.eu-west-1.amazonaws.com",
       "/?Action=DeleteQueue&Version=2012-11-05&QueueUrl=https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%"
       "2F123456789012%2Forders",
       {}},
      {}, {200, {}}, {}, memory_);
  ASSERT_EQ(in_query.accesses.size(), 1U);
  EXPECT_EQ(in_query.accesses[0].resource, "arn:aws:sqs:eu-west-1:123456789012:orders");
}

TEST_F(AwsRecognizer, SaysWhatWasCutOff) {
  const std::string body = R"({"RequestItems":{"t":{"Keys":[1,2,{"a":"})";
  const Recognition found = Json("dynamodb", "DynamoDB_20120810.BatchGetItem", {body, false});
  EXPECT_TRUE(found.truncated);
  ASSERT_EQ(found.accesses.size(), 2U);
  EXPECT_EQ(found.accesses[0].resource, "arn:aws:dynamodb:eu-west-1:029608264753:table/*");
  EXPECT_EQ(found.accesses[1].resource, "arn:aws:dynamodb:eu-west-1:029608264753:table/t");
  EXPECT_FALSE(Json("dynamodb", "DynamoDB_20120810.GetItem", {R"({"TableName":"t","Key":{)", false})
                   .truncated);
  EXPECT_TRUE(Json("dynamodb", "DynamoDB_20120810.GetItem", {R"({"Key":{"a)", false}).truncated);
}

TEST_F(AwsRecognizer, LearnsWhoAKeyBelongsTo) {
  const std::vector<Header> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const Recognition assumed = Recognizer::Recognize(
      {"POST", "sts.eu-west-1.amazonaws.com", "/", form},
      {"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
       "3A210987654321%3Arole%2Fa%2Fb"},
      {200, {}}, {kAssumed}, memory_);
  EXPECT_EQ(assumed.result, RecognitionResult::kNeedsNoPermission);
  EXPECT_EQ(assumed.role, "arn:aws:iam::210987654321:role/a/b");
  const Recognition found = Json("sqs", "AmazonSQS.ListQueues", {"{}"});
  EXPECT_EQ(found.role, "arn:aws:iam::210987654321:role/a/b");
  EXPECT_EQ(found.account, "210987654321");
}

// The answer says who it is, whatever was asked for.
TEST_F(AwsRecognizer, LearnsNoRoleThatOnlyTheRequestNames) {
  const std::vector<Header> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const auto assume = [&](std::string_view asked) {
    return Recognizer::Recognize(
               {"POST", "sts.eu-west-1.amazonaws.com", "/", form},
               {fmt::format("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}",
                            asked)},
               {200, {}}, {kAssumed}, memory_)
        .role;
  };
  EXPECT_EQ(assume("arn:aws:iam::210987654321:role/a/b"), "arn:aws:iam::210987654321:role/a/b");
  EXPECT_EQ(assume("arn:aws:iam::210987654321:role/admin"), "arn:aws:iam::210987654321:role/b");
  EXPECT_EQ(assume("arn:aws:iam::111111111111:role/b"), "arn:aws:iam::210987654321:role/b");
}

TEST_F(AwsRecognizer, LearnsNoRoleWithoutAnAccount) {
  const std::vector<Header> form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  Recognizer::Recognize(
      {"POST", "sts.eu-west-1.amazonaws.com", "/", form},
      {"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::nobody:role/a"},
      {200, {}}, {"<R><AccessKeyId>ASIAQNZGKIQY56JQ7WML</AccessKeyId></R>"}, memory_);
  const Recognition found = Json("sqs", "AmazonSQS.ListQueues", {"{}"});
  EXPECT_EQ(found.role, "");
  EXPECT_EQ(found.account, "029608264753");
}

TEST_F(AwsRecognizer, CountsWhatItDoesNotKnow) {
  const Recognition found = Json("sqs", "AmazonSQS.InventedYesterday", {"{}"});
  EXPECT_EQ(found.result, RecognitionResult::kUnknownOperation);
  ASSERT_EQ(found.accesses.size(), 1U);
  EXPECT_EQ(found.accesses[0].resource, "*");
  EXPECT_EQ(found.accesses[0].actions, std::vector<std::string>{"sqs:InventedYesterday"});
  const Recognition foreign =
      Recognizer::Recognize({"GET", "example.org", "/", {}}, {}, {200, {}}, {}, memory_);
  EXPECT_EQ(foreign.result, RecognitionResult::kUnknownService);
  EXPECT_EQ(
      Recognizer::Recognize({"GET", "sqs.eu-west-1.amazonaws.com", "*", {}}, {}, {}, {}, memory_)
          .result,
      RecognitionResult::kMalformed);
}

TEST_F(AwsRecognizer, ReadsPresignedRequests) {
  const std::string target =
      "/k?X-Amz-Credential=ASIAQNZGKIQY56JQ7WML%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-"
      "Signature=0";
  EXPECT_EQ(
      Recognizer::Recognize({"GET", "b.s3.amazonaws.com", target, {}}, {}, {200, {}}, {}, memory_)
          .region,
      "us-west-2");
  const Signature old = ReadSignature({}, "AWSAccessKeyId=AKIA1&Signature=x&Expires=1");
  EXPECT_EQ(old.key_id, "AKIA1");
  EXPECT_EQ(old.service, "s3");
}

TEST(AwsSignature, TellsTheAccountOfNewerKeys) {
  EXPECT_EQ(AccountOfKeyId("ASIAQNZGKIQY56JQ7WML"), "029608264753");
  EXPECT_EQ(AccountOfKeyId("AKIASP2TPHJSQH3FJRUX"), "171436882533");
  EXPECT_EQ(AccountOfKeyId("AKIAIOSFODNN7EXAMPLE"), "");
  EXPECT_EQ(AccountOfKeyId("AKIA"), "");
}

TEST(AnswerMemory, ForgetsTheLeastRecentlyUsed) {
  AnswerMemory memory(160);
  for (int i = 0; i < 10'000; ++i) {
    memory.Remember("role", std::to_string(i), "arn");
    memory.Remember("role", "used", "arn:used");
  }
  EXPECT_EQ(memory.Recall("role", "used"), "arn:used");
  EXPECT_EQ(memory.Recall("query", "used"), std::nullopt);
  int kept = 0;
  for (int i = 0; i < 10'000; ++i) {
    kept += memory.Recall("role", std::to_string(i)) ? 1 : 0;
  }
  EXPECT_LE(kept, 176);
  EXPECT_GT(kept, 100);
}

}  // namespace
}  // namespace network_mapper::aws
