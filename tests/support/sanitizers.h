// What tests of many samples do less of: a thread sanitizer makes the arithmetic 10 to 20 times as
// slow, and looks at how threads meet, which a few samples show as well as many.
#pragma once

namespace sightline {

#if defined(__SANITIZE_THREAD__)
constexpr int kFewerSamples = 10;
#else
constexpr int kFewerSamples = 1;
#endif

}  // namespace sightline
