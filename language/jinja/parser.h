// From tokens to a tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "language/jinja/value.h"

namespace sightline::language::jinja {

// What `kids` hold, in order; a missing optional kid is null.
struct Node {
  enum class Kind {
    // Statements.
    kBlock,     // statements
    kText,      // (value)
    kPrint,     // expression
    kIf,        // condition, body, [condition, body ...], [else body]
    kFor,       // iterable, body, else body?, filter?; targets in `names`
    kSet,       // expression; targets in `names`, or a field of a namespace: `name` and names[0]
    kSetBlock,  // body; target in names[0]; filters applied: kids[1], an expression over `name`
    kMacro,     // body, then defaults of the last parameters; parameters in `names`
    kBreak,
    kContinue,
    // Expressions.
    kConst,      // (value)
    kName,       // `name`
    kList,       // items
    kTuple,      // items
    kMap,        // key, value, key, value ...
    kUnary,      // operand; `name`: - + not
    kBinary,     // left, right; `name`: + - * / // % ** ~ and or
    kCompare,    // first, then one kid for each operator of `names`
    kTernary,    // condition, then, else?
    kAttribute,  // object; `name`
    kIndex,      // object, key
    kSlice,      // object, from?, to?, step?
    kCall,       // callee, arguments; the last names.size() of them are keywords
    kFilter,     // operand, arguments as above; `name`
    kTest,       // operand, arguments as above; `name`
  };
  Kind kind = Kind::kBlock;
  int line = 0;
  std::string name;
  Value value;
  std::vector<std::unique_ptr<Node>> kids;
  std::vector<std::string> names;
};

// Throws Error, naming an unsupported statement.
std::unique_ptr<Node> Parse(std::string_view source);

}  // namespace sightline::language::jinja
