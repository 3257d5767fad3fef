#include "compute/cpu/amx.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "compute/base/check.h"

namespace sightline {
namespace {

std::atomic<bool> allowed{true};

bool Granted() {
#if defined(__x86_64__)
  constexpr unsigned kTiles = 1u << 24, kBytes = 1u << 25;    // CPUID 7, EDX
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl(2)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  if ((d & kTiles) == 0 || (d & kBytes) == 0) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

#if defined(__x86_64__)
// As LDTILECFG reads it.
struct alignas(64) Config {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(Config) == 64);
#endif

}  // namespace

bool HasAmx() {
  static const bool granted = Granted();
  return granted && allowed.load(std::memory_order_relaxed);
}

void AllowAmx(bool allow) { allowed = allow; }

#if defined(__x86_64__)
AmxTiles::AmxTiles(int depth) {
  SL_CHECK(depth >= 4 && depth <= 64 && depth % 4 == 0);
  Config config;
  for (int set = 0; set < 2; ++set) {
    config.rows[set] = config.rows[set + 2] = 16;
    config.row_bytes[set] = config.row_bytes[set + 4] = 64;
    config.row_bytes[set + 2] = static_cast<uint16_t>(depth);
    config.rows[set + 4] = static_cast<uint8_t>(depth / 4);
  }
  asm volatile("ldtilecfg %0" : : "m"(config));
}
#endif

}  // namespace sightline
