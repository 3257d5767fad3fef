#include "fusion/families/number_words.h"

namespace sightline {

std::string NumberWords(int n) {
  static constexpr const char* kSmall[] = {
      "zero",     "one",     "two",     "three",     "four",     "five",    "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static constexpr const char* kTens[] = {"twenty", "thirty",  "forty",  "fifty",
                                          "sixty",  "seventy", "eighty", "ninety"};
  if (n < 0 || n >= 1'000'000) return std::to_string(n);
  if (n < 20) return kSmall[n];
  if (n < 100) return kTens[n / 10 - 2] + (n % 10 ? std::string("-") + kSmall[n % 10] : "");
  if (n < 1000) {
    std::string out = std::string(kSmall[n / 100]) + " hundred";
    return n % 100 ? out + " and " + NumberWords(n % 100) : out;
  }
  std::string out = NumberWords(n / 1000) + " thousand";
  if (n % 1000 == 0) return out;
  return out + (n % 1000 < 100 ? " and " : ", ") + NumberWords(n % 1000);
}

}  // namespace sightline
