// What it costs to recognise a request to AWS: a mix like that of a shop, with the bodies that the
// recogniser asks for.
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/recognizer.h"

namespace network_mapper::aws {
namespace {

struct Call {
  std::string_view method;
  std::string_view host;
  std::string_view target;
  std::vector<Header> headers;
  std::string_view body;
};

std::vector<Header> Headers(std::string_view authorization, std::vector<Header> more) {
  std::vector<Header> headers = {{"host", "x"},
                                 {"user-agent", "aws-sdk-js/3.1164.0 ua/2.1 os/linux lang/js"},
                                 {"x-amz-date", "20260101T000000Z"},
                                 {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"},
                                 {"x-amz-security-token", "IQoJb3JpZ2luX2VjEJ3"},
                                 {"amz-sdk-invocation-id", "8b3b0b0e-7a8e-4b5b-9a0a-000000000000"},
                                 {"amz-sdk-request", "attempt=1; max=3"},
                                 {"authorization", authorization}};
  headers.insert(headers.end(), more.begin(), more.end());
  return headers;
}

#define SCOPE(service)                                                           \
  "AWS4-HMAC-SHA256 Credential=ASIAQNZGKIQY56JQ7WML/20260101/eu-west-1/" service \
  "/aws4_request, SignedHeaders=host;x-amz-date, Signature=0123456789abcdef"

std::vector<Call> Calls() {
  const Header json{"content-type", "application/x-amz-json-1.0"};
  const Header form{"content-type", "application/x-www-form-urlencoded; charset=utf-8"};
  return {
      {"GET", "shop-images.s3.eu-west-1.amazonaws.com", "/products/1234/large.jpg?x-id=GetObject",
       Headers(SCOPE("s3"), {}), ""},
      {"GET", "shop-images.s3.eu-west-1.amazonaws.com", "/products/1234/small.jpg",
       Headers(SCOPE("s3"), {}), ""},
      {"PUT", "shop-images.s3.eu-west-1.amazonaws.com", "/uploads/a.jpg?x-id=PutObject",
       Headers(SCOPE("s3"), {{"content-length", "20000"}}), ""},
      {"GET", "shop-images.s3.eu-west-1.amazonaws.com", "/?list-type=2&prefix=products%2F",
       Headers(SCOPE("s3"), {}), ""},
      {"POST", "dynamodb.eu-west-1.amazonaws.com", "/",
       Headers(SCOPE("dynamodb"), {json, {"x-amz-target", "DynamoDB_20120810.GetItem"}}),
       R"({"TableName":"carts","Key":{"id":{"S":"0123456789"}},"ConsistentRead":true})"},
      {"POST", "dynamodb.eu-west-1.amazonaws.com", "/",
       Headers(SCOPE("dynamodb"), {json, {"x-amz-target", "DynamoDB_20120810.Query"}}),
       R"({"KeyConditionExpression":"id = :id","ExpressionAttributeValues":{":id":{"S":"1"}},"TableName":"orders","IndexName":"by-customer"})"},
      {"POST", "sqs.eu-west-1.amazonaws.com", "/",
       Headers(SCOPE("sqs"), {json, {"x-amz-target", "AmazonSQS.SendMessage"}}),
       R"({"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/orders","MessageBody":"{\"order\":1}"})"},
      {"POST", "sqs.eu-west-1.amazonaws.com", "/", Headers(SCOPE("sqs"), {form}),
       "Action=ReceiveMessage&Version=2012-11-05&QueueUrl=https%3A%2F%2Fsqs.eu-west-1.amazonaws."
       "com%2F123456789012%2Forders"},
      {"POST", "sts.eu-west-1.amazonaws.com", "/", Headers(SCOPE("sts"), {form}),
       "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%"
       "2Fshop"},
      {"POST", "lambda.eu-west-1.amazonaws.com", "/2015-03-31/functions/thumbnails/invocations",
       Headers(SCOPE("lambda"), {}), ""},
  };
}

void RecognizeAll(benchmark::State& state, bool look_first) {
  AnswerMemory memory;
  memory.Remember("role", "ASIAQNZGKIQY56JQ7WML", "arn:aws:iam::123456789012:role/shop");
  const std::vector<Call> calls = Calls();
  for (auto _ : state) {
    for (const Call& call : calls) {
      const RequestHead head{call.method, call.host, call.target, call.headers};
      if (look_first) {
        benchmark::DoNotOptimize(Recognizer::NeedsOf(head));
      }
      const Recognition found =
          Recognizer::Recognize(head, {call.body, true}, {200, {}}, {}, memory);
      if (found.accesses.size() != 1) {
        state.SkipWithError("not recognised");
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(calls.size()));
}

void BM_Recognize(benchmark::State& state) {
  RecognizeAll(state, false);
}

// As the proxy does: once to know what to keep, and then with what was kept.
void BM_LookAndRecognize(benchmark::State& state) {
  RecognizeAll(state, true);
}

BENCHMARK(BM_Recognize);
BENCHMARK(BM_LookAndRecognize);

}  // namespace
}  // namespace network_mapper::aws
