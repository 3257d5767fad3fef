"""Writes tests/golden/templates/expected.json with Python's jinja2 (Debian: python3-jinja2), set up as chat templates
expect it: reference_templates.py GOLDEN_FOLDER. Each template there is rendered with each chat and each set of own
variables of cases.json; {"text": ...} is what it prints, {"error": ...} what it raises."""
import datetime
import json
import pathlib
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """{% generation %} only marks what an assistant wrote."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def main(folder):
    cases = json.loads((folder / "cases.json").read_text())
    now = datetime.datetime.fromisoformat(cases["now"])
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = now.strftime
    out = {}
    for path in sorted(folder.glob("*.jinja")):
        template = env.from_string(path.read_text())
        for chat, variables in cases["chats"].items():
            for i, own in enumerate(cases["own"]):
                try:
                    result = {"text": template.render(**variables, **own)}
                except Exception as e:  # pylint: disable=broad-except
                    result = {"error": str(e)}
                out[f"{path.stem}/{chat}/{i}"] = result
    (folder / "expected.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
