#!/bin/sh
# tools/lint.sh BUILD [FILE.cc...]: clang-format over every source, then clang-tidy over the files named (all, at 5 to 25 s of
# one core each), as BUILD compiles them. Exit status 1: something is to be mended.
set -eu
[ $# -ge 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
for tool in clang-format clang-tidy; do
  command -v "$tool" >/dev/null || { echo "needs $tool: apt-get install $tool" >&2; exit 2; }
done
cd "$(dirname "$0")/.."
build=$1
shift
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run -Werror
mkdir -p build/lint
# Flags that only GCC knows.
sed 's/ -fno-tree-[a-z]*//g' "$build/compile_commands.json" >build/lint/compile_commands.json
[ $# -gt 0 ] || set -- $(git ls-files '*.cc')
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint --quiet
