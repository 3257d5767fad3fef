#include "tests/text/corpus.h"

#include <algorithm>
#include <iterator>

#include "language/text/unicode.h"

namespace sightline::language {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // SplitMix64
    uint64_t x = state_ += 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
  }
  size_t Below(size_t n) { return static_cast<size_t>(Next() % n); }
  template <size_t N>
  const char* Pick(const char* const (&list)[N]) {
    return list[Below(N)];
  }

 private:
  uint64_t state_;
};

constexpr const char* kWords[] = {
    "the",      "image",  "shows",   "Person", "riding", "a",      "bicycle", "in",     "front",
    "of",       "QUEUE",  "world",   "Hello",  "what",   "object", "don",     "return", "function",
    "tokens",   "larger", "than",    "x",      "I",      "you",    "WE",      "it",     "th",
    "internat", "iona",   "ization", "left",   "Th",     "blue",   "caf",     "rocket", "happens"};
constexpr const char* kTails[] = {"'s", "'t", "'re",       "'ve", "'m",  "'ll",
                                  "'d", "'S", "'T",        "'RE", "'Ve", "'LL",
                                  "'D", "'x", "'\xC5\xBF", "''s", "'",   "\xE2\x80\x99s"};
constexpr const char* kSpaces[] = {" ",
                                   " ",
                                   " ",
                                   "  ",
                                   "   ",
                                   "\n",
                                   "\n\n",
                                   "\t",
                                   "\r\n",
                                   "\r",
                                   "\v",
                                   "\f",
                                   "\xC2\x85",
                                   "\xC2\xA0",
                                   "\xE2\x80\x83",
                                   "\xE2\x80\xA8",
                                   "\xE3\x80\x80",
                                   " \n ",
                                   "\n  ",
                                   " \t ",
                                   "\x1C",
                                   "\xE2\x80\x8B"};
constexpr const char* kMarks[] = {".",
                                  ",",
                                  "!",
                                  "?",
                                  ":",
                                  ";",
                                  "(",
                                  ")",
                                  "[",
                                  "]",
                                  "{",
                                  "}",
                                  "<",
                                  ">",
                                  "/",
                                  "\\",
                                  "|",
                                  "@",
                                  "#",
                                  "$",
                                  "%",
                                  "^",
                                  "&",
                                  "*",
                                  "-",
                                  "_",
                                  "=",
                                  "+",
                                  "~",
                                  "`",
                                  "\"",
                                  "...",
                                  "://",
                                  "->",
                                  "**",
                                  "\xE2\x80\x94",
                                  "\xC2\xBF",
                                  "\xE3\x80\x82",
                                  "\xEF\xBC\x8C",
                                  "\xC2\xA7",
                                  "\xE2\x96\x81",
                                  "\xE2\x96\x81\xE2\x96\x81",
                                  ".\n",
                                  ")\n\n",
                                  "/\n"};
constexpr const char* kNumbers[] = {"0",
                                    "7",
                                    "42",
                                    "123",
                                    "1234",
                                    "3.14159",
                                    "10,000",
                                    "2026",
                                    "1234567890",
                                    "\xC2\xB2",
                                    "\xC2\xBD",
                                    "\xE2\x85\xA7",
                                    "\xD9\xA3\xD9\xA4",
                                    "\xE0\xA5\xAA",
                                    "\xE2\x91\xA0",
                                    "1st",
                                    "0x1F"};
constexpr const char* kScripts[] = {"caf\xC3\xA9",
                                    "cafe\xCC\x81",
                                    "nai\xCC\x88ve",
                                    ("Gr\xC3\xB6\xC3\x9F"
                                     "e"),
                                    "\xEF\xAC\x81n",
                                    "A\xCC\x8A",
                                    "\xE2\x84\xAB",
                                    "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",
                                    "\xED\x95\x9C\xEA\xB5\xAD",
                                    "\xE4\xBD\xA0\xE5\xA5\xBD",
                                    "\xE4\xB8\x96\xE7\x95\x8C",
                                    "\xE3\x81\x93\xE3\x82\x93",
                                    "\xE3\x81\x8B\xE3\x82\x99",
                                    "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82",
                                    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
                                    "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                                    "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\x82\xE0\xA4\xA6\xE0\xA5\x80",
                                    "\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2",
                                    "\xCE\xA9\xCE\xAC\xCF\x82",
                                    "\xC4\xB0stanbul",
                                    "\xF0\x9D\x94\x98\xF0\x9D\x94\xAB",
                                    "\xC7\x85",
                                    "\xCA\xB0"};
constexpr const char* kEmoji[] = {"\xF0\x9F\x99\x82",
                                  "\xF0\x9F\x9A\x80",
                                  "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80",
                                  "\xF0\x9F\x87\xB3\xF0\x9F\x87\xB4",
                                  "\xE2\x9D\xA4\xEF\xB8\x8F",
                                  "\xE2\x89\x88",
                                  "\xE2\x88\xAB",
                                  "\xE2\x82\xAC",
                                  "\xEE\x80\x80"};
constexpr const char* kSpecials[] = {"<|im_start|>",
                                     "<|im_end|>",
                                     "<|endoftext|>",
                                     "<|vision_start|>",
                                     "<image>",
                                     "<s>",
                                     "</s>",
                                     "<unk>",
                                     "<pad>",
                                     "<|eot_id|>",
                                     "<|begin_of_text|>",
                                     "<|image_pad|>",
                                     "<|im_start",
                                     "<<s>>",
                                     "<0x41>",
                                     "<0xE2>",
                                     "<end_of_utterance>",
                                     "<row_1_col_2>",
                                     "<global-img>",
                                     "|im_end|>"};

// A character that has been assigned for long, so that the references' tables agree on it.
char32_t AnyCharacter(Random* r) {
  static constexpr char32_t kRanges[][2] = {
      {0x00, 0x7F},      {0x80, 0x24F},    {0x250, 0x377},   {0x384, 0x38A},     {0x400, 0x52F},
      {0x5D0, 0x5EA},    {0x620, 0x64A},   {0x900, 0x97F},   {0xE01, 0xE3A},     {0x10A0, 0x10C5},
      {0x1100, 0x11FF},  {0x1E00, 0x1F15}, {0x2000, 0x2064}, {0x2070, 0x2071},   {0x2100, 0x218B},
      {0x2190, 0x23FF},  {0x2460, 0x27BF}, {0x3001, 0x30FF}, {0x4E00, 0x9FA5},   {0xAC00, 0xD7A3},
      {0xE000, 0xE0FF},  {0xFB00, 0xFB06}, {0xFF01, 0xFF5E}, {0x1D400, 0x1D454}, {0x1F300, 0x1F64F},
      {0x20000, 0x2A6D6}};
  const auto& range = kRanges[r->Below(std::size(kRanges))];
  return range[0] + static_cast<char32_t>(r->Below(range[1] - range[0] + 1));
}

void Append(Random* r, std::string* out) {
  switch (r->Below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      *out += r->Pick(kWords);
      break;
    case 4:
      *out += r->Pick(kWords);
      *out += r->Pick(kTails);
      break;
    case 5:
    case 6:
    case 7:
    case 8:
      *out += r->Pick(kSpaces);
      break;
    case 9:
      *out += r->Pick(kMarks);
      break;
    case 10:
      *out += r->Pick(kNumbers);
      break;
    case 11:
      *out += r->Pick(kScripts);
      break;
    case 12:
      *out += r->Below(2) ? r->Pick(kEmoji) : r->Pick(kScripts);
      break;
    case 13:
      *out += r->Pick(kSpecials);
      break;
    case 14:
      for (size_t n = r->Below(6); n > 0; --n) AppendUtf8(AnyCharacter(r), out);
      break;
    default: {
      const char* again = r->Pick(kWords);
      for (size_t n = r->Below(10) ? 2 : 40; n > 0; --n) *out += again;
    }
  }
}

}  // namespace

std::vector<std::string> CorpusStrings(size_t count, uint64_t seed) {
  Random r(seed);
  std::vector<std::string> out(count);
  for (std::string& s : out) {
    size_t parts = r.Below(8) ? 1 + r.Below(12) : r.Below(60);
    bool spaced = r.Below(3) == 0;
    for (size_t i = 0; i < parts; ++i) {
      Append(&r, &s);
      if (spaced) s += ' ';
    }
  }
  return out;
}

std::vector<std::vector<int32_t>> CorpusIds(size_t count, uint64_t seed, int32_t vocab) {
  Random r(seed);
  std::vector<std::vector<int32_t>> out(count);
  for (auto& ids : out) {
    for (size_t n = r.Below(24); n > 0; --n) {
      int32_t most = r.Below(2) ? vocab : std::min(vocab, 300);
      ids.push_back(static_cast<int32_t>(r.Below(static_cast<size_t>(most))));
    }
  }
  return out;
}

uint32_t Fnv(const void* data, size_t bytes) {
  const auto* p = static_cast<const uint8_t*>(data);
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < bytes; ++i) h = (h ^ p[i]) * 16777619u;
  return h;
}

}  // namespace sightline::language
