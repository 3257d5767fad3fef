// Numbers as English words.
#pragma once

#include <string>

namespace sightline {

// "one hundred and one"; digits from a million on and below zero.
std::string NumberWords(int n);

}  // namespace sightline
