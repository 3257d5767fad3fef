// Draws scenes and measures what can be seen of each object.
#pragma once

#include "tools/world/canvas.h"
#include "tools/world/scene.h"

namespace sightline::world {

// Background alone.
void DrawBackdrop(const Scene& scene, Canvas* canvas);

// Which object each pixel of a picture shows, in the picture's own pixels. Blur, noise and codec
// artefacts move no borders and are not in it.
//
// A pixel belongs to the last object in painter's order that covers more than half of it. An object
// is all that its border encloses: the inside of an outlined shape counts, where what lies behind
// shows through; the hole of a ring does not. A panel's element is its rectangle, a check box its
// square, with what is drawn in them. Object::box is exactly the extent of an object's pixels, and
// Object::visible their number over what it would be if no later object covered any; pixels beyond
// the picture's edge count in neither.
//
// Labels of shapes are drawn over all objects and, as in box and visible, hide nothing. Where one
// shows instead of an object is told by `plate`, so that a caller may take it away.
struct InstanceMap {
  int width = 0, height = 0;
  std::vector<int16_t> object;  // [height][width]: index into Scene::objects, -1 none
  std::vector<int16_t> plate;   // [height][width]: whose label is there, by the same rule, -1 none

  // [height][width], 1 where object `index` is seen and 0 elsewhere; all 0 where the scene has no
  // such object or it is hidden. Masks of two objects have no pixel in common.
  std::vector<uint8_t> Mask(int index) const;
};

// Objects and labels over whatever the canvas holds; fills box and visible of each object, and
// `instances` unless it is null. What is drawn does not depend on it.
void DrawObjects(Scene* scene, Canvas* canvas, InstanceMap* instances = nullptr);
// The finished picture. Fills box and visible, and `instances` unless it is null.
Picture Render(Scene* scene, int width, int height, InstanceMap* instances = nullptr);
// The map without the picture. Fills box and visible. Objects keep to shares of width and height,
// so that this at another size of the same aspect is the map of a picture resized to it. A clip's
// frame is SceneAt(clip, time_s), whose objects are those shown at that time: no two of a clip have
// the same shape.
InstanceMap Instances(Scene* scene, int width, int height);
// Picture that is not a scene at all, of many kinds: for learning when to say so.
Picture RenderOutlier(Rng* rng, int width, int height);

}  // namespace sightline::world
