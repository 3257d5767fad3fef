#include "language/jinja/list_filters.h"

#include <algorithm>
#include <cmath>

namespace sightline::language::jinja {
namespace {

// "a.b.0" of an item.
Value Path(Interpreter* in, Value item, const Value& path) {
  if (path.integer()) return in->Item(item, path);
  const std::string& s = NeedText(path, "an attribute").str();
  for (size_t begin = 0; begin <= s.size();) {
    size_t end = std::min(s.find('.', begin), s.size());
    std::string part = s.substr(begin, end - begin);
    bool number = !part.empty() && part.size() < 10 &&
                  part.find_first_not_of("0123456789") == std::string::npos;
    // By item before by method: an attribute named "items" is a key here.
    item = number ? in->Item(item, Value(int64_t{std::stol(part)})) : in->Item(item, Value(part));
    begin = end + 1;
  }
  return item;
}

Arguments Rest(const Arguments& args, size_t from) {
  Arguments out;
  if (args.values.size() > from)
    out.values.assign(args.values.begin() + static_cast<std::ptrdiff_t>(from), args.values.end());
  out.named = args.named;
  return out;
}

Value MapFilter(Interpreter* in, const Value& v, const Arguments& args) {
  std::vector<Value> out;
  Value attribute = args.values.empty() ? args.Get(0, "attribute") : Value();
  if (!attribute.undefined()) {
    args.Allow({"attribute", "default"});
    Value other = args.Get(1, "default");
    for (const Value& item : in->Items(v)) {
      Value got = Path(in, item, attribute);
      out.push_back(got.undefined() ? other : got);
    }
    return Value::MakeList(std::move(out));
  }
  std::string filter = NeedText(args.Need(0, "filter"), "map").str();
  Arguments rest = Rest(args, 1);
  for (const Value& item : in->Items(v)) out.push_back(in->Apply(filter, item, rest));
  return Value::MakeList(std::move(out));
}

// select and reject, and the same by an attribute.
Value Choose(Interpreter* in, const Value& v, const Arguments& args, bool by_attribute, bool keep) {
  size_t first = by_attribute ? 1 : 0;
  Value attribute = by_attribute ? args.Need(0, "attribute") : Value();
  bool tested = args.values.size() > first;
  std::string test = tested ? NeedText(args.values[first], "a test").str() : "";
  Arguments rest = Rest(args, first + 1);
  std::vector<Value> out;
  for (const Value& item : in->Items(v)) {
    Value subject = by_attribute ? Path(in, item, attribute) : item;
    bool yes = tested ? in->Test(test, subject, rest) : subject.Truth();
    if (yes == keep) out.push_back(item);
  }
  return Value::MakeList(std::move(out));
}

Value JoinFilter(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"d", "attribute"});
  Value between = args.Get(0, "d"), attribute = args.Get(1, "attribute");
  std::vector<Value> items = in->Items(v);
  if (!attribute.undefined()) {
    for (Value& item : items) item = Path(in, item, attribute);
  }
  return Value(Join(in, items, Print(between)));
}

Value ItemsFilter(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({});
  std::vector<Value> out;
  if (!v.map() && !v.undefined()) Fail(std::string("items: a mapping is needed, not ") + v.type());
  if (const Map* m = v.map()) {
    in->Step(m->items.size());
    for (const auto& [key, value] : m->items)
      out.push_back(Value::MakeList({Value(Text(key, m->outside)), value}, /*tuple=*/true));
  }
  return Value::MakeList(std::move(out));
}

Value End(Interpreter* in, const Value& v, const Arguments& args, bool last) {
  args.Allow({});
  std::vector<Value> items = in->Items(v);
  if (items.empty()) return Value(Undefined{"first or last item"});
  return last ? items.back() : items.front();
}

Value ListOf(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({});
  return Value::MakeList(in->Items(v));
}

Value Reverse(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({});
  std::vector<Value> items = in->Items(v);
  std::reverse(items.begin(), items.end());
  return v.text() ? Value(Join(in, items, Text())) : Value::MakeList(std::move(items));
}

// What items are ordered or told apart by; strings without regard to case unless asked.
Value KeyOf(Interpreter* in, const Value& item, const Value& attribute, bool cased) {
  Value key = attribute.undefined() || attribute.none() ? item : Path(in, item, attribute);
  return key.text() && !cased ? Value(Lower(*key.text())) : key;
}

struct Keyed {
  Value key, item;
};

std::vector<Keyed> Sorted(Interpreter* in, const Value& v, const Value& attribute, bool cased,
                          bool reverse) {
  std::vector<Keyed> all;
  for (const Value& item : in->Items(v)) {
    all.push_back({KeyOf(in, item, attribute, cased), item});
    in->Step(16 * (1 + all.back().key.weight() / 16));
  }
  if (all.size() > 10'000) throw Error(Error::Kind::kLimit, "sort: more than 10000 items");
  // Keys that cannot be ordered are found before the sort, which must not throw half-way.
  for (size_t i = 1; i < all.size(); ++i) Compare(all[0].key, all[i].key);
  for (const Keyed& k : all) {
    if (k.key.list()) Unsupported("sort: lists as keys are not supported");
    if (k.key.real() && std::isnan(*k.key.real())) Fail("sort: a key is not a number");
  }
  std::stable_sort(all.begin(), all.end(), [&](const Keyed& a, const Keyed& b) {
    return reverse ? Compare(b.key, a.key) < 0 : Compare(a.key, b.key) < 0;
  });
  return all;
}

Value Sort(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"reverse", "case_sensitive", "attribute"});
  std::vector<Value> out;
  for (Keyed& k : Sorted(in, v, args.Get(2, "attribute"), args.Get(1, "case_sensitive").Truth(),
                         args.Get(0, "reverse").Truth()))
    out.push_back(std::move(k.item));
  return Value::MakeList(std::move(out));
}

Value DictSort(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"case_sensitive", "by", "reverse"});
  Value by = args.Get(1, "by");
  int64_t place = by.text() && by.text()->str() == "value" ? 1 : 0;
  std::vector<Value> out;
  for (Keyed& k : Sorted(in, ItemsFilter(in, v, {}), Value(place),
                         args.Get(0, "case_sensitive").Truth(), args.Get(2, "reverse").Truth()))
    out.push_back(std::move(k.item));
  return Value::MakeList(std::move(out));
}

Value Extreme(Interpreter* in, const Value& v, const Arguments& args, bool most) {
  args.Allow({"case_sensitive", "attribute"});
  std::vector<Keyed> all =
      Sorted(in, v, args.Get(1, "attribute"), args.Get(0, "case_sensitive").Truth(), most);
  return all.empty() ? Value(Undefined{"min or max"}) : all[0].item;
}

Value Unique(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"case_sensitive", "attribute"});
  bool cased = args.Get(0, "case_sensitive").Truth();
  Value attribute = args.Get(1, "attribute");
  std::vector<Value> keys, out;
  for (const Value& item : in->Items(v)) {
    Value key = KeyOf(in, item, attribute, cased);
    in->Step(keys.size() * (1 + key.weight() / 16));
    bool seen =
        std::any_of(keys.begin(), keys.end(), [&](const Value& k) { return Equal(k, key); });
    if (seen) continue;
    keys.push_back(key);
    out.push_back(item);
  }
  return Value::MakeList(std::move(out));
}

Value Sum(Interpreter* in, const Value& v, const Arguments& args) {
  args.Allow({"attribute", "start"});
  Value attribute = args.Get(0, "attribute"), start = args.Get(1, "start");
  double reals = 0;
  int64_t integers = 0;
  bool real = false;
  auto add = [&](const Value& x) {
    if (x.real()) {
      real = true;
      reals += *x.real();
    } else if (__builtin_add_overflow(integers, x.AsInteger(), &integers)) {
      Fail("a number is too large");
    }
  };
  if (!start.undefined()) add(start);
  for (const Value& item : in->Items(v))
    add(attribute.undefined() || attribute.none() ? item : Path(in, item, attribute));
  return real ? Value(reals + static_cast<double>(integers)) : Value(integers);
}

struct Entry {
  const char* name;
  Filter filter;
};

const Entry kFilters[] = {
    {"map", MapFilter},
    {"join", JoinFilter},
    {"items", ItemsFilter},
    {"list", ListOf},
    {"reverse", Reverse},
    {"sort", Sort},
    {"dictsort", DictSort},
    {"unique", Unique},
    {"sum", Sum},
    {"first",
     [](Interpreter* in, const Value& v, const Arguments& a) { return End(in, v, a, false); }},
    {"last",
     [](Interpreter* in, const Value& v, const Arguments& a) { return End(in, v, a, true); }},
    {"min",
     [](Interpreter* in, const Value& v, const Arguments& a) { return Extreme(in, v, a, false); }},
    {"max",
     [](Interpreter* in, const Value& v, const Arguments& a) { return Extreme(in, v, a, true); }},
    {"select", [](Interpreter* in, const Value& v,
                  const Arguments& a) { return Choose(in, v, a, false, true); }},
    {"reject", [](Interpreter* in, const Value& v,
                  const Arguments& a) { return Choose(in, v, a, false, false); }},
    {"selectattr", [](Interpreter* in, const Value& v,
                      const Arguments& a) { return Choose(in, v, a, true, true); }},
    {"rejectattr", [](Interpreter* in, const Value& v,
                      const Arguments& a) { return Choose(in, v, a, true, false); }},
};

}  // namespace

Filter ListFilter(const std::string& name) {
  for (const Entry& e : kFilters) {
    if (name == e.name) return e.filter;
  }
  return nullptr;
}

}  // namespace sightline::language::jinja
