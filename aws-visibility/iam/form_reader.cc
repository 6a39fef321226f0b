#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

enum class FormMatch : uint8_t { kNo, kInside, kWhole };

// "Names.member.1" against Names[]; lists have a number, mostly a word before it.
FormMatch MatchFormKey(const WantedFields& wanted, size_t field, std::string_view key) {
  size_t i = 0;
  if (!wanted.FormName(field).empty()) {
    if (TakePiece(key, '.') != wanted.FormName(field)) {
      return FormMatch::kNo;
    }
    i = 1;
  }
  for (; i < wanted.Steps(field); ++i) {
    const std::string_view step = wanted.Step(field, i);
    std::string_view piece = TakePiece(key, '.');
    if (step != "[]") {
      if (piece != step) {
        return FormMatch::kNo;
      }
      continue;
    }
    if (!IsNumber(piece)) {
      piece = TakePiece(key, '.');
    }
    if (!IsNumber(piece)) {
      return FormMatch::kNo;
    }
  }
  return key.empty() ? FormMatch::kWhole : FormMatch::kInside;
}

}  // namespace

bool ReadForm(std::string_view body, WantedFields& wanted) {
  ForEachPair(body, [&](std::string_view raw_key, std::string_view raw_value) {
    std::string decoded;
    std::string_view key = raw_key;
    if (raw_key.find('%') != std::string_view::npos) {
      decoded = PercentDecode(raw_key, true);
      key = decoded;
    }
    for (size_t i = 0; i < wanted.Count(); ++i) {
      const FormMatch match = MatchFormKey(wanted, i, key);
      if (match == FormMatch::kWhole) {
        wanted.Found(WantedFields::Mask{1} << i, PercentDecode(raw_value, true));
      } else if (match == FormMatch::kInside) {
        wanted.Present(WantedFields::Mask{1} << i);
      }
    }
    return true;
  });
  return true;
}

}  // namespace network_mapper::aws
