#include "services/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace sightline {
namespace {

std::string Write(const std::string& text) {
  std::string path = ::testing::TempDir() + "/sightline_config_test.toml";
  std::ofstream(path) << text;
  return path;
}

TEST(ConfigTest, TomlSetsWhatItNames) {
  ServerConfig c;
  ASSERT_TRUE(ReadToml(Write("[limits]\nmax_images = 3\ndefault_deadline_s = 1.5\n[server]\nrole = "
                             "\"vision\"\ninsecure = true\n"),
                       &c)
                  .ok());
  EXPECT_EQ(c.max_images, 3);
  EXPECT_EQ(c.default_deadline_s, 1.5);
  EXPECT_EQ(c.role, "vision");
  EXPECT_TRUE(c.insecure);
}

TEST(ConfigTest, RefusalsNameTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"[limits]\nmax_imagse = 3\n", "limits.max_imagse"},
      {"[limits]\nmax_images = -1\n", "limits.max_images"},
      {"[limits]\nmax_images = 2.5\n", "limits.max_images"},
      {"[limits]\nmax_images = \"3\"\n", "limits.max_images"},
      {"[server]\nrole = 3\n", "server.role"},
      {"[limits]\ndrain_s = nan\n", "limits.drain_s"},
      {"[server]\ndrain_s = nan\n", "server.drain_s"},
      {"[server]\ninsecure = 1\n", "server.insecure"}};
  for (const auto& [text, key] : cases) {
    ServerConfig c;
    const Status s = ReadToml(Write(text), &c);
    EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(FieldOf(s), key) << s;
  }
  ServerConfig c;
  EXPECT_FALSE(ReadToml(Write("[limits\n"), &c).ok());
  EXPECT_FALSE(ReadToml("/nowhere/x.toml", &c).ok());
}

TEST(ConfigTest, EnvironmentWinsOverToml) {
  ServerConfig c;
  ASSERT_TRUE(ReadToml(Write("[limits]\nmax_images = 3\n"), &c).ok());
  setenv("SIGHTLINE_MAX_IMAGES", "5", 1);
  EXPECT_TRUE(ReadEnvironment(&c).ok());
  EXPECT_EQ(c.max_images, 5);
  setenv("SIGHTLINE_MAX_IMAGES", "many", 1);
  EXPECT_EQ(FieldOf(ReadEnvironment(&c)), "limits.max_images");
  unsetenv("SIGHTLINE_MAX_IMAGES");
}

TEST(ConfigTest, PrintedSettingsReadBackTheSame) {
  ServerConfig c;
  c.max_images = 9;
  c.drain_s = 2.25;
  c.listen = "unix:/tmp/a \"b\".sock";
  c.insecure = true;
  ServerConfig back;
  ASSERT_TRUE(ReadToml(Write(ToToml(c)), &back).ok()) << ToToml(c);
  EXPECT_EQ(ToToml(back), ToToml(c));
  EXPECT_EQ(back.listen, c.listen);
}

TEST(ConfigTest, KeysAndValuesHaveKnownForms) {
  ServerConfig c;
  ASSERT_TRUE(ReadToml(Write("[model]\nkv = \"f16\"\n"), &c).ok());
  EXPECT_TRUE(CheckConfig(c).ok());
  c.kv = "q8";
  EXPECT_EQ(FieldOf(CheckConfig(c)), "model.kv");
}

TEST(ConfigTest, NoOpenPortByAccident) {
  ServerConfig c;
  EXPECT_TRUE(CheckConfig(c).ok());
  c.listen = "0.0.0.0:50051";
  EXPECT_EQ(FieldOf(CheckConfig(c)), "server.listen");
  c.insecure = true;
  EXPECT_TRUE(CheckConfig(c).ok());
  c.role = "memory";
  EXPECT_EQ(FieldOf(CheckConfig(c)), "server.role");
}

TEST(ConfigTest, FlagsAndEnvironmentAreDerived) {
  for (const Setting& s : Settings()) {
    EXPECT_EQ(s.Flag().substr(0, 2), "--");
    EXPECT_EQ(s.Flag().find('_'), std::string::npos);
    EXPECT_EQ(s.Environment().substr(0, 10), "SIGHTLINE_");
  }
}

}  // namespace
}  // namespace sightline
