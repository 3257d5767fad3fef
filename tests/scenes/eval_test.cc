// What an evaluation refuses before it starts, and what its files and its report hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tools/eval/eval_scenes.h"

namespace sightline {
namespace {

using ::testing::HasSubstr;

class Eval : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/eval_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Read(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string folder_;
};

// Without a model: an empty one would crash if a scene were begun.
void ExpectRefused(const EvalOptions& o, const std::string& what) {
  for (const Status& status : {CheckEvalOptions(o), EvalScenes({}, o, nullptr).status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  }
}

TEST_F(Eval, UnknownSplitsAreRefused) {
  for (const char* split : {"", "train", "nonsense", "iid "}) {
    EvalOptions o;
    o.split = split;
    ExpectRefused(o, "--split must be one of: iid, heldout, ");
  }
}

TEST_F(Eval, FilesThatCannotBeWrittenAreRefused) {
  for (const std::string& path : {folder_, folder_ + "/none/file"}) {
    EvalOptions o;
    o.examples = path;
    ExpectRefused(o, "cannot write the wrong answers to " + path + ": ");
    o.examples = "";
    o.replies = path;
    ExpectRefused(o, "cannot write the replies to " + path + ": ");
  }
}

TEST_F(Eval, ACheckKeepsWhatAFileHeld) {
  EvalOptions o;
  o.examples = folder_ + "/wrong";
  std::ofstream(o.examples) << "earlier";
  EXPECT_TRUE(CheckEvalOptions(o).ok());
  EXPECT_EQ(Read("wrong"), "earlier");
}

TEST_F(Eval, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  EvalOptions o;
  o.replies = "/dev/full";
  o.count = 1;
  EvalModelOptions options;
  options.folder = SIGHTLINE_SOURCE_DIR "/models/scenes";
  auto model = EvalModel::Load(options);
  ASSERT_TRUE(model.ok()) << model.status();
  auto report = EvalScenes(*model, o, nullptr);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("cannot write all of /dev/full"));
}

TEST_F(Eval, OptionsOfAModelAreRefusedByName) {
  EvalModelOptions none;
  none.folder = folder_;
  EXPECT_FALSE(EvalModel::Load(none).ok());
  const std::pair<std::string EvalModelOptions::*, const char*> wrong[] = {
      {&EvalModelOptions::weights, "weights are one of"},
      {&EvalModelOptions::kv, "keys and values are"},
      {&EvalModelOptions::device, "a device is"}};
  for (const auto& [option, message] : wrong) {
    EvalModelOptions o = none;
    o.*option = "nonsense";
    Status status = EvalModel::Load(o).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
}

// A line for each question, and a wrong answer is one that the accuracy counts as such.
TEST_F(Eval, FilesAgreeWithTheReport) {
  EvalModelOptions model_options;
  model_options.folder = SIGHTLINE_SOURCE_DIR "/models/scenes";
  auto model = EvalModel::Load(model_options);
  ASSERT_TRUE(model.ok()) << model.status();
  EvalOptions o;
  o.split = "iid", o.seed = 5, o.count = 3;
  o.examples = folder_ + "/wrong", o.replies = folder_ + "/replies";
  int last = 0;
  auto report = EvalScenes(*model, o, [&](int done) { EXPECT_EQ(done, ++last); });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(last, 3);
  auto j = nlohmann::json::parse(*report);
  auto lines = [&](const std::string& name) {
    std::string text = Read(name);
    return std::count(text.begin(), text.end(), '\n');
  };
  const auto& accuracy = j["metrics"]["vqa_accuracy"];
  EXPECT_EQ(lines("replies"), accuracy["n"].get<int>());
  EXPECT_NEAR(static_cast<double>(lines("wrong")),
              (1 - accuracy["value"].get<double>()) * accuracy["n"].get<double>(), 1e-6);
  EXPECT_THAT(SummariseReport(*report), HasSubstr("iid, seed 5, 3 scenes\n"));
}

}  // namespace
}  // namespace sightline
