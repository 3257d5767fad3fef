#include "vision/decode_orientation.h"

#include <cstring>

namespace sightline {
namespace {

// Bounds-checked reads in the byte order that the TIFF header names.
struct TiffReader {
  std::string_view bytes;
  bool little = false;

  bool U16(size_t at, uint32_t* value) const {
    if (at > bytes.size() || bytes.size() - at < 2) return false;
    auto b = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])); };
    *value = little ? b(0) | b(1) << 8 : b(0) << 8 | b(1);
    return true;
  }
  bool U32(size_t at, uint32_t* value) const {
    uint32_t first = 0, second = 0;
    if (!U16(at, &first) || !U16(at + 2, &second)) return false;
    *value = little ? first | second << 16 : first << 16 | second;
    return true;
  }
};

// The stored pixel shown at upright (x, y) for each orientation, as in the EXIF standard's table.
inline void StoredPixel(int orientation, int stored_w, int stored_h, int x, int y, int* sx,
                        int* sy) {
  switch (orientation) {
    case 2:
      *sx = stored_w - 1 - x;
      *sy = y;
      break;
    case 3:
      *sx = stored_w - 1 - x;
      *sy = stored_h - 1 - y;
      break;
    case 4:
      *sx = x;
      *sy = stored_h - 1 - y;
      break;
    case 5:
      *sx = y;
      *sy = x;
      break;
    case 6:
      *sx = y;
      *sy = stored_h - 1 - x;
      break;
    case 7:
      *sx = stored_w - 1 - y;
      *sy = stored_h - 1 - x;
      break;
    case 8:
      *sx = stored_w - 1 - y;
      *sy = x;
      break;
    default:
      *sx = x;
      *sy = y;
      break;
  }
}

}  // namespace

int ReadExifOrientation(std::string_view tiff) {
  if (tiff.size() < 8) return 1;
  TiffReader reader{tiff, tiff.substr(0, 2) == "II"};
  if (!reader.little && tiff.substr(0, 2) != "MM") return 1;
  uint32_t magic = 0, directory = 0, entries = 0;
  if (!reader.U16(2, &magic) || magic != 42 || !reader.U32(4, &directory)) return 1;
  if (!reader.U16(directory, &entries)) return 1;
  for (uint32_t i = 0; i < entries; ++i) {
    size_t at = static_cast<size_t>(directory) + 2 + static_cast<size_t>(i) * 12;
    uint32_t tag = 0, type = 0, count = 0, value = 0;
    if (!reader.U16(at, &tag) || !reader.U16(at + 2, &type) || !reader.U32(at + 4, &count))
      return 1;
    if (tag != 0x0112) continue;
    if (type != 3 || count != 1 || !reader.U16(at + 8, &value)) return 1;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image ApplyOrientation(Image stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const int w = stored.width_px, h = stored.height_px;
  Image upright = orientation >= 5 ? MakeImage(h, w) : MakeImage(w, h);
  for (int y = 0; y < upright.height_px; ++y) {
    // Along an upright row the stored position moves by a constant step.
    int sx = 0, sy = 0, nx = 0, ny = 0;
    StoredPixel(orientation, w, h, 0, y, &sx, &sy);
    StoredPixel(orientation, w, h, 1, y, &nx, &ny);
    const ptrdiff_t step = (static_cast<ptrdiff_t>(ny - sy) * w + (nx - sx)) * 3;
    const uint8_t* from = stored.rgb.data() + (static_cast<size_t>(sy) * w + sx) * 3;
    uint8_t* to = upright.row(y);
    for (int x = 0; x < upright.width_px; ++x) std::memcpy(to + x * 3, from + step * x, 3);
  }
  return upright;
}

std::pair<double, double> UprightToStored(double x_px, double y_px, int orientation,
                                          int stored_width_px, int stored_height_px) {
  const double w = stored_width_px, h = stored_height_px, x = x_px, y = y_px;
  switch (orientation) {
    case 2:
      return {w - x, y};
    case 3:
      return {w - x, h - y};
    case 4:
      return {x, h - y};
    case 5:
      return {y, x};
    case 6:
      return {y, h - x};
    case 7:
      return {w - y, h - x};
    case 8:
      return {w - y, x};
    default:
      return {x, y};
  }
}

}  // namespace sightline
