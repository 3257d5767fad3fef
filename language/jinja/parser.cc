#include "language/jinja/parser.h"

#include <algorithm>

#include "language/jinja/expression_parser.h"

namespace sightline::language::jinja {
namespace {

constexpr int kMaxDepth = 64;  // of statements
constexpr size_t kMaxTargets = 64;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : in_(std::move(tokens)), expressions_(&in_) {}

  NodePtr Run() {
    NodePtr all = Body({});
    if (in_.Peek().kind != Token::Kind::kEnd) in_.Unexpected();
    return all;
  }

 private:
  using Names = std::vector<std::string_view>;

  NodePtr Make(Node::Kind kind) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->line = in_.line();
    return node;
  }
  void EndBlock() {
    if (in_.Peek().kind != Token::Kind::kBlockEnd) in_.Unexpected();
    in_.Next();
  }

  // Statements up to a tag with one of `ends`, whose name stays unread ("{%" is taken).
  NodePtr Body(const Names& ends) {
    if (++depth_ > kMaxDepth)
      throw Error(Error::Kind::kLimit, "statements nest too deep", in_.line());
    NodePtr body = Make(Node::Kind::kBlock);
    for (;;) {
      Token t = in_.Next();
      if (t.kind == Token::Kind::kEnd) {
        if (!ends.empty())
          throw Error(Error::Kind::kInvalid, "'" + std::string(ends.back()) + "' is missing",
                      body->line);
        break;
      }
      if (t.kind == Token::Kind::kText) {
        NodePtr text = Make(Node::Kind::kText);
        text->value = Value(t.text);
        body->kids.push_back(std::move(text));
      } else if (t.kind == Token::Kind::kPrintBegin) {
        NodePtr print = Make(Node::Kind::kPrint);
        print->kids.push_back(expressions_.TupleOrExpression());
        if (in_.Peek().kind != Token::Kind::kPrintEnd) in_.Unexpected();
        in_.Next();
        body->kids.push_back(std::move(print));
      } else {
        const Token& name = in_.Peek();
        if (name.kind != Token::Kind::kName) in_.Unexpected();
        if (std::find(ends.begin(), ends.end(), name.text) != ends.end()) break;
        body->kids.push_back(Statement());
      }
    }
    --depth_;
    return body;
  }

  NodePtr Statement() {
    int line = in_.line();
    std::string name = in_.ExpectName();
    if (name == "if") return If();
    if (name == "for") return For();
    if (name == "set") return Set();
    if (name == "macro") return Macro();
    if (name == "generation") {  // marks what an assistant wrote; rendering is the same
      EndBlock();
      NodePtr body = Body({"endgeneration"});
      in_.Next();
      EndBlock();
      return body;
    }
    if (name == "break" || name == "continue") {
      if (!loops_) throw Error(Error::Kind::kInvalid, "'" + name + "' outside of a loop", line);
      EndBlock();
      return Make(name == "break" ? Node::Kind::kBreak : Node::Kind::kContinue);
    }
    bool end = name.starts_with("end") || name == "else" || name == "elif";
    throw Error(end ? Error::Kind::kInvalid : Error::Kind::kUnsupported,
                end ? "unexpected '" + name + "'" : "statement '" + name + "' is not supported",
                line);
  }

  NodePtr If() {
    NodePtr node = Make(Node::Kind::kIf);
    for (;;) {
      node->kids.push_back(expressions_.TupleOrExpression());
      EndBlock();
      node->kids.push_back(Body({"elif", "else", "endif"}));
      std::string end = in_.Next().text;
      if (end == "elif") continue;
      EndBlock();
      if (end == "endif") return node;
      node->kids.push_back(Body({"endif"}));
      in_.Next();
      EndBlock();
      return node;
    }
  }

  std::vector<std::string> Targets() {
    std::vector<std::string> names;
    bool bracket = in_.TakeOperator("(");
    do {
      if (names.size() >= kMaxTargets) in_.Unexpected();
      names.push_back(in_.ExpectName());
    } while (in_.TakeOperator(","));
    if (bracket) in_.ExpectOperator(")");
    return names;
  }

  NodePtr For() {
    NodePtr node = Make(Node::Kind::kFor);
    node->names = Targets();
    if (!in_.TakeName("in")) in_.Unexpected();
    NodePtr iterable = expressions_.TupleOrExpression(/*ternary=*/false);
    NodePtr filter = in_.TakeName("if") ? expressions_.Expression() : nullptr;
    if (in_.Peek().Name("recursive"))
      throw Error(Error::Kind::kUnsupported, "recursive loops are not supported", in_.line());
    EndBlock();
    ++loops_;
    NodePtr body = Body({"else", "endfor"});
    --loops_;
    NodePtr other;
    if (in_.Next().text == "else") {
      EndBlock();
      other = Body({"endfor"});
      in_.Next();
    }
    EndBlock();
    node->kids.push_back(std::move(iterable));
    node->kids.push_back(std::move(body));
    node->kids.push_back(std::move(other));
    node->kids.push_back(std::move(filter));
    return node;
  }

  NodePtr Set() {
    NodePtr node = Make(Node::Kind::kSet);
    if (in_.Peek(1).Operator(".")) {
      node->name = in_.ExpectName();
      in_.Next();
      node->names.push_back(in_.ExpectName());
    } else {
      node->names = Targets();
    }
    if (in_.TakeOperator("=")) {
      node->kids.push_back(expressions_.TupleOrExpression());
      EndBlock();
      return node;
    }
    if (node->names.size() != 1 || !node->name.empty()) in_.Unexpected();
    node->kind = Node::Kind::kSetBlock;
    NodePtr written = Make(Node::Kind::kName);
    written->name = node->names[0];
    NodePtr filtered = expressions_.Filters(std::move(written), /*tests=*/false);
    EndBlock();
    node->kids.push_back(Body({"endset"}));
    in_.Next();
    EndBlock();
    node->kids.push_back(std::move(filtered));
    return node;
  }

  NodePtr Macro() {
    NodePtr node = Make(Node::Kind::kMacro);
    node->name = in_.ExpectName();
    in_.ExpectOperator("(");
    std::vector<NodePtr> defaults;
    while (!in_.TakeOperator(")")) {
      if (!node->names.empty()) {
        in_.ExpectOperator(",");
        if (in_.TakeOperator(")")) break;
      }
      node->names.push_back(in_.ExpectName());
      if (in_.TakeOperator("=")) {
        defaults.push_back(expressions_.Expression());
      } else if (!defaults.empty() || node->names.size() > kMaxTargets) {
        in_.Unexpected();
      }
    }
    EndBlock();
    int loops = std::exchange(loops_, 0);
    node->kids.push_back(Body({"endmacro"}));
    loops_ = loops;
    in_.Next();
    EndBlock();
    for (NodePtr& d : defaults) node->kids.push_back(std::move(d));
    return node;
  }

  TokenReader in_;
  ExpressionParser expressions_;
  int depth_ = 0, loops_ = 0;
};

}  // namespace

std::unique_ptr<Node> Parse(std::string_view source) { return Parser(Lex(source)).Run(); }

}  // namespace sightline::language::jinja
