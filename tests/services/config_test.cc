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

TEST(ConfigTest, RefusalsSayWhereTheValueIsAndWhatItIs) {
  ServerConfig c;
  const std::string path = Write("[limits]\nmax_images = 3\nmax_parts = -1\n");
  EXPECT_EQ(ReadToml(path, &c).message(),
            path + ":3: limits.max_parts must be a whole number from 1 to 4096, not \"-1\"");
  setenv("SIGHTLINE_MAX_IMAGES", "x", 1);
  EXPECT_EQ(ReadEnvironment(&c).message(),
            "SIGHTLINE_MAX_IMAGES: limits.max_images must be a whole number from 0 to 4096, not "
            "\"x\"");
  unsetenv("SIGHTLINE_MAX_IMAGES");
  for (const Setting& s : Settings()) {
    if (std::string(s.key) == "model.kv_mib") {
      EXPECT_EQ(SetFromText(s, "3", &c).message(),
                "model.kv_mib must be a whole number from 16 to 1048576, not \"3\"");
    }
  }
  c.kv = "none";
  EXPECT_EQ(CheckConfig(c).message(), "model.kv must be auto, f32 or f16, not \"none\"");
}

TEST(ConfigTest, ListenIsAHostWithAPortOrASocket) {
  ServerConfig c;
  for (const char* sound :
       {"127.0.0.1:0", "127.9.9.9:50051", "localhost:65535", "[::1]:1", "unix:/tmp/s", "unix:s"}) {
    c.listen = sound;
    EXPECT_TRUE(CheckConfig(c).ok()) << CheckConfig(c);
  }
  for (const char* malformed :
       {"", "127.0.0.1", "localhost", ":50051", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "::1:50051", "[::1]", "[::1", "[localhost]:1",
        "unix:", "http://localhost:1", "a b:1", "1:2:3"}) {
    c.listen = malformed;
    for (bool insecure : {false, true}) {
      c.insecure = insecure;
      const Status s = CheckConfig(c);
      EXPECT_EQ(FieldOf(s), "server.listen") << malformed;
      EXPECT_NE(s.message().find("server.listen must be HOST:PORT"), absl::string_view::npos) << s;
    }
  }
}

TEST(ConfigTest, NamesThatLookLikeThisMachineAreOthers) {
  ServerConfig c;
  for (const char* other : {"127.0.0.1.example.com:50051", "localhost.example.com:50051",
                            "127.1:50051", "0.0.0.0:50051", "[::]:50051", "example.com:1"}) {
    c.listen = other;
    c.insecure = false;
    EXPECT_NE(CheckConfig(c).message().find("other machines"), absl::string_view::npos) << other;
    c.insecure = true;
    EXPECT_TRUE(CheckConfig(c).ok()) << other;
  }
}

TEST(ConfigTest, RolesAreFoundByNameOrAddress) {
  ServerConfig c;
  c.role = "gateway";
  c.language = "unix:/tmp/language";
  for (const char* sound :
       {"vision:50052", "vision.example.com:1", "dns:///vision:50052", "10.0.0.7:1", "[fe80::1]:1",
        "unix:/tmp/vision", "dns:vision:1", "ipv4:10.0.0.7:1,10.0.0.8:1", "unix-abstract:vision"}) {
    c.vision = sound;
    EXPECT_TRUE(CheckConfig(c).ok()) << CheckConfig(c);
  }
  for (const char* malformed :
       {"vision", "vision:0", "vision:x", "dns:///vision", "unix:", "ipv4:"}) {
    c.vision = malformed;
    EXPECT_EQ(FieldOf(CheckConfig(c)), "server.vision") << malformed;
  }
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
    ServerConfig c;
    EXPECT_TRUE(SetFromText(s, s.Text(c), &c).ok()) << s.key;
  }
}

}  // namespace
}  // namespace sightline
