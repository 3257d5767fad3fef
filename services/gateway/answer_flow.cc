#include "services/gateway/answer_flow.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "services/error.h"

namespace sightline {
namespace {

// Above this probability the reply carries a warning.
constexpr double kOutOfDomain = 0.5;
// What is said of media that all are outside the model's world, in place of what it would make up.
constexpr char kCannotTell[] = "I can't tell";

void SetDuration(double seconds, google::protobuf::Duration* out) {
  const auto ns = static_cast<int64_t>(std::llround(std::max(0.0, seconds) * 1e9));
  out->set_seconds(ns / 1000000000);
  out->set_nanos(static_cast<int32_t>(ns % 1000000000));
}

std::string Counted(int count, const char* what, const char* whats) {
  return std::to_string(count) + " " + (count == 1 ? what : whats);
}

// "this clip's file is damaged: A; B", of what it has lost alone.
std::string SayDamage(const EncodedMedia& media) {
  const MediaDamage& d = media.damage;
  std::string said = "this clip's file is damaged: ", between;
  auto add = [&](const std::string& text) {
    said += between + text;
    between = "; ";
  };
  if (d.missing_s > 0) {
    // An index of fragments covers those alone that the file holds: more may be missing.
    char seconds[96];
    std::snprintf(seconds, sizeof seconds,
                  d.missing_s < 0.1
                      ? "it is cut off near its end, %.1f seconds could be read"
                      : "it is cut off, %.1f seconds could be read and at least %.1f are missing",
                  media.duration_s, d.missing_s);
    add(seconds);
  }
  if (d.lost_frames > 0)
    add(Counted(d.lost_frames, "frame", "frames") + " to look at could not be decoded");
  if (d.damaged_frames > 0)
    add(Counted(d.damaged_frames, "frame", "frames") + " looked at may show what is not there");
  return said;
}

void WarnOfDamage(const EncodedMedia& media, int content_index, v1::AnswerSummary* summary) {
  if (!media.damage.any()) return;
  v1::Warning* w = summary->add_warnings();
  w->set_code(v1::WARNING_CODE_MEDIA_DAMAGED);
  w->set_message(SayDamage(media));
  w->set_content_index(content_index);
}

// True when the media are outside the model's world.
bool Describe(const CheckedPart& part, const FoundMedia& found, v1::AnswerSummary* summary) {
  const EncodedMedia& media = *found.media;
  v1::MediaInfo* info = summary->add_media();
  info->set_cached(found.cached);
  info->set_content_index(part.index);
  info->set_width_px(media.source_width_px);
  info->set_height_px(media.source_height_px);
  int tokens = 0;
  for (const VisualSpan& span : media.spans) {
    tokens += span.rows * span.cols;
    if (media.kind == MediaItem::Kind::kVideo) SetDuration(span.time_s, info->add_frame_offsets());
  }
  if (media.kind == MediaItem::Kind::kVideo)
    SetDuration(media.duration_s, info->mutable_duration());
  info->set_visual_tokens(tokens);
  WarnOfDamage(media, part.index, summary);
  if (media.out_of_domain_score.value_or(0) <= kOutOfDomain) return false;
  v1::Warning* w = summary->add_warnings();
  w->set_code(v1::WARNING_CODE_OUT_OF_DOMAIN);
  w->set_message(
      "this does not look like anything the model was trained on; do not rely on the answer");
  w->set_content_index(part.index);
  w->set_score(*media.out_of_domain_score);
  return true;
}

void SayCannotTell(absl::Time began, const LanguageRole::Sink& sink, v1::AnswerSummary* summary) {
  sink({kCannotTell});
  summary->set_finish_reason(v1::FINISH_REASON_STOP);
  int tokens = 0;
  for (const v1::MediaInfo& m : summary->media()) tokens += m.visual_tokens();
  summary->mutable_usage()->set_visual_tokens(tokens);
  SetDuration(absl::ToDoubleSeconds(absl::Now() - began),
              summary->mutable_timings()->mutable_vision());
  *summary->mutable_timings()->mutable_total() = summary->timings().vision();
}

}  // namespace

Status AnswerFlow::Run(const std::vector<CheckedPart>& parts, const CheckedOptions& options,
                       const RequestContext& context, const LanguageRole::Sink& sink,
                       v1::AnswerSummary* summary) const {
  const absl::Time began = absl::Now();
  GenerateRequest request;
  request.sampling = options.sampling;
  request.max_output_tokens = options.max_output_tokens;
  request.stop = options.stop;
  int strange = 0;
  for (const CheckedPart& part : parts) {
    if (part.is_text) {
      request.parts.push_back({part.text});
      continue;
    }
    auto media = vision_->Encode(part.media, limits_, context);
    if (!media.ok()) return AtFile(media.status(), part.field);
    strange += Describe(part, *media, summary);
    request.parts.push_back({std::move(media->media)});
  }
  if (strange > 0 && strange == summary->media_size()) {
    SayCannotTell(began, sink, summary);
    return absl::OkStatus();
  }
  const absl::Time encoded = absl::Now();
  auto generated = language_->Generate(request, context, sink);
  // Only the parts together are too long: none of them is at fault alone.
  if (ReasonOf(generated.status()) == "CONTEXT_TOO_LONG")
    return AtField(generated.status(), "content");
  SL_ASSIGN_OR_RETURN(GenerateSummary done, std::move(generated));
  summary->set_finish_reason(done.reason == FinishReason::kStop ? v1::FINISH_REASON_STOP
                                                                : v1::FINISH_REASON_LENGTH);
  summary->mutable_usage()->set_prompt_tokens(done.prompt_tokens - done.visual_tokens);
  summary->mutable_usage()->set_visual_tokens(done.visual_tokens);
  summary->mutable_usage()->set_output_tokens(done.output_tokens);
  summary->mutable_usage()->set_cached_tokens(done.reused_tokens);
  v1::StageTimings* t = summary->mutable_timings();
  SetDuration(done.queue_ms / 1e3, t->mutable_queue());
  SetDuration(absl::ToDoubleSeconds(encoded - began), t->mutable_vision());
  SetDuration(done.prefill_ms / 1e3, t->mutable_prefill());
  SetDuration(done.decode_ms / 1e3, t->mutable_decode());
  SetDuration(absl::ToDoubleSeconds(absl::Now() - began), t->mutable_total());
  return absl::OkStatus();
}

}  // namespace sightline
