#include "aws-visibility/iam/signature.h"

#include <algorithm>

#include <fmt/format.h>

#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {
namespace {

constexpr size_t kMostPart = 128;

// AKID/YYYYMMDD/REGION/SERVICE/aws4_request; SigV4a has no region.
Signature ReadScope(std::string_view scope) {
  Signature signature;
  std::array<std::string_view, 5> parts;
  size_t count = 0;
  while (count < parts.size() && !scope.empty()) {
    parts[count++] = TakePiece(scope, '/').substr(0, kMostPart);
  }
  if (count < 4 || !scope.empty() || parts[count - 1] != "aws4_request") {
    return signature;
  }
  signature.key_id = parts[0];
  signature.region = count == 5 ? parts[2] : std::string_view();
  signature.service = parts[count - 2];
  std::transform(
      signature.service.begin(), signature.service.end(), signature.service.begin(),
      [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return signature;
}

Signature OldSignature(std::string_view key_id) {
  return {std::string(key_id.substr(0, kMostPart)), "", "s3"};
}

}  // namespace

Signature ReadSignature(std::span<const Header> headers, std::string_view query) {
  if (const auto authorization = FindHeader(headers, "authorization")) {
    std::string_view text = *authorization;
    if (text.starts_with("AWS4-")) {
      const size_t start = text.find("Credential=");
      if (start == std::string_view::npos) {
        return {};
      }
      text.remove_prefix(start + std::string_view("Credential=").size());
      return ReadScope(text.substr(0, FindEither(text, ',', ' ')));
    }
    if (text.starts_with("AWS ")) {
      text.remove_prefix(4);
      return OldSignature(text.substr(0, text.find(':')));
    }
    return {};
  }
  if (query.find("redential=") != std::string_view::npos) {
    for (const std::string_view name : {"X-Amz-Credential", "x-amz-credential"}) {
      if (const auto scope = FindInQuery(query, name)) {
        return ReadScope(PercentDecode(scope->substr(0, size_t{8} * kMostPart)));
      }
    }
  }
  if (const auto key_id = FindInQuery(query, "AWSAccessKeyId");
      key_id && FindInQuery(query, "Signature") && FindInQuery(query, "Expires")) {
    return OldSignature(*key_id);
  }
  return {};
}

// Base32 of six bytes after the four letters of its kind: 40 bits from the second on are the
// account.
std::string AccountOfKeyId(std::string_view key_id) {
  if (key_id.size() != 20 || !(key_id.starts_with("AKIA") || key_id.starts_with("ASIA"))) {
    return {};
  }
  uint64_t bits = 0;
  // Ten letters are 50 bits; six bytes are the first 48 of them.
  for (const char c : key_id.substr(4, 10)) {
    uint64_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<uint64_t>(c - 'A');
    } else if (c >= '2' && c <= '7') {
      digit = static_cast<uint64_t>(c - '2') + 26;
    } else {
      return {};
    }
    bits = bits << 5 | digit;
  }
  const uint64_t account = ((bits >> 2) & 0x7FFFFFFFFF80U) >> 7;
  // The first bit tells newer keys from those of before 2019, which tell no account.
  const bool is_old = key_id[4] >= 'A' && key_id[4] < 'Q';
  return is_old || account > 999'999'999'999U ? std::string() : fmt::format("{:012}", account);
}

}  // namespace network_mapper::aws
