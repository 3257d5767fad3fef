// tokenizer_bench [--model FILE ...] [--bytes N] [--runs N] [--json]: encoding and decoding speed
// on one core, for the golden tokenizers or tokenizer.json files given. Checks while it times:
// every run gives the same ids, and decoding gives the text back.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "language/text/tokenizer.h"
#include "tools/ceilings/machine.h"

namespace sightline::bench {
namespace {

using language::Tokenizer;

constexpr double kFloorMbPerS = 10;  // what a server must reach on one core

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Options {
  std::vector<std::string> files;
  size_t bytes = size_t{8} << 20;
  int runs = 5;
  bool json = false;
};

// Prose like a model's own: words drawn by Zipf's law from a vocabulary that the seed makes, with
// punctuation, numbers, capitals, line ends and some words of other scripts.
std::string Prose(size_t bytes, uint64_t seed) {
  static constexpr const char* kSyllables[] = {"the", "re",  "in", "a",   "con", "ti", "o",  "ver",
                                               "al",  "pre", "s",  "ing", "ma",  "ed", "ly", "tion",
                                               "be",  "ter", "un", "li",  "ca",  "de", "mo", "ra"};
  static constexpr const char* kOther[] = {"\xC3\xA9t\xC3\xA9", "\xE4\xBD\xA0\xE5\xA5\xBD",
                                           "\xD0\xBC\xD0\xB8\xD1\x80", "na\xC3\xAFve"};
  auto next = [&seed] {
    uint64_t x = seed += 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    return (x ^ x >> 27) * 0x94D049BB133111EBull >> 11;
  };
  std::vector<std::string> words(30000);
  for (std::string& w : words) {
    for (uint64_t n = 1 + next() % 4; n > 0; --n) w += kSyllables[next() % std::size(kSyllables)];
  }
  std::string text;
  text.reserve(bytes + 64);
  bool capital = true;
  while (text.size() < bytes) {
    double u = static_cast<double>(next() % 1000000 + 1) / 1e6;
    auto rank = static_cast<size_t>(std::pow(static_cast<double>(words.size()), u)) - 1;
    uint64_t kind = next() % 100;
    std::string word = kind == 0   ? std::to_string(next() % 10000)
                       : kind == 1 ? kOther[next() % std::size(kOther)]
                                   : words[rank];
    if (capital && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 32);
    text += word;
    capital = kind >= 92;
    text += kind >= 98 ? ".\n\n" : kind >= 92 ? ". " : kind >= 84 ? ", " : " ";
  }
  return text;
}

struct Result {
  std::string name;
  double load_ms = 0, encode_mb_per_s = 0, decode_mb_per_s = 0, bytes_per_token = 0;
  bool checked = true;
};

std::vector<int32_t> Encode(const Tokenizer& t, const std::string& text) {
  auto ids = t.EncodeUserText(text);
  SL_CHECK(ids.ok());
  return *std::move(ids);
}

Result Measure(const std::string& path, const std::string& text, int runs) {
  Result r;
  r.name = path.substr(path.rfind('/') + 1);
  std::string json = ReadAll(path);
  double from = NowMs();
  auto tokenizer = Tokenizer::Parse(json);
  r.load_ms = NowMs() - from;
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), tokenizer.status().ToString().c_str());
    std::exit(2);
  }
  std::vector<int32_t> first = Encode(**tokenizer, text);
  std::vector<double> encode, decode;
  double mb = static_cast<double>(text.size()) / 1e6;
  for (int i = 0; i < runs; ++i) {
    from = NowMs();
    std::vector<int32_t> ids = Encode(**tokenizer, text);
    double between = NowMs();
    std::string back = (*tokenizer)->Decode(ids);
    encode.push_back(mb / (between - from) * 1e3);
    decode.push_back(mb / (NowMs() - between) * 1e3);
    r.checked &= ids == first && back == text;
  }
  r.encode_mb_per_s = Median(encode);
  r.decode_mb_per_s = Median(decode);
  r.bytes_per_token = static_cast<double>(text.size()) / static_cast<double>(first.size());
  return r;
}

Options Read(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    auto is = [&](const char* name) { return !std::strcmp(argv[i], name) && i + 1 < argc; };
    if (!std::strcmp(argv[i], "--json")) {
      o.json = true;
    } else if (is("--model")) {
      o.files.push_back(argv[++i]);
    } else if (is("--bytes")) {
      o.bytes = static_cast<size_t>(std::max(1L, std::atol(argv[++i])));
    } else if (is("--runs")) {
      o.runs = std::max(1, std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr,
                   "usage: tokenizer_bench [--model FILE ...] [--bytes N] [--runs N] [--json]\n");
      std::exit(2);
    }
  }
  if (o.files.empty()) {
    for (const char* name : {"llama2", "llama3", "qwen2", "smollm"})
      o.files.push_back(std::string("tests/golden/tokenizers/") + name + ".json");
  }
  return o;
}

int Main(int argc, char** argv) {
  Options o = Read(argc, argv);
  std::string text = Prose(o.bytes, 7);
  nlohmann::json rows = nlohmann::json::array();
  bool ok = true;
  if (!o.json)
    std::printf("%-16s %9s %12s %12s %12s  floor %g MB/s\n", "tokenizer", "load ms", "encode MB/s",
                "decode MB/s", "bytes/token", kFloorMbPerS);
  for (const std::string& file : o.files) {
    Result r = Measure(file, text, o.runs);
    ok &= r.checked;
    rows.push_back({{"tokenizer", r.name},
                    {"load_ms", r.load_ms},
                    {"encode_mb_per_s", r.encode_mb_per_s},
                    {"decode_mb_per_s", r.decode_mb_per_s},
                    {"bytes_per_token", r.bytes_per_token},
                    {"floor_mb_per_s", kFloorMbPerS},
                    {"checked", r.checked}});
    if (!o.json)
      std::printf("%-16s %9.1f %12.1f %12.1f %12.2f  %s\n", r.name.c_str(), r.load_ms,
                  r.encode_mb_per_s, r.decode_mb_per_s, r.bytes_per_token,
                  r.checked ? "checked" : "WRONG");
  }
  if (o.json) std::puts(nlohmann::json{{"bytes", o.bytes}, {"rows", rows}}.dump(1).c_str());
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) { return sightline::bench::Main(argc, argv); }
