"""Where C++ functions begin and end: enough of the language to count their lines, without a compiler."""
import re

# Comments, literals and preprocessor lines hold braces that are none. What a match was is kept in lines, not in text.
HIDDEN = re.compile(
    r'//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/'
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.|\\\n)*"|(?<![0-9a-fA-F])\'(?:[^\'\\\n]|\\.)+\''
    r'|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', re.S | re.M)
# What opens a scope in which functions may stand.
SCOPE = re.compile(
    r"^\s*(?:(?:inline\s+)?namespace\b|extern\b[^()]*$"
    r"|(?:template\s*<.*>\s*)?(?:class|struct|union|enum)\b(?:\s*alignas\(\w+\))?[^()=]*$)", re.S)
# The constructor's list of members: what stands in braces there is a member's value, if a name stands before it.
MEMBERS = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:).*[\w>]\s*$", re.S)
LAMBDA = re.compile(r"=\s*\[[^\]]*\]\s*(?:\([^{}]*\)[^{}=]*)?$", re.S)
ACCESS = re.compile(r"\s*(?:public|private|protected)\s*$")
# What takes parentheses before a function's own, and what may hold an equals sign.
ASIDE = re.compile(
    r"\b(?:alignas|decltype|noexcept|requires|explicit|__attribute__|__launch_bounds__|target_clones)\s*\([^()]*\)+|\[\[.*?\]\]", re.S)
ANGLES = re.compile(r"<[^<>()]*>")
NAME = re.compile(r"(~?\w+|operator\s*\S+?)\s*\(")


def blanked(text):
    """The text with everything hidden made into spaces, line by line."""
    return HIDDEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def closing(text, at):
    """Where the brace that opens at `at` closes; the end of the text when it never does."""
    depth = 0
    for found in re.compile(r"[{}]").finditer(text, at):
        depth += 1 if found.group(0) == "{" else -1
        if depth == 0:
            return found.start()
    return len(text) - 1


def named(head):
    """What a function with this head is called, or None when the brace after it opens no function."""
    if LAMBDA.search(head):
        return re.findall(r"\w+", head[:head.index("=")] or "lambda")[-1]
    flat = ASIDE.sub(" ", head)
    while ANGLES.search(flat):
        flat = ANGLES.sub(" ", flat)
    found = NAME.search(flat)
    if not found or ("=" in flat[:found.start()] and "operator" not in flat):
        return None
    if found.group(1).isupper() and "," in flat:  # TEST(Suite, Name)
        return re.sub(r"\s+", "", flat[found.start(1):flat.rindex(")") + 1])
    return found.group(1)


def functions(text):
    """(name, first line, lines from the opening brace to the closing one) of each function with a body."""
    text = blanked(text)
    found, start, depth, at = [], 0, 0, 0
    while at < len(text):
        c = text[at]
        if c in "()":
            depth += 1 if c == "(" else -1
        elif c == "{":
            head = text[start:at]
            if depth > 0:  # a default value
                at = closing(text, at)
            elif SCOPE.match(head):
                start = at + 1
            elif MEMBERS.search(head):
                at = closing(text, at)
            else:
                end, name = closing(text, at), named(head)
                if name:
                    found.append((name, text.count("\n", 0, at) + 1, text.count("\n", at, end) + 1))
                at, start = end, end + 1
        elif c in ";}" and depth <= 0:
            start = at + 1
        elif c == ":" and ACCESS.match(text[start:at]) and text[at + 1:at + 2] != ":":
            start = at + 1
        at += 1
    return found
