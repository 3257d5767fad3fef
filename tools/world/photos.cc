// Two small photographs as backgrounds (Chelsea the cat and a coffee cup, CC0, 160 x 120), linked
// into the program.
#include "tools/world/canvas.h"

namespace sightline::world {
namespace {

#include "tools/world/photos/chelsea.inc"
#include "tools/world/photos/coffee.inc"

}  // namespace

const uint8_t* Photo(int index) {
  return reinterpret_cast<const uint8_t*>(index ? kChelsea : kCoffee);
}

}  // namespace sightline::world
