// JPEG through libjpeg-turbo, straight from memory. Its error hook must not return, hence setjmp;
// the functions between setjmp and longjmp hold no C++ object with a destructor.

#include <csetjmp>
#include <cstdio>

// jpeglib.h needs <cstdio> before it and jerror.h after it.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "vision/decode_codecs.h"
#include "vision/decode_error.h"

namespace sightline::decode_internal {
namespace {

// A progressive file may ask for a pass over the whole picture per scan; sound files have about
// ten.
constexpr int kMaxScans = 100;

enum class Outcome { kDone, kTruncated, kCorrupt, kUnsupported, kOutOfMemory };

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that the library's pointer is ours
  std::jmp_buf jump;
  Outcome outcome = Outcome::kCorrupt;
};

[[noreturn]] void Fail(j_common_ptr info, Outcome outcome) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->outcome = outcome;
  std::longjmp(errors->jump, 1);
}

[[noreturn]] void OnError(j_common_ptr info) {
  switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
      Fail(info, Outcome::kOutOfMemory);
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      Fail(info, Outcome::kTruncated);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
      Fail(info, Outcome::kUnsupported);
    default:
      Fail(info, Outcome::kCorrupt);
  }
}

// The library goes on after damage with grey or garbage; we don't. Harmless oddities (stray bytes
// between segments, an unknown Adobe transform) pass.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
      Fail(info, Outcome::kTruncated);
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      Fail(info, Outcome::kCorrupt);
    default:
      break;
  }
}

void OnProgress(j_common_ptr info) {
  if (info->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    Fail(info, Outcome::kUnsupported);
  }
}

// Values are stored inverted (255 = no ink) by every program that writes such files.
void CmykToRgb(const uint8_t* cmyk, int width_px, uint8_t* rgb) {
  for (int x = 0; x < width_px; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>((cmyk[c] * cmyk[3] + 127) / 255);
  }
}

Outcome ReadPixels(std::string_view bytes, Image* image, uint8_t* cmyk_row) {
  jpeg_decompress_struct info;
  JpegErrors errors;
  jpeg_progress_mgr progress = {};
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = OnError;
  errors.base.emit_message = OnMessage;
  errors.base.output_message = [](j_common_ptr) {};
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&info);
    return errors.outcome;
  }
  jpeg_create_decompress(&info);
  progress.progress_monitor = OnProgress;
  info.progress = &progress;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  const bool cmyk = info.num_components == 4;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  if (static_cast<int64_t>(info.image_width) != image->width_px ||
      static_cast<int64_t>(info.image_height) != image->height_px) {
    Fail(reinterpret_cast<j_common_ptr>(&info), Outcome::kCorrupt);
  }
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    uint8_t* rgb = image->row(static_cast<int>(info.output_scanline));
    JSAMPROW row = cmyk ? cmyk_row : rgb;
    jpeg_read_scanlines(&info, &row, 1);
    if (cmyk) CmykToRgb(cmyk_row, image->width_px, rgb);
  }
  jpeg_finish_decompress(&info);  // reads up to the end marker: a file without one is refused here
  jpeg_destroy_decompress(&info);
  return Outcome::kDone;
}

}  // namespace

absl::StatusOr<Image> DecodeJpeg(std::string_view bytes, const ImageInfo& info) {
  Image image = MakeImage(info.stored_width_px, info.stored_height_px);
  std::vector<uint8_t> cmyk_row(static_cast<size_t>(info.stored_width_px) * 4);
  switch (ReadPixels(bytes, &image, cmyk_row.data())) {
    case Outcome::kDone:
      return image;
    case Outcome::kTruncated:
      return Truncated("JPEG");
    case Outcome::kUnsupported:
      return MediaError("IMAGE_UNSUPPORTED_FORMAT", "this kind of JPEG file is not supported");
    case Outcome::kOutOfMemory:
      return MediaBudgetError("IMAGE_OUT_OF_MEMORY",
                              "there is not enough memory to decode the image now");
    case Outcome::kCorrupt:
      break;
  }
  return Corrupt("JPEG");
}

}  // namespace sightline::decode_internal
