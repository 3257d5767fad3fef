// 10,000 strings for tokenizers, the same everywhere for a seed: words and contractions, numbers,
// every kind of white space, scripts with marks, emoji, texts of special tokens, random characters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sightline::language {

std::vector<std::string> CorpusStrings(size_t count, uint64_t seed);
// Ids below `vocab` for decoding: mostly nonsense, often broken UTF-8.
std::vector<std::vector<int32_t>> CorpusIds(size_t count, uint64_t seed, int32_t vocab);

// FNV-1a, the hash of the golden files.
uint32_t Fnv(const void* data, size_t bytes);

}  // namespace sightline::language
