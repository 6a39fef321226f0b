#include "kafka-watcher/authorizer/authorizer_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

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
    samples.push_back({row.substr(0, first), row.substr(first + 1, second - first - 1),
                       row.substr(second + 1)});
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

std::string Outcome(std::string_view line) { return Describe(ParseAuthorizerLine(line)); }

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
  return "Principal = User:alice is Allowed operation = READ from host = " + std::string(host) +
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
    // In a layout that quotes already the level behind the message would be quoted twice.
    if (sample.id.starts_with("trace_json_behind")) {
      continue;
    }
    EXPECT_EQ(Outcome(InJson(sample.line)), sample.expected) << sample.id;
  }
}

TEST(AuthorizerLine, TakesAnAccessFromACutLineOnlyWhenNothingTellsThatItIsCut) {
  const std::string line = LineOf("K21");
  const size_t text = line.find("Principal = ") + std::string_view("Principal = ").size();
  const size_t topic = line.find("orders");
  const size_t request = topic + 6 + std::string_view(" for request = ").size();
  const size_t count = line.find("resourceRefCount = ") + 19;
  for (size_t size = 0; size <= line.size(); ++size) {
    std::string expected = "allowed PRODUCE 10.244.1.17 orders";
    if (size < text) {
      expected = "no_audit_line";
    } else if (size < line.find("LITERAL")) {
      expected = size < topic - 8 ? "malformed" : "illegal_topic";
    }
    if (size >= topic - 8 && size <= topic) {
      expected = "illegal_topic";  // Nothing yet, or the begin of LITERAL, as a name: see below.
    }
    if (size > topic - 8 && size < topic - 1) {
      // "LITE": the name of a topic in the shape of the oldest brokers.
      expected = "allowed PRODUCE 10.244.1.17 " + line.substr(topic - 8, size - (topic - 8));
    } else if (size == topic - 1) {
      expected = "allowed PRODUCE 10.244.1.17 LITERAL";
    } else if (size > topic && size < topic + 6) {
      expected = "allowed PRODUCE 10.244.1.17 " + line.substr(topic, size - topic);
    } else if (size > topic + 6 && size < request) {
      expected = "illegal_topic";
    } else if (size >= request && size <= count) {
      expected = "malformed";
    }
    EXPECT_EQ(Outcome(std::string_view(line).substr(0, size)), expected) << size;
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
    const bool legal = std::isalnum(byte) != 0 || character == '.' || character == '_' ||
                       character == '-';
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
  EXPECT_EQ(Outcome("Principal = " + repeated("User:a is ") + "is Denied operation = READ from "
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
