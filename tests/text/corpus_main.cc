// text_corpus: the corpus as JSON, for tests/support/text/reference_ids.js.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/text/corpus.h"

int main() {
  using namespace sightline::language;
  nlohmann::json doc{{"strings", CorpusStrings(10000, 1)}, {"ids", CorpusIds(10000, 2, 1000)}};
  std::puts(doc.dump().c_str());
}
