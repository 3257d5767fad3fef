// LLaVA-1.5 (arXiv 2310.03744): CLIP features of a chosen layer, two linear layers, a Llama.
#include <cmath>

#include "fusion/families/image_config.h"
#include "fusion/families/readers.h"

namespace sightline {
namespace {

struct LlavaVision {
  vision::VitSpec vit;
  ImageConfig image;
  int64_t shortest = 0, out = 0;
  bool keep_class_row = false, bias = true;
};

class LlavaSide : public VisionSide {
 public:
  static StatusOr<std::unique_ptr<VisionSide>> Load(const LlavaVision& spec, Checkpoint* weights,
                                                    WeightChoice tower) {
    auto side = std::make_unique<LlavaSide>();
    side->spec_ = spec;
    SL_ASSIGN_OR_RETURN(side->vit_,
                        vision::VitEncoder::Load(spec.vit, PartReader(weights, "vision"),
                                                 weights->device(), tower));
    SL_ASSIGN_OR_RETURN(side->projector_,
                        ReadTwoLayers(weights, "projector", spec.vit.hidden, spec.out, spec.bias));
    return side;
  }

  // The shorter side to `shortest`, then the middle square.
  StatusOr<VisualInput> Preprocess(const std::vector<Image>& images, bool video,
                                   double /*fps*/) const override {
    if (video) return BadMedia("this model takes no video");
    int side = static_cast<int>(spec_.vit.image), target = static_cast<int>(spec_.shortest);
    VisualInput in;
    in.pixels = Tensor({static_cast<int64_t>(images.size()), 3, side, side});
    float* out = in.pixels.data.data();
    for (const Image& image : images) {
      bool tall = image.height_px > image.width_px;
      int low = tall ? image.width_px : image.height_px,
          high = tall ? image.height_px : image.width_px;
      auto longer = static_cast<int>(static_cast<int64_t>(target) * high / low);
      if (longer > 64 * target) return BadMedia("the image is too narrow for this model");
      Image small =
          vision::Resize(image, tall ? target : longer, tall ? longer : target, spec_.image.filter);
      Image middle = vision::Crop(small, (small.width_px - side) / 2, (small.height_px - side) / 2,
                                  side, side);
      vision::ToPlanes(middle, spec_.image.norm, out);
      out += int64_t{3} * side * side;
    }
    return in;
  }

  StatusOr<VisualRows> Encode(const VisualInput& in) const override {
    int64_t side = spec_.vit.image;
    if (in.pixels.shape.size() != 4 || in.pixels.shape[0] < 1 ||
        in.pixels.shape != std::vector<int64_t>{in.pixels.shape[0], 3, side, side}) {
      return BadMedia("pixel_values have shape " + ShapeText(in.pixels.shape));
    }
    Tensor x = vit_->Encode(in.pixels);
    if (spec_.vit.class_row && !spec_.keep_class_row) {
      int64_t per = vit_->rows_per_image(), n = in.pixels.shape[0];
      std::vector<int32_t> patches;
      for (int64_t i = 0; i < n * per; ++i) {
        if (i % per != 0) patches.push_back(static_cast<int32_t>(i));
      }
      x = GatherRows(x, patches);
    }
    VisualRows out{projector_(x), {}};
    auto per = static_cast<int32_t>(out.rows.rows() / in.pixels.shape[0]);
    auto g = static_cast<int32_t>(spec_.vit.grid());
    out.spans.assign(static_cast<size_t>(in.pixels.shape[0]),
                     g * g == per ? std::array<int32_t, 2>{g, g} : std::array<int32_t, 2>{1, per});
    return out;
  }
  double pixel_std() const override { return spec_.image.max_std(); }

 private:
  LlavaVision spec_;
  std::unique_ptr<vision::VitEncoder> vit_;
  TwoLayers projector_;
};

}  // namespace

std::vector<WeightPart> VitParts() {
  return {
      {"vision",
       "embeddings.patch_embedding.weight",
       {"model.vision_tower.vision_model.", "vision_tower.vision_model.", "model.vision_tower.",
        "vision_tower."}},
      {"projector", "linear_1.weight", {"model.multi_modal_projector.", "multi_modal_projector."}}};
}

StatusOr<CheckpointSpec> ReadLlava(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config"), v(c, "vision_config");
  ConfigReader p(ImageProcessorJson(configs.processor), "processor_config.json"), size(p, "size");
  CheckpointSpec spec;
  spec.text = LlamaText(t);
  LlavaVision s;
  s.vit = ReadVit(v, v.Text("model_type", "clip_vision_model") == "clip_vision_model");
  s.vit.run_layers = FeatureLayers(c, s.vit.layers, -2);
  s.image = ReadImageConfig(p);
  s.shortest = size.Int("shortest_edge", 1, 4096, s.vit.image);
  s.keep_class_row = c.Text("vision_feature_select_strategy", "default") == "full";
  s.bias = c.Bool("multimodal_projector_bias", true);
  s.out = spec.text.hidden;
  spec.place_ids = {static_cast<int32_t>(
      c.Int("image_token_index", 0, 1 << 22, c.Int("image_token_id", 0, 1 << 22, 32000)))};
  spec.turn.chat_template =
      "{% for m in messages %}{% if m.role == 'user' %}USER: {% for c in m.content %}{{ "
      "'<image>\n' if "
      "c.type == 'image' else c.text }}{% endfor %} {% else %}ASSISTANT: {{ m.content[0].text "
      "}}</s>"
      "{% endif %}{% endfor %}ASSISTANT:";
  spec.turn.image_mark = "<image>";
  spec.turn.image_place = spec.place_ids[0];
  SL_RETURN_IF_ERROR(c.status());
  SL_RETURN_IF_ERROR(p.status());
  spec.load_vision = [s](Checkpoint* w, WeightChoice tower) {
    return LlavaSide::Load(s, w, tower);
  };
  spec.parts = TextParts({"model.language_model.", "language_model.model."}, spec.text.tied);
  for (WeightPart& part : VitParts()) spec.parts.push_back(std::move(part));
  spec.unused = {"*rotary_emb.inv_freq", "*position_ids", "*.post_layernorm.*"};
  for (int64_t i = s.vit.run_layers; i < s.vit.layers; ++i) {
    spec.unused.push_back("*vision_tower.*encoder.layers." + std::to_string(i) + ".*");
  }
  return spec;
}

}  // namespace sightline
