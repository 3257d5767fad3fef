// What "value | name" makes. Filters over lists stand in list_filters.cc.
#include <charconv>
#include <cmath>

#include "language/jinja/interpreter.h"
#include "language/jinja/list_filters.h"

namespace sightline::language::jinja {
namespace {

Value TextFilter(Text (*change)(const Text&), const Value& v, const Arguments& args) {
  args.Allow({});
  return Value(change(Print(v)));
}

Value Length(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({});
  auto count = [](size_t n) { return Value(static_cast<int64_t>(n)); };
  if (const Text* t = v.text()) return count(CharacterStarts(t->str()).size() - 1);
  if (const List* l = v.list()) return count(l->items.size());
  if (const Map* m = v.map()) return count(m->items.size());
  if (v.undefined()) return count(0);
  Fail(std::string("length: not of ") + v.type());
}

Value Default(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"default_value", "boolean"});
  if (!v.undefined() && (v.Truth() || !args.Get(1, "boolean").Truth())) return v;
  Value other = args.Get(0, "default_value");
  return other.undefined() ? Value(std::string()) : other;
}

Value Trim(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"chars"});
  Value chars = args.Get(0, "chars");
  return Value(Strip(Print(v), chars.text() ? &chars.text()->str() : nullptr, true, true));
}

Value ReplaceFilter(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"old", "new", "count"});
  Value count = args.Get(2, "count");
  int64_t most = count.undefined() || count.none() ? -1 : count.AsInteger();
  return Value(Replace(Print(v), Print(args.Need(0, "old")), Print(args.Need(1, "new")), most));
}

double ParseReal(const std::string& s, bool* ok) {
  double d = 0;
  size_t from = s.find_first_not_of(" \t\n\r"), to = s.find_last_not_of(" \t\n\r") + 1;
  *ok = from != std::string::npos;
  if (!*ok) return 0;
  if (s[from] == '+') ++from;
  auto [end, error] = std::from_chars(s.data() + from, s.data() + to, d);
  *ok = error == std::errc() && end == s.data() + to;
  return d;
}

Value Integer(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"default"});
  Value other = args.Get(0, "default");
  if (other.undefined()) other = Value(int64_t{0});
  if (v.integer() || v.boolean()) return Value(v.AsInteger());
  bool ok = v.real() != nullptr;
  double d = ok ? *v.real() : v.text() ? ParseReal(v.text()->str(), &ok) : 0;
  if (!ok || !(std::fabs(d) < 9e15)) return other;
  return Value(static_cast<int64_t>(d));
}

Value Real(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"default"});
  Value other = args.Get(0, "default");
  if (other.undefined()) other = Value(0.0);
  if (v.number()) return Value(v.AsReal());
  bool ok = false;
  double d = v.text() ? ParseReal(v.text()->str(), &ok) : 0;
  return ok ? Value(d) : other;
}

Value Absolute(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({});
  if (v.real()) return Value(std::fabs(*v.real()));
  int64_t i = v.AsInteger();
  if (i == INT64_MIN) Fail("a number is too large");
  return Value(i < 0 ? -i : i);
}

Value Round(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({"precision", "method"});
  Value precision = args.Get(0, "precision"), method = args.Get(1, "method");
  double scale =
      precision.undefined() ? 1 : std::pow(10, static_cast<double>(precision.AsInteger()));
  std::string how = method.text() ? method.text()->str() : "common";
  double d = v.AsReal() * scale;
  if (how == "common") return Value(std::nearbyint(d) / scale);
  if (how == "ceil") return Value(std::ceil(d) / scale);
  if (how == "floor") return Value(std::floor(d) / scale);
  Fail("round: the method is common, ceil or floor");
}

Value Indent(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"width", "first", "blank"});
  Value width = args.Get(0, "width");
  Text pad;
  if (width.text()) {
    pad = *width.text();
  } else {
    int64_t n = width.undefined() ? 4 : width.AsInteger();
    if (n > 1000) Fail("indent: the width is too large");
    pad.Append(std::string(static_cast<size_t>(std::max<int64_t>(n, 0)), ' '));
  }
  bool first = args.Get(1, "first").Truth(), blank = args.Get(2, "blank").Truth();
  Value lines = CallMethod(in, Value(Print(v)), "splitlines", {});
  Text out;
  bool opens = true;
  for (const Value& line : lines.list()->items) {
    if (!opens) out.Append("\n");
    if (opens ? first : line.text()->size() > 0 || blank) out.Append(in->Spend(pad));
    out.Append(*line.text());
    opens = false;
  }
  return Value(std::move(out));
}

Value Escape(Interpreter*, const Value& v, const Arguments& args) {
  args.Allow({});
  Text t = Print(v), out;
  std::string s;
  for (char c : t.str()) {
    switch (c) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      case '\'':
        s += "&#39;";
        break;
      case '"':
        s += "&#34;";
        break;
      default:
        s += c;
    }
  }
  return Value(Text(std::move(s), t.outside()));
}

struct Entry {
  const char* name;
  Filter filter;
};

const Entry kFilters[] = {
    {"length", Length},
    {"count", Length},
    {"default", Default},
    {"d", Default},
    {"trim", Trim},
    {"replace", ReplaceFilter},
    {"int", Integer},
    {"float", Real},
    {"abs", Absolute},
    {"round", Round},
    {"indent", Indent},
    {"escape", Escape},
    {"e", Escape},
    {"tojson",
     [](Interpreter*, const Value& v, const Arguments& a) { return Value(ToJson(v, a)); }},
    {"safe", [](Interpreter*, const Value& v, const Arguments&) { return Value(Print(v)); }},
    {"string", [](Interpreter*, const Value& v, const Arguments&) { return Value(Print(v)); }},
    {"upper",
     [](Interpreter*, const Value& v, const Arguments& a) { return TextFilter(Upper, v, a); }},
    {"lower",
     [](Interpreter*, const Value& v, const Arguments& a) { return TextFilter(Lower, v, a); }},
    {"title",
     [](Interpreter*, const Value& v, const Arguments& a) { return TextFilter(Title, v, a); }},
    {"capitalize",
     [](Interpreter*, const Value& v, const Arguments& a) { return TextFilter(Capitalize, v, a); }},
};

}  // namespace

Value ApplyFilter(Interpreter* in, const std::string& name, const Value& value,
                  const Arguments& args) {
  for (const Entry& e : kFilters) {
    if (name == e.name) return e.filter(in, value, args);
  }
  if (Filter f = ListFilter(name)) return f(in, value, args);
  Unsupported("filter '" + name + "' is not supported");
}

}  // namespace sightline::language::jinja
