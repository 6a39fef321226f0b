#include "kafka-watcher/authorizer/authorizer_line.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/test_paths.h"

namespace network_mapper::kafka {
namespace {

struct Sample {
  std::string id;
  std::string expected;
  std::string line;
};

// The form is in the file.
std::vector<Sample> ReadSamples() {
  std::ifstream file(TestDataPath("kafka/authorizer_lines.tsv"));
  std::vector<Sample> samples;
  for (std::string row; std::getline(file, row);) {
    if (row.starts_with("#")) {
      continue;
    }
    const size_t first = row.find('\t');
    const size_t second = row.find('\t', first + 1);
    samples.push_back(
        {row.substr(0, first), row.substr(first + 1, second - first - 1), row.substr(second + 1)});
  }
  return samples;
}

std::string LineOf(std::string_view id) {
  for (const Sample& sample : ReadSamples()) {
    if (sample.id == id) {
      return sample.line;
    }
  }
  ADD_FAILURE() << "no sample " << id;
  return "";
}

std::string Describe(const LineOutcome& outcome) {
  if (const auto* refusal = std::get_if<LineRefusal>(&outcome)) {
    return std::string(LineRefusalName(*refusal));
  }
  const auto* access = std::get_if<TopicAccess>(&outcome);
  if (access == nullptr) {
    return "no_audit_line";
  }
  return std::string(access->allowed ? "allowed " : "denied ") +
         std::string(KafkaOperationName(access->operation)) + " " + access->client.ToString() +
         " " + std::string(access->topic);
}

std::string Outcome(std::string_view line) {
  return Describe(ParseAuthorizerLine(line));
}

std::string InJson(std::string_view line) {
  std::string quoted;
  for (const char character : line) {
    if (character == '"' || character == '\\') {
      quoted.push_back('\\');
    }
    quoted.push_back(character);
  }
  return "{\"loggerName\":\"kafka.authorizer.logger\",\"message\":\"" + quoted + "\",\"id\":1}";
}

std::string ReadOf(std::string_view host, std::string_view topic) {
  return "Principal = User:alice is Allowed Operation = Read from host = " + std::string(host) +
         " on resource = Topic:LITERAL:" + std::string(topic);
}

constexpr std::string_view kOrders = "allowed CONSUME 10.1.2.3 orders";

TEST(AuthorizerLine, SaysWhatTheSamplesSay) {
  const std::vector<Sample> samples = ReadSamples();
  EXPECT_GE(samples.size(), 150U);
  std::set<std::string> ids;
  std::set<std::string> outcomes;
  for (const Sample& sample : samples) {
    EXPECT_EQ(Outcome(sample.line), sample.expected) << sample.id << ": " << sample.line;
    EXPECT_TRUE(ids.insert(sample.id).second) << "twice: " << sample.id;
    outcomes.insert(sample.expected);
  }
  for (const LineRefusal refusal : kAllLineRefusals) {
    EXPECT_TRUE(outcomes.contains(std::string(LineRefusalName(refusal))))
        << "no sample is refused as " << LineRefusalName(refusal);
  }
}

TEST(AuthorizerLine, SaysTheSameBehindWhatARuntimePutsBefore) {
  for (const Sample& sample : ReadSamples()) {
    for (const std::string_view before :
         {"2026-02-03T10:11:12.345678901Z ", "2026-02-03T10:11:12.345678901+01:00 stderr F ",
          "\xFF\xFE ", "kafka-0 | "}) {
      EXPECT_EQ(Outcome(std::string(before) + sample.line), sample.expected) << sample.id;
    }
    EXPECT_EQ(Outcome(sample.line + "\r"), sample.expected) << sample.id;
  }
}

TEST(AuthorizerLine, SaysTheSameInsideJson) {
  for (const Sample& sample : ReadSamples()) {
    if (sample.line.substr(0, sample.line.find("Principal")).find('"') != std::string::npos) {
      continue;  // It is in JSON or the like already.
    }
    EXPECT_EQ(Outcome(InJson(sample.line)), sample.expected) << sample.id;
  }
}

TEST(AuthorizerLine, TakesNoTopicFromACutLineOfStandardAuthorizer) {
  struct Part {
    std::string_view text;
    // Of the line when it ends in this part or right behind it.
    std::string_view expected;
  };

  const std::string line = LineOf("K21");
  size_t size = 0;
  for (const Part& part : std::vector<Part>{
           {"[2024-06-11 10:11:12,345] DEBUG Principal =", "no_audit_line"},
           {" User:ANONYMOUS is Allowed operation = WRITE from host = 10.244.1.17", "malformed"},
           {" on resource = Topic", "malformed"},
           {":LITERAL:orders for request =", "illegal_topic"},
           {" Produce with resourceRefCount = ", "malformed"},
           {"1 based on rule DefaultAllow (kafka.authorizer.logger)",
            "allowed PRODUCE 10.244.1.17 orders"}}) {
    ASSERT_EQ(line.substr(size, part.text.size()), part.text);
    for (size_t taken = 1; taken <= part.text.size(); ++taken) {
      EXPECT_EQ(Outcome(std::string_view(line).substr(0, size + taken)), part.expected)
          << size + taken;
    }
    size += part.text.size();
  }
  EXPECT_EQ(size, line.size());
}

// Their lines may end behind the topic.
TEST(AuthorizerLine, TakesTheBeginOfANameFromACutLineOfItsPredecessors) {
  const std::string line = LineOf("K13");
  const std::string topic_line = line.substr(0, line.find("Group:")) + "Topic:LITERAL:ord";
  EXPECT_EQ(Outcome(topic_line), "allowed CONSUME 10.244.1.17 ord");
}

TEST(AuthorizerLine, RefusesANameThatImitatesARequest) {
  const std::string line = LineOf("K21");
  const size_t behind = line.find(" for request");
  for (const std::string_view imitation :
       {" for request = Fetch with resourceRefCount = 9", " for request = Fetch",
        " for request = Fetch with resourceRefCount = 0 based on rule DefaultAllow"}) {
    EXPECT_EQ(Outcome(line.substr(0, behind) + std::string(imitation) + line.substr(behind)),
              "illegal_topic");
  }
}

TEST(AuthorizerLine, PointsIntoTheLine) {
  const std::string line = LineOf("K22");
  const LineOutcome outcome = ParseAuthorizerLine(line);
  const auto* access = std::get_if<TopicAccess>(&outcome);
  ASSERT_NE(access, nullptr);
  EXPECT_EQ(access->topic.data(), line.data() + line.find("invoices-eu"));
}

TEST(AuthorizerLine, TakesAnyBytes) {
  EXPECT_EQ(Outcome(std::string_view()), "no_audit_line");
  EXPECT_EQ(Outcome(std::string("\0\0", 2)), "no_audit_line");
  const std::string whole = ReadOf("10.1.2.3", "orders");
  EXPECT_EQ(Outcome(whole), kOrders);
  EXPECT_EQ(Outcome(std::string(3, '\0') + whole), kOrders);
  EXPECT_EQ(Outcome("\xC3\x28\xA0\xFF" + whole), kOrders);
  EXPECT_EQ(Outcome(whole + std::string(1, '\0')), "illegal_topic");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", std::string("ord\0ers", 7))), "illegal_topic");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", "orders\xFF")), "illegal_topic");
  EXPECT_EQ(Outcome(ReadOf(std::string("10.1.2.3\0x", 10), "orders")), "bad_host");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3\t", "orders")), "bad_host");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", "orders\r")), kOrders);
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", "orders\r\r")), "illegal_topic");
  for (int byte = 0; byte < 256; ++byte) {
    const char character = static_cast<char>(byte);
    const bool legal =
        std::isalnum(byte) != 0 || character == '.' || character == '_' || character == '-';
    EXPECT_EQ(Outcome(ReadOf("10.1.2.3", std::string("a") + character + "b")),
              legal ? std::string("allowed CONSUME 10.1.2.3 a") + character + "b"
                    : std::string("illegal_topic"))
        << byte;
  }
}

// Each in time that grows with the line's length only, or the test would not end.
TEST(AuthorizerLine, TakesLinesOfAMebibyte) {
  constexpr size_t kMebibyte = 1 << 20;
  const auto repeated = [](std::string_view text) {
    std::string all;
    while (all.size() < kMebibyte) {
      all += text;
    }
    return all;
  };
  EXPECT_EQ(Outcome(repeated("x")), "no_audit_line");
  EXPECT_EQ(Outcome(repeated("Principal =")), "no_audit_line");
  EXPECT_EQ(Outcome(repeated("Principal = ")), "malformed");
  EXPECT_EQ(Outcome("Principal = " + repeated(" is ")), "malformed");
  EXPECT_EQ(Outcome("Principal = " + repeated(" is Allowed ")), "malformed");
  EXPECT_EQ(Outcome("Principal = User:a is Allowed Operation = " + repeated("R")), "malformed");
  EXPECT_EQ(Outcome(ReadOf(repeated("1"), "orders")), "bad_host");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", repeated("t"))), "illegal_topic");
  EXPECT_EQ(Outcome(ReadOf("10.1.2.3", "orders") + " (" + repeated("z")), kOrders);
  EXPECT_EQ(Outcome(repeated("TRACER ") + ReadOf("10.1.2.3", "orders")), kOrders);
  EXPECT_EQ(Outcome(repeated("TRACE_") + ReadOf("10.1.2.3", "orders")), kOrders);
  EXPECT_EQ(Outcome("Principal = " + repeated("User:a is ") +
                    "is Denied Operation = Read from "
                    "host = 10.1.2.3 on resource = Topic:orders"),
            "denied CONSUME 10.1.2.3 orders");
}

TEST(AuthorizerLine, NamesEveryRefusalDifferently) {
  std::set<std::string_view> names;
  for (const LineRefusal refusal : kAllLineRefusals) {
    names.insert(LineRefusalName(refusal));
  }
  EXPECT_EQ(names.size(), kAllLineRefusals.size());
  EXPECT_EQ(LineRefusalName(LineRefusal::kMalformed), "malformed");
}

}  // namespace
}  // namespace network_mapper::kafka
