// Lexer: a GraphQL document as tokens (GraphQL October 2021, 2.1). Used by the parser only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/graphql/error.h"

namespace network_mapper::graphql {

enum class TokenKind { kEnd, kPunctuator, kName, kInt, kFloat, kString, kInvalid };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  // The text; of a string its value, of an invalid token the message.
  std::string text;
  Location location;
};

class Lexer {
 public:
  // `text` must outlive the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}

  Token Next();

 private:
  void SkipIgnored();
  void Advance(size_t count);

  bool StartsWith(std::string_view prefix) const {
    return text_.substr(position_).starts_with(prefix);
  }

  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }

  Token Make(TokenKind kind, size_t length);
  Token Fail(std::string message) const;
  Token ReadNumber();
  Token ReadString();
  Token ReadBlockString();
  // Appends the character of an escape sequence behind "\"; false when it is none.
  bool ReadEscape(std::string& value);

  std::string_view text_;
  size_t position_ = 0;
  Location location_;
};

}  // namespace network_mapper::graphql
