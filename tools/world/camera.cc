// What a camera and a codec do to a picture: blur, sensor noise, JPEG's block quantisation.
#include <algorithm>
#include <cmath>

#include "tools/world/canvas.h"

namespace sightline::world {

void Blur(Canvas* c, double sigma_px) {
  // Three taps a side are enough for the small sigmas used here.
  double w1 = std::exp(-0.5 / (sigma_px * sigma_px)), w2 = std::exp(-2.0 / (sigma_px * sigma_px));
  auto n = static_cast<float>(1 / (1 + 2 * w1 + 2 * w2));
  auto a = static_cast<float>(w1) * n, b = static_cast<float>(w2) * n;
  int w = c->width, h = c->height;
  std::vector<float> line;
  auto pass = [&](int count, int length, size_t step, size_t stride) {
    for (int i = 0; i < count; ++i) {
      for (size_t ch = 0; ch < 3; ++ch) {
        float* p = &c->rgb[static_cast<size_t>(i) * step + ch];
        line.resize(static_cast<size_t>(length) + 4);
        for (int k = 0; k < length; ++k)
          line[static_cast<size_t>(k) + 2] = p[static_cast<size_t>(k) * stride];
        line[0] = line[1] = line[2];
        line[static_cast<size_t>(length) + 2] = line[static_cast<size_t>(length) + 3] =
            line[static_cast<size_t>(length) + 1];
        for (size_t k = 0; k < static_cast<size_t>(length); ++k) {
          p[k * stride] =
              b * (line[k] + line[k + 4]) + a * (line[k + 1] + line[k + 3]) + n * line[k + 2];
        }
      }
    }
  };
  pass(h, w, static_cast<size_t>(w) * 3, 3);
  pass(w, h, 3, static_cast<size_t>(w) * 3);
}

void AddNoise(Canvas* canvas, double sigma, Rng* rng) {
  // A sum of the bytes of one draw is close to normal: mean 4 * 127.5, deviation 147.8.
  auto scale = static_cast<float>(sigma / 147.8);
  for (size_t i = 0; i + 1 < canvas->rgb.size(); i += 2) {
    uint64_t r = rng->Next();
    auto sum = [&](int shift) {
      return static_cast<float>((r >> shift & 255) + (r >> (shift + 8) & 255) +
                                (r >> (shift + 16) & 255) + (r >> (shift + 24) & 255)) -
             510.0f;
    };
    canvas->rgb[i] += scale * sum(0);
    canvas->rgb[i + 1] += scale * sum(32);
  }
}

namespace {

struct Cosines {
  float c[8][8];
  Cosines() {
    for (int k = 0; k < 8; ++k) {
      for (int n = 0; n < 8; ++n) {
        c[k][n] = static_cast<float>((k ? 0.5 : std::sqrt(0.125)) *
                                     std::cos((2 * n + 1) * k * 3.14159265358979 / 16));
      }
    }
  }
};

void QuantiseBlock(float* block, float scale, bool chroma) {
  static const Cosines kC;
  float t[64], f[64];
  for (int y = 0; y < 8; ++y) {
    for (int k = 0; k < 8; ++k) {
      float s = 0;
      for (int x = 0; x < 8; ++x) s += block[y * 8 + x] * kC.c[k][x];
      t[y * 8 + k] = s;
    }
  }
  for (int j = 0; j < 8; ++j) {
    for (int k = 0; k < 8; ++k) {
      float s = 0;
      for (int y = 0; y < 8; ++y) s += t[y * 8 + k] * kC.c[j][y];
      // Steps grow with frequency much as the standard's example tables do.
      float base = chroma ? 17.0f + 12.0f * static_cast<float>(j + k)
                          : 11.0f + 7.0f * static_cast<float>(j + k);
      float q = std::max(1.0f, std::min(base, chroma ? 99.0f : 120.0f) * scale);
      f[j * 8 + k] = std::nearbyint(s / q) * q;
    }
  }
  for (int j = 0; j < 8; ++j) {
    for (int x = 0; x < 8; ++x) {
      float s = 0;
      for (int k = 0; k < 8; ++k) s += f[j * 8 + k] * kC.c[k][x];
      t[j * 8 + x] = s;
    }
  }
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      float s = 0;
      for (int j = 0; j < 8; ++j) s += t[j * 8 + x] * kC.c[j][y];
      block[y * 8 + x] = s;
    }
  }
}

void QuantisePlane(std::vector<float>* plane, int w, int h, float scale, bool chroma) {
  float block[64];
  for (int by = 0; by < h; by += 8) {
    for (int bx = 0; bx < w; bx += 8) {
      for (int i = 0; i < 64; ++i) {
        block[i] = (*plane)[static_cast<size_t>(std::min(by + i / 8, h - 1)) * w +
                            std::min(bx + i % 8, w - 1)];
      }
      QuantiseBlock(block, scale, chroma);
      for (int i = 0; i < 64; ++i) {
        if (by + i / 8 < h && bx + i % 8 < w)
          (*plane)[static_cast<size_t>(by + i / 8) * w + bx + i % 8] = block[i];
      }
    }
  }
}

}  // namespace

void JpegArtefacts(Canvas* c, int quality) {
  float scale = quality < 50 ? 50.0f / static_cast<float>(quality)
                             : 2.0f - static_cast<float>(quality) / 50.0f;
  int w = c->width, h = c->height, cw = (w + 1) / 2, ch = (h + 1) / 2;
  std::vector<float> luma(static_cast<size_t>(w) * h), cb(static_cast<size_t>(cw) * ch),
      cr(cb.size());
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const float* p = c->At(x, y);
      float l = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
      luma[static_cast<size_t>(y) * w + x] = l - 128;
      size_t i = static_cast<size_t>(y / 2) * cw + x / 2;
      // A last odd row or column has fewer pixels to average.
      float share = ((x | 1) < w ? 0.5f : 1.0f) * ((y | 1) < h ? 0.5f : 1.0f);
      cb[i] += share * 0.564f * (p[2] - l);
      cr[i] += share * 0.713f * (p[0] - l);
    }
  }
  QuantisePlane(&luma, w, h, scale, false);
  QuantisePlane(&cb, cw, ch, scale, true);
  QuantisePlane(&cr, cw, ch, scale, true);
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      float l = luma[static_cast<size_t>(y) * w + x] + 128;
      size_t i = static_cast<size_t>(y / 2) * cw + x / 2;
      float* p = c->At(x, y);
      p[0] = l + 1.402f * cr[i];
      p[1] = l - 0.344f * cb[i] - 0.714f * cr[i];
      p[2] = l + 1.772f * cb[i];
    }
  }
}

Picture ToPicture(const Canvas& canvas) {
  Picture p{canvas.width, canvas.height, std::vector<uint8_t>(canvas.rgb.size())};
  for (size_t i = 0; i < p.rgb.size(); ++i) {
    p.rgb[i] = static_cast<uint8_t>(std::clamp(canvas.rgb[i] + 0.5f, 0.0f, 255.0f));
  }
  return p;
}

}  // namespace sightline::world
