#!/usr/bin/env python3
"""Writes Resources/sweep.json: a checksum of what Hugging Face `tokenizers` makes of every scalar.

    python3 make_sweep.py > ../Resources/sweep.json

Every Unicode scalar goes through each normaliser and pre-tokeniser in three surroundings: alone,
`a` + scalar + `a`, and between two marks. One FNV-1a checksum a stage and plane of 65,536.
"""
import json
import sys

import tokenizers
from tokenizers import Tokenizer

STAGES = [dict(type="NFD"), dict(type="Lowercase"), dict(type="StripAccents"),
          dict(type="Strip", strip_left=True, strip_right=True),
          dict(type="BertPreTokenizer"), dict(type="Whitespace"), dict(type="WhitespaceSplit"),
          dict(type="Punctuation", behavior="Contiguous")]
STAGES += [dict(type="BertNormalizer", clean_text=bool(n & 1), handle_chinese_chars=bool(n & 2),
                strip_accents=accents, lowercase=bool(n & 4))
           for n in range(8) for accents in (None, True, False)]
PATTERNS = [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"]
STAGES += [dict(type="NFC"), dict(type="Digits", individual_digits=True)]
STAGES += [dict(type="Split", pattern=dict(Regex=text), behavior="Isolated", invert=False) for text in PATTERNS]
STAGES += [dict(type="NFKC"), dict(type="NFKD"), dict(type="Nmt"),
           dict(type="Replace", pattern=dict(Regex=r"\s{2,}|[\n\r\t]"), content=" ")]


def outputs(stage):
    model = dict(type="WordPiece", unk_token="?", continuing_subword_prefix="##",
                 max_input_chars_per_word=100, vocab={"?": 0})
    is_normalizer = stage in STAGES[:4] or stage["type"] in ("BertNormalizer", "NFC", "NFKC", "NFKD", "Nmt", "Replace")
    kind = "normalizer" if is_normalizer else "pre_tokenizer"
    tokenizer = Tokenizer.from_str(json.dumps({"version": "1.0", "model": model, kind: stage}))
    if is_normalizer:
        return tokenizer.normalizer.normalize_str
    # The bytes of a word and its position, in bytes of UTF-8.
    def words(text):
        found = tokenizer.pre_tokenizer.pre_tokenize_str(text)
        return "".join(f"{word}@{len(text[:start].encode())};" for word, (start, _) in found)
    return words


def main():
    result = []
    for stage in STAGES:
        output, sums = outputs(stage), []
        for plane in range(17):
            total = 0xCBF29CE484222325
            for scalar in range(plane << 16, (plane + 1) << 16):
                if 0xD800 <= scalar < 0xE000:
                    continue
                c = chr(scalar)
                for text in (c, "a" + c + "a", "\u0301" + c + "\u0323"):
                    for byte in output(text).encode() + b"\xff":
                        total = (total ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            sums.append(f"{total:016x}")
        result.append(dict(stage=stage, planes=sums))
        print(stage, file=sys.stderr)
    json.dump(dict(tokenizers=tokenizers.__version__, stages=result), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
