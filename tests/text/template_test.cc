// Chat templates: what Python's jinja2 prints (tests/support/text/reference_templates.py), bytes
// from outside kept apart, limits, and errors that name construct and line.
#include "language/jinja/template.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "tests/text/files.h"

namespace sightline::language::jinja {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

const std::string kTemplates = SIGHTLINE_SOURCE_DIR "/tests/golden/templates/";

StatusOr<RenderedText> Render(const std::string& source, const Inputs& inputs,
                              const Limits& limits = {}) {
  SL_ASSIGN_OR_RETURN(auto t, Template::Parse(source, limits));
  return t->Render(inputs);
}

std::string Print(const std::string& source, const Inputs& inputs = {}) {
  auto r = Render(source, inputs);
  return r.ok() ? r->text : std::string(r.status().message());
}

Inputs Messages(const std::string& json) {
  Inputs in;
  in.outside["messages"] = Json::parse(json);
  return in;
}

TEST(Template, PrintsWhatTheReferencePrints) {
  const Json cases = Json::parse(ReadAll(kTemplates + "cases.json"));
  const Json expected = Json::parse(ReadAll(kTemplates + "expected.json"));
  for (const auto& [key, want] : expected.items()) {
    SCOPED_TRACE(key);
    size_t first = key.find('/'), second = key.rfind('/');
    Inputs in;
    in.outside = cases["chats"][key.substr(first + 1, second - first - 1)];
    in.own = cases["own"][std::stoul(key.substr(second + 1))];
    std::tm now{};
    ASSERT_NE(strptime(cases["now"].get<std::string>().c_str(), "%Y-%m-%d %H:%M:%S", &now),
              nullptr);
    in.now = now;
    auto got = Render(ReadAll(kTemplates + key.substr(0, first) + ".jinja"), in);
    if (want.contains("error")) {
      EXPECT_FALSE(got.ok()) << got->text;
      continue;
    }
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->text, want["text"].get<std::string>());
  }
}

// Every case of a model folder with a template: its messages give its prompt.
void ExpectPrompts(const std::string& model) {
  const std::string source = ReadAll(model + "/chat_template.jinja");
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(model + "/golden")) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path());
    const Json json = Json::parse(ReadAll(entry.path().string() + "/case.json"));
    Inputs in;
    in.outside["messages"] = json["messages"];
    in.own["add_generation_prompt"] = true;
    auto got = Render(source, in);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->text, json["prompt"].get<std::string>());
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

TEST(Template, GoldenPromptsAreRendered) {
  ExpectPrompts(SIGHTLINE_SOURCE_DIR "/tests/golden/models/qwen2_5_vl");
  const char* place = std::getenv("SIGHTLINE_GOLDENS");
  if (!place) return;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(place) + "/models")) {
    if (std::filesystem::exists(entry.path() / "chat_template.jinja")) ExpectPrompts(entry.path());
  }
}

// The marked bytes, with marks around them.
std::string Marked(const RenderedText& r) {
  std::string out;
  size_t done = 0;
  for (const TextSpan& s : r.outside) {
    EXPECT_LE(done, s.begin);
    EXPECT_LT(s.begin, s.end);
    EXPECT_LE(s.end, r.text.size());
    out +=
        r.text.substr(done, s.begin - done) + "{" + r.text.substr(s.begin, s.end - s.begin) + "}";
    done = s.end;
  }
  return out + r.text.substr(done);
}

TEST(Template, BytesFromOutsideAreMarked) {
  Inputs in = Messages(R"([{"role": "user", "content": " a<s>b,c "}])");
  in.own["bos"] = "<s>";
  auto marked = [&](const std::string& source) {
    auto r = Render(source, in);
    return r.ok() ? Marked(*r) : std::string(r.status().message());
  };
  EXPECT_EQ(marked("{{ bos }}{{ messages[0].content }}!"), "<s>{ a<s>b,c }!");
  EXPECT_EQ(marked("{{ bos + messages[0].content|trim + bos }}"), "<s>{a<s>b,c}<s>");
  EXPECT_EQ(marked("{{ messages[0].content.split(',')[0] ~ '.' }}"), "{ a<s>b}.");
  EXPECT_EQ(marked("{{ messages[0].content | replace('b', bos) }}"), "{ a<s>}<s>{,c }");
  EXPECT_EQ(marked("{{ messages[0].content | upper }}"), "{ A<S>B,C }");
  EXPECT_EQ(marked("{{ messages[0].content[2:5] }}"), "{<s>}");
  EXPECT_EQ(marked("{{ messages | tojson }}"),
            "[{{\"role\"}: {\"user\"}, {\"content\"}: {\" a<s>b,c \"}}]");
  EXPECT_EQ(marked("{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}"),
            "{role}={user};{content}={ a<s>b,c };");
  EXPECT_EQ(marked("{% set x %}[{{ messages[0].role }}]{% endset %}{{ x }}"), "[{user}]");
  EXPECT_EQ(marked("{% macro m(t) %}<{{ t }}>{% endmacro %}{{ m(messages[0].role) }}"), "<{user}>");
  EXPECT_EQ(marked("{{ [bos, messages[0].role] | join('|') }}"), "<s>|{user}");
  EXPECT_EQ(marked("{{ [messages[0].role] }}"), "[{'user'}]");
  EXPECT_EQ(marked("{{ {messages[0].role: 1} }}"), "{{'user'}: 1}");
}

TEST(Template, FieldsOfOurOwnAreNotMarked) {
  Inputs in = Messages(R"([{"role": "user", "content": "user"}])");
  in.own_fields = {"role"};
  auto r = Render("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}", in);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(Marked(*r), "<|user|>{user}");
}

TEST(Template, ErrorsNameConstructAndLine) {
  auto status = [](const std::string& source, const Inputs& in = {}) {
    return Render(source, in).status();
  };
  auto expect = [&](const std::string& source, const std::string& reason, const std::string& what) {
    Status s = status(source);
    EXPECT_EQ(ReasonOf(s), reason) << source << s;
    EXPECT_THAT(std::string(s.message()), HasSubstr(what)) << source;
  };
  expect("a\n\n{% include 'x' %}", "TEMPLATE_UNSUPPORTED", "line 3: statement 'include'");
  expect("{{ 'a' | urlize }}", "TEMPLATE_UNSUPPORTED", "line 1: filter 'urlize'");
  expect("\n{{ 1 is prime }}", "TEMPLATE_UNSUPPORTED", "line 2: test 'prime'");
  expect("{{ lipsum() }}", "TEMPLATE_UNSUPPORTED", "function 'lipsum'");
  expect("{{ 'x'.encode() }}", "TEMPLATE_UNSUPPORTED", "method 'encode'");
  expect("{% set x = [] %}{{ x.append(1) }}", "TEMPLATE_UNSUPPORTED", "method 'append'");
  expect("{{ f(*x) }}", "TEMPLATE_UNSUPPORTED", "unpacked arguments");
  expect("{% if x %}", "TEMPLATE_INVALID", "'endif' is missing");
  expect("{% endfor %}", "TEMPLATE_INVALID", "unexpected 'endfor'");
  expect("{{ a b }}", "TEMPLATE_INVALID", "unexpected 'b'");
  expect("{{ 'a }}", "TEMPLATE_INVALID", "a string has no end");
  expect("{{ 1 / 0 }}", "TEMPLATE_INVALID", "division by zero");
  expect("{{ x.y.z }}", "TEMPLATE_INVALID", "'x' is undefined");
  expect("{{ x + 1 }}", "TEMPLATE_INVALID", "'x' is undefined");
  expect("{{ 9223372036854775807 + 1 }}", "TEMPLATE_INVALID", "too large");
  expect("{{ strftime_now('%Y') }}", "TEMPLATE_INVALID", "no time was given");
  expect("\n{{ raise_exception('only ' ~ 2) }}", "TEMPLATE_REFUSED", "line 2: only 2");
  expect("\xFF", "TEMPLATE_INVALID", "UTF-8");
}

TEST(Template, NothingOfTheHostIsReached) {
  for (const char* source :
       {"{{ ''.__class__ }}", "{{ messages.__init__ }}", "{{ self }}", "{{ request }}",
        "{{ config }}", "{{ ''['__class__'] }}", "{{ namespace.__globals__ }}"})
    EXPECT_EQ(Print(source, Messages("[]")).find("class"), std::string::npos) << source;
}

TEST(Template, LimitsHold) {
  auto reason = [](const std::string& source, const Limits& limits = {}) {
    return ReasonOf(Render(source, Messages(R"([{"content": "xxxxxxxxxx"}])"), limits).status());
  };
  EXPECT_EQ(
      reason("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"),
      "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ range(1000000) | list }}"), "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ 'abcdefgh' * 100000000 }}"), "TEMPLATE_LIMIT");
  EXPECT_EQ(
      reason("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s "
             "%}{% endfor %}"),
      "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{% set ns = namespace(s=[]) %}{% for i in range(5000) %}{% set ns.s = [ns.s] %}"
                   "{% endfor %}"),
            "TEMPLATE_LIMIT");
  // Shared parts: small in memory, endless to walk through.
  EXPECT_EQ(reason("{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, "
                   "ns.s] %}{% endfor %}{{ ns.s }}"),
            "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{% set s = 'x' * 1000000 %}{% for i in range(100000) %}{% if s.find('y') > 0 "
                   "%}{% endif %}{% endfor %}"),
            "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ ('x' * 100000)|replace('', 'x' * 100000) }}"), "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ ['x'.index] }}"), "TEMPLATE_INVALID");
  EXPECT_EQ(reason("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}"),
            "TEMPLATE_LIMIT");
  std::string chain = "1", deep;
  for (int i = 0; i < 5000; ++i) chain += " + 1";
  for (int i = 0; i < 500; ++i) deep += "{% if 1 %}";
  EXPECT_EQ(reason("{{ " + chain + " }}"), "TEMPLATE_LIMIT");
  EXPECT_EQ(reason(deep), "TEMPLATE_LIMIT");
  Limits small;
  small.output_bytes = 100;
  EXPECT_EQ(reason("{% for i in range(20) %}{{ messages[0].content }}{% endfor %}", small),
            "TEMPLATE_LIMIT");
  EXPECT_EQ(reason("{{ messages[0].content }}", small), "");
  small.template_bytes = 4;
  EXPECT_EQ(reason("{{ 1 }}", small), "TEMPLATE_LIMIT");
}

TEST(Template, ScopesAreJinjas) {
  EXPECT_EQ(Print("{% set x = 1 %}{% for i in [1, 2] %}{% set x = i + 5 %}{% endfor %}{{ x }}"),
            "1");
  EXPECT_EQ(Print("{% if true %}{% set x = 2 %}{% endif %}{{ x }}"), "2");
  EXPECT_EQ(
      Print("{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}"
            "{{ n.x }}"),
      "3");
  EXPECT_EQ(Print("{% macro m(a, b=2) %}{{ a }}{{ b }}{{ y }}{% endmacro %}{% set y = 9 %}"
                  "{{ m(1) }} {{ m(b=3, a=4) }}"),
            "129 439");
  EXPECT_EQ(
      Print("{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{{ loop.revindex }} {% endfor %}"),
      "122 341 ");
}

}  // namespace
}  // namespace sightline::language::jinja
