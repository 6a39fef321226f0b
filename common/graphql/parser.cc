#include "common/graphql/parser.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/graphql/lexer.h"

namespace network_mapper::graphql {

namespace {

// Every function returns at once when an error has occurred; what it returns then is of no use.
class Parser {
 public:
  Parser(std::string_view text, const ParseLimits& limits) : lexer_(text), limits_(limits) {
    Advance();
  }

  Document Parse() {
    Document document;
    while (!Failed() && token_.kind != TokenKind::kEnd) {
      ParseDefinition(document);
    }
    return document;
  }

  const std::optional<Error>& Failure() const { return failure_; }

 private:
  // Counts one level of nesting for as long as it lives.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > parser_.limits_.depth) {
        parser_.Fail(
            fmt::format("The document is nested deeper than {} levels.", parser_.limits_.depth),
            parser_.token_.location);
      }
    }

    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

    ~Nesting() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  bool Failed() const { return failure_.has_value(); }

  void Fail(std::string message, Location location) {
    if (!failure_) {
      failure_ = Error{
          .message = std::move(message), .locations = {location}, .path = {}, .code = kParseFailed};
    }
  }

  void FailUnexpected(std::string_view expected = "") {
    std::string found =
        token_.kind == TokenKind::kEnd ? "<EOF>" : fmt::format("\"{}\"", token_.text);
    Fail(expected.empty() ? fmt::format("Unexpected {}", found)
                          : fmt::format("Expected {}, found {}", expected, found),
         token_.location);
  }

  void Advance() {
    token_ = lexer_.Next();
    if (token_.kind == TokenKind::kInvalid) {
      Fail(token_.text, token_.location);
    }
    if (++tokens_ > limits_.tokens) {
      Fail(fmt::format("The document has more than {} tokens.", limits_.tokens), token_.location);
    }
  }

  bool At(std::string_view punctuator) const {
    return token_.kind == TokenKind::kPunctuator && token_.text == punctuator;
  }

  bool AtKeyword(std::string_view word) const {
    return token_.kind == TokenKind::kName && token_.text == word;
  }

  bool Take(std::string_view punctuator) {
    if (Failed() || !At(punctuator)) {
      return false;
    }
    Advance();
    return true;
  }

  void Expect(std::string_view punctuator) {
    if (!Take(punctuator)) {
      FailUnexpected(punctuator);
    }
  }

  std::string ExpectName() {
    if (token_.kind != TokenKind::kName) {
      FailUnexpected("Name");
      return "";
    }
    std::string name = std::exchange(token_.text, {});
    Advance();
    return name;
  }

  void ParseDefinition(Document& document) {
    if (At("{")) {
      OperationNode operation;
      operation.location = token_.location;
      operation.selections = ParseSelections();
      document.operations.push_back(std::move(operation));
    } else if (AtKeyword("query") || AtKeyword("mutation") || AtKeyword("subscription")) {
      document.operations.push_back(ParseOperation());
    } else if (AtKeyword("fragment")) {
      document.fragments.push_back(ParseFragment());
    } else {
      FailUnexpected();
    }
  }

  OperationNode ParseOperation() {
    OperationNode operation;
    operation.location = token_.location;
    operation.kind = AtKeyword("mutation")       ? OperationKind::kMutation
                     : AtKeyword("subscription") ? OperationKind::kSubscription
                                                 : OperationKind::kQuery;
    Advance();
    if (token_.kind == TokenKind::kName) {
      operation.name = ExpectName();
    }
    if (Take("(")) {
      do {
        operation.variables.push_back(ParseVariable());
      } while (!Failed() && !At(")"));
      Expect(")");
    }
    operation.directives = ParseDirectives();
    operation.selections = ParseSelections();
    return operation;
  }

  FragmentNode ParseFragment() {
    FragmentNode fragment;
    fragment.location = token_.location;
    Advance();
    if (AtKeyword("on")) {
      FailUnexpected();
    }
    fragment.name = ExpectName();
    if (!AtKeyword("on")) {
      FailUnexpected("\"on\"");
    }
    Advance();
    fragment.type_condition = ExpectName();
    fragment.directives = ParseDirectives();
    fragment.selections = ParseSelections();
    return fragment;
  }

  VariableNode ParseVariable() {
    VariableNode variable;
    variable.location = token_.location;
    Expect("$");
    variable.name = ExpectName();
    Expect(":");
    variable.type.location = token_.location;
    ParseType(variable.type);
    if (Take("=")) {
      variable.default_value = ParseValue(true);
    }
    variable.directives = ParseDirectives();
    return variable;
  }

  void ParseType(TypeNode& type) {
    Nesting nesting(*this);
    if (Failed()) {
      return;
    }
    if (Take("[")) {
      ParseType(type);
      Expect("]");
      type.wrappers.push_back(TypeNode::Wrapper::kList);
    } else {
      type.name = ExpectName();
    }
    if (Take("!")) {
      type.wrappers.push_back(TypeNode::Wrapper::kNonNull);
    }
  }

  std::vector<SelectionNode> ParseSelections() {
    Nesting nesting(*this);
    std::vector<SelectionNode> selections;
    Expect("{");
    do {
      if (Failed()) {
        return selections;
      }
      selections.push_back(ParseSelection());
    } while (!Failed() && !At("}"));
    Expect("}");
    return selections;
  }

  SelectionNode ParseSelection() {
    SelectionNode selection;
    selection.location = token_.location;
    if (Take("...")) {
      ParseFragmentSelection(selection);
      return selection;
    }
    selection.name = ExpectName();
    if (Take(":")) {
      selection.alias = std::exchange(selection.name, ExpectName());
    }
    selection.arguments = ParseArguments(false);
    selection.directives = ParseDirectives();
    if (!Failed() && At("{")) {
      selection.has_selections = true;
      selection.selections = ParseSelections();
    }
    return selection;
  }

  void ParseFragmentSelection(SelectionNode& selection) {
    if (token_.kind == TokenKind::kName && token_.text != "on") {
      selection.kind = SelectionNode::Kind::kSpread;
      selection.name = ExpectName();
      selection.directives = ParseDirectives();
      return;
    }
    selection.kind = SelectionNode::Kind::kInlineFragment;
    if (AtKeyword("on")) {
      Advance();
      selection.type_condition = ExpectName();
    }
    selection.directives = ParseDirectives();
    selection.has_selections = true;
    selection.selections = ParseSelections();
  }

  std::vector<ArgumentNode> ParseArguments(bool constant) {
    std::vector<ArgumentNode> arguments;
    if (!Take("(")) {
      return arguments;
    }
    do {
      ArgumentNode argument;
      argument.location = token_.location;
      argument.name = ExpectName();
      Expect(":");
      argument.value = ParseValue(constant);
      arguments.push_back(std::move(argument));
    } while (!Failed() && !At(")"));
    Expect(")");
    return arguments;
  }

  std::vector<DirectiveNode> ParseDirectives() {
    std::vector<DirectiveNode> directives;
    while (!Failed() && At("@")) {
      DirectiveNode directive;
      directive.location = token_.location;
      Advance();
      directive.name = ExpectName();
      directive.arguments = ParseArguments(false);
      directives.push_back(std::move(directive));
    }
    return directives;
  }

  Value ParseValue(bool constant) {
    Nesting nesting(*this);
    if (Failed()) {
      return {};
    }
    switch (token_.kind) {
      case TokenKind::kInt:
      case TokenKind::kFloat:
        return ParseNumber();
      case TokenKind::kString: {
        Value value(std::move(token_.text));
        Advance();
        return value;
      }
      case TokenKind::kName:
        return ParseWord();
      default:
        break;
    }
    if (At("[")) {
      return ParseList(constant);
    }
    if (At("{")) {
      return ParseObject(constant);
    }
    if (At("$") && !constant) {
      Advance();
      return Value(Value::Variable{ExpectName()});
    }
    FailUnexpected();
    return {};
  }

  Value ParseNumber() {
    std::string text = std::move(token_.text);
    bool whole = token_.kind == TokenKind::kInt;
    Advance();
    int64_t integer = 0;
    if (whole &&
        std::from_chars(text.data(), text.data() + text.size(), integer).ec == std::errc()) {
      return Value(integer);
    }
    // Also for integers beyond 64 bits; validation refuses those where an Int is wanted.
    return Value(std::strtod(text.c_str(), nullptr));
  }

  Value ParseWord() {
    std::string word = ExpectName();
    if (word == "null") {
      return {};
    }
    if (word == "true" || word == "false") {
      return Value(word == "true");
    }
    return Value(Value::Enum{std::move(word)});
  }

  Value ParseList(bool constant) {
    Value::List list;
    Expect("[");
    while (!Failed() && !At("]")) {
      list.push_back(ParseValue(constant));
    }
    Expect("]");
    return Value(std::move(list));
  }

  Value ParseObject(bool constant) {
    Value::Object object;
    Expect("{");
    while (!Failed() && !At("}")) {
      std::string name = ExpectName();
      Expect(":");
      object.emplace_back(std::move(name), ParseValue(constant));
    }
    Expect("}");
    return Value(std::move(object));
  }

  Lexer lexer_;
  ParseLimits limits_;
  Token token_;
  size_t tokens_ = 0;
  size_t depth_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

std::variant<Document, Error> ParseDocument(std::string_view text, const ParseLimits& limits) {
  Parser parser(text, limits);
  Document document = parser.Parse();
  if (parser.Failure()) {
    return *parser.Failure();
  }
  return document;
}

}  // namespace network_mapper::graphql
