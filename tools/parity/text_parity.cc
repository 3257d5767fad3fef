#include "tools/parity/text_parity.h"

#include <algorithm>

#include "compute/ops/shape_ops.h"

namespace sightline::parity {
namespace {

using language::Decoder;
using language::Sequence;
using language::StepInput;
using language::StepTaps;

// The last n rows of x [T, C].
std::vector<float> LastRows(const Tensor& x, int64_t n) {
  std::vector<float> all = HostValues(x);
  n = std::min(n, x.rows());
  return {all.end() - n * x.cols(), all.end()};
}

std::vector<float> Joined(const std::vector<Tensor>& parts) {
  std::vector<float> all;
  for (const Tensor& p : parts) all.insert(all.end(), p.data.begin(), p.data.end());
  return all;
}

int32_t Best(std::vector<float> logits, const std::vector<int32_t>& end_ids) {
  for (int32_t id : end_ids) {
    if (static_cast<size_t>(id) < logits.size()) logits[static_cast<size_t>(id)] = -1e30f;
  }
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

StatusOr<std::vector<int32_t>> Greedy(const Decoder& decoder, std::vector<float> logits,
                                      size_t count, const std::vector<int32_t>& end_ids,
                                      Sequence* seq) {
  std::vector<int32_t> out;
  while (out.size() < count) {
    out.push_back(Best(logits, end_ids));
    if (out.size() == count) break;
    SL_ASSIGN_OR_RETURN(logits, decoder.Forward(decoder.Embed({out.back()}), seq));
  }
  return out;
}

StatusOr<std::vector<float>> HiddenOf(const StepTaps& taps, const Tensor& expected) {
  std::vector<float> all;
  if (expected.shape.size() != 3)
    return absl::InvalidArgumentError("hidden states need three dimensions");
  for (const Tensor& h : taps.hidden) {
    std::vector<float> rows = LastRows(h, expected.shape[1]);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

}  // namespace

PromptRows TextRows(const Decoder& decoder) {
  return [&decoder](const std::vector<int32_t>& ids) -> StatusOr<StepInput> {
    return StepInput{decoder.Embed(ids), {}, {}};
  };
}

Status CompareText(const Decoder& decoder, const GoldenFile& golden, const TextCase& text_case,
                   Report* report) {
  const std::string& name = text_case.name;
  SL_ASSIGN_OR_RETURN(std::vector<int32_t> ids, golden.Ints("in.input_ids"));
  for (int32_t id : ids) {
    if (id < 0 || id >= decoder.spec().vocab)
      return absl::InvalidArgumentError("in.input_ids leaves the vocabulary");
  }
  if (ids.empty()) return absl::InvalidArgumentError("in.input_ids is empty");
  SL_ASSIGN_OR_RETURN(StepInput input, text_case.rows(ids));
  PagePool pool(decoder.page_numbers(), int64_t{4} << 30, decoder.device(), text_case.kv);
  Sequence seq(&pool, decoder.spec().layers);
  StepTaps taps;
  taps.want_attention = golden.Has("out.attention_last_row");
  SL_ASSIGN_OR_RETURN(Tensor hidden, decoder.Run(std::move(input), &seq, &taps));
  Tensor logits = decoder.Logits(hidden);
  auto compare = [&](const std::string& tap, const std::vector<float>& got, const Tensor& want) {
    report->Add({name, tap, RelativeError(got, want.data), kFloatBound, ""});
  };
  if (golden.Has("out.hidden_states_last8")) {
    SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats("out.hidden_states_last8"));
    SL_ASSIGN_OR_RETURN(std::vector<float> got, HiddenOf(taps, want));
    compare("hidden_states_last8", got, want);
  }
  if (taps.want_attention) {
    SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats("out.attention_last_row"));
    compare("attention_last_row", Joined(taps.last_row), want);
  }
  SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats("out.logits_last48"));
  compare("logits_last48", LastRows(logits, want.rows()), want);
  SL_ASSIGN_OR_RETURN(std::vector<int32_t> tokens, golden.Ints("out.generated"));
  SL_ASSIGN_OR_RETURN(std::vector<int32_t> greedy,
                      Greedy(decoder, LastRows(logits, 1), tokens.size(), text_case.end_ids, &seq));

  report->Add({name, "generated", Mismatches(greedy, tokens), 0, "share of tokens that differ"});
  return absl::OkStatus();
}

}  // namespace sightline::parity
