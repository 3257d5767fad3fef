"""Byte-level BPE for `scenes`: learns merges from the question corpus, writes tokenizer.json.

The split is Qwen2's (single digits, letters, punctuation); labels and numbers are kept out of the corpus by
the world library, so they stay single characters and can be read letter by letter.
"""
import collections
import json
import re

SPECIAL = ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
PAD, USER, ASSISTANT, END, VISION_START, VISION_END, IMAGE_PAD = range(7)
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")
ASCII = re.compile(QWEN2.replace(r"\p{L}", "A-Za-z").replace(r"\p{N}", "0-9")
                   .replace("[^\\r\\nA-Za-z0-9]?A-Za-z+", "[^\\r\\nA-Za-z0-9]?[A-Za-z]+")
                   .replace("|0-9|", "|[0-9]|"))


def byte_symbols():
    """The printable stand-in of each byte, as GPT-2 defines them."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def train(lines, vocab_size):
    """lines: iterable of str -> (vocab {symbol string: id}, merges [(left, right)])."""
    sym = byte_symbols()
    words = collections.Counter()
    for line in lines:
        words.update(ASCII.findall(line))
    seqs = [([sym[b] for b in w.encode()], n) for w, n in words.items() if not re.fullmatch(r"[0-9]", w)]
    vocab = {s: i for i, s in enumerate(SPECIAL)}
    for b in range(256):
        vocab[sym[b]] = len(vocab)
    merges = []
    while len(vocab) < vocab_size:
        pairs = collections.Counter()
        for s, n in seqs:
            for a, b in zip(s, s[1:]):
                pairs[a, b] += n
        if not pairs:
            break
        (a, b), n = max(pairs.items(), key=lambda kv: (kv[1], kv[0]))
        if n < 2:
            break
        merges.append((a, b))
        vocab[a + b] = len(vocab)
        for s, _ in seqs:
            i = 0
            while i + 1 < len(s):
                if s[i] == a and s[i + 1] == b:
                    s[i:i + 2] = [a + b]
                i += 1
    return vocab, merges


def tokenizer_json(vocab, merges):
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, s in enumerate(SPECIAL)],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                  "vocab": {k: v for k, v in vocab.items() if k not in SPECIAL},
                  "merges": [f"{a} {b}" for a, b in merges]},
    }


class Tokenizer:
    """Reads tokenizer.json; ASCII text only, as all training text is."""

    def __init__(self, path):
        doc = json.load(open(path))
        self.vocab = doc["model"]["vocab"]
        merges = [m.split(" ") if isinstance(m, str) else m for m in doc["model"]["merges"]]
        self.rank = {tuple(m): i for i, m in enumerate(merges)}
        self.merges = merges
        self.sym = byte_symbols()
        self.back = {v: k for k, v in self.sym.items()}
        self.ids = {v: k for k, v in self.vocab.items()}
        self.size = max(self.vocab.values()) + 1

    def encode(self, text):
        out = []
        for w in ASCII.findall(text):
            s = [self.sym[b] for b in w.encode()]
            while len(s) > 1:
                best = min(range(len(s) - 1), key=lambda i: self.rank.get((s[i], s[i + 1]), 1 << 30))
                if (s[best], s[best + 1]) not in self.rank:
                    break
                s[best:best + 2] = [s[best] + s[best + 1]]
            out += [self.vocab[x] for x in s]
        return out

    def decode(self, ids):
        text = "".join(self.ids[i] for i in ids if i in self.ids)
        return bytes(self.back[c] for c in text).decode(errors="replace")

    def blob(self):
        """The plain form that the world library reads (tools/world/c_api.h)."""
        hexed = lambda s: bytes(self.back[c] for c in s).hex()
        lines = [f"special {i} {s}" for i, s in enumerate(SPECIAL)]
        lines += [f"token {i} {hexed(s)}" for s, i in self.vocab.items()]
        lines += [f"merge {r} {hexed(a)} {hexed(b)}" for r, (a, b) in enumerate(self.merges)]
        return "\n".join(lines) + "\n"
