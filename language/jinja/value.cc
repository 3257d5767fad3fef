#include "language/jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/str_format.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

constexpr int kMaxDepth = 64;

constexpr size_t kMaxWeight = size_t{4} << 20;

// Counts `v` as a part of `whole`. A function holds a value, which would hide its depth.
template <typename T>
void Count(const Value& v, T* whole) {
  if (v.ns() || v.function())
    Fail(std::string("a ") + v.type() + " cannot be part of another value");
  whole->depth = std::max(whole->depth, v.depth() + 1);
  whole->weight += v.weight();
  if (whole->depth > kMaxDepth) throw Error(Error::Kind::kLimit, "values nest too deep");
  if (whole->weight > kMaxWeight) throw Error(Error::Kind::kLimit, "values grow too large");
}

// Python's repr of a float.
std::string PrintReal(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char buffer[64];
  double size = std::fabs(d);
  bool exponent = size != 0 && (size < 1e-4 || size >= 1e16);
  auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), d, format).ptr;
  std::string out(buffer, end);
  if (!exponent && out.find('.') == std::string::npos) out += ".0";
  return out;
}

// Python's repr of a string.
std::string Quote(const std::string& s) {
  bool both = s.find('\'') != std::string::npos && s.find('"') == std::string::npos;
  char mark = both ? '"' : '\'';
  std::string out(1, mark);
  for (char c : s) {
    auto b = static_cast<uint8_t>(c);
    if (c == mark || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (b < 0x20 || b == 0x7F) {
      out += absl::StrFormat("\\x%02x", b);
    } else {
      out += c;
    }
  }
  return out + mark;
}

}  // namespace

const Value* Map::Find(std::string_view key) const {
  auto it = index.find(key);
  return it == index.end() ? nullptr : &items[it->second].second;
}

void Map::Set(std::string_view key, Value value) {
  auto [it, fresh] = index.try_emplace(std::string(key), items.size());
  if (fresh) {
    items.emplace_back(key, std::move(value));
  } else {
    items[it->second].second = std::move(value);
  }
}

Value Value::MakeList(std::vector<Value> items, bool tuple) {
  auto list = std::make_shared<List>();
  for (const Value& v : items) Count(v, list.get());
  list->items = std::move(items);
  list->tuple = tuple;
  return Value(std::shared_ptr<const List>(std::move(list)));
}

Value Value::MakeMap(Map map) {
  map.depth = 1;
  map.weight = 1;
  for (const auto& [key, v] : map.items) {
    Count(v, &map);
    map.weight += key.size() / 16;
  }
  return Value(std::shared_ptr<const Map>(std::make_shared<Map>(std::move(map))));
}

Value Value::FromJson(const nlohmann::ordered_json& json, bool outside,
                      const std::vector<std::string>& own_fields, int depth) {
  if (depth > kMaxDepth) throw Error(Error::Kind::kLimit, "inputs nest too deep");
  switch (json.type()) {
    case nlohmann::json::value_t::boolean:
      return Value(json.get<bool>());
    case nlohmann::json::value_t::number_unsigned:
      if (json.get<uint64_t>() > INT64_MAX) return Value(json.get<double>());
      return Value(json.get<int64_t>());
    case nlohmann::json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case nlohmann::json::value_t::number_float:
      return Value(json.get<double>());
    case nlohmann::json::value_t::string:
      return Value(Text(SanitizeUtf8(json.get_ref<const std::string&>()), outside));
    case nlohmann::json::value_t::array: {
      std::vector<Value> items;
      for (const auto& v : json) items.push_back(FromJson(v, outside, own_fields, depth + 1));
      return MakeList(std::move(items));
    }
    case nlohmann::json::value_t::object: {
      Map map;
      map.outside = outside;
      for (const auto& [key, v] : json.items()) {
        bool own = v.is_string() &&
                   std::find(own_fields.begin(), own_fields.end(), key) != own_fields.end();
        map.Set(SanitizeUtf8(key), FromJson(v, outside && !own, own_fields, depth + 1));
      }
      return MakeMap(std::move(map));
    }
    default:
      return Value(None{});
  }
}

double Value::AsReal() const {
  if (const auto* i = integer()) return static_cast<double>(*i);
  if (const auto* b = boolean()) return *b ? 1 : 0;
  if (const auto* d = real()) return *d;
  Fail(std::string("a number is needed, not ") + type());
}

int64_t Value::AsInteger() const {
  if (const auto* i = integer()) return *i;
  if (const auto* b = boolean()) return *b ? 1 : 0;
  Fail(std::string("an integer is needed, not ") + type());
}

bool Value::Truth() const {
  if (undefined() || none()) return false;
  if (number()) return AsReal() != 0;
  if (const auto* t = text()) return t->size() > 0;
  if (const auto* l = list()) return !l->items.empty();
  if (const auto* m = map()) return !m->items.empty();
  return true;
}

const char* Value::type() const {
  static constexpr const char* kNames[] = {"undefined", "none", "boolean", "integer",   "float",
                                           "string",    "list", "mapping", "namespace", "function"};
  return kNames[v_.index()];
}

int Value::depth() const {
  if (const auto* l = list()) return l->depth;
  if (const auto* m = map()) return m->depth;
  return 0;
}

size_t Value::weight() const {
  if (const auto* t = text()) return 1 + t->size() / 16;
  if (const auto* l = list()) return l->weight;
  if (const auto* m = map()) return m->weight;
  return 1;
}

bool Equal(const Value& a, const Value& b) {
  if (a.number() && b.number()) {
    if (!a.real() && !b.real()) return a.AsInteger() == b.AsInteger();
    return a.AsReal() == b.AsReal();
  }
  if (a.text() && b.text()) return a.text()->str() == b.text()->str();
  if (a.list() && b.list()) {
    const auto &x = a.list()->items, &y = b.list()->items;
    if (x.size() != y.size() || a.list()->tuple != b.list()->tuple) return false;
    for (size_t i = 0; i < x.size(); ++i) {
      if (!Equal(x[i], y[i])) return false;
    }
    return true;
  }
  if (a.map() && b.map()) {
    if (a.map()->items.size() != b.map()->items.size()) return false;
    for (const auto& [key, v] : a.map()->items) {
      const Value* w = b.map()->Find(key);
      if (!w || !Equal(v, *w)) return false;
    }
    return true;
  }
  if (a.ns() || b.ns()) return a.ns() == b.ns();
  return (a.none() && b.none()) || (a.undefined() && b.undefined());
}

int Compare(const Value& a, const Value& b) {
  if (a.number() && b.number()) {
    if (!a.real() && !b.real()) {
      int64_t x = a.AsInteger(), y = b.AsInteger();
      return x < y ? -1 : x > y;
    }
    double x = a.AsReal(), y = b.AsReal();
    return x < y ? -1 : x > y;
  }
  if (a.text() && b.text()) return a.text()->str().compare(b.text()->str());
  if (a.list() && b.list()) {
    const auto &x = a.list()->items, &y = b.list()->items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!Equal(x[i], y[i])) return Compare(x[i], y[i]);
    }
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  Fail(std::string("cannot order ") + a.type() + " and " + b.type());
}

Text Print(const Value& v, bool quoted) {
  Text out;
  if (v.undefined()) return quoted ? Text("Undefined") : out;
  if (v.none()) return Text("None");
  if (const auto* b = v.boolean()) return Text(*b ? "True" : "False");
  if (const auto* i = v.integer()) return Text(std::to_string(*i));
  if (const auto* d = v.real()) return Text(PrintReal(*d));
  if (const auto* t = v.text()) return quoted ? Text(Quote(t->str()), t->outside()) : *t;
  if (const auto* l = v.list()) {
    out.Append(l->tuple ? "(" : "[");
    for (size_t i = 0; i < l->items.size(); ++i) {
      if (i) out.Append(", ");
      out.Append(Print(l->items[i], true));
    }
    out.Append(!l->tuple ? "]" : l->items.size() == 1 ? ",)" : ")");
    return out;
  }
  if (const auto* m = v.map()) {
    out.Append("{");
    for (size_t i = 0; i < m->items.size(); ++i) {
      if (i) out.Append(", ");
      out.Append(Text(Quote(m->items[i].first), m->outside));
      out.Append(": ");
      out.Append(Print(m->items[i].second, true));
    }
    out.Append("}");
    return out;
  }
  Fail(std::string("cannot print a ") + v.type());
}

}  // namespace sightline::language::jinja
