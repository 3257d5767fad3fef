// Golden tokenizers and their variants.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "language/text/tokenizer.h"

namespace sightline::language {

inline const std::string kTokenizers = SIGHTLINE_SOURCE_DIR "/tests/golden/tokenizers";

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline nlohmann::json ReadJson(const std::string& path) {
  return nlohmann::json::parse(ReadAll(path));
}

inline std::unique_ptr<Tokenizer> Make(const nlohmann::json& doc) {
  auto t = Tokenizer::Parse(doc.dump());
  EXPECT_TRUE(t.ok()) << t.status();
  return t.ok() ? *std::move(t) : nullptr;
}

inline std::unique_ptr<Tokenizer> Golden(const std::string& name) {
  return Make(ReadJson(kTokenizers + "/" + name + ".json"));
}

// A golden file changed by an RFC 7386 patch.
inline std::unique_ptr<Tokenizer> Patched(const std::string& base, const nlohmann::json& patch) {
  nlohmann::json doc = ReadJson(kTokenizers + "/" + base + ".json");
  doc.merge_patch(patch);
  return Make(doc);
}

}  // namespace sightline::language
