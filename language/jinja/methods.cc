// Methods of strings, lists and mappings, as Python has them.
#include <algorithm>

#include "language/jinja/interpreter.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

using Method = Value (*)(Interpreter* in, const Value& self, const Arguments& args);
struct Entry {
  const char* name;
  Method method;
};

const Text& Self(const Value& v) { return *v.text(); }

Value Stripped(const Value& self, const Arguments& args, bool left, bool right) {
  args.Allow({"chars"});
  Value chars = args.Get(0, "chars");
  return Value(Strip(Self(self), chars.text() ? &chars.text()->str() : nullptr, left, right));
}

// startswith and endswith, of a string or any of a tuple.
Value HasEnd(const Value& self, const Arguments& args, bool front) {
  args.Allow({"affix"});
  Value affix = args.Need(0, "affix");
  std::vector<Value> any{affix};
  if (affix.list()) any = affix.list()->items;
  for (const Value& v : any) {
    const std::string& s = NeedText(v, front ? "startswith" : "endswith").str();
    if (front ? Self(self).str().starts_with(s) : Self(self).str().ends_with(s)) return Value(true);
  }
  return Value(false);
}

Value WithoutEnd(const Value& self, const Arguments& args, bool front) {
  const Text& t = Self(self);
  const std::string& s = NeedText(args.Need(0, "affix"), "removing an affix").str();
  if (front && t.str().starts_with(s)) return Value(t.Slice(s.size(), t.size()));
  if (!front && !s.empty() && t.str().ends_with(s)) return Value(t.Slice(0, t.size() - s.size()));
  return self;
}

std::vector<Value> SplitAtSpace(const Text& t, int64_t most, bool right) {
  std::vector<Value> out;
  Text rest = Strip(t, nullptr, true, true);
  while (rest.size() > 0) {
    std::vector<size_t> at = CharacterStarts(rest.str());
    size_t cut = std::string::npos;
    for (size_t i = 0; i + 1 < at.size(); ++i) {
      if (!IsSpace(DecodeUtf8(rest.str(), at[i]).value)) continue;
      cut = at[i];
      if (!right) break;
    }
    if (cut == std::string::npos || (most >= 0 && static_cast<int64_t>(out.size()) >= most)) break;
    size_t after = cut + DecodeUtf8(rest.str(), cut).bytes;
    out.emplace_back(right ? rest.Slice(after, rest.size()) : rest.Slice(0, cut));
    rest =
        Strip(right ? rest.Slice(0, cut) : rest.Slice(after, rest.size()), nullptr, !right, right);
  }
  if (rest.size() > 0) out.emplace_back(rest);
  if (right) std::reverse(out.begin(), out.end());
  return out;
}

// All words in one pass, when there is no bound.
std::vector<Value> Words(const Text& t) {
  std::vector<Value> out;
  size_t begin = 0;
  bool inside = false;
  for (size_t pos = 0; pos <= t.size();) {
    bool end = pos == t.size();
    CodePoint c = end ? CodePoint{} : DecodeUtf8(t.str(), pos);
    bool space = end || IsSpace(c.value) || (c.value >= 0x1C && c.value <= 0x1F);
    if (inside && space) out.emplace_back(t.Slice(begin, pos));
    if (!inside && !space) begin = pos;
    inside = !space;
    pos += end ? 1 : c.bytes;
  }
  return out;
}

Value Split(Interpreter* in, const Value& self, const Arguments& args, bool right) {
  args.Allow({"sep", "maxsplit"});
  const Text& t = Self(self);
  Value sep = args.Get(0, "sep"), bound = args.Get(1, "maxsplit");
  int64_t most = bound.undefined() ? -1 : bound.AsInteger();
  if (sep.undefined() || sep.none()) {
    if (most > 1000) Unsupported("split: maxsplit is too large");
    return in->Spend(Value::MakeList(most < 0 ? Words(t) : SplitAtSpace(t, most, right)));
  }
  const std::string& s = NeedText(sep, "split").str();
  if (s.empty()) Fail("split: the separator is empty");
  std::vector<Value> out;
  if (!right) {
    size_t done = 0;
    for (size_t at; (most < 0 || static_cast<int64_t>(out.size()) < most) &&
                    (at = t.str().find(s, done)) != std::string::npos;
         done = at + s.size())
      out.emplace_back(t.Slice(done, at));
    out.emplace_back(t.Slice(done, t.size()));
  } else {
    size_t end = t.size();
    while ((most < 0 || static_cast<int64_t>(out.size()) < most) && end >= s.size()) {
      size_t at = t.str().rfind(s, end - s.size());
      if (at == std::string::npos) break;
      out.emplace_back(t.Slice(at + s.size(), end));
      end = at;
    }
    out.emplace_back(t.Slice(0, end));
    std::reverse(out.begin(), out.end());
  }
  return in->Spend(Value::MakeList(std::move(out)));
}

Value SplitLines(Interpreter* in, const Value& self, const Arguments& args) {
  args.Allow({"keepends"});
  bool keep = args.Get(0, "keepends").Truth();
  const std::string& s = Self(self).str();
  std::vector<Value> out;
  for (size_t pos = 0; pos < s.size();) {
    size_t end = std::min(s.find_first_of("\n\r\v\f", pos), s.size());
    size_t next = end == s.size() ? end : end + (s.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    out.emplace_back(Self(self).Slice(pos, keep ? next : end));
    pos = next;
  }
  return in->Spend(Value::MakeList(std::move(out)));
}

// Place of a substring in characters; -1 when it is not there.
Value Find(const Value& self, const Arguments& args, bool last, bool must) {
  args.Allow({"sub"});
  const std::string &s = Self(self).str(), &sub = NeedText(args.Need(0, "sub"), "find").str();
  size_t at = last ? s.rfind(sub) : s.find(sub);
  if (at == std::string::npos && must) Fail("index: the substring is not there");
  if (at == std::string::npos) return Value(int64_t{-1});
  return Value(static_cast<int64_t>(CharacterStarts(std::string_view(s).substr(0, at)).size() - 1));
}

Value All(const Value& self, bool (*test)(char32_t)) {
  const std::string& s = Self(self).str();
  for (size_t pos = 0; pos < s.size();) {
    CodePoint c = DecodeUtf8(s, pos);
    if (!test(c.value)) return Value(false);
    pos += c.bytes;
  }
  return Value(!s.empty());
}

const Entry kStringMethods[] = {
    {"strip",
     [](Interpreter*, const Value& s, const Arguments& a) { return Stripped(s, a, 1, 1); }},
    {"lstrip",
     [](Interpreter*, const Value& s, const Arguments& a) { return Stripped(s, a, 1, 0); }},
    {"rstrip",
     [](Interpreter*, const Value& s, const Arguments& a) { return Stripped(s, a, 0, 1); }},
    {"startswith",
     [](Interpreter*, const Value& s, const Arguments& a) { return HasEnd(s, a, true); }},
    {"endswith",
     [](Interpreter*, const Value& s, const Arguments& a) { return HasEnd(s, a, false); }},
    {"removeprefix",
     [](Interpreter*, const Value& s, const Arguments& a) { return WithoutEnd(s, a, true); }},
    {"removesuffix",
     [](Interpreter*, const Value& s, const Arguments& a) { return WithoutEnd(s, a, false); }},
    {"split",
     [](Interpreter* in, const Value& s, const Arguments& a) { return Split(in, s, a, false); }},
    {"rsplit",
     [](Interpreter* in, const Value& s, const Arguments& a) { return Split(in, s, a, true); }},
    {"splitlines", SplitLines},
    {"upper", [](Interpreter*, const Value& s, const Arguments&) { return Value(Upper(Self(s))); }},
    {"lower", [](Interpreter*, const Value& s, const Arguments&) { return Value(Lower(Self(s))); }},
    {"capitalize",
     [](Interpreter*, const Value& s, const Arguments&) { return Value(Capitalize(Self(s))); }},
    {"title", [](Interpreter*, const Value& s, const Arguments&) { return Value(Title(Self(s))); }},
    {"find",
     [](Interpreter*, const Value& s, const Arguments& a) { return Find(s, a, false, false); }},
    {"rfind",
     [](Interpreter*, const Value& s, const Arguments& a) { return Find(s, a, true, false); }},
    {"index",
     [](Interpreter*, const Value& s, const Arguments& a) { return Find(s, a, false, true); }},
    {"isdigit", [](Interpreter*, const Value& s, const Arguments&) { return All(s, IsNumber); }},
    {"isalpha", [](Interpreter*, const Value& s, const Arguments&) { return All(s, IsLetter); }},
    {"isspace", [](Interpreter*, const Value& s, const Arguments&) { return All(s, IsSpace); }},
    {"isalnum",
     [](Interpreter*, const Value& s, const Arguments&) {
       return All(s, [](char32_t c) { return IsLetter(c) || IsNumber(c); });
     }},
    {"count",
     [](Interpreter*, const Value& s, const Arguments& a) {
       a.Allow({"sub"});
       const std::string &text = Self(s).str(), &sub = NeedText(a.Need(0, "sub"), "count").str();
       if (sub.empty()) return Value(static_cast<int64_t>(CharacterStarts(text).size()));
       int64_t n = 0;
       for (size_t at = 0; (at = text.find(sub, at)) != std::string::npos; at += sub.size()) ++n;
       return Value(n);
     }},
    {"replace",
     [](Interpreter*, const Value& s, const Arguments& a) {
       a.Allow({"old", "new", "count"});
       Value count = a.Get(2, "count");
       return Value(Replace(Self(s), NeedText(a.Need(0, "old"), "replace"),
                            NeedText(a.Need(1, "new"), "replace"),
                            count.undefined() ? -1 : count.AsInteger()));
     }},
    {"join",
     [](Interpreter* in, const Value& s, const Arguments& a) {
       a.Allow({"iterable"});
       std::vector<Value> items = in->Items(a.Need(0, "iterable"));
       for (const Value& v : items) NeedText(v, "join");
       return Value(Join(in, items, Self(s)));
     }},
};

const Entry kMapMethods[] = {
    {"get",
     [](Interpreter*, const Value& m, const Arguments& a) {
       a.Allow({"key", "default"});
       Value key = a.Need(0, "key"), other = a.Get(1, "default");
       const Value* v = key.text() ? m.map()->Find(key.text()->str()) : nullptr;
       return v ? *v : other.undefined() && a.values.size() < 2 ? Value(None{}) : other;
     }},
    {"items",
     [](Interpreter* in, const Value& m, const Arguments&) { return in->Apply("items", m, {}); }},
    {"keys", [](Interpreter* in, const Value& m,
                const Arguments&) { return Value::MakeList(in->Items(m)); }},
    {"values",
     [](Interpreter* in, const Value& m, const Arguments&) {
       std::vector<Value> out;
       for (const auto& [key, v] : m.map()->items) out.push_back(v);
       in->Step(out.size());
       return Value::MakeList(std::move(out));
     }},
};

const Entry kListMethods[] = {
    {"count",
     [](Interpreter* in, const Value& l, const Arguments& a) {
       int64_t n = 0;
       for (const Value& v : in->Items(l)) n += Equal(v, a.Need(0, "value"));
       return Value(n);
     }},
    {"index",
     [](Interpreter* in, const Value& l, const Arguments& a) {
       int64_t i = 0;
       for (const Value& v : in->Items(l)) {
         if (Equal(v, a.Need(0, "value"))) return Value(i);
         ++i;
       }
       Fail("index: the value is not there");
     }},
};

Method MethodOf(const Value& v, const std::string& name) {
  auto find = [&](const auto& table) -> Method {
    for (const Entry& e : table) {
      if (name == e.name) return e.method;
    }
    return nullptr;
  };
  if (v.text()) return find(kStringMethods);
  if (v.map()) return find(kMapMethods);
  return v.list() ? find(kListMethods) : nullptr;
}

}  // namespace

bool HasMethod(const Value& value, const std::string& name) {
  return MethodOf(value, name) != nullptr;
}

Value CallMethod(Interpreter* in, const Value& self, const std::string& name,
                 const Arguments& args) {
  in->Walk(self);
  return in->Spend(MethodOf(self, name)(in, self, args));
}

}  // namespace sightline::language::jinja
