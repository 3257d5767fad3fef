"""check.py includes|sizes|functions|words|selftest ROOT: exits 1 with every complaint on a line of its own."""
import sys

import rules
from tree import read_tree

BODY = "  x();\n" * 58  # with its braces' lines as long as a function may be
LONGER = BODY + "  x();\n"

# (rule, tree, number of complaints): what a rule lets pass and what it must catch.
CASES = [
    (rules.includes, {"vision/a.cc": '#include "compute/b.h"\n', "compute/b.h": ""}, 0),
    (rules.includes, {"vision/a.cc": '#include "language/b.h"\n', "language/b.h": ""}, 1),
    (rules.includes, {"language/a.cc": '#include "vision/b.h"\n', "vision/b.h": ""}, 1),
    (rules.includes, {"compute/a.h": '#include "fusion/b.h"\n', "fusion/b.h": ""}, 1),
    (rules.includes, {"fusion/a.cc": '#  include "services/b.h"\n', "services/b.h": ""}, 1),
    (rules.includes, {"fusion/a.cc": '#include "sightline/v1/model.pb.h"\n'}, 1),
    (rules.includes, {"services/a.cc": '#include "sightline/v1/model.pb.h"\n'}, 0),
    (rules.includes, {"services/cli/a.cc": '#include "tools/b.h"\n', "tools/b.h": ""}, 0),
    (rules.includes, {"services/a.cc": '#include "tools/b.h"\n', "tools/b.h": ""}, 1),
    (rules.includes, {"fusion/a.cc": '#include "compute/gone.h"\n'}, 1),
    (rules.includes, {"fusion/a.cc": '#include "b.h"\n', "fusion/b.h": ""}, 1),
    (rules.includes, {"tests/a.cc": '#include "tools/b.h"\n#include <vector>\n', "tools/b.h": ""}, 0),
    (rules.includes, {"language/select/a.cc": '#include "language/select/b.h"\n', "language/select/b.h": ""}, 1),
    (rules.includes, {"language/select/a.cc": '#include "language/select/selector.h"\n', "language/select/selector.h": ""}, 0),
    (rules.includes, {"language/select/a.cc": '#include "language/decoder.h"\n', "language/decoder.h": ""}, 1),
    (rules.sizes, {"compute/a.cc": "x\n" * 400, "compute/a.h": "#pragma once\n" * 120}, 0),
    (rules.sizes, {"compute/a.cc": "x\n" * 401, "compute/a.h": "#pragma once\n" * 121}, 2),
    (rules.sizes, {"compute/a.h": "int x;\n"}, 1),
    (rules.sizes, {"compute/a-inl.h": "#if defined(A_) == defined(HWY_TARGET_TOGGLE)\n" + "x\n" * 399}, 0),
    (rules.sizes, {"compute/a-inl.h": "#pragma once\n" + "x\n" * 400}, 2),
    (rules.functions, {"a.cc": "void A() {\n" + BODY + "}\nint B(int x) {\n" + BODY + "}\n"}, 0),
    (rules.functions, {"a.cc": "void A() {\n" + LONGER + "}\nint B(int x) {\n" + LONGER + "}\n"}, 2),
    (rules.functions, {"a.cc": "namespace n {\nnamespace {\nint B(int x = {}) {\n" + LONGER + "}\n}\n}\n"}, 1),
    (rules.functions, {"a.h": "class A : public ::b::C {\n public:\n  A() : x_{1}, y_(2) {\n" + LONGER + "}\n};\n"}, 1),
    (rules.functions, {"a.h": "struct A {\n  int x;\n" + "  int y() const { return x; }\n" * 70 + "};\n"}, 0),
    (rules.functions, {"a.cc": "template <class T = B<int>>\nauto F(T t) -> int {\n" + LONGER + "}\n"}, 1),
    (rules.functions, {"a.cc": "bool operator==(const A& a, const B& b) {\n" + LONGER + "}\n"}, 1),
    (rules.functions, {"a.cc": "TEST_F(Suite, Name) {\n" + LONGER + "}\n"}, 1),
    (rules.functions, {"a.cc": "const auto kAsk = [](int x) {\n" + LONGER + "};\n"}, 1),
    (rules.functions, {"a.cu": "template <int N>\n__global__ void __launch_bounds__(N) K(float* x) {\n" + LONGER + "}\n"}, 1),
    (rules.functions, {"a.cc": "const int kTable[] = {\n" + "  1,\n" * 70 + "};\nconst T kB{\n" + "  1,\n" * 70 + "};\n"}, 0),
    (rules.functions, {"a.cc": "void A() {  // {\n  x('{', \"{\", R\"({)\", 1'000);\n}\nvoid B() {\n" + BODY + "}\n"}, 0),
    (rules.functions, {"services/config.cc": "const T& Settings() {\n" + LONGER + "}\nvoid A() {\n" + LONGER + "}\n"}, 1),
    (rules.functions, {"services/config.cc": "const T& Settings() {\n" + BODY + "}\n"}, 1),
    (rules.words, {"a.cc": "// TO" + "DO: later\nint todos = 0;\n"}, 1),
    (rules.words, {"a.md": "FIX" + "ME\n"}, 1),
    (rules.words, {"a.py": "open('/wo" + "rk/x')\n"}, 1),
    (rules.words, {"a.cc": "int x = 0; \n"}, 1),
    (rules.words, {"a.md": "see https://example.com/wo" + "rk/x and docs/work/x\n"}, 0),
]


def selftest():
    bad = []
    for i, (rule, tree, expected) in enumerate(CASES):
        found = rule(tree)
        if len(found) != expected:
            bad.append(f"case {i} of {rule.__name__}: {len(found)} complaints instead of {expected}: {found}")
    return bad


def main():
    rule, root = sys.argv[1:3]
    if rule == "selftest":
        complaints, seen = selftest(), len(CASES)
    else:
        tree = read_tree(root)
        complaints, seen = getattr(rules, rule)(tree), len(tree)
        if seen < 50:
            complaints.append(f"only {seen} files found under {root}: the check looks at the wrong place")
    print("\n".join(complaints + [f"{rule}: {len(complaints)} complaints, {seen} looked at"]))
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
