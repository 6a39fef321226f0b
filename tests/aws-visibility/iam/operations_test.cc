// What operations.txt says of a request each.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/recognizer.h"
#include "tests/support/test_paths.h"

namespace network_mapper::aws {
namespace {

constexpr std::string_view kKey = "AKIAIOSFODNN7EXAMPLE";

struct Case {
  std::string name;
  bool needs_nothing = false;
  std::string method = "POST";
  std::string host;
  std::string target = "/";
  std::string signed_for;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string answer;
  std::vector<std::string> wanted;
};

void ReadRequestLine(const std::string& line, Case& one) {
  std::istringstream words(line);
  words >> one.method >> one.host;
  one.signed_for =
      one.host.substr(one.host.find("s3") == std::string::npos ? 0 : one.host.find("s3"));
  one.signed_for = one.signed_for.substr(0, one.signed_for.find('.'));
  if (one.signed_for.starts_with("s3-accesspoint")) {
    one.signed_for = "s3";
  }
  if (one.method == "json") {
    words >> one.target;
    one.headers = {{"x-amz-target", one.target}, {"CONTENT-TYPE", "application/x-amz-json-1.1"}};
  } else if (one.method == "form") {
    one.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  } else {
    words >> one.target;
    return;
  }
  one.method = "POST";
  one.target = "/";
  std::getline(words >> std::ws, one.body);
}

void ReadLine(const std::string& line, Case& one) {
  if (line.starts_with("= ")) {
    one.wanted.push_back(line.substr(2));
  } else if (line.starts_with("< ")) {
    one.body = line.substr(2);
  } else if (line.starts_with("> ")) {
    one.answer = line.substr(2);
  } else if (line.starts_with("signed:")) {
    one.signed_for = line.size() > 8 ? line.substr(8) : "";
  } else if (one.host.empty()) {
    ReadRequestLine(line, one);
  } else {
    const size_t colon = line.find(": ");
    one.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
}

std::vector<Case> ReadCases() {
  std::ifstream file(std::string(std::getenv("NETWORK_MAPPER_SOURCE_DIR")) +
                     "/tests/aws-visibility/iam/operations.txt");
  std::vector<Case> cases;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) {
      inside = false;
    } else if (!inside) {
      inside = true;
      cases.emplace_back();
      cases.back().needs_nothing = line.starts_with("- ");
      cases.back().name = line.substr(cases.back().needs_nothing ? 2 : 0);
    } else {
      ReadLine(line, cases.back());
    }
  }
  return cases;
}

Recognition RecognizeCase(const Case& one, AnswerMemory& memory) {
  const std::string host =
      one.host.find(".a") != std::string::npos ? one.host : one.host + ".eu-west-1.amazonaws.com";
  const std::string authorization = fmt::format(
      "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, "
      "Signature=0",
      kKey, one.signed_for);
  std::vector<Header> headers;
  if (!one.signed_for.empty()) {
    headers.push_back({"Authorization", authorization});
  }
  for (const auto& [name, value] : one.headers) {
    headers.push_back({name, value});
  }
  EXPECT_TRUE(IsApiEndpoint(host)) << host;
  const RequestHead head{one.method, host, one.target, headers};
  const BodyNeeds needs = Recognizer::NeedsOf(head);
  const auto part = [](std::string_view text, size_t most) {
    return Body{text.substr(0, most), text.size() <= most};
  };
  return Recognizer::Recognize(head, part(one.body, needs.request), {200, {}},
                               part(one.answer, needs.response), memory);
}

TEST(AwsOperations, TakeTheseActionsOnTheseResources) {
  AnswerMemory memory;
  memory.Remember("role", kKey, "arn:aws:iam::123456789012:role/shop");
  const std::vector<Case> cases = ReadCases();
  ASSERT_GE(cases.size(), 126U);
  for (const Case& one : cases) {
    const Recognition found = RecognizeCase(one, memory);
    SCOPED_TRACE(fmt::format("{}: {} {} {}", one.name, one.host, one.target, one.body));
    EXPECT_EQ(fmt::format("{} {}", found.service, found.operation), one.name);
    EXPECT_EQ(RecognitionResultName(found.result),
              one.needs_nothing ? "needs_no_permission" : "recognized");
    EXPECT_TRUE(found.Succeeded());
    EXPECT_FALSE(found.truncated);
    std::vector<std::string> lines;
    for (const Access& access : found.accesses) {
      lines.push_back(fmt::format("{} {}", fmt::join(access.actions, ","), access.resource));
    }
    std::vector<std::string> wanted = one.wanted;
    std::sort(lines.begin(), lines.end());
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(lines, wanted);
  }
}

}  // namespace
}  // namespace network_mapper::aws
