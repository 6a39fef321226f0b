// The recogniser of AWS requests. The input is lines: method, host, target, status, headers until
// an empty line, then the request's body, a line of one zero byte, and the answer's body. What
// comes out has the form that the header promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/recognizer.h"
#include "aws-visibility/iam/request_text.h"
#include "common/text/utf8.h"

namespace {

namespace aws = network_mapper::aws;

std::string_view Take(std::string_view& text, std::string_view separator) {
  const size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + separator.size());
  return piece;
}

void Check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool IsText(std::string_view text) {
  return network_mapper::IsUtf8(text) && !network_mapper::HasControlCharacter(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static aws::AnswerMemory memory(1000);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view method = Take(text, "\n");
  const std::string_view host = Take(text, "\n");
  const std::string_view target = Take(text, "\n");
  const int status = std::atoi(std::string(Take(text, "\n")).c_str()) % 600;
  std::vector<aws::Header> headers;
  for (std::string_view line = Take(text, "\n"); !line.empty() && headers.size() < 100;
       line = Take(text, "\n")) {
    const std::string_view name = Take(line, ":");
    headers.push_back({name, line});
  }
  const std::string_view body = Take(text, std::string_view("\n\0\n", 3));
  const aws::RequestHead head{method, host, target, headers};
  (void)aws::Recognizer::NeedsOf(head);
  (void)aws::IsApiEndpoint(host);
  const aws::Recognition found = aws::Recognizer::Recognize(
      head, {body, size % 2 == 0}, {status, headers}, {text, true}, memory);
  Check(found.account.empty() || found.account.size() == 12);
  Check(IsText(found.region) && IsText(found.role));
  for (const aws::Access& access : found.accesses) {
    Check(access.resource == "*" || aws::IsArn(access.resource));
    Check(IsText(access.resource) && access.resource.size() < 20000 && !access.actions.empty());
    for (const std::string& action : access.actions) {
      Check(IsText(action) && action.find(':') != std::string::npos);
    }
  }
  return 0;
}
