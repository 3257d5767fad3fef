// SmolVLM (arXiv 2504.05299) and Idefics3 (arXiv 2408.12637): squares of the picture and an
// overview through SigLIP, pixel shuffle, one linear layer, a Llama.
#include <cmath>

#include "fusion/families/image_config.h"
#include "fusion/families/readers.h"

namespace sightline {
namespace {

struct SmolVision {
  vision::VitSpec vit;
  ImageConfig image, frame;  // frame: of a clip
  int64_t scale = 4, longest = 0, frame_longest = 0, tile = 0, out = 0;
  bool split = true;
};

class SmolSide : public VisionSide {
 public:
  static StatusOr<std::unique_ptr<VisionSide>> Load(const SmolVision& spec, Checkpoint* weights,
                                                    WeightChoice tower) {
    auto side = std::make_unique<SmolSide>();
    side->spec_ = spec;
    SL_ASSIGN_OR_RETURN(side->vit_,
                        vision::VitEncoder::Load(spec.vit, PartReader(weights, "vision"),
                                                 weights->device(), tower));
    int64_t in = spec.vit.hidden * spec.scale * spec.scale;
    SL_ASSIGN_OR_RETURN(
        Tensor w, weights->Read("projector", "modality_projection.proj.weight", {spec.out, in}));
    side->projector_.w = w.To(weights->device());
    return side;
  }

  StatusOr<VisualInput> Preprocess(const std::vector<Image>& images, bool video,
                                   double fps) const override {
    int side = static_cast<int>(spec_.vit.image);
    std::vector<Image> tiles;
    std::array<int32_t, 2> grid{};
    for (const Image& image : images) {
      if (video) {  // never cut; squared in two steps, as the reference does
        Image small = Sized(image, spec_.frame_longest, spec_.frame.filter);
        tiles.push_back(vision::Resize(small, side, side, spec_.frame.filter));
        continue;
      }
      std::vector<Image> of_image = Tiles(image, &grid);
      tiles.insert(tiles.end(), of_image.begin(), of_image.end());
    }
    VisualInput in;
    in.tiles = grid;
    in.video = video;
    in.pixels = Tensor({1, static_cast<int64_t>(tiles.size()), 3, side, side});
    float* out = in.pixels.data.data();
    for (const Image& tile : tiles) {
      vision::ToPlanes(tile, (video ? spec_.frame : spec_.image).norm, out);
      out += int64_t{3} * side * side;
    }
    return in;
  }

  StatusOr<VisualRows> Encode(const VisualInput& in) const override {
    std::vector<int64_t> s = in.pixels.shape;
    int64_t side = spec_.vit.image;
    if (s.size() != 5 || s[0] * s[1] < 1 || s[2] != 3 || s[3] != side || s[4] != side) {
      return BadMedia("pixel_values have shape " + ShapeText(s));
    }
    Tensor pixels = in.pixels;
    pixels.shape = {s[0] * s[1], 3, side, side};
    VisualRows out{Apply(Shuffle(vit_->Encode(pixels), s[0] * s[1]), projector_), {}};
    auto g = static_cast<int32_t>(spec_.vit.grid() / spec_.scale);
    out.spans.assign(static_cast<size_t>(s[0] * s[1]), {g, g});
    return out;
  }
  double pixel_std() const override { return spec_.image.max_std(); }

 private:
  // Longest side to `to`; the other even.
  static Image Sized(const Image& image, int64_t to, vision::Filter filter) {
    int longest = static_cast<int>(to);
    double aspect = static_cast<double>(image.width_px) / image.height_px;
    int w = longest, h = longest;
    if (image.width_px >= image.height_px) {
      h = static_cast<int>(w / aspect);
      h += h % 2;
    } else {
      w = static_cast<int>(h * aspect);
      w += w % 2;
    }
    return vision::Resize(image, std::max(1, w), std::max(1, h), filter);
  }

  // Longest side to `longest`, then up to whole tiles; the tiles row by row, then the overview.
  std::vector<Image> Tiles(const Image& image, std::array<int32_t, 2>* grid) const {
    *grid = {0, 0};
    int tile = static_cast<int>(spec_.tile);
    Image sized = Sized(image, spec_.longest, spec_.image.filter);
    int w = sized.width_px, h = sized.height_px;
    std::vector<Image> tiles;
    auto up = [tile](double v) { return static_cast<int>(std::ceil(v / tile)) * tile; };
    if (spec_.split) {
      double ratio = static_cast<double>(w) / h;
      int tw = up(w), th = up(h);
      if (w >= h) {
        th = up(static_cast<int>(tw / ratio));
      } else {
        tw = up(static_cast<int>(th * ratio));
      }
      sized = vision::Resize(sized, tw, th, spec_.image.filter);
      if (tw > tile || th > tile) {
        *grid = {th / tile, tw / tile};
        for (int y = 0; y < th; y += tile) {
          for (int x = 0; x < tw; x += tile) tiles.push_back(vision::Crop(sized, x, y, tile, tile));
        }
      }
    }
    tiles.push_back(vision::Resize(sized, tile, tile, spec_.image.filter));
    return tiles;
  }

  // [n * g * g, C] -> [n * (g/s)^2, s * s * C]: s x s neighbours side by side, row by row.
  Tensor Shuffle(const Tensor& x, int64_t n) const {
    int64_t g = spec_.vit.grid(), s = spec_.scale, c = x.cols(), small = g / s;
    std::vector<int32_t> order;
    for (int64_t i = 0; i < n * small * small; ++i) {
      int64_t image = i / (small * small), r = i / small % small, q = i % small;
      for (int64_t k = 0; k < s * s; ++k) {
        order.push_back(static_cast<int32_t>((image * g + r * s + k / s) * g + q * s + k % s));
      }
    }
    return Reshaped(GatherRows(x, order), {n * small * small, s * s * c});
  }

  SmolVision spec_;
  std::unique_ptr<vision::VitEncoder> vit_;
  Linear projector_;
};

// Clips are taken by SmolVLM2 alone, whose processor says how to sample them.
bool ReadClips(const ModelConfigs& configs, SmolVision* s, CheckpointSpec* spec, Status* status) {
  const Json& image = ImageProcessorJson(configs.processor);
  auto own = configs.processor.find("video_processor");
  bool has_own = own != configs.processor.end() && own->is_object();
  ConfigReader p(has_own ? *own : image, "processor_config.json"), sampling(p, "video_sampling");
  ConfigReader size(p, "size"), video_size(sampling, "video_size");
  s->frame = ReadImageConfig(p);
  if (s->frame.filter == vision::Filter::kLanczos) s->frame.filter = vision::Filter::kBicubic;
  int64_t longest = has_own ? size.Int("longest_edge", 1, 16384, s->vit.image) : s->vit.image;
  s->frame_longest = video_size.Int("longest_edge", 1, 16384, longest);
  spec->clip.rule = FrameRule::kEndsInside;
  spec->clip.frames_per_second = sampling.Real("fps", 1e-3, 1e3, p.Real("fps", 1e-3, 1e3, 1));
  spec->clip.min_frames = 1;
  int64_t most = p.Int("num_frames", 1, 1 << 16, 64);
  spec->clip.max_frames = static_cast<int>(sampling.Int("max_frames", 1, 1 << 16, most));
  *status = p.status();
  return has_own || p.Has("video_sampling");
}

}  // namespace

StatusOr<CheckpointSpec> ReadSmolVlm(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config"), v(c, "vision_config");
  ConfigReader p(ImageProcessorJson(configs.processor), "processor_config.json");
  ConfigReader size(p, "size"), tile(p, "max_image_size");
  CheckpointSpec spec;
  spec.text = LlamaText(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  SmolVision s;
  s.vit = ReadVit(v, false, {1152, 3072, 12, 16, 32, 224});
  s.vit.post_norm = true;
  s.image = ReadImageConfig(p);
  // Configs ask for Lanczos; the processor that made the checkpoints' reference outputs has none
  // and takes bicubic.
  if (s.image.filter == vision::Filter::kLanczos) s.image.filter = vision::Filter::kBicubic;
  s.scale = c.Int("scale_factor", 1, 64, 2);
  s.longest = size.Int("longest_edge", 1, 16384, 4 * s.vit.image);
  s.tile = tile.Int("longest_edge", 1, 4096, s.vit.image);
  s.split = p.Bool("do_image_splitting", true);
  s.out = spec.text.hidden;
  if (s.vit.grid() % s.scale) c.Fail("scale_factor", "must divide the tower's grid");
  if (s.tile != s.vit.image) p.Fail("max_image_size", "must be the tower's image_size");
  spec.place_ids = {static_cast<int32_t>(c.Int("image_token_id", 0, 1 << 22, 128257))};
  spec.turn = {
      .chat_template =
          "<|im_start|>{% for m in messages %}{{ m.role|capitalize }}:{{ ' ' if "
          "m.content[0].type != 'image' }}{% for c in m.content %}{{ c.text if c.type == 'text' "
          "else '<' ~ c.type ~ '>' }}{% endfor %}<end_of_utterance>\n"
          "{% endfor %}Assistant:",
      .image_mark = "<image>",
      .clip_mark = "<video>",
      .image_open = "<fake_token_around_image><global-img>",
      .image_close = "<fake_token_around_image>",
      .tile_open = "<fake_token_around_image><row_{row}_col_{col}>",
      .tile_row_close = "\n",
      .tiles_close = "\n"};
  spec.turn.image_place = spec.place_ids[0];
  Status clips;
  spec.takes_clips = ReadClips(configs, &s, &spec, &clips);
  SL_RETURN_IF_ERROR(clips);
  if (spec.takes_clips) {
    spec.turn.video_place = spec.turn.image_place;  // frames are images to the model
    spec.turn.clip_open =
        "You are provided the following series of {frames} frames from a {length} [H:MM:SS] "
        "video.\n";
    spec.turn.frame_open = "\nFrame from {clock}:" + spec.turn.image_open;
    spec.turn.frame_close = spec.turn.image_close;
    spec.turn.clip_close = "\n\n";
  }
  SL_RETURN_IF_ERROR(c.status());
  SL_RETURN_IF_ERROR(p.status());
  spec.load_vision = [s](Checkpoint* w, WeightChoice tower) { return SmolSide::Load(s, w, tower); };
  spec.parts = TextParts({"model.text_model.", "text_model.model."}, spec.text.tied);
  spec.parts.push_back(
      {"vision", "embeddings.patch_embedding.weight", {"model.vision_model.", "vision_model."}});
  spec.parts.push_back(
      {"projector", "modality_projection.proj.weight", {"model.connector.", "connector."}});
  spec.unused = {"*rotary_emb.inv_freq", "*position_ids"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
