#include <algorithm>
#include <cmath>
#include <cstring>

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include "vision/decode_error.h"
#include "vision/decode_orientation.h"
#include "vision/video_decoder.h"

namespace sightline::video_internal {
namespace {

struct ScalerDelete {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
struct MemoryDelete {
  void operator()(uint8_t* memory) const { av_free(memory); }
};

// Matrix to use where the stream names none: high definition has been BT.709 since it exists.
int ColourMatrix(const AVFrame* frame) {
  if (frame->colorspace != AVCOL_SPC_UNSPECIFIED && frame->colorspace != AVCOL_SPC_RGB) {
    return static_cast<int>(frame->colorspace);
  }
  return frame->height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

void FitInside(int max_side_px, int* width_px, int* height_px) {
  const int longest = std::max(*width_px, *height_px);
  if (max_side_px <= 0 || longest <= max_side_px) return;
  const double scale = static_cast<double>(max_side_px) / longest;
  *width_px = std::max(1, static_cast<int>(std::lround(*width_px * scale)));
  *height_px = std::max(1, static_cast<int>(std::lround(*height_px * scale)));
}

}  // namespace

StatusOr<VideoFrame> ConvertFrame(const AVFrame* frame, int orientation, int max_side_px,
                                  const VideoLimits& limits) {
  SL_RETURN_IF_ERROR(CheckVideoSize(frame->width, frame->height, limits));
  const Status failed =
      MediaError("VIDEO_CORRUPT", "a frame of the video can't be converted to RGB");
  int w = frame->width, h = frame->height;
  FitInside(max_side_px, &w, &h);
  const bool reduced = w != frame->width || h != frame->height;
  const auto format = static_cast<AVPixelFormat>(frame->format);
  const AVPixFmtDescriptor* shape = av_pix_fmt_desc_get(format);
  if (!shape) return failed;
  const bool alpha = shape->flags & AV_PIX_FMT_FLAG_ALPHA;  // shown over white
  std::unique_ptr<SwsContext, ScalerDelete> scaler(sws_getContext(
      frame->width, frame->height, format, w, h, alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
      (reduced ? SWS_AREA : SWS_BICUBIC) | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr,
      nullptr));
  if (!scaler) return failed;
  const int* matrix = sws_getCoefficients(ColourMatrix(frame));
  const bool full_range = frame->color_range == AVCOL_RANGE_JPEG || format == AV_PIX_FMT_YUVJ420P ||
                          format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ444P;
  sws_setColorspaceDetails(scaler.get(), matrix, full_range, matrix, 1, 0, 1 << 16, 1 << 16);
  // The scaler may write past the end of a row, so it gets rows of its own.
  const int channels = alpha ? 4 : 3;
  const int stride = (w * channels + 127) / 64 * 64;
  std::unique_ptr<uint8_t, MemoryDelete> rows(
      static_cast<uint8_t*>(av_malloc(static_cast<size_t>(stride) * h + 64)));
  if (!rows)
    return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                            "there is not enough memory to decode the video now");
  uint8_t* planes[4] = {rows.get()};
  const int strides[4] = {stride};
  if (sws_scale(scaler.get(), frame->data, frame->linesize, 0, frame->height, planes, strides) != h)
    return failed;
  Image stored = MakeImage(w, h);
  for (int y = 0; y < h; ++y) {
    const uint8_t* from = rows.get() + static_cast<size_t>(stride) * y;
    uint8_t* to = stored.row(y);
    if (!alpha) {
      std::memcpy(to, from, stored.row_bytes());
      continue;
    }
    for (int x = 0; x < w; ++x) {
      const unsigned a = from[x * 4 + 3];
      for (int c = 0; c < 3; ++c)
        to[x * 3 + c] =
            static_cast<uint8_t>((from[x * 4 + c] * a + 255u * (255u - a) + 127u) / 255u);
    }
  }
  VideoFrame out;
  out.image = ApplyOrientation(std::move(stored), orientation);
  out.source_width_px = orientation >= 5 ? frame->height : frame->width;
  out.source_height_px = orientation >= 5 ? frame->width : frame->height;
  out.damaged = frame->decode_error_flags != 0;
  return out;
}

}  // namespace sightline::video_internal
