#include "language/jinja/expression_parser.h"

#include <charconv>

namespace sightline::language::jinja {
namespace {

// Of brackets, plus operators, filters and subscripts in a row: trees stay shallow.
constexpr int kMaxDepth = 256;

NodePtr Literal(NodePtr node, Value value) {
  node->value = std::move(value);
  return node;
}

}  // namespace

bool TokenReader::TakeOperator(std::string_view op) {
  if (!Peek().Operator(op)) return false;
  Next();
  return true;
}

bool TokenReader::TakeName(std::string_view name) {
  if (!Peek().Name(name)) return false;
  Next();
  return true;
}

void TokenReader::ExpectOperator(std::string_view op) {
  if (!TakeOperator(op)) Unexpected();
}

std::string TokenReader::ExpectName() {
  if (Peek().kind != Token::Kind::kName) Unexpected();
  return Next().text;
}

void TokenReader::Unexpected() const {
  const Token& t = Peek();
  std::string what = t.text.empty() ? "the end of a tag or of the template" : "'" + t.text + "'";
  throw Error(Error::Kind::kInvalid, "unexpected " + what, t.line);
}

class ExpressionParser::Nested {
 public:
  explicit Nested(ExpressionParser* p) : p_(*p), depth_(p->depth_) { p_.Grow(); }
  ~Nested() { p_.depth_ = depth_; }

 private:
  ExpressionParser& p_;
  int depth_;
};

void ExpressionParser::Grow() {
  if (++depth_ > kMaxDepth)
    throw Error(Error::Kind::kLimit, "an expression nests too deep or is too long", in_.line());
}

NodePtr ExpressionParser::Make(Node::Kind kind, std::string name) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->line = in_.line();
  node->name = std::move(name);
  return node;
}

NodePtr ExpressionParser::Binary(std::string op, NodePtr left, NodePtr right) {
  NodePtr node = Make(Node::Kind::kBinary, std::move(op));
  Grow();
  node->kids.push_back(std::move(left));
  node->kids.push_back(std::move(right));
  return node;
}

NodePtr ExpressionParser::Expression() {
  Nested nested(this);
  NodePtr node = Or();
  for (; in_.TakeName("if"); Grow()) {
    NodePtr ternary = Make(Node::Kind::kTernary);
    ternary->kids.push_back(Or());
    ternary->kids.push_back(std::move(node));
    if (in_.TakeName("else")) ternary->kids.push_back(Expression());
    node = std::move(ternary);
  }
  return node;
}

NodePtr ExpressionParser::WithoutTernary() {
  Nested nested(this);
  return Or();
}

NodePtr ExpressionParser::TupleOrExpression(bool ternary) {
  auto one = [&] { return ternary ? Expression() : WithoutTernary(); };
  NodePtr first = one();
  if (!in_.Peek().Operator(",")) return first;
  NodePtr tuple = Make(Node::Kind::kTuple);
  tuple->kids.push_back(std::move(first));
  while (in_.TakeOperator(",")) {
    Token::Kind next = in_.Peek().kind;
    if (next == Token::Kind::kBlockEnd || next == Token::Kind::kPrintEnd ||
        in_.Peek().Operator(")"))
      break;
    tuple->kids.push_back(one());
  }
  return tuple;
}

NodePtr ExpressionParser::Or() {
  NodePtr left = And();
  while (in_.TakeName("or")) left = Binary("or", std::move(left), And());
  return left;
}

NodePtr ExpressionParser::And() {
  NodePtr left = Not();
  while (in_.TakeName("and")) left = Binary("and", std::move(left), Not());
  return left;
}

NodePtr ExpressionParser::Not() {
  if (!in_.Peek().Name("not")) return Compare();
  Nested nested(this);
  in_.Next();
  NodePtr node = Make(Node::Kind::kUnary, "not");
  node->kids.push_back(Not());
  return node;
}

NodePtr ExpressionParser::Compare() {
  NodePtr first = Sum();
  NodePtr node;
  for (;;) {
    std::string op;
    for (const char* o : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (in_.Peek().Operator(o)) op = o;
    }
    if (in_.Peek().Name("in")) op = "in";
    if (in_.Peek().Name("not") && in_.Peek(1).Name("in")) {
      in_.Next();
      op = "not in";
    }
    if (op.empty()) return node ? std::move(node) : std::move(first);
    in_.Next();
    if (!node) {
      node = Make(Node::Kind::kCompare);
      node->kids.push_back(std::move(first));
    }
    node->names.push_back(op);
    node->kids.push_back(Sum());
  }
}

NodePtr ExpressionParser::Sum() {
  NodePtr left = Concat();
  while (in_.Peek().Operator("+") || in_.Peek().Operator("-")) {
    std::string op = in_.Next().text;
    left = Binary(op, std::move(left), Concat());
  }
  return left;
}

NodePtr ExpressionParser::Concat() {
  NodePtr left = Product();
  while (in_.TakeOperator("~")) left = Binary("~", std::move(left), Product());
  return left;
}

NodePtr ExpressionParser::Product() {
  NodePtr left = Power();
  for (;;) {
    const Token& t = in_.Peek();
    if (!t.Operator("*") && !t.Operator("/") && !t.Operator("//") && !t.Operator("%")) return left;
    std::string op = in_.Next().text;
    left = Binary(op, std::move(left), Power());
  }
}

NodePtr ExpressionParser::Power() {
  NodePtr left = Unary(true);
  while (in_.TakeOperator("**")) left = Binary("**", std::move(left), Unary(true));
  return left;
}

NodePtr ExpressionParser::Unary(bool with_filters) {
  Nested nested(this);
  NodePtr node;
  if (in_.Peek().Operator("-") || in_.Peek().Operator("+")) {
    node = Make(Node::Kind::kUnary, in_.Next().text);
    node->kids.push_back(Unary(false));
  } else {
    node = Primary();
  }
  node = Postfix(std::move(node));
  return with_filters ? Filters(std::move(node), true) : std::move(node);
}

NodePtr ExpressionParser::Primary() {
  const Token& t = in_.Peek();
  if (t.Operator("(") || t.Operator("[")) return Bracketed();
  if (t.Operator("{")) return MapLiteral();
  NodePtr node = Make(Node::Kind::kConst);
  Token token = in_.Next();
  if (token.kind == Token::Kind::kString) {
    while (in_.Peek().kind == Token::Kind::kString) token.text += in_.Next().text;
    return Literal(std::move(node), Value(std::move(token.text)));
  }
  if (token.kind == Token::Kind::kInteger) {
    int64_t i = 0;
    const char* end = token.text.data() + token.text.size();
    if (std::from_chars(token.text.data(), end, i).ec != std::errc())
      throw Error(Error::Kind::kInvalid, "a number is too large", token.line);
    return Literal(std::move(node), Value(i));
  }
  if (token.kind == Token::Kind::kReal) {
    double d = 0;
    std::from_chars(token.text.data(), token.text.data() + token.text.size(), d);
    return Literal(std::move(node), Value(d));
  }
  if (token.kind != Token::Kind::kName)
    throw Error(Error::Kind::kInvalid, "an expression is missing", token.line);
  if (token.text == "true" || token.text == "True") return Literal(std::move(node), Value(true));
  if (token.text == "false" || token.text == "False") return Literal(std::move(node), Value(false));
  if (token.text == "none" || token.text == "None") return Literal(std::move(node), Value(None{}));
  node->kind = Node::Kind::kName;
  node->name = token.text;
  return node;
}

NodePtr ExpressionParser::Bracketed() {
  bool list = in_.Next().text == "[";
  const char* close = list ? "]" : ")";
  NodePtr node = Make(list ? Node::Kind::kList : Node::Kind::kTuple);
  bool comma = false;
  while (!in_.TakeOperator(close)) {
    if (!node->kids.empty()) {
      in_.ExpectOperator(",");
      comma = true;
      if (in_.TakeOperator(close)) break;
    }
    node->kids.push_back(Expression());
  }
  if (list || comma || node->kids.size() != 1) return node;
  return std::move(node->kids[0]);
}

NodePtr ExpressionParser::MapLiteral() {
  in_.Next();
  NodePtr node = Make(Node::Kind::kMap);
  while (!in_.TakeOperator("}")) {
    if (!node->kids.empty()) {
      in_.ExpectOperator(",");
      if (in_.TakeOperator("}")) break;
    }
    node->kids.push_back(Expression());
    in_.ExpectOperator(":");
    node->kids.push_back(Expression());
  }
  return node;
}

NodePtr ExpressionParser::Postfix(NodePtr node) {
  for (;; Grow()) {
    if (in_.TakeOperator(".")) {
      NodePtr next = Make(Node::Kind::kAttribute);
      if (in_.Peek().kind == Token::Kind::kInteger) {  // a.0 is a[0]
        next->kind = Node::Kind::kIndex;
        next->kids.push_back(std::move(node));
        next->kids.push_back(Primary());
      } else {
        next->name = in_.ExpectName();
        next->kids.push_back(std::move(node));
      }
      node = std::move(next);
    } else if (in_.Peek().Operator("[")) {
      node = Subscript(std::move(node));
    } else if (in_.Peek().Operator("(")) {
      NodePtr call = Make(Node::Kind::kCall);
      call->kids.push_back(std::move(node));
      Arguments(call.get());
      node = std::move(call);
    } else {
      return node;
    }
  }
}

NodePtr ExpressionParser::Subscript(NodePtr object) {
  in_.Next();
  NodePtr node = Make(Node::Kind::kIndex);
  node->kids.push_back(std::move(object));
  auto ends = [&] { return in_.Peek().Operator(":") || in_.Peek().Operator("]"); };
  node->kids.push_back(ends() ? nullptr : TupleOrExpression());
  while (in_.TakeOperator(":")) {
    node->kind = Node::Kind::kSlice;
    node->kids.push_back(ends() ? nullptr : Expression());
  }
  in_.ExpectOperator("]");
  bool empty = node->kind == Node::Kind::kIndex && !node->kids[1];
  if (empty || node->kids.size() > 4)
    throw Error(Error::Kind::kInvalid, "a subscript is empty or has too many parts", node->line);
  return node;
}

NodePtr ExpressionParser::Filters(NodePtr node, bool tests) {
  for (;; Grow()) {
    if (in_.TakeOperator("|")) {
      NodePtr filter = Make(Node::Kind::kFilter, in_.ExpectName());
      filter->kids.push_back(std::move(node));
      if (in_.Peek().Operator("(")) Arguments(filter.get());
      node = std::move(filter);
    } else if (tests && in_.TakeName("is")) {
      node = Test(std::move(node));
    } else if (in_.Peek().Operator("(")) {
      NodePtr call = Make(Node::Kind::kCall);
      call->kids.push_back(std::move(node));
      Arguments(call.get());
      node = std::move(call);
    } else {
      return node;
    }
  }
}

NodePtr ExpressionParser::Test(NodePtr operand) {
  bool negated = in_.TakeName("not");
  NodePtr test = Make(Node::Kind::kTest, in_.ExpectName());
  test->kids.push_back(std::move(operand));
  const Token& t = in_.Peek();
  bool word = t.kind == Token::Kind::kName && t.text != "else" && t.text != "or" &&
              t.text != "and" && t.text != "is" && t.text != "if" && t.text != "not" &&
              t.text != "in";
  if (t.Operator("(")) {
    Arguments(test.get());
  } else if (word || t.kind == Token::Kind::kString || t.kind == Token::Kind::kInteger ||
             t.kind == Token::Kind::kReal || t.Operator("[") || t.Operator("{")) {
    test->kids.push_back(Postfix(Primary()));
  }
  if (!negated) return test;
  NodePtr no = Make(Node::Kind::kUnary, "not");
  no->kids.push_back(std::move(test));
  return no;
}

void ExpressionParser::Arguments(Node* call) {
  in_.ExpectOperator("(");
  for (bool first = true; !in_.TakeOperator(")"); first = false) {
    if (!first) {
      in_.ExpectOperator(",");
      if (in_.TakeOperator(")")) return;
    }
    if (in_.Peek().Operator("*") || in_.Peek().Operator("**"))
      throw Error(Error::Kind::kUnsupported, "unpacked arguments are not supported", in_.line());
    if (in_.Peek().kind == Token::Kind::kName && in_.Peek(1).Operator("=")) {
      call->names.push_back(in_.Next().text);
      in_.Next();
    } else if (!call->names.empty()) {
      in_.Unexpected();
    }
    call->kids.push_back(Expression());
  }
}

}  // namespace sightline::language::jinja
