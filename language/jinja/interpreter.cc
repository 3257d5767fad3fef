#include "language/jinja/interpreter.h"

#include <algorithm>

namespace sightline::language::jinja {
namespace {

constexpr int kMaxDepth = 400;     // of statements, expressions and macro calls
constexpr size_t kItemBytes = 64;  // what an item of a list is counted as
constexpr int64_t kMaxRange = 100'000;

void AddAll(const nlohmann::ordered_json& json, bool outside,
            const std::vector<std::string>& own_fields, StringMap<Value>* to) {
  if (!json.is_object()) Fail("inputs must be JSON objects");
  for (const auto& [name, v] : json.items()) (*to)[name] = Value::FromJson(v, outside, own_fields);
}

bool IsBuiltin(std::string_view name) {
  return name == "range" || name == "namespace" || name == "dict" || name == "raise_exception" ||
         name == "strftime_now";
}

Value FormatNow(const Inputs& inputs, const Arguments& args) {
  args.Allow({"format"});
  if (!inputs.now) Fail("strftime_now: no time was given");
  std::string format = NeedText(args.Need(0, "format"), "strftime_now").str();
  if (format.size() > 256) Fail("strftime_now: the format is too long");
  char buffer[4096];
  size_t n =
      format.empty() ? 0 : std::strftime(buffer, sizeof(buffer), format.c_str(), &*inputs.now);
  return Value(std::string(buffer, n));
}

Value Range(const Arguments& args) {
  args.Allow({"start", "stop", "step"});
  size_t n = args.values.size();
  int64_t start = n > 1 ? args.values[0].AsInteger() : 0;
  int64_t stop = args.Need(n > 1 ? 1 : 0, "stop").AsInteger();
  int64_t step = n > 2 ? args.values[2].AsInteger() : 1;
  if (step == 0) Fail("range: the step is zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) >= kMaxRange)
      throw Error(Error::Kind::kLimit, "range: more than 100000 numbers");
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::MakeList(std::move(items));
}

}  // namespace

Value Arguments::Get(size_t place, std::string_view name) const {
  if (place < values.size()) return values[place];
  for (const auto& [n, v] : named) {
    if (n == name) return v;
  }
  return Value();
}

Value Arguments::Need(size_t place, std::string_view name) const {
  Value v = Get(place, name);
  bool given = place < values.size();
  for (const auto& [n, w] : named) given |= n == name;
  if (!given) Fail("the argument '" + std::string(name) + "' is missing");
  return v;
}

void Arguments::Allow(std::initializer_list<std::string_view> names) const {
  if (values.size() > names.size()) Fail("too many arguments");
  for (const auto& [n, v] : named) {
    if (std::find(names.begin(), names.end(), n) == names.end())
      Unsupported("the argument '" + n + "' is not supported");
  }
}

class Interpreter::Scope {
 public:
  explicit Scope(Interpreter* in) : in_(*in) { in_.scopes_.emplace_back(); }
  ~Scope() { in_.scopes_.pop_back(); }

 private:
  Interpreter& in_;
};

Interpreter::Deeper::Deeper(Interpreter* in, int line) : in_(*in) {
  in_.Step();
  if (in_.depth_ >= kMaxDepth)
    throw Error(Error::Kind::kLimit, "expressions or macros nest too deep", line);
  ++in_.depth_;
}

Interpreter::Interpreter(const Inputs& inputs, const Limits& limits)
    : inputs_(inputs), limits_(limits), scopes_(1) {
  AddAll(inputs.own, false, {}, &scopes_[0]);
  AddAll(inputs.outside, true, inputs.own_fields, &scopes_[0]);
}

Text Interpreter::Run(const Node& root) {
  Text out;
  Execute(root, &out);
  return out;
}

void Interpreter::Step(size_t n) {
  if ((steps_ += n) > limits_.steps) throw Error(Error::Kind::kLimit, "too many steps");
}

Text Interpreter::Spend(Text text) {
  if ((bytes_ += text.size()) > limits_.bytes)
    throw Error(Error::Kind::kLimit, "too much text is made");
  return text;
}

Value Interpreter::Spend(Value value) {
  size_t n = kItemBytes;
  if (const Text* t = value.text()) n = t->size();
  if (const List* l = value.list()) n *= l->items.size() + 1;
  if (const Map* m = value.map()) n *= m->items.size() + 1;
  if ((bytes_ += n) > limits_.bytes) throw Error(Error::Kind::kLimit, "too much text is made");
  return value;
}

Interpreter::Flow Interpreter::Execute(const Node& node, Text* out) {
  Deeper deeper(this, node.line);
  try {
    return ExecuteStatement(node, out);
  } catch (Error& e) {
    if (!e.line) e.line = node.line;
    throw;
  }
}

Interpreter::Flow Interpreter::ExecuteStatement(const Node& node, Text* out) {
  switch (node.kind) {
    case Node::Kind::kBlock:
      for (const auto& kid : node.kids) {
        if (Flow flow = Execute(*kid, out); flow != Flow::kNext) return flow;
      }
      return Flow::kNext;
    case Node::Kind::kText:
      out->Append(*node.value.text());
      break;
    case Node::Kind::kPrint: {
      Value v = Evaluate(*node.kids[0]);
      Walk(v);
      out->Append(Spend(Print(v)));
      break;
    }
    case Node::Kind::kIf:
      return If(node, out);
    case Node::Kind::kFor:
      return For(node, out);
    case Node::Kind::kMacro:
      scopes_.back()[node.name] = Value(Function{&node, node.name, nullptr});
      break;
    case Node::Kind::kBreak:
      return Flow::kBreak;
    case Node::Kind::kContinue:
      return Flow::kContinue;
    default:
      Set(node);
  }
  if (out->size() > limits_.output_bytes)
    throw Error(Error::Kind::kLimit, "the output is too long");
  return Flow::kNext;
}

Interpreter::Flow Interpreter::If(const Node& node, Text* out) {
  size_t i = 0;
  for (; i + 1 < node.kids.size(); i += 2) {
    if (Evaluate(*node.kids[i]).Truth()) return Execute(*node.kids[i + 1], out);
  }
  return i < node.kids.size() ? Execute(*node.kids[i], out) : Flow::kNext;
}

Value Interpreter::LoopVariable(const std::vector<Value>& items, size_t i) {
  auto number = [](size_t n) { return Value(static_cast<int64_t>(n)); };
  size_t n = items.size();
  Map loop;
  loop.Set("index", number(i + 1));
  loop.Set("index0", number(i));
  loop.Set("revindex", number(n - i));
  loop.Set("revindex0", number(n - i - 1));
  loop.Set("first", Value(i == 0));
  loop.Set("last", Value(i + 1 == n));
  loop.Set("length", number(n));
  loop.Set("previtem", i > 0 ? items[i - 1] : Value(Undefined{"loop.previtem"}));
  loop.Set("nextitem", i + 1 < n ? items[i + 1] : Value(Undefined{"loop.nextitem"}));
  // A namespace: it answers to attributes, and is no part of other values.
  auto ns = std::make_shared<Namespace>();
  ns->fields = std::move(loop);
  return Value(std::move(ns));
}

Interpreter::Flow Interpreter::For(const Node& node, Text* out) {
  std::vector<Value> items = Items(Evaluate(*node.kids[0]));
  if (const Node* filter = node.kids[3].get()) {
    std::vector<Value> kept;
    for (const Value& item : items) {
      Scope scope(this);
      Assign(node.names, item);
      if (Evaluate(*filter).Truth()) kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty() && node.kids[2]) return Execute(*node.kids[2], out);
  for (size_t i = 0; i < items.size(); ++i) {
    Scope scope(this);
    Assign(node.names, items[i]);
    scopes_.back()["loop"] = LoopVariable(items, i);
    if (Execute(*node.kids[1], out) == Flow::kBreak) break;
  }
  return Flow::kNext;
}

void Interpreter::Assign(const std::vector<std::string>& names, const Value& value) {
  if (names.size() == 1) {
    scopes_.back()[names[0]] = value;
    return;
  }
  std::vector<Value> parts = Items(value);
  if (parts.size() != names.size())
    Fail("cannot unpack " + std::to_string(parts.size()) + " values into " +
         std::to_string(names.size()) + " names");
  for (size_t i = 0; i < names.size(); ++i) scopes_.back()[names[i]] = parts[i];
}

void Interpreter::Set(const Node& node) {
  if (node.kind == Node::Kind::kSetBlock) {
    Text text;
    {
      Scope scope(this);
      Execute(*node.kids[0], &text);
    }
    // Filters are an expression over the name.
    scopes_.back()[node.names[0]] = Spend(Value(std::move(text)));
    Value filtered = Evaluate(*node.kids[1]);
    scopes_.back()[node.names[0]] = std::move(filtered);
    return;
  }
  Value value = Evaluate(*node.kids[0]);
  if (node.name.empty()) return Assign(node.names, value);
  const Value* target = Lookup(node.name);
  if (!target || !target->ns() || node.name == "loop")
    Fail("'" + node.name + "' is not a namespace");
  if (value.ns()) Fail("a namespace cannot be part of another value");
  target->ns()->fields.Set(node.names[0], std::move(value));
}

const Value* Interpreter::Lookup(std::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    auto it = scope->find(name);
    if (it != scope->end()) return &it->second;
  }
  return nullptr;
}

std::vector<Value> Interpreter::Items(const Value& v) {
  std::vector<Value> out;
  if (const List* l = v.list()) {
    out = l->items;
  } else if (const Map* m = v.map()) {
    for (const auto& [key, value] : m->items) out.emplace_back(Text(key, m->outside));
  } else if (const Text* t = v.text()) {
    Step(t->size());
    std::vector<size_t> at = CharacterStarts(t->str());
    for (size_t i = 0; i + 1 < at.size(); ++i) out.emplace_back(t->Slice(at[i], at[i + 1]));
  } else if (!v.undefined()) {
    Fail(std::string("cannot walk through ") + v.type());
  }
  Step(out.size());
  return out;
}

Value Interpreter::CallMacro(const Node& macro, const Arguments& args) {
  size_t n = macro.names.size(), defaults = macro.kids.size() - 1;
  if (args.values.size() > n) Fail("macro '" + macro.name + "': too many arguments");
  // A macro sees the template's own variables, not its caller's.
  std::vector<StringMap<Value>> saved;
  saved.push_back(std::move(scopes_[0]));
  std::swap(saved, scopes_);
  struct Restore {
    std::vector<StringMap<Value>>&scopes, &saved;
    ~Restore() {
      saved[0] = std::move(scopes[0]);
      scopes = std::move(saved);
    }
  } restore{scopes_, saved};
  Scope scope(this);
  for (size_t i = 0; i < n; ++i) {
    const std::string& name = macro.names[i];
    Value v = i < args.values.size() ? args.values[i] : Value(Undefined{name});
    bool given = i < args.values.size();
    for (const auto& [key, value] : args.named) {
      if (key != name) continue;
      if (given) Fail("macro '" + macro.name + "': '" + key + "' is given twice");
      v = value, given = true;
    }
    if (!given && i + defaults >= n) v = Evaluate(*macro.kids[1 + i + defaults - n]);
    scopes_.back()[name] = std::move(v);
  }
  for (const auto& [key, value] : args.named) {
    if (std::find(macro.names.begin(), macro.names.end(), key) == macro.names.end())
      Fail("macro '" + macro.name + "' has no parameter '" + key + "'");
  }
  Text out;
  Execute(*macro.kids[0], &out);
  return Spend(Value(std::move(out)));
}

bool Interpreter::HasBuiltin(std::string_view name) const {
  return IsBuiltin(name) && (name != "strftime_now" || inputs_.now);
}

Value Interpreter::CallBuiltin(const std::string& name, const Arguments& args) {
  if (name == "range") return Spend(Range(args));
  if (name == "strftime_now") return FormatNow(inputs_, args);
  if (name == "raise_exception") {
    args.Allow({"message"});
    throw Error(Error::Kind::kRefused, Print(args.Get(0, "message")).str());
  }
  Map map;
  if (!args.values.empty()) {
    const Map* from = args.values[0].map();
    if (args.values.size() > 1 || !from) Fail(name + ": one mapping or keywords are needed");
    map = *from;
  }
  for (const auto& [key, v] : args.named) {
    map.Set(key, v);
  }
  if (name == "dict") return Spend(Value::MakeMap(std::move(map)));
  auto ns = std::make_shared<Namespace>();
  ns->fields = *Value::MakeMap(std::move(map)).map();
  return Value(std::move(ns));
}

Value Interpreter::Call(const Node& node) {
  Value callee;
  const Node& target = *node.kids[0];
  if (target.kind == Node::Kind::kName) {
    const Value* v = Lookup(target.name);
    if (v) callee = *v;
    if (!v && IsBuiltin(target.name)) return CallBuiltin(target.name, ArgumentsOf(node));
    if (!v) Unsupported("function '" + target.name + "' is not known");
  } else {
    callee = Evaluate(target);
  }
  const Function* f = callee.function();
  if (!f && target.kind == Node::Kind::kAttribute)
    Unsupported("method '" + target.name + "' is not supported");
  if (!f) Fail(std::string("cannot call ") + callee.type());
  Arguments args = ArgumentsOf(node);
  if (f->macro) return CallMacro(*f->macro, args);
  return f->self ? CallMethod(this, *f->self, f->name, args) : CallBuiltin(f->name, args);
}

Value Interpreter::Apply(const std::string& filter, const Value& value, const Arguments& args) {
  Walk(value);
  return Spend(ApplyFilter(this, filter, value, args));
}

bool Interpreter::Test(const std::string& test, const Value& value, const Arguments& args) {
  Walk(value);
  return ApplyTest(test, value, args);
}

}  // namespace sightline::language::jinja
