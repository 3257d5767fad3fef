#include "tools/world/indirect.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sightline::world {
namespace {

bool StartsWithWords(std::string_view s, std::string_view words) {
  return s.starts_with(words) && (s.size() == words.size() || s[words.size()] == ' ');
}

// How many bytes of a subject s begins with; 0 when none is known there.
size_t SubjectSize(std::string_view s) {
  static constexpr std::string_view kSubjects[] = {
      "{the}", "{a}",     "{b}",         "{x}",       "{y}",      "{it}",
      "{s}",   "{im}",    "there",       "the image", "the clip", "anything",
      "it",    "all {s}", "all the {s}", "every {o}", "you"};
  for (std::string_view subject : kSubjects) {
    if (StartsWithWords(s, subject)) return subject.size();
  }
  return 0;
}

bool AsksWhat(std::string_view s) {
  static constexpr std::string_view kWords[] = {"what ",     "which ",  "how ",        "where ",
                                                "when ",     "who ",    "at which",    "in which ",
                                                "on which ", "at what", "from which ", "to which "};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [s](std::string_view w) { return s.starts_with(w); });
}

// "does {the} have a label" -> "{the} has a label"; empty for a verb that is not known.
std::string WithoutDo(const std::string& before, const std::string& subject, std::string_view rest,
                      bool third_person) {
  static constexpr std::string_view kVerbs[] = {"have", "say",   "show", "contain", "see",
                                                "look", "leave", "move", "appear",  "lie"};
  for (std::string_view verb : kVerbs) {
    if (!StartsWithWords(rest, verb)) continue;
    std::string form = !third_person    ? std::string(verb)
                       : verb == "have" ? "has"
                                        : std::string(verb) + "s";
    return before + subject + " " + form + std::string(rest.substr(verb.size()));
  }
  return "";
}

// Whose place in a clause is not told here.
bool HasAuxiliary(const std::string& q) {
  static constexpr std::string_view kWords[] = {" did ", " could ", " would ", " will ",
                                                " can ", " do ",    " does ",  " have you "};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view w) { return q.find(w) != std::string::npos; });
}

}  // namespace

std::string IndirectClause(const std::string& question) {
  if (question.empty() || question.back() != '?' || question.find(": ") != std::string::npos)
    return "";
  const std::string q = question.substr(0, question.size() - 1);
  const bool what = AsksWhat(q);
  static constexpr std::array<std::string_view, 6> kAuxiliaries = {"is",   "are", "was",
                                                                   "does", "do",  "can"};
  for (std::string_view aux : kAuxiliaries) {
    const std::string spaced = std::string(aux) + " ";
    size_t at = what ? q.find(" " + spaced) : 0;
    if (at == std::string::npos || (!what && !q.starts_with(spaced))) continue;
    const std::string before = what ? q.substr(0, at + 1) : "if ";
    const std::string after = q.substr((what ? before.size() : 0) + spaced.size());
    size_t n = SubjectSize(after);
    const bool be = aux == "is" || aux == "are" || aux == "was";
    if (n == 0)
      return what && be ? q : "";  // "which object is nearest": what it asks for is the subject
    const std::string subject = after.substr(0, n),
                      rest = n < after.size() ? after.substr(n + 1) : "";
    if (rest.starts_with("and ") || rest.starts_with("in {im} ")) return "";  // a longer subject
    if (aux == "does" || aux == "do") return WithoutDo(before, subject, rest, aux == "does");
    return before + subject + " " + std::string(aux) + (rest.empty() ? "" : " " + rest);
  }
  return what && !HasAuxiliary(q) ? q : "";
}

std::string Indirect(Rng* rng, const std::string& question) {
  std::string clause = IndirectClause(question);
  if (clause.empty()) return question;
  if (clause.starts_with("if ") && rng->Chance(0.5)) clause.replace(0, 2, "whether");
  const std::string lead = rng->Pick(IndirectLeads());
  static constexpr std::string_view kAsking[] = {"can ", "could ", "do ", "would "};
  const bool asks = std::any_of(std::begin(kAsking), std::end(kAsking),
                                [&](std::string_view w) { return lead.starts_with(w); });
  return lead + clause + (asks ? "?" : ".");
}

const std::vector<const char*>& IndirectLeads() {
  static const std::vector<const char*> kLeads = {
      "can you tell me ",      "could you tell me ", "tell me ",     "please tell me ",
      "do you know ",          "I want to know ",    "I wonder ",    "can you say ",
      "could you say ",        "I need to know ",    "please say ",  "can you see ",
      "I would like to know ", "I'd like to know ",  "let me know ", "could you check ",
      "would you tell me "};
  return kLeads;
}

}  // namespace sightline::world
