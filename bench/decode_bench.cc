// Decoding speed on this machine: JPEG and PNG pictures a second, H.264 frames a second, each
// checked before it is timed. Usage: decode_bench [--json] [--seconds S] [--clip FILE]. The clip is
// made by the ffmpeg program (1080p, 10 s, key frame every 2 s) unless a file is given.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// clang-format off
#include <jpeglib.h>
// clang-format on
#include <png.h>

#include "vision/decode.h"
#include "vision/video.h"

namespace sightline {
namespace {

constexpr int kWidthPx = 1920, kHeightPx = 1080;

struct Row {
  std::string name;
  double per_second, mpixels_per_second;
};

// Something like a photograph: slow waves with fine grain.
Image MakePicture() {
  Image image = MakeImage(kWidthPx, kHeightPx);
  uint32_t noise = 12345;
  for (int y = 0; y < kHeightPx; ++y) {
    for (int x = 0; x < kWidthPx; ++x) {
      noise = noise * 1664525u + 1013904223u;
      const double grain = static_cast<double>(noise >> 24) / 16 - 8;
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(x * 0.011 * (c + 1)) * std::cos(y * 0.017 + c);
        image.row(y)[x * 3 + c] =
            static_cast<uint8_t>(std::clamp(128 + 90 * wave + grain, 0.0, 255.0));
      }
    }
  }
  return image;
}

std::string EncodeJpeg(const Image& image) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long size = 0;  // NOLINT: the library's type
  jpeg_mem_dest(&info, &out, &size);
  info.image_width = kWidthPx;
  info.image_height = kHeightPx;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 85, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(out), size);
  jpeg_destroy_compress(&info);
  std::free(out);
  return bytes;
}

std::string EncodePng(const Image& image) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = kWidthPx;
  png.height = kHeightPx;
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&png, nullptr, &size, 0, image.rgb.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&png, bytes.data(), &size, 0, image.rgb.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string MakeClip() {
  const auto path = std::filesystem::temp_directory_path() /
                    ("decode_bench_" + std::to_string(std::random_device{}()) + ".mp4");
  const std::string command =
      "ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=s=1920x1080:r=25:d=10 -pix_fmt yuv420p "
      "-c:v libx264 "
      "-preset veryfast -g 50 -bf 2 " +
      path.string();
  if (std::system(command.c_str()) != 0) return "";
  std::string bytes = ReadFile(path.string());
  std::filesystem::remove(path);
  return bytes;
}

double Psnr(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    const double d = static_cast<double>(a.rgb[i]) - b.rgb[i];
    sum += d * d;
  }
  return sum == 0 ? 99 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / sum);
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "decode_bench: %s\n", what.c_str());
  std::exit(1);
}

// Runs `once`, which returns how many units it did, for about `seconds`.
double Rate(double seconds, const std::function<int64_t()>& once) {
  using Clock = std::chrono::steady_clock;
  once();
  int64_t units = 0;
  const auto start = Clock::now();
  double spent = 0;
  while (spent < seconds) {
    units += once();
    spent = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return static_cast<double>(units) / spent;
}

Row TimePicture(const std::string& name, const std::string& bytes, const Image& source,
                double least_psnr, double seconds) {
  auto decoded = DecodeImage(bytes);
  if (!decoded.ok()) Fail(name + ": " + std::string(decoded.status().message()));
  if (Psnr(decoded->image, source) < least_psnr)
    Fail(name + ": the decoded picture is not the one encoded");
  const double rate = Rate(seconds, [&] { return DecodeImage(bytes).ok() ? 1 : 0; });
  return {name, rate, rate * kWidthPx * kHeightPx * 1e-6};
}

Row TimeClip(const std::string& name, const std::string& bytes, const SampleOptions& options,
             bool count_decoded, double seconds) {
  auto video = SampleFrames(bytes, options);
  if (!video.ok()) Fail(name + ": " + std::string(video.status().message()));
  for (size_t i = 1; i < video->frames.size(); ++i) {
    if (video->frames[i].timestamp_ms <= video->frames[i - 1].timestamp_ms)
      Fail(name + ": times do not rise");
  }
  const double pixels = static_cast<double>(video->info.width_px) * video->info.height_px;
  const double rate = Rate(seconds, [&] {
    auto again = SampleFrames(bytes, options);
    if (!again.ok()) return INT64_C(0);
    return count_decoded ? again->decoded_frames : static_cast<int64_t>(again->frames.size());
  });
  return {name, rate, count_decoded ? rate * pixels * 1e-6 : 0};
}

std::vector<Row> TimeClips(const std::string& clip, double seconds) {
  std::vector<Row> rows;
  SampleOptions every;
  every.policy.fps = 1000;
  every.policy.max_frames = 100'000;
  every.policy.max_side_px = 640;
  for (int threads : {1, 2}) {
    every.limits.decoder_threads = threads;
    rows.push_back(TimeClip("h264_decode_" + std::to_string(threads) + "_threads", clip, every,
                            true, seconds));
  }
  // What a question about a clip costs: few frames, most of the clip passed over.
  rows.push_back(TimeClip("h264_sample_8_frames", clip,
                          {.policy = {.fps = 0, .min_frames = 8, .max_frames = 8}}, false,
                          seconds));
  return rows;
}

void Print(const std::vector<Row>& rows, bool json) {
  if (!json) {
    std::printf("%-28s %12s %12s\n", "what", "a second", "Mpixel/s");
    for (const Row& r : rows)
      std::printf("%-28s %12.1f %12.1f\n", r.name.c_str(), r.per_second, r.mpixels_per_second);
    return;
  }
  std::printf("{\"metrics\": {");
  for (size_t i = 0; i < rows.size(); ++i) {
    std::printf("%s\"%s_per_s\": {\"value\": %.3f, \"mpixels_per_s\": %.3f}", i ? ", " : "",
                rows[i].name.c_str(), rows[i].per_second, rows[i].mpixels_per_second);
  }
  std::printf("}}\n");
}

int Main(int argc, char** argv) {
  bool json = false;
  double seconds = 3;
  std::string clip_path;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--json")) {
      json = true;
    } else if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (!std::strcmp(argv[i], "--clip") && i + 1 < argc) {
      clip_path = argv[++i];
    } else {
      Fail("usage: decode_bench [--json] [--seconds S] [--clip FILE]");
    }
  }
  const Image picture = MakePicture();
  std::vector<Row> rows;
  rows.push_back(TimePicture("jpeg_1080p", EncodeJpeg(picture), picture, 25, seconds));
  rows.push_back(TimePicture("png_1080p", EncodePng(picture), picture, 99, seconds));
  const std::string clip = clip_path.empty() ? MakeClip() : ReadFile(clip_path);
  if (clip.empty()) {
    std::fprintf(stderr, "decode_bench: no clip (is ffmpeg installed?); clips left out\n");
  } else {
    for (Row& r : TimeClips(clip, seconds)) rows.push_back(std::move(r));
  }
  Print(rows, json);
  return 0;
}

}  // namespace
}  // namespace sightline

int main(int argc, char** argv) { return sightline::Main(argc, argv); }
