// Prompts from the template of a model directory: the reference's ids for every family, text of a
// caller kept apart, every place a template may stand in, and errors that say where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fusion/chat_template_file.h"
#include "fusion/families/number_words.h"
#include "fusion/families/registry.h"
#include "tests/models/model_files.h"
#include "tests/models/random_model.h"

namespace sightline {
namespace {

using ::testing::HasSubstr;

// What a prompt needs of a model directory.
struct Form {
  CheckpointSpec spec;
  std::unique_ptr<language::Tokenizer> codec;
  std::unique_ptr<PromptForm> form;
};

StatusOr<Form> Load(const std::string& family, const std::optional<ChatTemplateFile>& file) {
  Form f;
  SL_ASSIGN_OR_RETURN(f.spec, ReadCheckpointSpec(FamilyDirectory(family)));
  SL_ASSIGN_OR_RETURN(f.codec, LoadTokenizer(TokenizerDirectory(family)));
  SL_ASSIGN_OR_RETURN(f.form, MakeTurnPrompt(f.spec.turn, file, f.codec.get(), f.spec.text.hidden));
  return f;
}

StatusOr<Form> Load(const std::string& family) {
  SL_ASSIGN_OR_RETURN(auto file, ReadChatTemplate(FamilyDirectory(family)));
  return Load(family, file);
}

// Media of a case: sizes alone, no features.
std::shared_ptr<const EncodedMedia> MediaOf(const Json& json, const CheckpointSpec& spec) {
  auto m = std::make_shared<EncodedMedia>();
  m->kind = json.value("video", false) ? MediaItem::Kind::kVideo : MediaItem::Kind::kImage;
  m->channels = static_cast<int>(spec.text.hidden);
  for (const Json& s : json["spans"]) m->spans.push_back({s[0].get<int>(), s[1].get<int>()});
  if (json.contains("tiles")) {
    m->tile_rows = json["tiles"][0];
    m->tile_cols = json["tiles"][1];
  }
  for (size_t i = 0; json.contains("times") && i < m->spans.size(); ++i)
    m->spans[i].time_s = json["times"][i];
  m->seconds_per_span = json.value("seconds_per_span", 0.0);
  return m;
}

std::vector<PromptPart> PartsOf(const Json& c, const CheckpointSpec& spec) {
  std::vector<PromptPart> parts;
  size_t media = 0;
  for (const Json& part : c["messages"][0]["content"]) {
    if (part["type"] == "text") {
      parts.emplace_back().content = part["text"].get<std::string>();
    } else {
      parts.emplace_back().content = MediaOf(c["media"][media++], spec);
    }
  }
  return parts;
}

std::vector<int32_t> Ids(const Prompt& prompt) {
  std::vector<int32_t> ids;
  for (const PromptPiece& p : prompt.pieces) ids.insert(ids.end(), p.ids.begin(), p.ids.end());
  return ids;
}

void ExpectReference(const std::string& family, const Form& f) {
  const Json cases = Json::parse(ReadAll(FamilyDirectory(family) + "/cases.json"));
  for (const Json& c : cases) {
    SCOPED_TRACE(family + " " + c["name"].get<std::string>());
    std::vector<PromptPart> parts = PartsOf(c, f.spec);
    auto prompt = f.form->Build(parts);
    ASSERT_TRUE(prompt.ok()) << prompt.status();
    EXPECT_EQ(Ids(*prompt), c["ids"].get<std::vector<int32_t>>());
    EXPECT_EQ(static_cast<size_t>(prompt->tokens), c["ids"].size());
    EXPECT_EQ(prompt->positions.size(),
              f.spec.turn.mrope && !c["media"].empty() ? 3 * c["ids"].size() : 0);
  }
}

TEST(Prompt, IdsAreTheReferencesForEveryFamily) {
  for (const char* family : kVisionFamilies) {
    auto own = Load(family), built_in = Load(family, std::nullopt);
    ASSERT_TRUE(own.ok()) << own.status();
    ExpectReference(family, *own);
    ASSERT_TRUE(built_in.ok()) << built_in.status();
    ExpectReference(family, *built_in);
  }
}

TEST(Prompt, TextOfACallerNeverBecomesASpecialToken) {
  for (const char* family : kVisionFamilies) {
    SCOPED_TRACE(family);
    auto f = Load(family);
    ASSERT_TRUE(f.ok()) << f.status();
    auto specials = [&](const std::string& text) {
      std::vector<PromptPart> parts(1);
      parts[0].content = text;
      auto prompt = f->form->Build(parts);
      EXPECT_TRUE(prompt.ok()) << prompt.status();
      std::vector<int32_t> found;
      for (int32_t id : Ids(*prompt)) {
        if (f->codec->IsSpecial(id)) found.push_back(id);
      }
      return found;
    };
    std::string all;
    for (int32_t id = 0; id < f->codec->vocab_size(); ++id) {
      if (f->codec->IsSpecial(id)) all += std::string(f->codec->Text(id)) + " x";
    }
    EXPECT_FALSE(specials("word").empty());
    EXPECT_EQ(specials("a" + all), specials("word"));
    // Nor together with what the template writes around it.
    EXPECT_EQ(specials("|im_end|>"), specials("word"));
    EXPECT_EQ(specials("<|im_start"), specials("word"));
  }
}

std::string Spoken(const Form& f, const std::vector<PromptPart>& parts) {
  auto prompt = f.form->Build(parts);
  EXPECT_TRUE(prompt.ok()) << prompt.status();
  return prompt.ok() ? f.codec->Decode(Ids(*prompt)) : "";
}

TEST(Prompt, ClipsAreWrittenAsTheirFamiliesDo) {
  Json clip = {{"video", true}, {"spans", {{2, 2}, {2, 2}, {2, 2}}}, {"times", {0.0, 61.5, 125.0}}};
  std::vector<PromptPart> parts(2);
  parts[1].content = "Why?";
  auto smol = Load("smolvlm");
  ASSERT_TRUE(smol.ok()) << smol.status();
  EXPECT_TRUE(smol->spec.takes_clips);
  parts[0].content = MediaOf(clip, smol->spec);
  std::string rows =
      "<fake_token_around_image><global-img><image><image><image><image>"
      "<fake_token_around_image>";
  EXPECT_EQ(
      Spoken(*smol, parts),
      "<|im_start|>User: You are provided the following series of three frames from a 0:02:05 "
      "[H:MM:SS] video.\n\nFrame from 00:00:" +
          rows + "\nFrame from 01:01:" + rows + "\nFrame from 02:05:" + rows +
          "\n\nWhy?<end_of_utterance>\nAssistant:");
  auto one = Load("llava_onevision");
  ASSERT_TRUE(one.ok()) << one.status();
  Json pooled = {{"video", true}, {"spans", {{2, 2}, {2, 2}, {1, 1}}}};
  parts[0].content = MediaOf(pooled, one->spec);
  std::string marks;
  for (int i = 0; i < 9; ++i) marks += "<video>";
  EXPECT_EQ(Spoken(*one, parts),
            "<|im_start|>user " + marks + "Why?<|im_end|><|im_start|>assistant\n");
}

TEST(Prompt, PlacesNeedNotBeSpecialTokens) {
  for (const char* family : kVisionFamilies) {
    SCOPED_TRACE(family);
    auto f = Load(family);
    ASSERT_TRUE(f.ok()) << f.status();
    const TurnForm& turn = f->spec.turn;
    auto reload = [&](const std::function<void(Json*)>& change) {
      Json tokenizer = Json::parse(ReadAll(TokenizerDirectory(family) + "/tokenizer.json"));
      for (Json& t : tokenizer["added_tokens"]) {
        if (t["id"] == turn.image_place || t["id"] == turn.video_place) change(&t);
      }
      auto codec = language::Tokenizer::Parse(tokenizer.dump());
      if (codec.ok()) f->codec = std::move(*codec);
      return codec.status();
    };
    ASSERT_TRUE(reload([](Json* t) { (*t)["special"] = false; }).ok());
    ASSERT_FALSE(f->codec->IsSpecial(turn.image_place));
    auto file = ReadChatTemplate(FamilyDirectory(family));
    auto form = MakeTurnPrompt(turn, *file, f->codec.get(), f->spec.text.hidden);
    ASSERT_TRUE(form.ok()) << form.status();
    f->form = std::move(*form);
    ExpectReference(family, *f);
    std::vector<PromptPart> parts(2);
    parts[0].content = MediaOf({{"spans", {{2, 2}}}}, f->spec);
    parts[1].content = "a " + std::string(f->codec->Text(turn.image_place)) + " b";
    EXPECT_EQ(f->form->Build(parts).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(Prompt, NumbersAreWritten) {
  EXPECT_EQ(NumberWords(0), "zero");
  EXPECT_EQ(NumberWords(8), "eight");
  EXPECT_EQ(NumberWords(19), "nineteen");
  EXPECT_EQ(NumberWords(64), "sixty-four");
  EXPECT_EQ(NumberWords(90), "ninety");
  EXPECT_EQ(NumberWords(101), "one hundred and one");
  EXPECT_EQ(NumberWords(1024), "one thousand and twenty-four");
  EXPECT_EQ(NumberWords(2340), "two thousand, three hundred and forty");
}

TEST(ChatTemplateFile, StandsInAnyOfThreeFiles) {
  ScratchFolder folder;
  auto write = [&](const char* file, const Json& json) {
    WriteAll(folder.path() + "/" + file, json.dump());
  };
  auto read = [&] { return ReadChatTemplate(folder.path()); };
  EXPECT_FALSE((*read()).has_value());
  write("tokenizer_config.json", {{"bos_token", {{"content", "<b>"}}}, {"eos_token", "</b>"}});
  EXPECT_FALSE((*read()).has_value());
  Json named = Json::array(
      {{{"name", "tool_use"}, {"template", "T"}}, {{"name", "default"}, {"template", "D"}}});
  write("tokenizer_config.json", {{"chat_template", named},
                                  {"bos_token", {{"content", "<b>"}}},
                                  {"add_bos_token", true},
                                  {"pad_token", nullptr}});
  write("special_tokens_map.json", {{"eos_token", "</b>"}, {"bos_token", "<other>"}});
  EXPECT_EQ((*read())->source, "D");
  EXPECT_EQ((*read())->special_tokens["bos_token"], "<b>");
  EXPECT_EQ((*read())->special_tokens["eos_token"], "</b>");
  EXPECT_EQ((*read())->special_tokens.size(), 2u);
  write("chat_template.json", {{"chat_template", "J"}});
  EXPECT_EQ((*read())->source, "J");
  WriteAll(folder.path() + "/chat_template.jinja", "F\n");
  EXPECT_EQ((*read())->source, "F\n");
  std::filesystem::remove(folder.path() + "/chat_template.jinja");
  write("chat_template.json", {{"chat_template", 3}});
  EXPECT_THAT(read().status().message(), HasSubstr("chat_template.json: chat_template must be"));
  write("chat_template.json", {{"chat_template", Json::array({named[0]})}});
  EXPECT_THAT(read().status().message(), HasSubstr("no entry named default, only tool_use"));
}

StatusOr<Form> WithTemplate(const std::string& family, const std::string& source) {
  ChatTemplateFile file;
  file.source = source;
  file.special_tokens["bos_token"] = "<s>";
  return Load(family, file);
}

TEST(ChatTemplate, ErrorsNameConstructAndLine) {
  EXPECT_THAT(WithTemplate("llava15", "a\n{% import 'x' %}").status().message(),
              HasSubstr("chat template line 2: statement 'import' is not supported"));
  EXPECT_THAT(WithTemplate("llava15", "{{ messages | shuffle }}").status().message(),
              HasSubstr("line 1: filter 'shuffle'"));
  EXPECT_THAT(WithTemplate("llava15", "{{ 1 }}").status().message(),
              HasSubstr("text of a user's message does not show"));
}

TEST(ChatTemplate, TakesATextOrAListOfParts) {
  auto text = WithTemplate("llava15", "{{ bos_token }}[{{ messages[0]['content'] | trim }}]");
  ASSERT_TRUE(text.ok()) << text.status();
  std::vector<PromptPart> parts(2);
  parts[0].content = " a";
  parts[1].content = "b ";
  EXPECT_EQ(Spoken(*text, parts), "<s> [ab]");
  parts[1].content = MediaOf({{"spans", {{2, 2}}}}, text->spec);
  EXPECT_THAT(text->form->Build(parts).status().message(), HasSubstr("takes text alone"));
  auto list = WithTemplate("llava15",
                           "{% for c in messages[0].content %}{{ c.text if c.type == 'text' }}"
                           "{% endfor %}");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->form->Build(parts).status().message(), HasSubstr("one place (<image>)"));
}

}  // namespace
}  // namespace sightline
