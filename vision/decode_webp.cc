// WebP through libwebp: stills and the first frame of an animation, which is laid on a white
// canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>

#include "vision/decode_codecs.h"

namespace sightline::decode_internal {
namespace {

struct DemuxDelete {
  void operator()(WebPDemuxer* demux) const { WebPDemuxDelete(demux); }
};

struct FrameIterator {
  WebPIterator it = {};
  ~FrameIterator() { WebPDemuxReleaseIterator(&it); }
};

}  // namespace

absl::StatusOr<Image> DecodeWebp(std::string_view bytes, const ImageInfo& info) {
  WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  std::unique_ptr<WebPDemuxer, DemuxDelete> demux(WebPDemuxPartial(&data, &state));
  if (!demux || state == WEBP_DEMUX_PARSE_ERROR) return Corrupt("WebP");
  if (state != WEBP_DEMUX_DONE) return Truncated("WebP");
  FrameIterator frame;
  if (!WebPDemuxGetFrame(demux.get(), 1, &frame.it) || !frame.it.complete) return Corrupt("WebP");
  const int w = info.stored_width_px, h = info.stored_height_px;
  const int64_t fw = frame.it.width, fh = frame.it.height, fx = frame.it.x_offset,
                fy = frame.it.y_offset;
  if (fw <= 0 || fh <= 0 || fx < 0 || fy < 0 || fx + fw > w || fy + fh > h) return Corrupt("WebP");

  WebPBitstreamFeatures features;
  const WebPData& fragment = frame.it.fragment;
  if (WebPGetFeatures(fragment.bytes, fragment.size, &features) != VP8_STATUS_OK ||
      features.width != fw || features.height != fh) {
    return Corrupt("WebP");
  }
  Image image = MakeImage(w, h);
  if (!features.has_alpha && fw == w && fh == h) {
    if (!WebPDecodeRGBInto(fragment.bytes, fragment.size, image.rgb.data(), image.rgb.size(),
                           w * 3)) {
      return Corrupt("WebP");
    }
    return image;
  }
  std::memset(image.rgb.data(), 255, image.rgb.size());
  std::vector<uint8_t> rgba(static_cast<size_t>(fw) * fh * 4);
  if (!WebPDecodeRGBAInto(fragment.bytes, fragment.size, rgba.data(), rgba.size(),
                          static_cast<int>(fw * 4))) {
    return Corrupt("WebP");
  }
  for (int64_t y = 0; y < fh; ++y) {
    CompositeOnWhite(rgba.data() + y * fw * 4, static_cast<int>(fw),
                     image.row(static_cast<int>(fy + y)) + fx * 3);
  }
  return image;
}

}  // namespace sightline::decode_internal
