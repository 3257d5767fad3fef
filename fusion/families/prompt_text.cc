#include "fusion/families/prompt_text.h"

#include <algorithm>

#include "fusion/families/vision_side.h"

namespace sightline {
namespace {

// A box of visual tokens that share where they start.
struct Box {
  int offset = 0, steps = 1, rows = 0, cols = 0;
  double pace = 1;  // positions between steps
};

// Text counts up in all three streams; a box starts after the largest position so far.
std::vector<int32_t> BoxPositions(int tokens, const std::vector<Box>& boxes) {
  auto total = static_cast<size_t>(tokens);
  std::vector<int32_t> out(3 * total);
  int32_t next = 0;
  size_t i = 0;
  for (size_t b = 0; b <= boxes.size(); ++b) {
    size_t end = b < boxes.size() ? static_cast<size_t>(boxes[b].offset) : total;
    for (; i < end; ++i) out[i] = out[total + i] = out[2 * total + i] = next++;
    if (b == boxes.size()) break;
    const Box& k = boxes[b];
    int32_t start = next;
    for (int32_t n = 0; n < k.steps * k.rows * k.cols; ++n, ++i) {
      int32_t step = n / (k.rows * k.cols);
      out[i] = start + static_cast<int32_t>(step * k.pace);
      out[total + i] = start + n / k.cols % k.rows;
      out[2 * total + i] = start + n % k.cols;
      next = std::max({next, out[i] + 1, out[total + i] + 1, out[2 * total + i] + 1});
    }
  }
  return out;
}

}  // namespace

void PromptText::Mixed(std::string_view text, absl::Span<const language::TextSpan> user) {
  for (const language::TextSpan& s : user)
    user_.push_back({text_.size() + s.begin, text_.size() + s.end});
  text_ += text;
}

void PromptText::Visual(const Block& block, std::string_view place_text) {
  text_ += place_text;
  blocks_.push_back(block);
}

StatusOr<Prompt> PromptText::Finish(const language::Tokenizer& codec, const Rules& rules) const {
  SL_ASSIGN_OR_RETURN(std::vector<int32_t> ids, codec.EncodeTemplate(text_, user_));
  if (rules.post_processed) ids = codec.WithSpecialTokens(std::move(ids));
  Prompt prompt;
  std::vector<Box> boxes;
  size_t next = 0;
  auto is_place = [&](int32_t id) {
    return std::any_of(blocks_.begin(), blocks_.end(),
                       [id](const Block& b) { return b.place == id; });
  };
  for (int32_t id : ids) {
    if (!is_place(id)) {
      if (prompt.pieces.empty() || prompt.pieces.back().span) prompt.pieces.push_back({});
      prompt.pieces.back().ids.push_back(id);
      ++prompt.tokens;
      continue;
    }
    if (next == blocks_.size() || blocks_[next].place != id)
      return BadMedia("the text names a token that stands for media");
    const Block& b = blocks_[next++];
    int n = b.span->rows * b.span->cols;
    if (b.steps > 0) boxes.push_back({prompt.tokens, b.steps, b.span->rows, b.span->cols, b.pace});
    prompt.pieces.push_back({std::vector<int32_t>(static_cast<size_t>(n), id), b.span});
    prompt.tokens += n;
    prompt.visual_tokens += n;
  }
  if (next != blocks_.size())
    return absl::InternalError("the tokenizer does not keep the places of media");
  if (rules.mrope && !boxes.empty()) prompt.positions = BoxPositions(prompt.tokens, boxes);
  return prompt;
}

}  // namespace sightline
