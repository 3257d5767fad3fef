#include "tools/world/indirect.h"

#include <gtest/gtest.h>

#include <set>

#include "tools/world/wording.h"

namespace sightline::world {
namespace {

TEST(Indirect, ClausesKeepTheOrderOfStatements) {
  EXPECT_EQ(IndirectClause("how many {s} are there?"), "how many {s} there are");
  EXPECT_EQ(IndirectClause("what colour is {the}?"), "what colour {the} is");
  EXPECT_EQ(IndirectClause("is there {a} in the image?"), "if there is {a} in the image");
  EXPECT_EQ(IndirectClause("does the image have {a}?"), "if the image has {a}");
  EXPECT_EQ(IndirectClause("which object is nearest to {the}?"),
            "which object is nearest to {the}");
  EXPECT_EQ(IndirectClause("which image has more {s}?"), "which image has more {s}");
}

TEST(Indirect, WhatCannotBeTurnedStaysAsItIs) {
  Rng rng(5);
  for (const char* q : {"describe the image.", "", "?", "did {x} {v}?", "are {a} and {b} alike?",
                        "{im}: how many {s}?", "is {the} in {im} small or large?"}) {
    EXPECT_EQ(IndirectClause(q), "") << q;
    EXPECT_EQ(Indirect(&rng, q), q);
  }
}

TEST(Indirect, NoneOfTrainingIsAWordingKeptFromIt) {
  std::set<std::string> unseen;
  for (const FormWords& f : UnseenWords()) unseen.insert(f.words.begin(), f.words.end());
  for (const FormWords& f : TrainingWords()) {
    for (const char* words : f.words) {
      std::string clause = IndirectClause(words);
      if (clause.empty()) continue;
      std::vector<std::string> said = {clause};
      if (clause.substr(0, 3) == "if ") said.push_back("whether" + clause.substr(2));
      for (const std::string& c : said) {
        for (std::string lead : IndirectLeads()) {
          EXPECT_EQ(unseen.count(lead + c + "?"), 0u) << lead + c;
          EXPECT_EQ(unseen.count(lead + c + "."), 0u) << lead + c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sightline::world
