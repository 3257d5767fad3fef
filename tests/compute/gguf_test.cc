#include "compute/weights/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "compute/weights/gguf_writer.h"
#include "tests/compute/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sightline {
namespace {

constexpr BlockFormat kFormats[] = {BlockFormat::kF32,  BlockFormat::kF16,  BlockFormat::kBF16,
                                    BlockFormat::kQ8_0, BlockFormat::kQ4_0, BlockFormat::kQ4_K,
                                    BlockFormat::kQ6_K};

std::string Blocks(BlockFormat format, const std::vector<float>& values) {
  std::string b(static_cast<size_t>(BytesOf(format, static_cast<int64_t>(values.size()))), '\0');
  QuantizeRow(format, values.data(), static_cast<int64_t>(values.size()), b.data());
  return b;
}

// A small file: every kind of metadata, and one [3, 256] tensor of each format.
GgufWriter Small(uint32_t alignment = 32) {
  GgufWriter w(alignment);
  w.String("general.architecture", "llama");
  w.Uint("llama.block_count", 2);
  w.Int("test.int", -5);
  w.Float("test.float", 0.5f);
  w.Bool("test.bool", true);
  w.Strings("test.strings", {"a", "", "bc"});
  w.Ints("test.ints", {1, -2});
  w.Floats("test.floats", {0.25f});
  Rng rng(3);
  for (BlockFormat f : kFormats) {
    std::string bytes = Blocks(f, Normal(3 * 256, rng));
    w.Tensor(std::string(TraitsOf(f).name) + ".weight", f, {3, 256}, [bytes] { return bytes; });
  }
  return w;
}

class TempFile {
 public:
  explicit TempFile(const std::string& bytes) {
    path_ = (std::filesystem::temp_directory_path() / ("gguf_test_" + std::to_string(getpid())))
                .string();
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Gguf, MeetsAnotherReader) {
  // Written and dequantised one value at a time in Python (golden/gguf/README.md).
  auto file = GgufFile::Open(SIGHTLINE_SOURCE_DIR "/tests/golden/gguf/blocks.gguf");
  ASSERT_TRUE(file.ok()) << file.status();
  for (BlockFormat f : kFormats) {
    if (f == BlockFormat::kF32) continue;
    std::string name(TraitsOf(f).name);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    auto got = (*file)->Read(name + ".raw", {2, -1});
    auto want = (*file)->Read(name + ".expected", {2, -1});
    ASSERT_TRUE(got.ok() && want.ok()) << got.status() << want.status();
    ASSERT_EQ(got->size(), want->size()) << name;
    for (size_t i = 0; i < got->size(); ++i) {
      ASSERT_NEAR((*got)[i], (*want)[i], 2e-6 * std::fabs((*want)[i]) + 1e-6) << name << " " << i;
    }
  }
  EXPECT_EQ(*(*file)->Uint("test.u32"), 4000000000u);
  EXPECT_EQ(*(*file)->Uint("test.u64"), 1ull << 40);
  EXPECT_EQ(*(*file)->Uint("test.u8"), 255u);
  EXPECT_EQ(*(*file)->Uint("test.u16"), 65535u);
  EXPECT_EQ(*(*file)->Int("test.i32"), -7);
  EXPECT_EQ(*(*file)->Int("test.i8"), -128);
  EXPECT_EQ(*(*file)->Int("test.i16"), -300);
  EXPECT_EQ(*(*file)->Float("test.f32"), 0.25);
  EXPECT_EQ(*(*file)->Float("test.f64"), 1e-300);
  EXPECT_TRUE(*(*file)->Bool("test.bool"));
  EXPECT_EQ(*(*file)->String("test.text"), "h\u00e9llo");
  EXPECT_EQ((**(*file)->Strings("test.strings"))[2], "\u4e16\u754c");
  EXPECT_EQ(*(*file)->Ints("test.ints"), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(*(*file)->Floats("test.floats"), (std::vector<double>{0.5, -1.5}));
}

TEST(Gguf, ReadsWhatItWrites) {
  for (uint32_t alignment : {8u, 32u, 4096u}) {
    TempFile temp(Small(alignment).Bytes());
    auto file = GgufFile::Open(temp.path());
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->table().alignment, alignment);
    EXPECT_EQ(*(*file)->String("general.architecture"), "llama");
    Rng rng(3);
    for (BlockFormat f : kFormats) {
      auto values = Normal(3 * 256, rng);
      auto got = (*file)->Read(std::string(TraitsOf(f).name) + ".weight", {3, 256});
      ASSERT_TRUE(got.ok()) << got.status();
      double error = 0, power = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        error += std::pow(static_cast<double>((*got)[i]) - values[i], 2);
        power += std::pow(values[i], 2);
      }
      bool four = f == BlockFormat::kQ4_0 || f == BlockFormat::kQ4_K;
      EXPECT_LT(std::sqrt(error / power), four ? 0.1 : 0.02) << TraitsOf(f).name;
    }
  }
}

TEST(Gguf, NamesTheKeyOrTensorAtFault) {
  TempFile temp(Small().Bytes());
  auto file = GgufFile::Open(temp.path());
  ASSERT_TRUE(file.ok());
  auto& f = **file;
  EXPECT_EQ(FieldOf(f.Uint("absent").status()), "absent");
  EXPECT_EQ(FieldOf(f.Uint("test.int").status()), "test.int");
  EXPECT_EQ(FieldOf(f.String("test.int").status()), "test.int");
  EXPECT_EQ(FieldOf(f.Ints("test.floats").status()), "test.floats");
  EXPECT_EQ(FieldOf(f.Strings("test.ints").status()), "test.ints");
  EXPECT_EQ(FieldOf(f.Bool("test.ints").status()), "test.ints");
  EXPECT_EQ(FieldOf(f.Read("F32.weight", {3, 255}).status()), "F32.weight");
  EXPECT_EQ(FieldOf(f.Read("none", {3, 255}).status()), "none");
  EXPECT_EQ(GgufFile::Open("/nonexistent").status().code(), absl::StatusCode::kNotFound);
}

TEST(Gguf, EveryTruncationIsRefused) {
  std::string bytes = Small().Bytes();
  // Only the padding after the last tensor may be missing.
  size_t end = 0;
  auto whole = ParseGguf(bytes);
  ASSERT_TRUE(whole.ok());
  for (const auto& [name, t] : whole->tensors) {
    end = std::max(end, static_cast<size_t>(t.begin + t.bytes));
  }
  for (size_t n = 0; n < end; n += n < 1500 ? 1 : 37) {
    auto table = ParseGguf(std::string_view(bytes).substr(0, n));
    ASSERT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument) << n;
    ASSERT_FALSE(FieldOf(table.status()).empty()) << n;
  }
  EXPECT_TRUE(ParseGguf(std::string_view(bytes).substr(0, end)).ok());
}

// A file of one tensor whose bytes a test then spoils.
std::string One(const std::string& name = "t", uint32_t dims = 1, uint64_t n = 8, uint32_t type = 0,
                uint64_t offset = 0, uint64_t data = 32) {
  std::string s = "GGUF";
  auto put = [&](auto v) { s.append(reinterpret_cast<const char*>(&v), sizeof(v)); };
  put(uint32_t{3}), put(uint64_t{1}), put(uint64_t{0});
  put(static_cast<uint64_t>(name.size())), s += name;
  put(dims);
  for (uint32_t i = 0; i < dims; ++i) put(i == 0 ? n : uint64_t{1} << 20);
  put(type), put(offset);
  s.resize((s.size() + 31) / 32 * 32 + data);
  return s;
}

TEST(Gguf, RefusesHostileTensors) {
  ASSERT_TRUE(ParseGguf(One()).ok());
  struct Case {
    const char* what;
    std::string file;
    const char* field;
  } cases[] = {
      {"outside", One("t", 1, 9), "t"},
      {"far outside", One("t", 1, 8, 0, ~31ull), "t"},
      {"unaligned", One("t", 1, 8, 0, 8, 64), "t"},
      {"no dimensions", One("t", 0), "t"},
      {"five dimensions", One("t", 5), "t"},
      {"empty", One("t", 1, 0), "t"},
      {"overflow", One("t", 4, 1ull << 40), "t"},
      {"type", One("t", 1, 8, 3), "t"},
      {"no such type", One("t", 1, 8, 4000000000u), "t"},
      {"part of a block", One("t", 1, 33, 8, 0, 128), "t"},
      {"no name", One(""), "gguf.tensor_name"},
      {"long name", One(std::string(5000, 'x')), "gguf.tensor_name"},
      {"unprintable name", One("a\n\xff", 1, 9), "a??"},
  };
  for (const Case& c : cases) {
    auto table = ParseGguf(c.file);
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument) << c.what;
    EXPECT_EQ(FieldOf(table.status()), c.field) << c.what << ": " << table.status();
  }
}

TEST(Gguf, RefusesHostileHeadersAndMetadata) {
  auto field = [](const std::string& file) { return FieldOf(ParseGguf(file).status()); };
  auto with = [](std::string s, size_t at, auto v) {
    std::memcpy(s.data() + at, &v, sizeof(v));
    return s;
  };
  std::string good = Small().Bytes();
  EXPECT_EQ(field("GGML" + good.substr(4)), "gguf.magic");
  EXPECT_EQ(field(with(good, 4, uint32_t{1})), "gguf.version");
  EXPECT_EQ(field(with(good, 4, uint32_t{3u << 24})), "gguf.version");
  EXPECT_EQ(field(with(good, 8, ~0ull)), "gguf.tensor_count");
  EXPECT_EQ(field(with(good, 8, uint64_t{60000})), "gguf.tensor_count");
  EXPECT_EQ(field(with(good, 16, 1ull << 60)), "gguf.metadata_kv_count");
  EXPECT_EQ(field(with(good, 24, ~0ull)), "gguf.metadata_key");
  // The first pair: an 8-byte length, 20 characters, a type, a length.
  EXPECT_EQ(field(with(good, 52, uint32_t{13})), "general.architecture");
  EXPECT_EQ(field(with(good, 56, 1ull << 63)), "general.architecture");
  EXPECT_EQ(field(with(good, 52, uint32_t{9})), "general.architecture");  // an array of nonsense
  for (uint32_t alignment : {0u, 4u, 24u, 1u << 21}) {
    GgufWriter w;
    w.Uint("general.alignment", alignment);
    EXPECT_EQ(field(w.Bytes()), "general.alignment");
  }
  GgufWriter text_alignment, twice;
  text_alignment.String("general.alignment", "32");
  EXPECT_EQ(field(text_alignment.Bytes()), "general.alignment");
  twice.Uint("a", 1), twice.Uint("a", 2);
  EXPECT_EQ(field(twice.Bytes()), "a");
  GgufWriter same, spare;
  for (int i = 0; i < 2; ++i)
    same.Tensor("t", BlockFormat::kF32, {8}, [] { return std::string(32, 0); });
  EXPECT_EQ(field(same.Bytes()), "t");
}

TEST(Gguf, RefusesOverlap) {
  GgufWriter w;
  for (const char* name : {"a", "b"}) {
    w.Tensor(name, BlockFormat::kF32, {16}, [] { return std::string(64, 0); });
  }
  std::string bytes = w.Bytes();
  // Entry: 8 + 1 name, 4 dims, 8 size, 4 type, 8 offset = 33 bytes; "b" starts at 24 + 33.
  uint64_t offset = 32;
  std::memcpy(bytes.data() + 24 + 33 + 25, &offset, 8);
  auto table = ParseGguf(bytes);
  EXPECT_EQ(FieldOf(table.status()), "b") << table.status();
}

TEST(Gguf, SurvivesRandomDamage) {
  std::string good = Small().Bytes();
  Rng rng(11);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int64_t k = Between(1, 8, rng); k > 0; --k) {
      bad[static_cast<size_t>(Between(0, std::min<int64_t>(1400, std::ssize(bad) - 1), rng))] =
          static_cast<char>(Between(0, 255, rng));
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bad.data()), bad.size());
  }
}

TEST(Gguf, ReplaysTheCorpus) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/tests/fuzz/corpus/gguf")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  EXPECT_GE(files, 5);
}

TEST(BlockFormat, HalvesRoundToNearest) {
  for (uint32_t h = 0; h < 65536; ++h) {
    auto half = static_cast<uint16_t>(h);
    float f = FromHalf(half);
    if (std::isnan(f)) {
      EXPECT_TRUE(std::isnan(FromHalf(ToHalf(f))));
      continue;
    }
    EXPECT_EQ(ToHalf(f), half);
    float next = FromHalf(static_cast<uint16_t>(h + 1));
    if (std::isfinite(f) && std::isfinite(next)) {  // half way: to even; past it: up
      float mid = 0.5f * f + 0.5f * next;
      EXPECT_EQ(ToHalf(mid), h % 2 ? h + 1 : h);
      EXPECT_EQ(ToHalf(std::nextafter(mid, next)), h + 1);
    }
  }
  EXPECT_EQ(ToHalf(65520.0f), 0x7C00);
  EXPECT_EQ(ToHalf(1e30f), 0x7C00);
  EXPECT_EQ(ToBfloat(1.00390625f), 0x3F80);  // half way, to even
  EXPECT_TRUE(std::isnan(FromBfloat(ToBfloat(NAN))));
}

TEST(BlockFormat, QuantisesZerosAndConstants) {
  for (BlockFormat f : kFormats) {
    for (float c : {0.0f, 1.0f, -3.0f, 1e-9f}) {
      std::vector<float> values(512, c), back(512);
      std::string b = Blocks(f, values);
      DequantizeRow(f, b.data(), 512, back.data());
      for (float x : back) EXPECT_NEAR(x, c, std::fabs(c) * 0.01 + 1e-7) << TraitsOf(f).name;
    }
  }
}

}  // namespace
}  // namespace sightline
