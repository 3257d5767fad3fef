// What "value is name" asks.
#include "language/jinja/interpreter.h"

namespace sightline::language::jinja {
namespace {

struct Entry {
  const char* name;
  bool (*test)(const Value& v, const Arguments& args);
};

Value Other(const Arguments& args) { return args.Need(0, "other"); }

bool Cased(const Value& v, bool upper) {
  Text t = Print(v);
  // All letters in one case, and at least one of them.
  return (upper ? Upper(t) : Lower(t)).str() == t.str() && Upper(t).str() != Lower(t).str();
}

bool Divides(const Value& v, int64_t by, int64_t rest) {
  if (by == 0) Fail("division by zero");
  return by == -1 ? rest == 0 : v.AsInteger() % by == rest || v.AsInteger() % by == -rest;
}

const Entry kTests[] = {
    {"defined", [](const Value& v, const Arguments&) { return !v.undefined(); }},
    {"undefined", [](const Value& v, const Arguments&) { return v.undefined(); }},
    {"none", [](const Value& v, const Arguments&) { return v.none(); }},
    {"string", [](const Value& v, const Arguments&) { return v.text() != nullptr; }},
    {"mapping", [](const Value& v, const Arguments&) { return v.map() != nullptr; }},
    {"number", [](const Value& v, const Arguments&) { return v.number(); }},
    {"integer", [](const Value& v, const Arguments&) { return v.integer() != nullptr; }},
    {"float", [](const Value& v, const Arguments&) { return v.real() != nullptr; }},
    {"boolean", [](const Value& v, const Arguments&) { return v.boolean() != nullptr; }},
    {"true", [](const Value& v, const Arguments&) { return v.boolean() && *v.boolean(); }},
    {"false", [](const Value& v, const Arguments&) { return v.boolean() && !*v.boolean(); }},
    {"iterable", [](const Value& v,
                    const Arguments&) { return v.text() || v.list() || v.map() || v.undefined(); }},
    {"sequence", [](const Value& v,
                    const Arguments&) { return v.text() || v.list() || v.map() || v.undefined(); }},
    {"callable", [](const Value& v, const Arguments&) { return v.function() != nullptr; }},
    {"odd", [](const Value& v, const Arguments&) { return Divides(v, 2, 1); }},
    {"even", [](const Value& v, const Arguments&) { return Divides(v, 2, 0); }},
    {"divisibleby", [](const Value& v,
                       const Arguments& a) { return Divides(v, a.Need(0, "num").AsInteger(), 0); }},
    {"lower", [](const Value& v, const Arguments&) { return Cased(v, false); }},
    {"upper", [](const Value& v, const Arguments&) { return Cased(v, true); }},
    {"in", [](const Value& v, const Arguments& a) { return Contains(a.Need(0, "seq"), v); }},
    {"eq", [](const Value& v, const Arguments& a) { return Equal(v, Other(a)); }},
    {"equalto", [](const Value& v, const Arguments& a) { return Equal(v, Other(a)); }},
    {"sameas", [](const Value& v, const Arguments& a) { return Equal(v, Other(a)); }},
    {"ne", [](const Value& v, const Arguments& a) { return !Equal(v, Other(a)); }},
    {"lt", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) < 0; }},
    {"lessthan", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) < 0; }},
    {"le", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) <= 0; }},
    {"gt", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) > 0; }},
    {"greaterthan", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) > 0; }},
    {"ge", [](const Value& v, const Arguments& a) { return Compare(v, Other(a)) >= 0; }},
};

}  // namespace

bool ApplyTest(const std::string& name, const Value& value, const Arguments& args) {
  for (const Entry& e : kTests) {
    if (name == e.name) return e.test(value, args);
  }
  Unsupported("test '" + name + "' is not supported");
}

}  // namespace sightline::language::jinja
