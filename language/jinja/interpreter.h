// Runs a parsed template. Knows no files, clocks or environment: only what it is given.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "language/jinja/parser.h"
#include "language/jinja/template.h"
#include "language/jinja/value.h"

namespace sightline::language::jinja {

// Values of a call, already computed.
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;

  // Argument by place or name; undefined when it is not there.
  Value Get(size_t place, std::string_view name) const;
  Value Need(size_t place, std::string_view name) const;
  // An error when there are more, or others, than `names` lists.
  void Allow(std::initializer_list<std::string_view> names) const;
};

class Interpreter {
 public:
  Interpreter(const Inputs& inputs, const Limits& limits);
  Text Run(const Node& root);

  // For filters, tests and methods.
  Value Apply(const std::string& filter, const Value& value, const Arguments& args);
  bool Test(const std::string& test, const Value& value, const Arguments& args);
  std::vector<Value> Items(const Value& iterable);  // an error names what cannot be walked
  Value Attribute(const Value& object, const std::string& name);
  Value Item(const Value& object, const Value& key);
  Value Spend(Value value);  // counts its bytes against the limits
  Text Spend(Text text);
  void Step(size_t n = 1);
  void Walk(const Value& v) { Step(1 + v.weight() / 16); }  // reads through all of it
  const Inputs& inputs() const { return inputs_; }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class Scope;
  class Deeper {  // one statement or expression
   public:
    Deeper(Interpreter* in, int line);
    ~Deeper() { --in_.depth_; }

   private:
    Interpreter& in_;
  };

  Flow Execute(const Node& node, Text* out);
  Flow ExecuteStatement(const Node& node, Text* out);
  Flow If(const Node& node, Text* out);
  Flow For(const Node& node, Text* out);
  void Set(const Node& node);
  void Assign(const std::vector<std::string>& names, const Value& value);
  Value LoopVariable(const std::vector<Value>& items, size_t i);

  Value Evaluate(const Node& node);
  Value EvaluateNode(const Node& node);
  Value Binary(const Node& node);
  Value Arithmetic(const std::string& op, const Value& a, const Value& b);
  Value Compared(const Node& node);
  Value Unary(const Node& node);
  Value Slice(const Node& node);
  Value MapOf(const Node& node);
  std::vector<Value> Kids(const Node& node, size_t from = 0);
  Arguments ArgumentsOf(const Node& call);
  Value Call(const Node& node);
  Value CallMacro(const Node& macro, const Arguments& args);
  bool HasBuiltin(std::string_view name) const;
  Value CallBuiltin(const std::string& name, const Arguments& args);
  const Value* Lookup(std::string_view name) const;

  const Inputs& inputs_;
  const Limits& limits_;
  std::vector<StringMap<Value>> scopes_;
  size_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
};

bool Contains(const Value& container, const Value& item);

// methods.cc: what "value.name(...)" does. False when the value has no such method.
bool HasMethod(const Value& value, const std::string& name);
Value CallMethod(Interpreter* in, const Value& self, const std::string& name,
                 const Arguments& args);
// filters.cc
Value ApplyFilter(Interpreter* in, const std::string& name, const Value& value,
                  const Arguments& args);
// tests.cc
bool ApplyTest(const std::string& name, const Value& value, const Arguments& args);
// strings.cc: shared by filters and methods.
Text Strip(const Text& t, const std::string* characters, bool left, bool right);
Text Replace(const Text& t, const Text& from, const Text& to, int64_t most);
Text Upper(const Text& t);
Text Lower(const Text& t);
Text Capitalize(const Text& t);
Text Title(const Text& t);
Text Join(Interpreter* in, const std::vector<Value>& items, const Text& between);
const Text& NeedText(const Value& v, const char* what);
// json_text.cc
Text ToJson(const Value& value, const Arguments& args);

}  // namespace sightline::language::jinja
