#include "fusion/prompt_reader.h"

#include <algorithm>

#include "compute/ops/shape_ops.h"

namespace sightline {
namespace {

size_t Levels(const VisualSpan& s) {
  return s.features.empty() ? 0 : s.deepstack.size() / s.features.size();
}

}  // namespace

Status CheckSpans(const Prompt& prompt, const language::DecoderSpec& spec) {
  for (const PromptPiece& p : prompt.pieces) {
    if (!p.span) continue;
    auto rows = static_cast<size_t>(p.span->rows) * static_cast<size_t>(p.span->cols);
    if (p.span->features.size() != rows * static_cast<size_t>(spec.hidden) || rows == 0 ||
        p.span->deepstack.size() % p.span->features.size() != 0 ||
        Levels(*p.span) > static_cast<size_t>(spec.layers))
      return absl::InvalidArgumentError("visual tokens do not fit this model");
  }
  return absl::OkStatus();
}

PromptReader::PromptReader(const Prompt* prompt, const language::Decoder* decoder)
    : prompt_(prompt), decoder_(decoder) {
  for (const PromptPiece& p : prompt->pieces) {
    if (p.span) levels_ = std::max(levels_, Levels(*p.span));
  }
}

language::StepInput PromptReader::Next(int64_t most) {
  int64_t width = decoder_->spec().hidden, n = std::min(most, prompt_->tokens - row_), done = 0;
  language::StepInput in;
  std::vector<Tensor> rows;
  in.deepstack.assign(levels_, Tensor({n, width}));
  while (done < n) {
    const PromptPiece& p = prompt_->pieces[piece_];
    int64_t size =
        p.span ? int64_t{p.span->rows} * p.span->cols : static_cast<int64_t>(p.ids.size());
    int64_t k = std::min(size - offset_, n - done);
    if (p.span) {
      auto from = p.span->features.begin() + offset_ * width;
      rows.push_back(FromHost({from, from + k * width}, {k, width}, decoder_->device()));
      for (size_t level = 0; level < Levels(*p.span); ++level) {
        size_t at = level * p.span->features.size() + static_cast<size_t>(offset_ * width);
        std::copy_n(&p.span->deepstack[at], k * width, in.deepstack[level].row(done));
      }
    } else if (k > 0) {
      rows.push_back(decoder_->Embed({p.ids.begin() + offset_, p.ids.begin() + offset_ + k}));
    }
    done += k;
    offset_ += k;
    if (offset_ == size) ++piece_, offset_ = 0;
  }
  in.x = JoinRows(rows);
  if (!prompt_->positions.empty()) {
    for (int64_t stream = 0; stream < 3; ++stream) {
      auto from = prompt_->positions.begin() + stream * prompt_->tokens + row_;
      in.positions.insert(in.positions.end(), from, from + n);
    }
  }
  row_ += n;
  return in;
}

}  // namespace sightline
