// SentencePiece's scores as the ordered merges of BPE.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

struct ScoredPiece {
  std::string_view text;  // valid UTF-8
  double score = 0;       // a pair that joins to a piece of a higher score joins first
};

// Every way to put a piece together from two others, the highest score first; of one score (the
// ways to one piece) longer left halves first, as transformers orders them when it converts such a
// vocabulary. UNIMPLEMENTED when the scores say nothing (all the same), INVALID_ARGUMENT for pieces
// above 256 bytes.
StatusOr<std::vector<std::pair<std::string, std::string>>> MergesOfPieces(
    const std::vector<ScoredPiece>& pieces);

}  // namespace sightline
