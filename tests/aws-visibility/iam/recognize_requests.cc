// Reads requests from standard input and prints what the recogniser makes of each, one line:
// service, operation, result, region, and then "action resource" pairs, with tabs between. For
// scripts that have requests made by AWS' own clients. The input is, per request, pieces of four
// bytes of length (little endian) and text: method, host, target, body, number of headers, and each
// header's name and value.
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/recognizer.h"

namespace {

std::optional<std::string> ReadPiece() {
  unsigned char length[4];
  if (!std::cin.read(reinterpret_cast<char*>(length), sizeof(length))) {
    return std::nullopt;
  }
  std::string text(length[0] | size_t{length[1]} << 8 | size_t{length[2]} << 16, '\0');
  if (!std::cin.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return std::nullopt;
  }
  return text;
}

}  // namespace

int main() {
  namespace aws = network_mapper::aws;
  std::ios::sync_with_stdio(false);
  aws::AnswerMemory memory;
  while (const std::optional<std::string> method = ReadPiece()) {
    const std::string host = ReadPiece().value();
    const std::string target = ReadPiece().value();
    const std::string body = ReadPiece().value();
    std::vector<std::string> texts(2 * std::stoul(ReadPiece().value()));
    for (std::string& text : texts) {
      text = ReadPiece().value();
    }
    std::vector<aws::Header> headers;
    for (size_t i = 0; i < texts.size(); i += 2) {
      headers.push_back({texts[i], texts[i + 1]});
    }
    const aws::RequestHead head{*method, host, target, headers};
    // As the proxy does it: what is not asked for is not there.
    const aws::BodyNeeds needs = aws::Recognizer::NeedsOf(head);
    const aws::Body seen{std::string_view(body).substr(0, needs.request),
                         body.size() <= needs.request};
    const aws::Recognition found = aws::Recognizer::Recognize(head, seen, {200, {}}, {}, memory);
    std::cout << found.service << '\t' << found.operation << '\t'
              << aws::RecognitionResultName(found.result) << '\t' << found.region << '\t'
              << (aws::IsApiEndpoint(host) ? "api" : "-");
    for (const aws::Access& access : found.accesses) {
      for (const std::string& action : access.actions) {
        std::cout << '\t' << action << ' ' << access.resource;
      }
    }
    std::cout << '\n';
  }
}
