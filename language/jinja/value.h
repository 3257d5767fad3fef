// Values of templates. Text remembers which of its bytes came from outside (a user, a tool), so
// that a tokenizer never takes them for a template's own special tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "language/jinja/text.h"
#include "language/text/string_map.h"

namespace sightline::language::jinja {

class Value;
struct Node;

struct List {
  std::vector<Value> items;
  bool tuple = false;
  int depth = 1;      // of nesting; bounded, so that nothing recurses without end
  size_t weight = 1;  // as Value::weight; parts may be shared, so it grows faster than memory
};

// In order of insertion.
struct Map {
  std::vector<std::pair<std::string, Value>> items;
  StringMap<size_t> index;
  bool outside = false;  // keys came from outside
  int depth = 1;
  size_t weight = 1;
  const Value* Find(std::string_view key) const;
  void Set(std::string_view key, Value value);
};

struct Namespace {
  Map fields;
};

// A macro, a built-in function, or a method with the value it belongs to.
struct Function {
  const Node* macro = nullptr;
  std::string name;
  std::shared_ptr<const Value> self;
};

struct Undefined {
  std::string name;
};
struct None {};

class Value {
 public:
  Value() : v_(Undefined{}) {}
  explicit Value(Undefined u) : v_(std::move(u)) {}
  explicit Value(None n) : v_(n) {}
  explicit Value(bool b) : v_(b) {}
  explicit Value(int64_t i) : v_(i) {}
  explicit Value(double d) : v_(d) {}
  explicit Value(Text text) : v_(std::make_shared<const Text>(std::move(text))) {}
  explicit Value(std::string s) : Value(Text(std::move(s))) {}
  explicit Value(std::shared_ptr<const List> l) : v_(std::move(l)) {}
  explicit Value(std::shared_ptr<const Map> m) : v_(std::move(m)) {}
  explicit Value(std::shared_ptr<Namespace> n) : v_(std::move(n)) {}
  explicit Value(Function f) : v_(std::make_shared<const Function>(std::move(f))) {}

  // An error when values nest too deep, grow too large, or hold a namespace or a function.
  static Value MakeList(std::vector<Value> items, bool tuple = false);
  static Value MakeMap(Map map);
  // Strings and keys count as from outside when `outside`, but not texts of `own_fields`.
  static Value FromJson(const nlohmann::ordered_json& json, bool outside,
                        const std::vector<std::string>& own_fields = {}, int depth = 0);

  bool undefined() const { return std::holds_alternative<Undefined>(v_); }
  bool none() const { return std::holds_alternative<None>(v_); }
  const bool* boolean() const { return std::get_if<bool>(&v_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&v_); }
  const double* real() const { return std::get_if<double>(&v_); }
  bool number() const { return integer() || real() || boolean(); }
  const Text* text() const { return Shared<const Text>(); }
  const List* list() const { return Shared<const List>(); }
  const Map* map() const { return Shared<const Map>(); }
  Namespace* ns() const { return Shared<Namespace>(); }
  const Function* function() const { return Shared<const Function>(); }
  const std::string& undefined_name() const { return std::get<Undefined>(v_).name; }

  double AsReal() const;      // of a number
  int64_t AsInteger() const;  // of an integer or bool; an error naming the type otherwise
  bool Truth() const;
  const char* type() const;  // "string", "mapping", ... for messages
  int depth() const;
  // What walking through all of it costs: an item, or 16 bytes of text, counts as one.
  size_t weight() const;

 private:
  template <typename T>
  T* Shared() const {
    auto* p = std::get_if<std::shared_ptr<T>>(&v_);
    return p ? p->get() : nullptr;
  }
  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>,
               std::shared_ptr<const List>, std::shared_ptr<const Map>, std::shared_ptr<Namespace>,
               std::shared_ptr<const Function>>
      v_;
};

bool Equal(const Value& a, const Value& b);
// < 0, 0, > 0; an error for values without an order.
int Compare(const Value& a, const Value& b);
// What {{ value }} prints, as Python would; `quoted`: as within a list.
Text Print(const Value& value, bool quoted = false);

}  // namespace sightline::language::jinja
