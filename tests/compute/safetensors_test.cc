#include "compute/weights/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/compute/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sightline {
namespace {

std::string File(const std::string& header, const std::string& data) {
  uint64_t n = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &n, 8);
  return file + header + data;
}

std::string Entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

struct Refusal {
  const char* name;
  std::string header;
  size_t data_bytes;
  const char* says;
};

std::vector<Refusal> Refusals() {
  std::string a = Entry("F32", "[2]", "[0,8]");
  return {
      {"not JSON", "{", 0, "not a JSON object"},
      {"array", "[]", 0, "not a JSON object"},
      {"bad utf-8", "{\"\xff\":1}", 0, "not a JSON object"},
      {"depth", std::string(100000, '['), 0, "not a JSON object"},
      {"entry is a number", R"({"a":1})", 0, "needs dtype"},
      {"no dtype", R"({"a":{"shape":[],"data_offsets":[0,0]}})", 0, "needs dtype"},
      {"three offsets", "{\"a\":" + Entry("F32", "[2]", "[0,8,8]") + "}", 8, "needs dtype"},
      {"dtype", "{\"a\":" + Entry("F33", "[2]", "[0,8]") + "}", 8, "unknown dtype"},
      {"negative size", "{\"a\":" + Entry("F32", "[-2]", "[0,8]") + "}", 8, "bad dimension"},
      {"fraction", "{\"a\":" + Entry("F32", "[2.5]", "[0,8]") + "}", 8, "bad dimension"},
      {"huge size", "{\"a\":" + Entry("F32", "[18446744073709551615]", "[0,8]") + "}", 8,
       "bad dimension"},
      {"product overflows",
       "{\"a\":" + Entry("F32", "[1099511627776,1099511627776]", "[0,8]") + "}", 8, "too large"},
      {"rank", "{\"a\":" + Entry("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8,
       "too many dimensions"},
      {"negative offset", "{\"a\":" + Entry("F32", "[2]", "[-8,0]") + "}", 8, "bad offsets"},
      {"text offset", "{\"a\":" + Entry("F32", "[2]", "[\"0\",8]") + "}", 8, "bad offsets"},
      {"backwards", "{\"a\":" + Entry("F32", "[2]", "[8,0]") + "}", 8, "outside the file"},
      {"past the end", "{\"a\":" + Entry("F32", "[2]", "[0,8]") + "}", 7, "outside the file"},
      {"far past the end",
       "{\"a\":" + Entry("F32", "[2]", "[18446744073709551600,18446744073709551608]") + "}", 8,
       "outside the file"},
      {"size and shape differ", "{\"a\":" + Entry("F32", "[3]", "[0,8]") + "}", 8,
       "do not match its shape"},
      {"overlap", "{\"a\":" + a + ",\"b\":" + Entry("F16", "[2]", "[4,8]") + "}", 8, "overlap"},
      {"same bytes twice", "{\"a\":" + a + ",\"b\":" + a + "}", 8, "overlap"},
      {"hole", "{\"a\":" + a + ",\"b\":" + Entry("F16", "[2]", "[12,16]") + "}", 16,
       "between tensors"},
      {"hole at the front", "{\"b\":" + Entry("F16", "[2]", "[4,8]") + "}", 8, "between tensors"},
      {"tail", "{\"a\":" + a + "}", 9, "after the last tensor"},
      {"name twice", "{\"a\":" + a + ",\"a\":" + a + "}", 8, "twice"},
      {"field twice", R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
       "twice"},
      {"long name", "{\"" + std::string(2000, 'n') + "\":" + a + "}", 8, "too long"},
  };
}

TEST(SafetensorsTest, RefusesEachDefectAndSaysWhich) {
  for (const Refusal& r : Refusals()) {
    SCOPED_TRACE(r.name);
    uint64_t begin = 0;
    auto got = ParseSafetensors(File(r.header, std::string(r.data_bytes, 'x')), &begin);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(ReasonOf(got.status()), "MODEL_FILE_INVALID");
    EXPECT_NE(got.status().message().find(r.says), std::string::npos) << got.status().message();
    EXPECT_LT(got.status().message().size(), 1500u);
  }
}

TEST(SafetensorsTest, RefusesBadHeaderLengths) {
  uint64_t begin = 0;
  for (const std::string& file : {std::string(), std::string("1234567"), std::string(8, '\xff'),
                                  std::string("\x03\0\0\0\0\0\0\0{}", 10)}) {
    EXPECT_FALSE(ParseSafetensors(file, &begin).ok());
  }
}

TEST(SafetensorsTest, EveryTruncationOfAGoodFileIsRefused) {
  std::string file = File("{\"a\":" + Entry("F32", "[2]", "[0,8]") + "}", "12345678");
  uint64_t begin = 0;
  ASSERT_TRUE(ParseSafetensors(file, &begin).ok());
  for (size_t n = 0; n < file.size(); ++n)
    EXPECT_FALSE(ParseSafetensors(file.substr(0, n), &begin).ok());
}

TEST(SafetensorsTest, TakesEmptyTensorsScalarsAndMetadata) {
  uint64_t begin = 0;
  auto got = ParseSafetensors(
      File(R"({"__metadata__":{"format":"pt"},"e":)" + Entry("F32", "[0,7]", "[0,0]") +
               ",\"s\":" + Entry("F32", "[]", "[0,4]") + "}",
           "abcd"),
      &begin);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->size(), 2u);
}

std::string WriteTemp(const std::string& name, const std::string& bytes) {
  std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// The value of a 16-bit float by its definition: sign, exponent, fraction.
double Half(uint16_t x, int exponent_bits) {
  int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
  int e = x >> fraction_bits & ((1 << exponent_bits) - 1), f = x & ((1 << fraction_bits) - 1);
  double v = e ? std::ldexp(1 + std::ldexp(f, -fraction_bits), e - bias)
               : std::ldexp(f, 1 - bias - fraction_bits);
  return x & 0x8000 ? -v : v;
}

TEST(WeightFileTest, ReadsEveryFiniteHalfExactly) {
  std::string data;
  std::vector<uint16_t> bits;
  for (uint32_t x = 0; x < 65536; ++x) bits.push_back(static_cast<uint16_t>(x));
  data.assign(reinterpret_cast<const char*>(bits.data()), 131072);
  std::string path = WriteTemp(
      "half.safetensors", File("{\"b\":" + Entry("BF16", "[65536]", "[0,131072]") +
                                   ",\"h\":" + Entry("F16", "[256,256]", "[131072,262144]") + "}",
                               data + data));
  auto file = WeightFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  auto b = (*file)->Read("b", {-1}), h = (*file)->Read("h", {256, 256});
  ASSERT_TRUE(b.ok() && h.ok());
  for (size_t x = 0; x < 65536; ++x) {
    if ((x & 0x7F80) != 0x7F80) {
      ASSERT_EQ(b->data[x], static_cast<float>(Half(bits[x], 8))) << x;
    }
    if ((x & 0x7C00) != 0x7C00) {
      ASSERT_EQ(h->data[x], static_cast<float>(Half(bits[x], 5))) << x;
    }
  }
  EXPECT_TRUE(std::isinf(h->data[0x7C00]) && std::isnan(h->data[0x7C01]) &&
              std::isinf(b->data[0x7F80]));
}

TEST(WeightFileTest, ReadsFloatsAtAnyAlignmentAndNamesWhatIsWrong) {
  Rng rng(8);
  auto values = Normal(6, rng);
  std::string data = "z" + std::string(reinterpret_cast<const char*>(values.data()), 24);
  std::string path =
      WriteTemp("float.safetensors", File("{\"z\":" + Entry("U8", "[1]", "[0,1]") +
                                              ",\"w\":" + Entry("F32", "[2,3]", "[1,25]") + "}",
                                          data));
  auto file = WeightFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->Read("w", {2, -1})->data, values);
  Status shape = (*file)->Read("w", {3, 2}).status(), type = (*file)->Read("z", {1}).status();
  EXPECT_EQ(shape.message(), "safetensors: tensor 'w' has shape [2, 3], expected [3, 2]");
  EXPECT_NE(type.message().find("dtype U8"), std::string::npos);
  EXPECT_NE((*file)->Read("q", {1}).status().message().find("'q' is missing"), std::string::npos);
  Status missing = WeightFile::Open(testing::TempDir() + "nowhere.safetensors").status();
  EXPECT_EQ(ReasonOf(missing), "MODEL_FILE_MISSING");
  EXPECT_EQ(missing.message().find("nowhere"), std::string::npos);
  EXPECT_FALSE(WeightFile::Open(WriteTemp("empty.safetensors", "")).ok());
}

TEST(WeightFileTest, OpensTheShippedWeights) {
  for (const auto& e : std::filesystem::recursive_directory_iterator(
           std::string(SIGHTLINE_SOURCE_DIR) + "/models")) {
    if (e.path().extension() == ".safetensors") {
      EXPECT_TRUE(WeightFile::Open(e.path()).ok());
    }
  }
}

TEST(SafetensorsFuzzTest, ReplaysTheCorpusAndItsMutations) {
  Rng rng(9);
  int files = 0;
  for (const auto& e : std::filesystem::directory_iterator(std::string(SIGHTLINE_SOURCE_DIR) +
                                                           "/tests/fuzz/corpus/safetensors")) {
    std::ifstream in(e.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    ++files;
    for (int i = 0; i < 500; ++i) {
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      auto at = static_cast<size_t>(Between(0, static_cast<int64_t>(bytes.size()) - 1, rng));
      bytes[at] = static_cast<char>(Between(0, 255, rng));
    }
  }
  EXPECT_GE(files, 5);
}

}  // namespace
}  // namespace sightline
