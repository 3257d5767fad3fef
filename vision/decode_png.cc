// PNG through libpng, straight from memory. As for JPEG, nothing with a destructor lives between
// setjmp and longjmp.
#include <png.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "vision/decode_codecs.h"
#include "vision/decode_error.h"

namespace sightline::decode_internal {
namespace {

// Text and colour profiles may inflate without end; pixels have their own limit.
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;

struct PngSource {
  const char* data;
  size_t left;
  bool ran_out;
};

void ReadSource(png_structp png, png_bytep out, size_t count) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (count > source->left) {
    source->ran_out = true;
    png_error(png, "end");
  }
  std::memcpy(out, source->data, count);
  source->data += count;
  source->left -= count;
}

void OnPngError(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void OnPngWarning(png_structp, png_const_charp) {}

// Everything becomes 8-bit RGB, or RGBA when there is transparency. Returns the channels.
int SetTransforms(png_structp png, png_infop info) {
  const bool alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) ||
                     png_get_valid(png, info, PNG_INFO_tRNS);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return alpha ? 4 : 3;
}

enum class PngOutcome { kDone, kTruncated, kCorrupt, kNoMemory };

struct PngJob {
  std::string_view bytes;
  Image* image;
  uint8_t* rgba = nullptr;  // [H, W, 4], malloc'ed when needed; freed by the caller
  uint8_t** rows = nullptr;
};

PngOutcome ReadPixels(PngJob* job) {
  PngSource source{job->bytes.data(), job->bytes.size(), false};
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, OnPngError, OnPngWarning);
  if (!png) return PngOutcome::kNoMemory;
  png_infop info = png_create_info_struct(png);
  if (!info) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    return PngOutcome::kNoMemory;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, nullptr);
    return source.ran_out ? PngOutcome::kTruncated : PngOutcome::kCorrupt;
  }
  png_set_read_fn(png, &source, ReadSource);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_set_chunk_cache_max(png, 100);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // ours were applied already
  png_read_info(png, info);
  Image& image = *job->image;
  const int w = image.width_px, h = image.height_px;
  if (static_cast<int64_t>(png_get_image_width(png, info)) != w ||
      static_cast<int64_t>(png_get_image_height(png, info)) != h) {
    png_error(png, "size");
  }
  const int channels = SetTransforms(png, info);
  const size_t row_bytes = static_cast<size_t>(w) * channels;
  if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "row");
  job->rows = static_cast<uint8_t**>(std::malloc(sizeof(uint8_t*) * h));
  if (channels == 4)
    job->rgba = static_cast<uint8_t*>(std::calloc(static_cast<size_t>(h), row_bytes));
  if (!job->rows || (channels == 4 && !job->rgba)) {
    png_destroy_read_struct(&png, &info, nullptr);
    return PngOutcome::kNoMemory;
  }
  uint8_t* base = channels == 4 ? job->rgba : image.rgb.data();
  for (int y = 0; y < h; ++y) job->rows[y] = base + row_bytes * y;
  png_read_image(png, job->rows);
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return PngOutcome::kDone;
}

}  // namespace

absl::StatusOr<Image> DecodePng(std::string_view bytes, const ImageInfo& info) {
  Image image = MakeImage(info.stored_width_px, info.stored_height_px);
  PngJob job{bytes, &image};
  PngOutcome outcome = ReadPixels(&job);
  if (outcome == PngOutcome::kDone && job.rgba) {
    for (int y = 0; y < image.height_px; ++y)
      CompositeOnWhite(job.rows[y], image.width_px, image.row(y));
  }
  std::free(job.rgba);
  std::free(job.rows);
  switch (outcome) {
    case PngOutcome::kDone:
      return image;
    case PngOutcome::kTruncated:
      return Truncated("PNG");
    case PngOutcome::kNoMemory:
      return MediaBudgetError("IMAGE_OUT_OF_MEMORY",
                              "there is not enough memory to decode the image now");
    case PngOutcome::kCorrupt:
      break;
  }
  return Corrupt("PNG");
}

}  // namespace sightline::decode_internal
