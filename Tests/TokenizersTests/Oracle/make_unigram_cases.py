#!/usr/bin/env python3
"""Writes cases of Hugging Face `tokenizers` to compare with: random Unigram tokenizers, random texts.

    python3 make_unigram_cases.py --tokenizers 40 --texts 9 --seed 1 > ../Resources/unigram-cases.jsonl
    python3 make_unigram_cases.py --file deberta-v3.tokenizer.json --texts 20000 --seed 7 > cases.jsonl
    python3 make_unigram_cases.py --charsmap nmt_nfkc.charsmap --tokenizers 200 --texts 100 > cases.jsonl
    RETORT_TOKENIZER_CASES=cases.jsonl swift test -c release --filter Oracle

The form is that of make_cases.py. Maps of `Precompiled` are made here, small and odd; `--charsmap` takes
that of a real SentencePiece model (the bytes of its normalizer_spec.precompiled_charsmap).
"""
import argparse
import base64
import json
import random
import struct
import sys

from tokenizers import Tokenizer

import make_bpe_cases
from make_bpe_cases import RUNS, SENTENCES, is_clear, long_text, metaspace, step, template
from make_cases import CONTENTS, HARD, MARKS, maybe, scalar

EXPRESSIONS = [r" {2,}", r"\s{2,}|[\n\r\t]", r"\s+", r"[^a-y\s]{3}", r"\n+|e{2,3}", r"a\.|[\u00e9n\]-]+".replace(r"\u00e9", "é"), "ab{2}|a"]
CLUSTERS = ["e\u0301", "\u2126", "\uff21", "\u00bd", "\ufb01", "\r\n", "\u0600a", "a\u0903", "\u1112\u1161", "\u3000", "\t", "é", "x", "aa", "\U0001d54f",
            "\u0915\u094d\u0937", "\u00a9\u200d\u00a9", "a\u0301\u0323", "한", "\u200d", "\u0301", "\ufeff", "1\u0301", "\u1112", "\u0937\u0301"]


def double_array(keys):
    """A Darts-clone trie of bytes to values, placed one node after the other."""
    root = {}
    for key, value in keys.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = value
    units, used = {0: 0}, {0}

    def place(node, position):
        base = 1
        while any(base ^ c in used for c in node) or (base ^ position) >= 1 << 21:
            base += 1
        used.update(base ^ c for c in node)
        units[position] |= (base ^ position) << 10 | ((1 << 8) if 0 in node else 0)
        for c, child in sorted(node.items()):
            units[base ^ c] = (child | 1 << 31) if c == 0 else c
        for c, child in sorted(node.items()):
            if c != 0:
                place(child, base ^ c)

    place(root, 0)
    # A real array is whole blocks of 256, so that no byte leads outside.
    return [units.get(i, 0) for i in range((max(units) | 255) + 1)]


def charsmap(rng):
    keys, replacements = {}, b""
    for key in rng.sample(CLUSTERS, rng.randrange(1, 12)) + [scalar(rng) for _ in range(rng.randrange(0, 6))]:
        if "\0" in key:
            continue
        keys[key.encode()] = len(replacements)
        replacements += rng.choice(["", " ", "fi", "é", "e", "▁", "1\u20442", "abc", "\u0301", "한"]).encode() + b"\0"
    if not keys:
        return charsmap(rng)
    units = double_array(keys)
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + replacements


def normalizer(rng, real):
    def one():
        kind = rng.random()
        if kind < 0.3:
            data = real if real and rng.random() < 0.7 else charsmap(rng)
            return dict(type="Precompiled", precompiled_charsmap=base64.b64encode(data).decode())
        if kind < 0.5:
            return dict(type="Replace", pattern=dict(Regex=rng.choice(EXPRESSIONS)), content=rng.choice([" ", "▁", "", "xy"]))
        if kind < 0.6:
            return dict(type="Replace", pattern=dict(String=rng.choice(["``", " ", "e", "\n"])), content=rng.choice(['"', "▁", " "]))
        return rng.choice([dict(type=t) for t in ("NFKC", "NFKC", "NFKD", "NFC", "NFD", "Nmt", "Lowercase", "StripAccents")]
                          + [dict(type="Strip", strip_left=rng.random() < 0.5, strip_right=rng.random() < 0.5), dict(type="Prepend", prepend="▁")])
    return rng.choice([None, one(), one()] + [dict(type="Sequence", normalizers=[one() for _ in range(rng.randrange(1, 5))])] * 4)


def vocabulary(rng):
    pieces = {c for t in HARD + SENTENCES + RUNS for c in t if rng.random() < 0.8}
    for t in HARD + SENTENCES * 4:
        t = t.replace(" ", "▁")
        for _ in range(6):
            start = rng.randrange(len(t) or 1)
            pieces.add(t[start:start + rng.randrange(1, 9)])
    pieces |= {"▁", "▁the", "▁t", "▁▁", "fi", "1", "2", " "}
    pieces = sorted(p for p in pieces if p)
    rng.shuffle(pieces)
    pieces = ["<unk>", "<s>", "</s>"] + pieces[:rng.randrange(20, len(pieces))]
    if rng.random() < 0.5:
        pieces += [f"<0x{byte:02X}>" for byte in range(256) if rng.random() < rng.choice([1, 1, 1, 0.9])]
    scores = rng.choice([lambda: -struct.unpack("f", struct.pack("f", rng.uniform(0.1, 14)))[0], lambda: rng.choice([-1, -2.0, -3.5, 0]),
                         lambda: rng.uniform(-9, 40), lambda: -rng.randrange(1, 10 ** 6) / 1000])
    out = [[p, 0.0 if p == "<unk>" and rng.random() < 0.8 else scores()] for p in pieces]
    if rng.random() < 0.1:
        out.append([rng.choice(pieces), scores()])  # a piece twice
    return out


def tokenizer(rng, real):
    vocab = vocabulary(rng)
    ids = {piece: id for id, (piece, _) in enumerate(vocab)}
    pre = rng.choice([lambda: metaspace(rng), lambda: metaspace(rng), lambda: metaspace(rng), lambda: None, lambda: dict(
        type="Sequence", pretokenizers=[dict(type=rng.choice(["WhitespaceSplit", "Punctuation"])), metaspace(rng)])])()
    decoder = rng.choice([lambda: metaspace(rng), lambda: metaspace(rng), lambda: None, lambda: dict(
        type="Sequence", decoders=[step(rng) for _ in range(rng.randrange(1, 4))])])()
    added, next_id = [], len(vocab)
    for content in ["<s>", "</s>"] + rng.sample(CONTENTS, rng.randrange(0, 4)):
        if any(t["content"] == content for t in added):
            continue
        id = ids.get(content)
        if id is None:
            id, next_id = next_id, next_id + 1
        added.append(dict(id=id, content=content, normalized=content[0] != "<" and rng.random() < 0.5, special=rng.random() < 0.5,
                          **{k: content[0] != "<" and rng.random() < 0.3 for k in ("single_word", "lstrip", "rstrip")}))
    model = dict(unk_id=0, vocab=vocab)
    if rng.random() < 0.9:
        model = dict(type="Unigram", byte_fallback=rng.random() < 0.5, **model)
    if rng.random() < 0.1:
        model["unk_id"] = rng.randrange(len(vocab))
    return dict(version="1.0", added_tokens=added, truncation=maybe(rng, 0.15, lambda: dict(
        max_length=rng.randrange(4, 20), strategy="LongestFirst", stride=0, direction=rng.choice(["Left", "Right"]))), padding=None,
        normalizer=normalizer(rng, real), pre_tokenizer=pre, post_processor=rng.choice([template(rng, ids), None, dict(
            type="RobertaProcessing", sep=["</s>", 2], cls=["<s>", 1], trim_offsets=rng.random() < 0.5, add_prefix_space=rng.random() < 0.5)]),
        decoder=decoder, model=model)


def text(rng, words, contents):
    out = [long_text(rng, words, contents)]
    for _ in range(rng.randrange(0, 4)):
        out.append("".join(rng.choice(CLUSTERS + [chr(rng.choice(MARKS)), scalar(rng), " "]) for _ in range(rng.randrange(1, 6))))
    rng.shuffle(out)
    return "".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizers", type=int, default=40)
    parser.add_argument("--texts", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--charsmap", help="the bytes of a real precompiled map")
    parser.add_argument("--file", help="a tokenizer.json that is used in place of random ones")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    real = open(options.charsmap, "rb").read() if options.charsmap else None
    for _ in range(1 if options.file else options.tokenizers):
        file = json.load(open(options.file)) if options.file else tokenizer(rng, real)
        try:
            peer = Tokenizer.from_str(json.dumps(file))
            clear = is_clear(file, peer)
        except BaseException as panic:
            if isinstance(panic, KeyboardInterrupt):
                raise
            continue
        if not clear:
            continue
        print(json.dumps(dict(tokenizer=file), ensure_ascii=False, separators=(",", ":")))
        make_bpe_cases.write_cases(rng, peer, file, options.texts, text)


if __name__ == "__main__":
    sys.exit(main())
