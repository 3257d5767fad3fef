// Work on strings that keeps track of where bytes came from.
#include <algorithm>
#include <set>

#include "language/jinja/interpreter.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

constexpr size_t kMostText = size_t{64} << 20;

// Lengths may change with case: where any byte came from outside, all count so.
Text Recased(const Text& t, std::string s) { return Text(std::move(s), t.outside()); }

}  // namespace

const Text& NeedText(const Value& v, const char* what) {
  if (const Text* t = v.text()) return *t;
  if (v.undefined()) Fail("'" + v.undefined_name() + "' is undefined");
  Fail(std::string(what) + " needs a string, not " + v.type());
}

Text Strip(const Text& t, const std::string* characters, bool left, bool right) {
  std::set<char32_t> set;
  for (size_t pos = 0; characters && pos < characters->size();) {
    CodePoint c = DecodeUtf8(*characters, pos);
    set.insert(c.value);
    pos += c.bytes;
  }
  // Python's white space is Unicode's and four separators.
  auto drops = [&](size_t pos) {
    char32_t c = DecodeUtf8(t.str(), pos).value;
    return characters ? set.contains(c) : IsSpace(c) || (c >= 0x1C && c <= 0x1F);
  };
  std::vector<size_t> at = CharacterStarts(t.str());
  size_t first = 0, last = at.size() - 1;
  while (left && first < last && drops(at[first])) ++first;
  while (right && first < last && drops(at[last - 1])) --last;
  return t.Slice(at[first], at[last]);
}

Text Replace(const Text& t, const Text& from, const Text& to, int64_t most) {
  Text out;
  const std::string& s = t.str();
  if (from.size() == 0) {  // between all characters
    std::vector<size_t> at = CharacterStarts(s);
    for (size_t i = 0; i < at.size(); ++i) {
      if (most < 0 || static_cast<int64_t>(i) < most) out.Append(to);
      if (i + 1 < at.size()) out.Append(t.Slice(at[i], at[i + 1]));
      if (out.size() > kMostText) throw Error(Error::Kind::kLimit, "too much text is made");
    }
    return out;
  }
  size_t done = 0;
  for (int64_t n = 0; most < 0 || n < most; ++n) {
    size_t next = s.find(from.str(), done);
    if (next == std::string::npos) break;
    out.Append(t.Slice(done, next));
    out.Append(to);
    done = next + from.size();
    if (out.size() > kMostText) throw Error(Error::Kind::kLimit, "too much text is made");
  }
  out.Append(t.Slice(done, s.size()));
  return out;
}

Text Upper(const Text& t) { return Recased(t, ToUpper(t.str())); }
Text Lower(const Text& t) { return Recased(t, ToLower(t.str())); }

Text Capitalize(const Text& t) {
  std::vector<size_t> at = CharacterStarts(t.str());
  if (at.size() < 2) return t;
  return Recased(t, ToUpper(t.str().substr(0, at[1])) + ToLower(t.str().substr(at[1])));
}

Text Title(const Text& t) {
  std::string out;
  bool starts = true;
  const std::string& s = t.str();
  for (size_t pos = 0; pos < s.size();) {
    CodePoint c = DecodeUtf8(s, pos);
    std::string one = s.substr(pos, c.bytes);
    out += starts ? ToUpper(one) : ToLower(one);
    starts = IsSpace(c.value) || one == "-" || one == "(" || one == "{" || one == "[" || one == "<";
    pos += c.bytes;
  }
  return Recased(t, std::move(out));
}

Text Join(Interpreter* in, const std::vector<Value>& items, const Text& between) {
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out.Append(in->Spend(between));
    out.Append(in->Spend(Print(items[i])));
  }
  return out;
}

}  // namespace sightline::language::jinja
