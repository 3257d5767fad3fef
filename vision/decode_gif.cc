// First frame of a GIF (CompuServe GIF89a): colour tables, LZW, interlacing, one transparent colour
// over white. Written here because the decoders at hand pass over frames whose data ends early.
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "vision/decode_codecs.h"

namespace sightline::decode_internal {
namespace {

constexpr int kMaxCodes = 4096;

struct Cursor {
  std::string_view bytes;
  size_t at = 0;
  bool ok = true;

  uint32_t U8() {
    if (at >= bytes.size()) return ok = false, 0;
    return static_cast<uint8_t>(bytes[at++]);
  }
  uint32_t U16() {
    uint32_t low = U8();
    return low | U8() << 8;
  }
  std::string_view Take(size_t count) {
    if (count > bytes.size() - at) return ok = false, std::string_view();
    at += count;
    return bytes.substr(at - count, count);
  }
  // Contents of a chain of sub-blocks, joined.
  std::string Blocks() {
    std::string joined;
    for (uint32_t length = U8(); ok && length > 0; length = U8()) joined += Take(length);
    return joined;
  }
};

// Unpacks LZW codes of up to 12 bits into palette indices. Returns how many of `count` were
// produced.
size_t UnpackLzw(std::string_view packed, int min_code_bits, uint8_t* out, size_t count) {
  const int clear = 1 << min_code_bits, end = clear + 1;
  std::array<uint16_t, kMaxCodes> prefix{};
  std::array<uint8_t, kMaxCodes> suffix{}, stack{};
  for (int i = 0; i < clear; ++i) suffix[i] = static_cast<uint8_t>(i);
  int next = end + 1, code_bits = min_code_bits + 1, previous = -1;
  uint8_t first = 0;
  uint32_t bits = 0;
  int bit_count = 0;
  size_t produced = 0, at = 0;
  while (produced < count) {
    while (bit_count < code_bits) {
      if (at >= packed.size()) return produced;
      bits |= static_cast<uint32_t>(static_cast<uint8_t>(packed[at++])) << bit_count;
      bit_count += 8;
    }
    int code = static_cast<int>(bits & ((1u << code_bits) - 1));
    bits >>= code_bits;
    bit_count -= code_bits;
    if (code == end) return produced;
    if (code == clear) {
      next = end + 1, code_bits = min_code_bits + 1, previous = -1;
      continue;
    }
    if (code > next || (code == next && previous < 0) || (previous < 0 && code >= clear))
      return produced;
    int depth = 0, walk = code;
    if (code == next) stack[depth++] = first, walk = previous;
    while (walk >= clear) stack[depth++] = suffix[walk], walk = prefix[walk];
    stack[depth++] = first = static_cast<uint8_t>(walk);
    while (depth > 0 && produced < count) out[produced++] = stack[--depth];
    if (previous >= 0 && next < kMaxCodes) {
      prefix[next] = static_cast<uint16_t>(previous);
      suffix[next++] = first;
      if (next == 1 << code_bits && code_bits < 12) ++code_bits;
    }
    previous = code;
  }
  return produced;
}

// Row of the picture that the i-th stored row of an interlaced frame is.
int InterlacedRow(int i, int height) {
  const int start[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; ++pass) {
    int rows = height > start[pass] ? (height - start[pass] + step[pass] - 1) / step[pass] : 0;
    if (i < rows) return start[pass] + i * step[pass];
    i -= rows;
  }
  return height;
}

struct Frame {
  int left, top, width, height;
  bool interlaced;
  int transparent;  // palette index or -1
  std::string_view palette;
};

void Draw(const Frame& frame, const std::vector<uint8_t>& indices, Image* image) {
  for (int i = 0; i < frame.height; ++i) {
    int y = frame.top + (frame.interlaced ? InterlacedRow(i, frame.height) : i);
    if (y >= image->height_px) continue;
    for (int x = 0; x < frame.width && frame.left + x < image->width_px; ++x) {
      size_t index = indices[static_cast<size_t>(i) * frame.width + x];
      if (static_cast<int>(index) == frame.transparent || index * 3 + 3 > frame.palette.size())
        continue;
      std::memcpy(image->row(y) + (frame.left + x) * 3, frame.palette.data() + index * 3, 3);
    }
  }
}

absl::StatusOr<Image> DecodeFrame(Cursor* in, std::string_view palette, int transparent,
                                  const ImageInfo& info) {
  Frame frame{};
  frame.left = static_cast<int>(in->U16());
  frame.top = static_cast<int>(in->U16());
  frame.width = static_cast<int>(in->U16());
  frame.height = static_cast<int>(in->U16());
  uint32_t flags = in->U8();
  frame.palette = flags & 0x80 ? in->Take(static_cast<size_t>(3) << ((flags & 7) + 1)) : palette;
  frame.interlaced = flags & 0x40;
  frame.transparent = transparent;
  const uint32_t min_code_bits = in->U8();
  std::string packed = in->Blocks();
  if (!in->ok) return Truncated("GIF");
  // A frame may reach past the screen, but one larger than the checked screen would escape the
  // limits.
  if (frame.width == 0 || frame.height == 0 || frame.width > info.stored_width_px ||
      frame.height > info.stored_height_px || min_code_bits < 1 || min_code_bits > 8) {
    return Corrupt("GIF");
  }
  std::vector<uint8_t> indices(static_cast<size_t>(frame.width) * frame.height);
  if (UnpackLzw(packed, static_cast<int>(min_code_bits), indices.data(), indices.size()) !=
      indices.size()) {
    return Corrupt("GIF");
  }
  Image image = MakeImage(info.stored_width_px, info.stored_height_px);
  std::memset(image.rgb.data(), 255, image.rgb.size());
  Draw(frame, indices, &image);
  return image;
}

}  // namespace

absl::StatusOr<Image> DecodeGif(std::string_view bytes, const ImageInfo& info) {
  Cursor in{bytes, 10};
  uint32_t flags = in.U8();
  in.Take(2);
  std::string_view palette =
      flags & 0x80 ? in.Take(static_cast<size_t>(3) << ((flags & 7) + 1)) : std::string_view();
  int transparent = -1;
  while (in.ok) {
    uint32_t block = in.U8();
    if (block == 0x2c) return DecodeFrame(&in, palette, transparent, info);
    if (block != 0x21) break;
    uint32_t label = in.U8();
    std::string body = in.Blocks();
    if (label == 0xf9 && body.size() >= 4) {
      transparent = body[0] & 1 ? static_cast<uint8_t>(body[3]) : -1;
    }
  }
  return in.ok ? Corrupt("GIF") : Truncated("GIF");
}

}  // namespace sightline::decode_internal
