// LLaVA-OneVision (arXiv 2408.03326): SigLIP over an overview and tiles of any resolution, two
// linear layers, tile maps joined, cropped to the picture and marked at each row's end; a Qwen2.
#include <cmath>

#include "fusion/families/image_config.h"
#include "fusion/families/readers.h"

namespace sightline {
namespace {

using Size = std::array<int32_t, 2>;  // (h, w)

struct OneVision {
  vision::VitSpec vit;
  ImageConfig image, frame;  // frame: of a clip
  int64_t out = 0, max_tiles = 9;
  bool bias = true;
  std::vector<Size> pinpoints;
};

// The resolution that keeps most of the picture, and among those wastes least.
Size BestResolution(const Size& image, const std::vector<Size>& options) {
  Size best = options[0];
  int64_t most = -1, least = 0;
  for (const Size& o : options) {
    double scale =
        std::min(static_cast<double>(o[1]) / image[1], static_cast<double>(o[0]) / image[0]);
    int64_t w = static_cast<int64_t>(image[1] * scale), h = static_cast<int64_t>(image[0] * scale);
    int64_t kept = std::min(w * h, int64_t{image[0]} * image[1]),
            wasted = int64_t{o[0]} * o[1] - kept;
    if (kept > most || (kept == most && wasted < least)) best = o, most = kept, least = wasted;
  }
  return best;
}

// x [h, w, C] to [out_h, out_w, C]: bilinear between pixel centres, no widening.
Tensor Shrink(const Tensor& x, int64_t out_h, int64_t out_w) {
  int64_t h = x.shape[0], w = x.shape[1], c = x.shape[2];
  auto spot = [](int64_t i, int64_t in, int64_t out) {
    float scale = static_cast<float>(in) / static_cast<float>(out);
    return std::max(0.0f, (static_cast<float>(i) + 0.5f) * scale - 0.5f);
  };
  std::vector<int32_t> corners;
  std::vector<float> weights;
  for (int64_t i = 0; i < out_h * out_w; ++i) {
    float fy = spot(i / out_w, h, out_h), fx = spot(i % out_w, w, out_w);
    auto y0 = static_cast<int64_t>(fy), x0 = static_cast<int64_t>(fx);
    int64_t y1 = std::min(y0 + 1, h - 1), x1 = std::min(x0 + 1, w - 1);
    fy -= static_cast<float>(y0);
    fx -= static_cast<float>(x0);
    for (int64_t row : {y0 * w + x0, y0 * w + x1, y1 * w + x0, y1 * w + x1}) {
      corners.push_back(static_cast<int32_t>(row));
    }
    weights.insert(weights.end(), {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx});
  }
  return Reshaped(MixRows(x, 4, corners, weights), {out_h, out_w, c});
}

// Cuts away what padding the picture to the tiles' aspect has added.
Tensor Unpad(const Tensor& x, const Size& image) {
  int64_t h = x.shape[0], w = x.shape[1], c = x.shape[2], top = 0, left = 0;
  auto rounded = [](double v) { return static_cast<int64_t>(std::round(v * 1e7) / 1e7); };
  if (static_cast<double>(image[1]) / image[0] > static_cast<double>(w) / static_cast<double>(h)) {
    top = (h - rounded(image[0] * (static_cast<double>(w) / image[1]))) / 2;
  } else {
    left = (w - rounded(image[1] * (static_cast<double>(h) / image[0]))) / 2;
  }
  int64_t rows = h - 2 * top, cols = w - 2 * left;
  std::vector<int32_t> kept;
  for (int64_t i = 0; i < rows * cols; ++i) {
    kept.push_back(static_cast<int32_t>((i / cols + top) * w + left + i % cols));
  }
  return Reshaped(GatherRows(x, kept), {rows, cols, c});
}

class OneVisionSide : public VisionSide {
 public:
  static StatusOr<std::unique_ptr<VisionSide>> Load(const OneVision& spec, Checkpoint* weights,
                                                    WeightChoice tower) {
    auto side = std::make_unique<OneVisionSide>();
    side->spec_ = spec;
    SL_ASSIGN_OR_RETURN(side->vit_,
                        vision::VitEncoder::Load(spec.vit, PartReader(weights, "vision"),
                                                 weights->device(), tower));
    SL_ASSIGN_OR_RETURN(side->projector_,
                        ReadTwoLayers(weights, "projector", spec.vit.hidden, spec.out, spec.bias));
    SL_ASSIGN_OR_RETURN(Tensor newline, weights->Read("newline", "image_newline", {spec.out}));
    side->newline_ = Reshaped(newline.To(weights->device()), {1, spec.out});
    return side;
  }

  StatusOr<VisualInput> Preprocess(const std::vector<Image>& images, bool video,
                                   double /*fps*/) const override {
    int side = static_cast<int>(spec_.vit.image);
    VisualInput in;
    if (video) {
      in.video = true;
      in.pixels = Tensor({1, static_cast<int64_t>(images.size()), 3, side, side});
      float* to = in.pixels.data.data();
      for (const Image& image : images) {
        vision::ToPlanes(vision::Resize(image, side, side, spec_.frame.filter), spec_.frame.norm,
                         to);
        to += int64_t{3} * side * side;
      }
      return in;
    }
    std::vector<std::vector<Image>> tiles;
    size_t most = 1;
    for (const Image& image : images) {
      in.sizes.push_back({image.height_px, image.width_px});
      tiles.push_back({vision::Resize(image, side, side, spec_.image.filter)});
      if (images.size() == 1) AddTiles(image, &tiles.back());
      most = std::max(most, tiles.back().size());
    }
    in.pixels =
        Tensor({static_cast<int64_t>(images.size()), static_cast<int64_t>(most), 3, side, side});
    float* out = in.pixels.data.data();
    for (const auto& of_image : tiles) {
      for (size_t i = 0; i < of_image.size(); ++i) {
        vision::ToPlanes(of_image[i], spec_.image.norm,
                         out + i * 3 * static_cast<size_t>(side) * static_cast<size_t>(side));
      }
      out += most * 3 * static_cast<size_t>(side) * static_cast<size_t>(side);
    }
    return in;
  }

  StatusOr<VisualRows> Encode(const VisualInput& in) const override {
    int64_t side = spec_.vit.image, g = spec_.vit.grid();
    const std::vector<int64_t>& s = in.pixels.shape;
    if (s.size() != 5 || s[0] < 1 || s[1] < 1 || s[2] != 3 || s[3] != side || s[4] != side ||
        (!in.video && static_cast<int64_t>(in.sizes.size()) != s[0])) {
      return BadMedia("pixel_values have shape " + ShapeText(s));
    }
    VisualRows out;
    if (in.video) {
      EncodeClips(in.pixels, &out);
      return out;
    }
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < s[0]; ++i) {
      Size size = in.sizes[static_cast<size_t>(i)], best{};
      int64_t tiles = 1;
      if (size[0] < 1 || size[1] < 1) return BadMedia("an image size is not positive");
      if (s[0] == 1) {
        best = BestResolution(size, spec_.pinpoints);
        tiles += int64_t{best[0]} / side * (best[1] / side);
      }
      if (tiles > s[1]) return BadMedia("pixel_values have too few tiles for the image size");
      Tensor pixels({tiles, 3, side, side});
      std::copy_n(&in.pixels.data[static_cast<size_t>(i * s[1] * 3 * side * side)],
                  pixels.data.size(), pixels.data.begin());
      Tensor x = projector_(vit_->Encode(pixels));
      parts.push_back(Rows(x, 0, g * g));
      out.spans.push_back({static_cast<int32_t>(g), static_cast<int32_t>(g)});
      if (tiles > 1) out.spans.push_back(AppendTiles(x, best, size, &parts));
      if (tiles == 1) {
        parts.push_back(newline_);
        out.spans.push_back({1, 1});
      }
    }
    out.rows = JoinRows(parts);
    return out;
  }
  double pixel_std() const override { return spec_.image.max_std(); }

 private:
  // pixels [clips, frames, 3, side, side]: each frame's map at half its sides, a mark after the
  // clip.
  void EncodeClips(const Tensor& pixels, VisualRows* out) const {
    int64_t frames = pixels.shape[1], side = spec_.vit.image, g = spec_.vit.grid();
    auto half = static_cast<int32_t>((g + 1) / 2);
    std::vector<Tensor> parts;
    for (int64_t clip = 0; clip < pixels.shape[0]; ++clip) {
      for (int64_t f = 0; f < frames; ++f) {
        Tensor one({1, 3, side, side});
        std::copy_n(&pixels.data[static_cast<size_t>(clip * frames + f) * one.data.size()],
                    one.data.size(), one.data.begin());
        Tensor map = Reshaped(projector_(vit_->Encode(one)), {g, g, spec_.out});
        parts.push_back(Reshaped(Shrink(map, half, half), {int64_t{half} * half, spec_.out}));
        out->spans.push_back({half, half});
      }
      parts.push_back(newline_);
      out->spans.push_back({1, 1});
    }
    out->rows = JoinRows(parts);
  }

  // The picture scaled into the best resolution, centred on black, cut into squares.
  void AddTiles(const Image& image, std::vector<Image>* tiles) const {
    Size best = BestResolution({image.height_px, image.width_px}, spec_.pinpoints);
    double sw = static_cast<double>(best[1]) / image.width_px,
           sh = static_cast<double>(best[0]) / image.height_px;
    int w = best[1], h = best[0], side = static_cast<int>(spec_.vit.image);
    if (sw < sh) {
      h = std::min(static_cast<int>(std::ceil(image.height_px * sw)), h);
    } else {
      w = std::min(static_cast<int>(std::ceil(image.width_px * sh)), w);
    }
    Image scaled = vision::Resize(image, w, h, spec_.image.filter);
    int x0 = (best[1] - w) / 2, y0 = (best[0] - h) / 2;
    for (int y = 0; y < best[0]; y += side) {
      for (int x = 0; x < best[1]; x += side)
        tiles->push_back(vision::Crop(scaled, x - x0, y - y0, side, side));
    }
  }

  // x: the overview's rows, then those of each tile. Returns the rectangle that was appended.
  Size AppendTiles(const Tensor& x, const Size& best, const Size& size,
                   std::vector<Tensor>* out) const {
    int64_t g = spec_.vit.grid(), th = best[0] / spec_.vit.image, tw = best[1] / spec_.vit.image,
            c = spec_.out;
    std::vector<int32_t> order;
    for (int64_t r = 0; r < th * g * tw * g; ++r) {
      int64_t y = r / (tw * g), xx = r % (tw * g), tile = 1 + y / g * tw + xx / g;
      order.push_back(static_cast<int32_t>((tile * g + y % g) * g + xx % g));
    }
    Tensor map = Reshaped(GatherRows(x, order), {th * g, tw * g, c});
    map = Unpad(map, size);
    double h = static_cast<double>(map.shape[0]), w = static_cast<double>(map.shape[1]);
    double ratio = std::sqrt(h * w / static_cast<double>(spec_.max_tiles * g * g));
    if (ratio > 1.1)
      map = Shrink(map, static_cast<int64_t>(h / ratio), static_cast<int64_t>(w / ratio));
    for (int64_t y = 0; y < map.shape[0]; ++y) {
      out->push_back(Rows(map, y * map.shape[1], map.shape[1]));
      out->push_back(newline_);
    }
    return {static_cast<int32_t>(map.shape[0]), static_cast<int32_t>(map.shape[1] + 1)};
  }

  OneVision spec_;
  std::unique_ptr<vision::VitEncoder> vit_;
  TwoLayers projector_;
  Tensor newline_;  // [1, C]
};

std::vector<Size> ReadPinpoints(const ConfigReader& c, int64_t side) {
  std::vector<Size> out;
  if (!c.Has("image_grid_pinpoints") || !c.json()["image_grid_pinpoints"].is_array()) {
    c.Fail("image_grid_pinpoints", "must be a list of [height, width]");
    return out;
  }
  for (const Json& p : c.json()["image_grid_pinpoints"]) {
    bool good =
        p.is_array() && p.size() == 2 && p[0].is_number_integer() && p[1].is_number_integer();
    int64_t h = good ? p[0].get<int64_t>() : 0, w = good ? p[1].get<int64_t>() : 0;
    if (h < side || w < side || h > 16384 || w > 16384 || h % side || w % side) {
      c.Fail("image_grid_pinpoints",
             "must be [height, width] in multiples of the tower's image_size");
      return out;
    }
    out.push_back({static_cast<int32_t>(h), static_cast<int32_t>(w)});
  }
  if (out.empty()) c.Fail("image_grid_pinpoints", "is empty");
  return out;
}

void SetTurn(CheckpointSpec* spec) {
  spec->turn.chat_template =
      "{% for m in messages %}<|im_start|>{{ m.role }} {% for c in m.content %}{% if c.type != "
      "'text' "
      "%}<{{ c.type }}>{% endif %}{% endfor %}{% for c in m.content %}{{ c.text if c.type == "
      "'text' }}"
      "{% endfor %}<|im_end|>{% endfor %}<|im_start|>assistant{{ '\n' }}";
  spec->turn.image_mark = "<image>";
  spec->turn.clip_mark = "<video>";
  spec->turn.image_place = spec->place_ids[0];
  spec->turn.video_place = spec->place_ids[1];
  spec->turn.frames_apart = true;
}

// A clip's own settings where the checkpoint has any.
const Json& ClipProcessorJson(const Json& processor) {
  auto own = processor.find("video_processor");
  return own != processor.end() && own->is_object() ? *own : ImageProcessorJson(processor);
}

// Processors leave the choice of frames to their callers; the model was trained on up to 32.
void ReadClipRule(const ConfigReader& c, ClipRule* clip) {
  clip->rule = FrameRule::kStride;
  clip->frames_per_second = c.Real("fps", 1e-3, 1e3, 1);
  clip->max_frames = static_cast<int>(c.Int("num_frames", 1, 1 << 16, 32));
  clip->min_frames = std::min(8, clip->max_frames);
}

// What published checkpoints hold and this engine has no use for.
void SetUnused(const vision::VitSpec& vit, CheckpointSpec* spec) {
  spec->unused = {"*rotary_emb.inv_freq", "*position_ids", "*.post_layernorm.*",
                  "*vision_model.head.*"};
  if (spec->text.tied) spec->unused.push_back("*lm_head.weight");
  for (int64_t i = vit.run_layers; i < vit.layers; ++i) {
    spec->unused.push_back("*vision_tower.*encoder.layers." + std::to_string(i) + ".*");
  }
}

}  // namespace

StatusOr<CheckpointSpec> ReadLlavaOneVision(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config"), v(c, "vision_config");
  ConfigReader p(ImageProcessorJson(configs.processor), "processor_config.json");
  CheckpointSpec spec;
  spec.text = Qwen2Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  OneVision s;
  s.vit = ReadVit(v, false, {768, 3072, 12, 12, 16, 224});
  s.vit.run_layers = FeatureLayers(c, s.vit.layers, -1);
  s.image = ReadImageConfig(p);
  s.bias = c.Bool("multimodal_projector_bias", true);
  s.out = spec.text.hidden;
  s.pinpoints = ReadPinpoints(c, s.vit.image);
  std::string aspect = c.Text("vision_aspect_ratio", "anyres_max_9");
  if (!aspect.starts_with("anyres_max_") || aspect.size() > 13) {
    c.Fail("vision_aspect_ratio", "must be anyres_max_N");
  } else {
    s.max_tiles = std::max(1, std::atoi(aspect.c_str() + 11));
  }
  auto id = [&](const char* older, const char* newer, int64_t fallback) {
    return static_cast<int32_t>(c.Int(older, 0, 1 << 22, c.Int(newer, 0, 1 << 22, fallback)));
  };
  spec.place_ids = {id("image_token_index", "image_token_id", 151646),
                    id("video_token_index", "video_token_id", 151647)};
  SetTurn(&spec);
  spec.takes_clips = true;
  ConfigReader clips(ClipProcessorJson(configs.processor), "processor_config.json");
  s.frame = ReadImageConfig(clips);
  ReadClipRule(clips, &spec.clip);
  SL_RETURN_IF_ERROR(clips.status());
  SL_RETURN_IF_ERROR(c.status());
  SL_RETURN_IF_ERROR(p.status());
  spec.load_vision = [s](Checkpoint* w, WeightChoice tower) {
    return OneVisionSide::Load(s, w, tower);
  };
  spec.parts = TextParts({"model.language_model.", "language_model.model."}, spec.text.tied);
  for (WeightPart& part : VitParts()) spec.parts.push_back(std::move(part));
  spec.parts.push_back({"newline", "image_newline", {"model.", ""}});
  SetUnused(s.vit, &spec);
  return spec;
}

}  // namespace sightline
