"""Learns the tokenizer from the world's own questions and answers: python3 training/make_tokenizer.py"""
import json
import os

import bpe
from model import CONFIG
from world import ROOT, World, build


def main():
    seed_vocab, _ = bpe.train([], len(bpe.SPECIAL) + 256)
    path = os.path.join(ROOT, "models/scenes/tokenizer.json")
    json.dump(bpe.tokenizer_json(seed_vocab, []), open("/tmp/bytes.json", "w"))
    world = World(build(), bpe.Tokenizer("/tmp/bytes.json").blob(), os.cpu_count() or 2)
    vocab, merges = bpe.train(world.corpus(7, 60000), CONFIG["text_config"]["vocab_size"])
    json.dump(bpe.tokenizer_json(vocab, merges), open(path, "w"), ensure_ascii=False, indent=0)
    print(f"{len(vocab)} tokens, {len(merges)} merges -> {path}")


if __name__ == "__main__":
    main()
