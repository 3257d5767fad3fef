// Expressions.
#include <cmath>

#include "language/jinja/interpreter.h"

namespace sightline::language::jinja {
namespace {

[[noreturn]] void Overflow() { Fail("a number is too large"); }

int64_t FloorDivide(int64_t a, int64_t b) {
  if (b == 0) Fail("division by zero");
  if (b == -1) return a == INT64_MIN ? (Overflow(), 0) : -a;
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

int64_t Power(int64_t base, int64_t exponent) {
  int64_t out = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    if (i > 64 && base != 0 && base != 1 && base != -1) Overflow();
    if (i > 64) return base == -1 && exponent % 2 ? -1 : base * base;
    if (__builtin_mul_overflow(out, base, &out)) Overflow();
  }
  return out;
}

Value Integers(const std::string& op, int64_t a, int64_t b) {
  int64_t out = 0;
  if (op == "+"   ? __builtin_add_overflow(a, b, &out)
      : op == "-" ? __builtin_sub_overflow(a, b, &out)
      : op == "*" ? __builtin_mul_overflow(a, b, &out)
                  : false)
    Overflow();
  if (op == "//") out = FloorDivide(a, b);
  if (op == "%") {
    if (b == 0) Fail("division by zero");
    out = b == -1 ? 0 : a % b;
    if (out != 0 && (out < 0) != (b < 0)) out += b;
  }
  if (op == "**") out = Power(a, b);
  return Value(out);
}

Value Reals(const std::string& op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (op == "**") return Value(std::pow(a, b));
  if (b == 0) Fail("division by zero");
  if (op == "/") return Value(a / b);
  if (op == "//") return Value(std::floor(a / b));
  return Value(a - b * std::floor(a / b));
}

// Where a slice from..to by step begins and ends in n items, by Python's rules.
struct Bounds {
  int64_t from, to, step;
};

Bounds SliceBounds(const Value& from, const Value& to, const Value& step, int64_t n) {
  auto given = [](const Value& v) { return !v.undefined() && !v.none(); };
  Bounds b{0, n, given(step) ? step.AsInteger() : 1};
  if (b.step == 0) Fail("a slice's step is zero");
  int64_t low = b.step > 0 ? 0 : -1, high = b.step > 0 ? n : n - 1;
  auto clamp = [&](int64_t i) { return std::clamp(i < 0 ? i + n : i, low, high); };
  b.from = given(from) ? clamp(std::max(from.AsInteger(), -n - 1)) : b.step > 0 ? 0 : n - 1;
  b.to = given(to) ? clamp(std::max(to.AsInteger(), -n - 1)) : b.step > 0 ? n : -1;
  return b;
}

}  // namespace

bool Contains(const Value& container, const Value& item) {
  if (const Text* t = container.text()) {
    if (!item.text()) Fail(std::string("cannot look for ") + item.type() + " in a string");
    return t->str().find(item.text()->str()) != std::string::npos;
  }
  if (const List* l = container.list()) {
    for (const Value& v : l->items) {
      if (Equal(v, item)) return true;
    }
    return false;
  }
  if (const Map* m = container.map()) return item.text() && m->Find(item.text()->str());
  if (container.undefined()) return false;
  Fail(std::string("cannot look into ") + container.type());
}

Value Interpreter::Evaluate(const Node& node) {
  Deeper deeper(this, node.line);
  try {
    return EvaluateNode(node);
  } catch (Error& e) {
    if (!e.line) e.line = node.line;
    throw;
  }
}

std::vector<Value> Interpreter::Kids(const Node& node, size_t from) {
  std::vector<Value> out;
  for (size_t i = from; i < node.kids.size(); ++i) out.push_back(Evaluate(*node.kids[i]));
  return out;
}

Arguments Interpreter::ArgumentsOf(const Node& call) {
  Arguments args;
  args.values = Kids(call, 1);
  size_t first = args.values.size() - call.names.size();
  for (size_t i = 0; i < call.names.size(); ++i)
    args.named.emplace_back(call.names[i], std::move(args.values[first + i]));
  args.values.resize(first);
  return args;
}

Value Interpreter::EvaluateNode(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kConst:
      return node.value;
    case Node::Kind::kName: {
      const Value* v = Lookup(node.name);
      if (v) return *v;
      return HasBuiltin(node.name) ? Value(Function{nullptr, node.name, nullptr})
                                   : Value(Undefined{node.name});
    }
    case Node::Kind::kList:
    case Node::Kind::kTuple:
      return Spend(Value::MakeList(Kids(node), node.kind == Node::Kind::kTuple));
    case Node::Kind::kMap:
      return MapOf(node);
    case Node::Kind::kUnary:
      return Unary(node);
    case Node::Kind::kBinary:
      return Binary(node);
    case Node::Kind::kCompare:
      return Compared(node);
    case Node::Kind::kTernary:
      if (Evaluate(*node.kids[0]).Truth()) return Evaluate(*node.kids[1]);
      return node.kids.size() > 2 ? Evaluate(*node.kids[2]) : Value();
    case Node::Kind::kAttribute:
      return Attribute(Evaluate(*node.kids[0]), node.name);
    case Node::Kind::kIndex: {
      Value object = Evaluate(*node.kids[0]);
      return Item(object, Evaluate(*node.kids[1]));
    }
    case Node::Kind::kSlice:
      return Spend(Slice(node));
    case Node::Kind::kCall:
      return Call(node);
    case Node::Kind::kFilter: {
      Value operand = Evaluate(*node.kids[0]);
      return Apply(node.name, operand, ArgumentsOf(node));
    }
    case Node::Kind::kTest: {
      Value operand = Evaluate(*node.kids[0]);
      return Value(Test(node.name, operand, ArgumentsOf(node)));
    }
    default:
      Fail("a statement where an expression belongs");
  }
}

Value Interpreter::MapOf(const Node& node) {
  Map map;
  for (size_t i = 0; i + 1 < node.kids.size(); i += 2) {
    Value key = Evaluate(*node.kids[i]);
    if (!key.text()) Unsupported("keys that are not strings are not supported");
    map.outside |= key.text()->outside();
    map.Set(key.text()->str(), Evaluate(*node.kids[i + 1]));
  }
  return Spend(Value::MakeMap(std::move(map)));
}

Value Interpreter::Unary(const Node& node) {
  Value v = Evaluate(*node.kids[0]);
  if (node.name == "not") return Value(!v.Truth());
  if (const double* d = v.real()) return Value(node.name == "-" ? -*d : *d);
  return node.name == "-" ? Integers("-", 0, v.AsInteger()) : Value(v.AsInteger());
}

Value Interpreter::Binary(const Node& node) {
  Value a = Evaluate(*node.kids[0]);
  if (node.name == "and") return a.Truth() ? Evaluate(*node.kids[1]) : a;
  if (node.name == "or") return a.Truth() ? a : Evaluate(*node.kids[1]);
  Value b = Evaluate(*node.kids[1]);
  if (node.name == "~") {
    Walk(a);
    Walk(b);
    Text out = Print(a);
    out.Append(Print(b));
    return Spend(Value(std::move(out)));
  }
  return Arithmetic(node.name, a, b);
}

Value Interpreter::Arithmetic(const std::string& op, const Value& a, const Value& b) {
  for (const Value* v : {&a, &b}) {
    if (v->undefined()) Fail("'" + v->undefined_name() + "' is undefined");
  }
  if (a.number() && b.number()) {
    bool exact = !a.real() && !b.real() && op != "/" && !(op == "**" && b.AsInteger() < 0);
    return exact ? Integers(op, a.AsInteger(), b.AsInteger()) : Reals(op, a.AsReal(), b.AsReal());
  }
  if (op == "+" && a.text() && b.text()) {
    Text out = *a.text();
    out.Append(*b.text());
    return Spend(Value(std::move(out)));
  }
  if (op == "+" && a.list() && b.list()) {
    std::vector<Value> items = a.list()->items;
    items.insert(items.end(), b.list()->items.begin(), b.list()->items.end());
    return Spend(Value::MakeList(std::move(items), a.list()->tuple));
  }
  if (op == "*" && (a.text() || b.text()) && (a.integer() || b.integer())) {
    const Text& t = a.text() ? *a.text() : *b.text();
    Text out;
    for (int64_t n = (a.text() ? b : a).AsInteger(); n > 0 && t.size() > 0; --n) {
      Step();
      Spend(t);
      out.Append(t);
    }
    return Value(std::move(out));
  }
  if (op == "%" && a.text()) Unsupported("the operator % on strings is not supported");
  Fail("the operator " + op + " does not join " + a.type() + " and " + b.type());
}

Value Interpreter::Compared(const Node& node) {
  Value left = Evaluate(*node.kids[0]);
  for (size_t i = 0; i < node.names.size(); ++i) {
    const std::string& op = node.names[i];
    Value right = Evaluate(*node.kids[i + 1]);
    bool yes;
    Walk(left);
    Walk(right);
    if (op == "in" || op == "not in") {
      yes = Contains(right, left) == (op == "in");
    } else if (op == "==" || op == "!=") {
      yes = Equal(left, right) == (op == "==");
    } else {
      for (const Value* v : {&left, &right}) {
        if (v->undefined()) Fail("'" + v->undefined_name() + "' is undefined");
      }
      int c = Compare(left, right);
      yes = op == "<" ? c < 0 : op == "<=" ? c <= 0 : op == ">" ? c > 0 : c >= 0;
    }
    if (!yes) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::Slice(const Node& node) {
  Value object = Evaluate(*node.kids[0]);
  Value part[3];
  for (size_t i = 1; i < node.kids.size(); ++i) {
    if (node.kids[i]) part[i - 1] = Evaluate(*node.kids[i]);
  }
  const List* list = object.list();
  const Text* text = object.text();
  if (!list && !text) Fail(std::string("cannot slice ") + object.type());
  std::vector<size_t> at;
  if (text) Walk(object), at = CharacterStarts(text->str());
  auto n = static_cast<int64_t>(list ? list->items.size() : at.size() - 1);
  Bounds b = SliceBounds(part[0], part[1], part[2], n);
  auto index = [](int64_t i) { return static_cast<size_t>(i); };
  if (text && b.step == 1)
    return Value(text->Slice(at[index(b.from)], at[index(std::max(b.from, b.to))]));
  Text out;
  std::vector<Value> items;
  for (int64_t i = b.from; b.step > 0 ? i < b.to : i > b.to;) {
    Step();
    if (list) items.push_back(list->items[index(i)]);
    if (text) out.Append(text->Slice(at[index(i)], at[index(i) + 1]));
    if (__builtin_add_overflow(i, b.step, &i)) break;
  }
  return list ? Value::MakeList(std::move(items), list->tuple) : Value(std::move(out));
}

Value Interpreter::Attribute(const Value& object, const std::string& name) {
  if (object.undefined()) Fail("'" + object.undefined_name() + "' is undefined");
  if (const Namespace* ns = object.ns()) {
    const Value* v = ns->fields.Find(name);
    return v ? *v : Value(Undefined{name});
  }
  if (HasMethod(object, name))
    return Value(Function{nullptr, name, std::make_shared<const Value>(object)});
  if (const Map* m = object.map()) {
    if (const Value* v = m->Find(name)) return *v;
  }
  return Value(Undefined{name});
}

Value Interpreter::Item(const Value& object, const Value& key) {
  if (object.undefined()) Fail("'" + object.undefined_name() + "' is undefined");
  if (const Text* name = key.text()) {
    if (const Map* m = object.map()) {
      if (const Value* v = m->Find(name->str())) return *v;
    }
    return Attribute(object, name->str());
  }
  const List* list = object.list();
  const Text* text = object.text();
  if ((!list && !text) || (!key.integer() && !key.boolean())) return Value(Undefined{"item"});
  std::vector<size_t> at;
  if (text) Walk(object), at = CharacterStarts(text->str());
  auto n = static_cast<int64_t>(list ? list->items.size() : at.size() - 1);
  int64_t i = key.AsInteger();
  if (i < 0) i += n;
  if (i < 0 || i >= n) return Value(Undefined{"item"});
  auto k = static_cast<size_t>(i);
  return list ? list->items[k] : Value(text->Slice(at[k], at[k + 1]));
}

}  // namespace sightline::language::jinja
