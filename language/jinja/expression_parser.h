// Expressions within tags, with Jinja's precedence.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "language/jinja/lexer.h"
#include "language/jinja/parser.h"

namespace sightline::language::jinja {

using NodePtr = std::unique_ptr<Node>;

// Reads tokens one by one; bounds nesting.
class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(pos_ + ahead, tokens_.size() - 1)];
  }
  Token Next() {
    Token t = Peek();
    if (pos_ + 1 < tokens_.size()) ++pos_;
    return t;
  }
  bool TakeOperator(std::string_view op);
  bool TakeName(std::string_view name);
  void ExpectOperator(std::string_view op);
  std::string ExpectName();
  [[noreturn]] void Unexpected() const;  // names the token at hand
  int line() const { return Peek().line; }

 private:
  std::vector<Token> tokens_;
  size_t pos_ = 0;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader* in) : in_(*in) {}
  NodePtr Expression();      // with "a if b else c"
  NodePtr WithoutTernary();  // of a for loop's iterable, whose "if" is a filter
  NodePtr TupleOrExpression(bool ternary = true);  // "a, b" without brackets is a tuple
  NodePtr Filters(NodePtr node, bool tests);       // | filter, is test

 private:
  class Nested;  // gives back the depth at its end
  void Grow();
  NodePtr Make(Node::Kind kind, std::string name = "");
  NodePtr Binary(std::string op, NodePtr left, NodePtr right);
  NodePtr Or();
  NodePtr And();
  NodePtr Not();
  NodePtr Compare();
  NodePtr Sum();
  NodePtr Concat();
  NodePtr Product();
  NodePtr Power();
  NodePtr Unary(bool with_filters);
  NodePtr Primary();
  NodePtr Bracketed();
  NodePtr MapLiteral();
  NodePtr Postfix(NodePtr node);
  NodePtr Subscript(NodePtr node);
  NodePtr Test(NodePtr node);
  void Arguments(Node* call);

  TokenReader& in_;
  int depth_ = 0;
};

}  // namespace sightline::language::jinja
