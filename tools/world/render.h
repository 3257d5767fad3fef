// Draws scenes and measures what can be seen of each object.
#pragma once

#include "tools/world/canvas.h"
#include "tools/world/scene.h"

namespace sightline::world {

// Background alone.
void DrawBackdrop(const Scene& scene, Canvas* canvas);
// Objects and labels over whatever the canvas holds; fills box and visible of each object.
void DrawObjects(Scene* scene, Canvas* canvas);
// The finished picture. Fills box and visible.
Picture Render(Scene* scene, int width, int height);
// Picture that is not a scene at all, of many kinds: for learning when to say so.
Picture RenderOutlier(Rng* rng, int width, int height);

}  // namespace sightline::world
