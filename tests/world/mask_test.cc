// Masks: by whose border a pixel is covered, against boxes, visible shares, and the pictures
// themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/world/world.h"

namespace sightline::world {
namespace {

// A scene or panel at a size that callers send.
struct Sample {
  Scene scene;
  int width, height;
};

Sample RandomSample(Rng* rng, const SceneOptions& options) {
  const double aspect = std::exp(rng->Range(-1, 1)), side = rng->Range(140, 320);
  Sample s;
  s.width = static_cast<int>(side * std::sqrt(aspect));
  s.height = static_cast<int>(side / std::sqrt(aspect));
  s.scene = MakeUsableScene(rng, static_cast<double>(s.width) / s.height, options);
  return s;
}

void Clean(Scene* scene) {
  scene->blur = scene->noise = 0;
  scene->jpeg = 0;
}

size_t Count(const std::vector<uint8_t>& mask) {
  return std::accumulate(mask.begin(), mask.end(), size_t{0});
}

// The mask that object `k` has where nothing else is drawn.
std::vector<uint8_t> MaskAlone(const Sample& s, size_t k) {
  Scene alone = s.scene;
  alone.objects = {s.scene.objects[k]};
  return Instances(&alone, s.width, s.height).Mask(0);
}

// In pixels; 0, 0, 0, 0 for an empty mask.
Box Extent(const std::vector<uint8_t>& mask, int width) {
  Box b{1e9, 1e9, -1, -1};
  for (size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) continue;
    const int x = static_cast<int>(i) % width, y = static_cast<int>(i) / width;
    b = {std::min<double>(b.x0, x), std::min<double>(b.y0, y), std::max<double>(b.x1, x + 1),
         std::max<double>(b.y1, y + 1)};
  }
  return b.x1 < 0 ? Box{} : b;
}

// Signed distance in pixels of a pixel's centre from a shape's border, positive inside.
double Depth(const Sample& s, const Object& o, int x, int y) {
  const double side = std::sqrt(static_cast<double>(s.width) * s.height), r = o.r * side;
  const double dx = x + 0.5 - o.u * s.width, dy = y + 0.5 - o.v * s.height;
  const double ca = std::cos(o.angle), sa = std::sin(o.angle);
  return ShapeDistance(o.shape, (dx * ca + dy * sa) / r, (dy * ca - dx * sa) / r) * r;
}

// Whether `map` is `value` at a pixel and its eight neighbours.
bool Around(const std::vector<int16_t>& map, const Sample& s, int x, int y, int value) {
  for (int ny = std::max(0, y - 1); ny <= std::min(s.height - 1, y + 1); ++ny) {
    for (int nx = std::max(0, x - 1); nx <= std::min(s.width - 1, x + 1); ++nx) {
      if (map[static_cast<size_t>(ny) * s.width + nx] != value) return false;
    }
  }
  return true;
}

int Change(const Picture& a, const Picture& b, size_t pixel) {
  int most = 0;
  for (size_t k = pixel * 3; k < pixel * 3 + 3; ++k)
    most = std::max(most, std::abs(a.rgb[k] - b.rgb[k]));
  return most;
}

TEST(Mask, AgreesWithBoxAndVisibleShare) {
  Rng rng(601);
  int covered = 0, whole = 0, cut = 0;
  for (int i = 0; i < 120; ++i) {
    Sample s = RandomSample(&rng, TrainingOptions());
    if (i % 4 == 0) s.scene.objects[0].u = 0.01;  // a shape that the edge cuts
    InstanceMap map;
    Render(&s.scene, s.width, s.height, &map);
    ASSERT_EQ(map.width, s.width);
    ASSERT_EQ(map.height, s.height);
    std::vector<int> owners(map.object.size(), 0);
    for (size_t k = 0; k < s.scene.objects.size(); ++k) {
      const Object& o = s.scene.objects[k];
      const std::vector<uint8_t> mask = map.Mask(static_cast<int>(k)), alone = MaskAlone(s, k);
      ASSERT_EQ(mask.size(), map.object.size());
      for (size_t p = 0; p < mask.size(); ++p) owners[p] += mask[p];
      EXPECT_NEAR(o.visible, static_cast<double>(Count(mask)) / std::max<size_t>(1, Count(alone)),
                  1e-9);
      const Box seen = Extent(mask, s.width);
      EXPECT_NEAR(seen.x0, o.box.x0 * s.width, 1e-6);
      EXPECT_NEAR(seen.y0, o.box.y0 * s.height, 1e-6);
      EXPECT_NEAR(seen.x1, o.box.x1 * s.width, 1e-6);
      EXPECT_NEAR(seen.y1, o.box.y1 * s.height, 1e-6);
      if (o.visible == 1) {
        EXPECT_EQ(mask, alone);
      }
      (o.visible == 1 ? whole : covered) += 1;
      cut += Count(alone) > 0 && Extent(alone, s.width).x0 == 0;
    }
    EXPECT_LE(*std::max_element(owners.begin(), owners.end()), 1) << "masks overlap";
    for (int none : {-1, static_cast<int>(s.scene.objects.size())})
      EXPECT_EQ(Count(map.Mask(none)), 0u);
  }
  EXPECT_GT(covered, 20);
  EXPECT_GT(whole, 100);
  EXPECT_GT(cut, 15);
}

// Painter's order and the border of each shape say what the map must be, without the renderer.
TEST(Mask, IsThePaintersRule) {
  Rng rng(602);
  SceneOptions options = TrainingOptions();
  options.panel_rate = 0;
  for (int i = 0; i < 40; ++i) {
    Sample s = RandomSample(&rng, options);
    const InstanceMap map = Instances(&s.scene, s.width, s.height);
    int wrong = 0;
    for (int y = 0; y < s.height; ++y) {
      for (int x = 0; x < s.width; ++x) {
        int front = -1;
        for (size_t k = 0; k < s.scene.objects.size(); ++k) {
          if (Depth(s, s.scene.objects[k], x, y) > 0) front = static_cast<int>(k);
        }
        wrong += map.object[static_cast<size_t>(y) * s.width + x] != front;
      }
    }
    EXPECT_LE(wrong, 1) << "a distance may round either way at exactly half a pixel";
  }
}

// Another colour changes the picture where the mask is and, but for what borders blend, nowhere
// else.
TEST(Mask, IsWhereThePictureShowsTheObject) {
  Rng rng(603);
  SceneOptions options = TrainingOptions();
  options.panel_rate = options.label_rate = 0;
  int compared = 0;
  while (compared < 40) {
    Sample s = RandomSample(&rng, options);
    Clean(&s.scene);
    const int k = rng.Int(static_cast<int>(s.scene.objects.size()));
    for (Object& o : s.scene.objects) o.fill = 0;  // what shows through is nobody's colour
    Object& o = s.scene.objects[static_cast<size_t>(k)];
    InstanceMap map;
    o.rgb = {255, 255, 255};
    const Picture light = Render(&s.scene, s.width, s.height, &map);
    o.rgb = {0, 0, 0};
    const Picture dark = Render(&s.scene, s.width, s.height);
    int outside = 0, lost = 0;
    for (int y = 0; y < s.height; ++y) {
      for (int x = 0; x < s.width; ++x) {
        const size_t p = static_cast<size_t>(y) * s.width + x;
        const int change = Change(light, dark, p);
        // A border is blended over the fill, and darker: at half cover 0.25 and 0.5 * 0.62 show.
        outside += map.object[p] != k && change > 145;
        lost += Around(map.object, s, x, y, k) && change < 150;
      }
    }
    EXPECT_EQ(outside, 0) << kShapeNames[static_cast<size_t>(o.shape)];
    EXPECT_EQ(lost, 0) << kShapeNames[static_cast<size_t>(o.shape)];
    ++compared;
  }
}

TEST(Mask, ThePictureIsTheSameWithAndWithout) {
  Rng rng(604);
  SceneOptions options = TrainingOptions();
  options.label_rate = 1;
  int faults = 0;
  for (int i = 0; i < 60; ++i) {
    Sample a = RandomSample(&rng, options), b = a;
    InstanceMap map, alone;
    const Picture with = Render(&a.scene, a.width, a.height, &map),
                  without = Render(&b.scene, b.width, b.height);
    EXPECT_EQ(with.rgb, without.rgb);
    EXPECT_EQ(a.scene.covers, b.scene.covers);
    alone = Instances(&b.scene, b.width, b.height);
    EXPECT_EQ(alone.object, map.object);
    EXPECT_EQ(alone.plate, map.plate);
    faults += a.scene.blur > 0 || a.scene.noise > 0 || a.scene.jpeg > 0;
  }
  EXPECT_GT(faults, 10);
}

TEST(Mask, LabelsHideNothingAndAreToldApart) {
  Rng rng(605);
  SceneOptions options = TrainingOptions();
  options.label_rate = 1;
  options.panel_rate = 0;
  size_t plates = 0;
  for (int i = 0; i < 40; ++i) {
    Sample s = RandomSample(&rng, options);
    Clean(&s.scene);
    Scene plain = s.scene;
    for (Object& o : plain.objects) o.label.clear();
    InstanceMap map, bare;
    const Picture labelled = Render(&s.scene, s.width, s.height, &map),
                  unlabelled = Render(&plain, s.width, s.height, &bare);
    EXPECT_EQ(map.object, bare.object);
    EXPECT_EQ(std::count(bare.plate.begin(), bare.plate.end(), -1),
              static_cast<std::ptrdiff_t>(bare.plate.size()));
    int stray = 0;
    for (int y = 0; y < s.height; ++y) {
      for (int x = 0; x < s.width; ++x) {
        const size_t p = static_cast<size_t>(y) * s.width + x;
        stray += Around(map.plate, s, x, y, -1) && Change(labelled, unlabelled, p) > 0;
        if (map.plate[p] < 0) continue;
        ++plates;
        ASSERT_FALSE(s.scene.objects[static_cast<size_t>(map.plate[p])].label.empty());
      }
    }
    EXPECT_EQ(stray, 0) << "a label is drawn where the map has none";
  }
  EXPECT_GT(plates, 1000u);
}

TEST(Mask, FramesOfClipsHaveThemToo) {
  Rng rng(606);
  int shown = 0;
  for (int i = 0; i < 12; ++i) {
    Clip clip = MakeClip(&rng, 1.3, rng.Range(3, 12));
    Clean(&clip.base);
    const std::vector<double> times = SampleTimes(clip.duration_s);
    const std::vector<Picture> frames = RenderFrames(clip, times, 182, 140);
    for (size_t f = 0; f < frames.size(); ++f) {
      Scene drawn = SceneAt(clip, times[f]), scene = drawn;
      InstanceMap map;
      EXPECT_EQ(Render(&drawn, 182, 140, &map).rgb, frames[f].rgb) << "frame " << f;
      EXPECT_EQ(Instances(&scene, 182, 140).object, map.object) << "frame " << f;
      for (size_t k = 0; k < scene.objects.size(); ++k)
        shown += Count(map.Mask(static_cast<int>(k))) > 0;
    }
  }
  EXPECT_GT(shown, 100);
}

}  // namespace
}  // namespace sightline::world
