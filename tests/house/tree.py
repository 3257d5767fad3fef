"""The files the house rules speak about: a dict of path (from the repository root) -> text."""
import os
import subprocess

SKIPPED = {"build", "out", ".git", ".cache", ".deps", "__pycache__", "node_modules"}
TEXT = (".cc", ".h", ".cu", ".cuh", ".py", ".proto", ".md", ".txt", ".cmake", ".sh", ".toml", ".json", ".yaml", ".yml")
SOURCE = (".cc", ".h", ".cu", ".cuh")
CODE = SOURCE + (".py", ".proto", ".cmake", ".sh")


def listed(root):
    """What git knows or would add; a plain walk where there is no git."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, text=True, check=True).stdout
        return out.splitlines()
    except (OSError, subprocess.CalledProcessError):
        found = []
        for folder, inner, files in os.walk(root):
            inner[:] = [d for d in inner if d not in SKIPPED]
            found += [os.path.relpath(os.path.join(folder, f), root) for f in files]
        return found


def read_tree(root):
    tree = {}
    for path in sorted(listed(root)):
        full = os.path.join(root, path)
        # Goldens, models and corpora are data: whatever they say is not ours.
        data = path.startswith(("tests/golden/", "tests/fuzz/corpus/", "models/"))
        if not data and os.path.isfile(full) and (path.endswith(TEXT) or os.path.basename(path) == "Makefile"):
            with open(full, encoding="utf-8", errors="replace") as f:
                tree[path] = f.read()
    return tree
