// How a program that runs models has its heap keep memory.
#pragma once

namespace sightline {

// A layer's tensors are used again by the next. Taken from the system and given back each time, as
// glibc does with blocks of 128 KiB and more, they would fault in page by page, a quarter of a
// prompt's time on a small model. This has the heap serve blocks of up to 32 MiB itself, and keep
// up to 64 MiB that nobody uses.
//
// It is a setting of the whole process, so it is the program's to make: main calls it first, no
// library does. Without it, or with another C library, models run the same, only slower.
void KeepTensorsInHeap();

}  // namespace sightline
