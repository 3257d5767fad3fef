#include "services/gateway/request_check.h"

#include <cctype>
#include <cmath>
#include <random>

#include "services/error.h"

namespace sightline {
namespace {

std::string Part(int i, const char* rest) { return "content[" + std::to_string(i) + "]" + rest; }

// A limit and the setting it comes from, for whoever runs the server.
std::string Limit(int64_t value, const char* setting) {
  return std::to_string(value) + " (limits." + setting + ")";
}

StatusOr<double> Seconds(const google::protobuf::Duration& d, const std::string& field) {
  if (d.seconds() < 0 || d.nanos() < 0 || d.nanos() > 999999999 || d.seconds() > 315576000000)
    return InvalidField(field, "must be a duration of 0 or more");
  return static_cast<double>(d.seconds()) + d.nanos() * 1e-9;
}

StatusOr<VideoSampling> CheckSampling(const v1::VideoSampling& in, const std::string& at,
                                      const ServerConfig& c) {
  VideoSampling s;
  if (in.has_frames_per_second()) {
    s.frames_per_second = in.frames_per_second();
    if (!(s.frames_per_second > 0 && s.frames_per_second <= 60))
      return InvalidField(at + ".frames_per_second", "must be more than 0 and at most 60");
  }
  if (in.has_max_frames()) {
    s.max_frames = in.max_frames();
    if (s.max_frames < 1 || s.max_frames > c.max_frames)
      return InvalidField(at + ".max_frames", "must be 1 to " + Limit(c.max_frames, "max_frames"));
  }
  if (in.has_start_offset()) {
    SL_ASSIGN_OR_RETURN(s.start_s, Seconds(in.start_offset(), at + ".start_offset"));
  }
  if (in.has_end_offset()) {
    SL_ASSIGN_OR_RETURN(s.end_s, Seconds(in.end_offset(), at + ".end_offset"));
    if (s.end_s <= s.start_s)
      return InvalidField(at + ".end_offset", "must be later than start_offset");
  }
  return s;
}

// Counts what a request holds against its limits as its parts are read.
struct Totals {
  int64_t images = 0, videos = 0, text_bytes = 0;
};

StatusOr<CheckedPart> CheckPart(const v1::Content& in, int i, const ServerConfig& c,
                                Totals* totals) {
  CheckedPart part;
  part.index = i;
  switch (in.data_case()) {
    case v1::Content::kText:
      part.is_text = true;
      part.text = in.text();
      part.field = Part(i, ".text");
      totals->text_bytes += static_cast<int64_t>(part.text.size());
      if (totals->text_bytes > c.max_text_bytes)
        return InvalidField(part.field,
                            "makes the text longer than so many bytes: " +
                                Limit(c.max_text_bytes, "max_text_bytes"),
                            "TEXT_TOO_LONG");
      return part;
    case v1::Content::kImage:
      part.media.kind = MediaItem::Kind::kImage;
      part.media.bytes = in.image().data();
      part.field = Part(i, ".image.data");
      if (++totals->images > c.max_images)
        return InvalidField(
            Part(i, ".image"),
            "is one image too many for a request; at most " + Limit(c.max_images, "max_images"),
            "TOO_MANY_IMAGES");
      break;
    case v1::Content::kVideo: {
      part.media.kind = MediaItem::Kind::kVideo;
      part.media.bytes = in.video().data();
      part.field = Part(i, ".video.data");
      if (++totals->videos > c.max_videos)
        return InvalidField(
            Part(i, ".video"),
            "is one clip too many for a request; at most " + Limit(c.max_videos, "max_videos"),
            "TOO_MANY_VIDEOS");
      SL_ASSIGN_OR_RETURN(part.media.sampling,
                          CheckSampling(in.video().sampling(), Part(i, ".video.sampling"), c));
      break;
    }
    case v1::Content::DATA_NOT_SET:
      return InvalidField(Part(i, ""), "must hold text, an image or a video");
  }
  if (part.media.bytes.empty()) return InvalidField(part.field, "must not be empty", "MEDIA_EMPTY");
  return part;
}

bool Blank(const std::string& s) {
  for (char c : s) {
    if (!std::isspace(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

template <typename T>
Status Range(const char* name, T value, T least, T most, const char* words, T* out) {
  if (!(value >= least && value <= most))
    return InvalidField(std::string("generation_options.") + name, std::string("must be ") + words);
  *out = value;
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::vector<CheckedPart>> CheckContent(
    const google::protobuf::RepeatedPtrField<v1::Content>& content, const ServerConfig& c,
    TextRule rule) {
  if (content.empty())
    return InvalidField("content", "must have at least one part", "CONTENT_EMPTY");
  if (content.size() > c.max_parts)
    return InvalidField("content",
                        "has " + std::to_string(content.size()) + " parts; at most " +
                            Limit(c.max_parts, "max_parts") + " are taken",
                        "TOO_MANY_PARTS");
  std::vector<CheckedPart> parts;
  Totals totals;
  bool asked = false;
  for (int i = 0; i < content.size(); ++i) {
    SL_ASSIGN_OR_RETURN(CheckedPart part, CheckPart(content[i], i, c, &totals));
    if (part.is_text && rule == TextRule::kRefused)
      return InvalidField(part.field, "is not taken here: captions answer no question; use Answer",
                          "TEXT_NOT_TAKEN");
    asked = asked || (part.is_text && !Blank(part.text));
    parts.push_back(std::move(part));
  }
  if (rule == TextRule::kRequired && !asked)
    return InvalidField("content", "must have a text part with something in it: the question",
                        "QUESTION_MISSING");
  return parts;
}

StatusOr<CheckedOptions> CheckOptions(const v1::GenerationOptions& in, const ServerConfig& c,
                                      const LanguageInfo& model) {
  CheckedOptions o;
  o.sampling = model.sampling;
  o.max_output_tokens =
      static_cast<int>(std::min<int64_t>(model.max_output_tokens, c.max_output_tokens));
  SamplingOptions& s = o.sampling;
  if (in.has_max_output_tokens()) {
    const std::string words = "1 to " + Limit(c.max_output_tokens, "max_output_tokens");
    SL_RETURN_IF_ERROR(Range("max_output_tokens", in.max_output_tokens(), 1,
                             static_cast<int>(c.max_output_tokens), words.c_str(),
                             &o.max_output_tokens));
  }
  if (in.has_temperature())
    SL_RETURN_IF_ERROR(Range("temperature", in.temperature(), 0.0, 2.0, "0 to 2", &s.temperature));
  if (in.has_top_k())
    SL_RETURN_IF_ERROR(Range("top_k", in.top_k(), 0, 100000, "0 to 100000", &s.top_k));
  if (in.has_top_p())
    SL_RETURN_IF_ERROR(
        Range("top_p", in.top_p(), 1e-9, 1.0, "more than 0 and at most 1", &s.top_p));
  if (in.has_repetition_penalty())
    SL_RETURN_IF_ERROR(Range("repetition_penalty", in.repetition_penalty(), 1e-9, 10.0,
                             "more than 0 and at most 10", &s.repetition_penalty));
  if (in.has_presence_penalty())
    SL_RETURN_IF_ERROR(Range("presence_penalty", in.presence_penalty(), -2.0, 2.0, "-2 to 2",
                             &s.presence_penalty));
  if (in.has_frequency_penalty())
    SL_RETURN_IF_ERROR(Range("frequency_penalty", in.frequency_penalty(), -2.0, 2.0, "-2 to 2",
                             &s.frequency_penalty));
  if (in.stop_size() > 8)
    return InvalidField("generation_options.stop", "must have at most 8 strings");
  for (int i = 0; i < in.stop_size(); ++i) {
    if (in.stop(i).empty() || in.stop(i).size() > 64)
      return InvalidField("generation_options.stop[" + std::to_string(i) + "]",
                          "must be 1 to 64 bytes long");
    o.stop.push_back(in.stop(i));
  }
  s.seed = in.has_seed() ? in.seed() : std::random_device()();
  return o;
}

Status CheckModel(const std::string& name, const std::string& loaded) {
  if (name.empty() || name == "models/" + loaded) return absl::OkStatus();
  if (name.rfind("models/", 0) != 0)
    return InvalidField("model", "must be empty or like \"models/" + loaded + "\"");
  return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND",
                         "model is not loaded here; ListModels says which are", "model");
}

}  // namespace sightline
