#!/usr/bin/env python3
"""Writes cases of Hugging Face `tokenizers` to compare with: random tokenizers, random texts.

    python3 make_cases.py --tokenizers 40 --texts 12 --seed 1 > ../Resources/cases.jsonl
    python3 make_cases.py --tokenizers 300 --texts 200 --seed 7 --vocabulary tokenizer.json > cases.jsonl
    RETORT_TOKENIZER_CASES=cases.jsonl swift test -c release --filter Oracle

A line is {"tokenizer": {...}}, a whole tokenizer.json, or a case of the last tokenizer given.
Texts on which the library raises an error are left out (only_second without a pair, for one).
"""
import argparse
import json
import random
import sys

from tokenizers import Tokenizer

HARD = ["", " ", "  two  spaces ", "\ttab\nnew\r\nline", "don't you'll I'm do not", "naïve CAFÉ Ångström",
        "e\u0301 vs é", "ﬁne ½ ² ™ Ⅷ", "日本語のテキスト", "中文字符，标点。", "한국어 문장입니다", "العربية: مرحبا", "हिन्दी में",
        "Ελληνικά ΌΛΑΣ", "Русский ё Ё", "İstanbul ıssız", "straße GROẞ", "😀👍🏽 👩‍👩‍👧‍👦", "zero\u200bwidth\ufeff",
        "nbsp\u00a0em\u2003", "nul\x00\x01\x7f\x85\x0b", "\ufffd", "1,234.5e-10 50%", "x=y+z; f(a[0])->q",
        "[CLS] [SEP] [MASK] [UNK] [PAD]", "x" * 120, "!!!???", "“q” — …", "a\u0300\u0301\u0302\u0323", "\U0001d54f",
        "𠮷野家 \u2f800", "ＦＵＬＬ", "a\u00adb", "\u1b13\u1b44\u1b35", "\u302e\u302a\u302f", "\U0001d158\U0001d165\U0001d16e",
        "\u0344\u0345\u0323", "\u0390\u03b0", "\ue000\U000f0000", "\u0378\U000e0041", "ᏣᎳᎩ", "\u0f73\u0f71\u0f80", "豈更"]
RANGES = [(32, 127)] * 6 + [(0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE00), (0x1AB0, 0x1B80), (0x1E00, 0x2100),
                            (0x2000, 0x2070), (0x3000, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAE00), (0xF900, 0xFB50), (0xFE00, 0x10000),
                            (0x1D150, 0x1D200), (0x1F300, 0x1F700), (0x2F800, 0x2FA20), (0, 32), (0, 0x30000), (0x10000, 0x12000)]
MARKS = [0x301, 0x323, 0x345, 0x334, 0x5B0, 0x94D, 0x1B44, 0x302E, 0x1D165, 0x8CA, 0x1DF6, 0x3099, 0x20D0, 0xE31]
CONTENTS = ["[X]", "[X]Y", "[MASK]", "foo", "Foo Bar", "é", " x", "中", "中文", "##", "##a", "don", "do", "İ", "Ǆ", "<s>",
            "\U0001d165", "한", "_", "A.B", "\u200b!", "\u0323x"]


def scalar(rng):
    while True:
        c = rng.choice(MARKS) if rng.random() < 0.05 else rng.randrange(*rng.choice(RANGES))
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def text(rng, words, contents):
    out = []
    for _ in range(rng.randrange(1, 14)):
        kind = rng.random()
        if kind < 0.35:
            word = rng.choice(words)
            out.append(rng.choice([word, word.upper(), word.capitalize(), word[2:]]))
        elif kind < 0.5 and contents:
            out.append(rng.choice(contents))
        elif kind < 0.6:
            out.append(rng.choice(HARD))
        else:
            out.append("".join(scalar(rng) for _ in range(rng.randrange(1, 8))))
        if rng.random() < 0.6:
            out.append(rng.choice([" ", " ", "  ", "\t", "\u00a0", "\u3000"]))
    return "".join(out)


def small_vocabulary(rng):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = {c for t in HARD for c in t if not c.isspace()} | set("abcdefghijklmnopqrstuvwxyzABCDEXYZ0123456789.,!?'-[]#")
    for t in HARD + ["hello world the quick brown fox", "unaffable running"]:
        for word in t.split():
            for _ in range(3):
                start = rng.randrange(len(word))
                pieces.add(word[start:start + rng.randrange(1, 6)])
    for piece in sorted(pieces):
        if rng.random() < 0.8:
            tokens.append(piece)
        if rng.random() < 0.8:
            tokens.append("##" + piece)
    tokens = list(dict.fromkeys(tokens))
    ids = list(range(len(tokens)))
    if rng.random() < 0.2:  # gaps
        ids, step = [], 0
        for _ in tokens:
            step += rng.choice([1, 1, 1, 2, 40])
            ids.append(step)
    return dict(zip(tokens, ids))


def maybe(rng, share, make):
    return make() if rng.random() < share else None


def normalizer(rng):
    def flag():
        return rng.random() < 0.6
    kind = rng.random()
    if kind < 0.75:
        return dict(type="BertNormalizer", clean_text=flag(), handle_chinese_chars=flag(),
                    strip_accents=rng.choice([None, True, False]), lowercase=flag())
    parts = [dict(type="NFD"), dict(type="Lowercase"), dict(type="StripAccents"),
             dict(type="Strip", strip_left=flag(), strip_right=flag())]
    return rng.choice(parts) if kind < 0.85 else dict(type="Sequence", normalizers=rng.sample(parts, 3))


def pre_tokenizer(rng):
    punctuation = dict(type="Punctuation", behavior=rng.choice(
        ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]))
    return rng.choice([dict(type="BertPreTokenizer")] * 6 + [
        dict(type="Whitespace"), dict(type="WhitespaceSplit"), punctuation,
        dict(type="Sequence", pretokenizers=[dict(type="WhitespaceSplit"), punctuation])])


def post_processor(rng, vocab):
    cls, sep = vocab["[CLS]"], vocab["[SEP]"]
    if rng.random() < 0.3:
        processor = dict(type="BertProcessing", sep=["[SEP]", sep], cls=["[CLS]", cls])
        if rng.random() < 0.5:
            processor.update(type="RobertaProcessing", trim_offsets=rng.random() < 0.7,
                             add_prefix_space=rng.random() < 0.5)
        return processor

    def special(name, type_id=0):
        return {"SpecialToken": {"id": name, "type_id": type_id}}

    def sequence(name, type_id=0):
        return {"Sequence": {"id": name, "type_id": type_id}}
    template = dict(type="TemplateProcessing", single=[special("[CLS]"), sequence("A"), special("[SEP]")],
                    pair=[special("[CLS]"), sequence("A"), special("[SEP]"), sequence("B", 1), special("[SEP]", 1)],
                    special_tokens={"[CLS]": dict(id="[CLS]", ids=[cls], tokens=["[CLS]"]),
                                    "[SEP]": dict(id="[SEP]", ids=[sep], tokens=["[SEP]"])})
    if rng.random() < 0.3:
        template["pair"] = [sequence("B", 2), special("[SEP]", 1), special("[CLS]"), sequence("A", 1)]
        template["special_tokens"]["[SEP]"] = dict(id="[SEP]", ids=[sep, cls], tokens=["[SEP]", "other"])
    return template


def tokenizer(rng, vocabulary):
    vocab = vocabulary or small_vocabulary(rng)
    added, next_id = [], len(vocab)
    if rng.random() < 0.8:
        for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"):
            added.append(dict(id=vocab[name], content=name, single_word=False, lstrip=False, rstrip=False,
                              normalized=False, special=True))
    for content in rng.sample(CONTENTS, rng.randrange(0, 7)):
        id = vocab.get(content)
        if id is None:
            id, next_id = next_id, next_id + 1
        added.append(dict(id=id, content=content, normalized=rng.random() < 0.5, special=rng.random() < 0.4,
                          **{k: rng.random() < 0.3 for k in ("single_word", "lstrip", "rstrip")}))
    return dict(
        version="1.0", added_tokens=added,
        truncation=maybe(rng, 0.4, lambda: dict(
            max_length=rng.randrange(4, 24), strategy=rng.choice(["LongestFirst"] * 3 + ["OnlyFirst", "OnlySecond"]),
            stride=0, direction=rng.choice(["Left", "Right", "Right"]))),
        padding=maybe(rng, 0.4, lambda: dict(
            strategy=rng.choice(["BatchLongest", {"Fixed": rng.randrange(0, 30)}]), direction=rng.choice(["Left", "Right"]),
            pad_to_multiple_of=rng.choice([None, 8]), pad_id=vocab["[PAD]"], pad_type_id=rng.randrange(2), pad_token="[PAD]")),
        normalizer=maybe(rng, 0.9, lambda: normalizer(rng)), pre_tokenizer=maybe(rng, 0.95, lambda: pre_tokenizer(rng)),
        post_processor=maybe(rng, 0.8, lambda: post_processor(rng, vocab)),
        decoder=maybe(rng, 0.9, lambda: dict(type="WordPiece", prefix="##", cleanup=rng.random() < 0.6)),
        model=dict(type="WordPiece", unk_token="[UNK]", vocab=vocab,
                   continuing_subword_prefix=rng.choice(["##"] * 5 + [""]),
                   max_input_chars_per_word=rng.choice([100, 100, 100, 6, 0])))


def is_lost(token, peer):
    """Whether the normaliser leaves nothing of an added token, on which the library panics."""
    return token["normalized"] and peer.normalizer and not peer.normalizer.normalize_str(token["content"])


def has_clash(file, peer):
    """Whether the normaliser makes two added tokens the same: the library then picks one at random."""
    names = [peer.normalizer.normalize_str(t["content"]) if peer.normalizer else t["content"]
             for t in file["added_tokens"] if t["normalized"]]
    return len(set(names)) < len(names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizers", type=int, default=40)
    parser.add_argument("--texts", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocabulary", help="a tokenizer.json whose vocabulary is used in place of small ones")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    real = json.load(open(options.vocabulary))["model"]["vocab"] if options.vocabulary else None
    for _ in range(options.tokenizers):
        file = tokenizer(rng, real)
        peer = Tokenizer.from_str(json.dumps(file))
        if any(is_lost(t, peer) for t in file["added_tokens"]) or has_clash(file, peer):
            continue
        print(json.dumps(dict(tokenizer=file), ensure_ascii=False, separators=(",", ":")))
        words = [w for w in file["model"]["vocab"] if len(w) > 1]
        contents = [t["content"] for t in file["added_tokens"]]
        for _ in range(options.texts):
            case = dict(text=text(rng, words, contents), special=rng.random() < 0.8)
            if rng.random() < 0.25:
                case["pair"] = text(rng, words, contents)
            try:
                e = peer.encode(case["text"], case.get("pair"), add_special_tokens=case["special"])
            except Exception:
                continue
            except BaseException as panic:  # of the library's own, as for a token without any text
                print(repr(panic), file=sys.stderr)
                continue
            case.update(ids=e.ids, type_ids=e.type_ids, tokens=e.tokens, offsets=e.offsets, mask=e.special_tokens_mask,
                        attention=e.attention_mask, decoded=peer.decode(e.ids),
                        decoded_whole=peer.decode(e.ids, skip_special_tokens=False))
            print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    sys.exit(main())
