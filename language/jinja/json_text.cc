// The tojson filter, as json.dumps writes.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "language/jinja/interpreter.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

class Writer {
 public:
  explicit Writer(const Arguments& args) {
    args.Allow({"indent", "ensure_ascii", "separators", "sort_keys"});
    Value indent = args.Get(0, "indent"), separators = args.Get(2, "separators");
    if (indent.text()) {
      indent_ = indent.text()->str();
      lines_ = true;
    } else if (!indent.undefined() && !indent.none()) {
      indent_ =
          std::string(static_cast<size_t>(std::clamp<int64_t>(indent.AsInteger(), 0, 32)), ' ');
      lines_ = true;
    }
    ascii_ = args.Get(1, "ensure_ascii").Truth();
    sort_ = args.Get(3, "sort_keys").Truth();
    if (lines_) comma_.assign(1, ',');
    if (const List* l = separators.list()) {
      if (l->items.size() != 2) Fail("tojson: separators needs two strings");
      comma_ = NeedText(l->items[0], "separators").str();
      colon_ = NeedText(l->items[1], "separators").str();
    }
  }

  void Write(const Value& v, int depth) {
    if (const Text* t = v.text()) return String(t->str(), t->outside());
    if (const List* l = v.list()) return WriteList(*l, depth);
    if (const Map* m = v.map()) return WriteMap(*m, depth);
    if (v.none()) return out_.Append("null");
    if (const bool* b = v.boolean()) return out_.Append(*b ? "true" : "false");
    if (const double* d = v.real(); d && !std::isfinite(*d))
      return out_.Append(std::isnan(*d) ? "NaN" : *d > 0 ? "Infinity" : "-Infinity");
    if (v.number()) return out_.Append(Print(v));
    Fail(std::string("tojson cannot write ") + v.type());
  }
  Text Take() { return std::move(out_); }

 private:
  void NewLine(int depth) {
    if (!lines_) return;
    out_.Append("\n");
    for (int i = 0; i < depth; ++i) out_.Append(indent_);
  }

  void WriteList(const List& l, int depth) {
    if (l.items.empty()) return out_.Append("[]");
    out_.Append("[");
    for (size_t i = 0; i < l.items.size(); ++i) {
      if (i) out_.Append(comma_);
      NewLine(depth + 1);
      Write(l.items[i], depth + 1);
    }
    NewLine(depth);
    out_.Append("]");
  }

  void WriteMap(const Map& m, int depth) {
    if (m.items.empty()) return out_.Append("{}");
    std::vector<const std::pair<std::string, Value>*> order;
    for (const auto& item : m.items) order.push_back(&item);
    if (sort_)
      std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->first < b->first; });
    out_.Append("{");
    for (size_t i = 0; i < order.size(); ++i) {
      if (i) out_.Append(comma_);
      NewLine(depth + 1);
      String(order[i]->first, m.outside);
      out_.Append(colon_);
      Write(order[i]->second, depth + 1);
    }
    NewLine(depth);
    out_.Append("}");
  }

  void String(const std::string& s, bool outside) {
    std::string out(1, '"');
    for (size_t pos = 0; pos < s.size();) {
      CodePoint c = DecodeUtf8(s, pos);
      Character(c.value, std::string_view(s).substr(pos, c.bytes), &out);
      pos += c.bytes;
    }
    out += '"';
    out_.Append(Text(std::move(out), outside));
  }

  void Character(char32_t c, std::string_view as_is, std::string* out) {
    static constexpr std::string_view kFrom = "\"\\\n\r\t\b\f", kTo = "\"\\nrtbf";
    size_t at = c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
    auto escaped = [&](uint32_t unit) { *out += absl::StrFormat("\\u%04x", unit); };
    if (at != std::string_view::npos) {
      *out += '\\';
      *out += kTo[at];
    } else if (c < 0x20 || (ascii_ && c >= 0x7F && c < 0x10000 && c != 0x7F)) {
      escaped(c);
    } else if (ascii_ && c >= 0x10000) {
      escaped(0xD800 + ((c - 0x10000) >> 10));
      escaped(0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      *out += as_is;
    }
  }

  std::string indent_, comma_ = ", ", colon_ = ": ";
  bool lines_ = false, ascii_ = false, sort_ = false;
  Text out_;
};

}  // namespace

Text ToJson(const Value& value, const Arguments& args) {
  Writer writer(args);
  writer.Write(value, 0);
  return writer.Take();
}

}  // namespace sightline::language::jinja
