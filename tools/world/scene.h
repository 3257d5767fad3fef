// What a scene or a panel holds, in units that do not depend on the picture's size.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/world/rng.h"

namespace sightline::world {

constexpr int kShapes = 10, kColours = 10, kSizes = 3, kFills = 4;
extern const std::array<const char*, kShapes> kShapeNames;
extern const std::array<const char*, kColours> kColourNames;
extern const std::array<const char*, kSizes> kSizeNames;
extern const std::array<const char*, kFills> kFillNames;
std::string Plural(const std::string& noun);

enum class Kind { kShape, kButton, kField, kCheckBox, kIcon };
extern const std::array<const char*, 5> kKindNames;  // "object", "button", ...

struct Box {  // normalised to the picture: 0..1 of width and height
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  double cx() const { return (x0 + x1) / 2; }
  double cy() const { return (y0 + y1) / 2; }
};
double Iou(const Box& a, const Box& b);

struct Object {
  Kind kind = Kind::kShape;
  int shape = 0, colour = 0, size = 0, fill = 0;
  double u = 0.5, v = 0.5;   // centre, 0..1 of width and height
  double r = 0.1;            // radius over sqrt(width * height)
  double angle = 0;          // radians
  std::array<int, 3> rgb{};  // jittered colour
  std::string label;         // 1-5 characters A-Z 0-9, or empty
  bool label_inside = false, label_dark = false;
  bool checked = false;  // check boxes
  Box panel;             // extent of a panel element
  // Filled by the renderer:
  Box box;             // visible extent
  double visible = 1;  // share of its area that can be seen
};

enum class Backdrop { kFlat, kGradient, kNoise, kStripes, kPhoto, kPanel };

struct Scene {
  double aspect = 1;  // width / height
  Backdrop backdrop = Backdrop::kFlat;
  std::array<int, 3> back_a{}, back_b{};
  uint64_t back_seed = 0;
  bool panel = false;
  std::string title;
  double blur = 0, noise = 0;
  int jpeg = 0;                 // 0 off, else quality 1..100
  std::vector<Object> objects;  // painter's order: later ones lie in front
  std::vector<std::array<int, 2>>
      covers;      // filled by the renderer: (front, back) that overlap plainly
  int focus = -1;  // an object that questions should be about, -1 any
};

// How scenes are drawn: training and IID share the planted prior, the others bend it
// (fusion.md 6.1).
struct SceneOptions {
  double prior = 0.9;          // probability of the second of a planted pair, given the first
  double colour_prior = 0.6;   // probability that a shape with a favourite colour wears it
  bool force_heldout = false;  // at least one held-out combination
  double label_rate = 0.35;
  double panel_rate = 0.2;
  int min_objects = 1, max_objects = 10;
};

constexpr int kPlantedPairCount = 5;
extern const std::array<std::array<int, 2>, kPlantedPairCount>
    kPlantedPairs;                                       // first -> second shape
extern const std::array<int, kShapes> kFavouriteColour;  // -1: none
bool IsHeldOut(int colour, int shape);
std::array<int, 3> ColourRgb(int colour, Rng* rng);
Scene MakeScene(Rng* rng, double aspect, const SceneOptions& options);
Scene MakePanel(Rng* rng, double aspect);
void MakeBackdrop(Rng* rng, Scene* scene);
std::string RandomLabel(Rng* rng);

}  // namespace sightline::world
