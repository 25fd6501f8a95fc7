#!/usr/bin/env python3
"""Writes cases of Hugging Face `tokenizers` to compare with: random BPE tokenizers, random texts.

    python3 make_bpe_cases.py --tokenizers 40 --texts 9 --seed 1 > ../Resources/bpe-cases.jsonl
    python3 make_bpe_cases.py --file llama-3.tokenizer.json --texts 20000 --seed 7 > cases.jsonl
    RETORT_TOKENIZER_CASES=cases.jsonl swift test -c release --filter Oracle

The form is that of make_cases.py; `random_ids` are ids without any sense and their text. Small
vocabularies are learnt from the texts below; then letters, merges and byte tokens are taken away.
"""
import argparse
import json
import random
import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from make_cases import CONTENTS, HARD, maybe, text

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
ASCII = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|"
PATTERNS = [
    LLAMA3, LLAMA3, LLAMA3.replace("{1,3}", ""), LLAMA3.replace("{1,3}", ""), LLAMA3.replace("{1,3}", "+"),
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    ASCII + LLAMA3.split(")|", 1)[1], r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"]
RUNS = [" ", "\n", "\r\n", "\t", "0", "7", "1234567", "'", "'s", "'S", "'\u017f", "'RE", "'ve ", "'ll", "'D", "\u00a0",
        "\u3000", "-", "!?", "é", "e\u0301", "\u0301\u0323", "한", "\u1112\u1161\u11ab", "😀", "👩\u200d👧", "中", "a", "Z", "\u2028",
        "\u0bbe", "\u11de3", "½", "\u0d4a", "\u1e9b\u0323", "\u0344", "\u0958", "\ufb1d", "\u212b", "▁", "▁▁", "<0x41>"]
SENTENCES = ["the quick brown fox jumps over the lazy dog", "hello world, it's 12345 o'clock", "unaffable running"] * 3


def long_text(rng, words, contents):
    out = [text(rng, words, contents)]
    for _ in range(rng.randrange(0, 5)):
        out.append(rng.choice(RUNS) * rng.choice([1, 1, 2, 3, 9]))
        if rng.random() < 0.5:
            out.append(rng.choice(HARD + SENTENCES))
    rng.shuffle(out)
    return "".join(out)


def learnt(rng, pre, alphabet, size):
    """A vocabulary and its merges."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    limit = dict(limit_alphabet=80) if rng.random() < 0.4 and not alphabet else {}
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False,
                                  special_tokens=["<unk>", "<s>", "</s>"], **limit)
    t.train_from_iterator(rng.sample(HARD, len(HARD)) + SENTENCES, trainer)
    model = json.loads(t.to_str())["model"]
    vocab, merges = model["vocab"], model["merges"]
    if rng.random() < 0.3:
        merges = [m for m in merges if rng.random() < 0.9]
    if rng.random() < 0.2:
        rng.shuffle(merges)
    return vocab, merges


def split(rng):
    return dict(type="Split", pattern=dict(Regex=rng.choice(PATTERNS)), **rng.choice(
        [dict(behavior="Isolated", invert=False)] * 3 + [dict(behavior="Removed", invert=True)]))


def byte_level(rng, **more):
    return dict(type="ByteLevel", add_prefix_space=rng.random() < 0.3, trim_offsets=rng.random() < 0.5,
                **dict(dict(use_regex=True), **more))


def delimiter(rng):
    return dict(type="Split", pattern=dict(String=rng.choice([" ", "e", "1", "  ", "the"])), invert=False, behavior=rng.choice(
        ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]))


def metaspace(rng):
    return dict(type="Metaspace", replacement=rng.choice(["▁"] * 5 + ["_"]), split=rng.random() < 0.5,
                prepend_scheme=rng.choice(["first", "always", "never"]))


def template(rng, vocab):
    s, e = vocab["<s>"], vocab["</s>"]
    return dict(type="TemplateProcessing", single=[dict(SpecialToken=dict(id="<s>", type_id=0)), dict(Sequence=dict(id="A", type_id=0))],
                pair=[dict(Sequence=dict(id="A", type_id=0)), dict(SpecialToken=dict(id="</s>", type_id=0)), dict(Sequence=dict(id="B", type_id=1))],
                special_tokens={"<s>": dict(id="<s>", ids=[s], tokens=["<s>"]), "</s>": dict(id="</s>", ids=[e], tokens=["</s>"])})


def post_processor(rng, vocab, bytes_too):
    bytewise = byte_level(rng)
    return rng.choice([
        template(rng, vocab), bytewise if bytes_too else None, dict(type="Sequence", processors=[bytewise, template(rng, vocab)]),
        dict(type="RobertaProcessing", sep=["</s>", vocab["</s>"]], cls=["<s>", vocab["<s>"]], trim_offsets=rng.random() < 0.6,
             add_prefix_space=rng.random() < 0.5)])


def byte_level_file(rng):
    vocab, merges = learnt(rng, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rng.random() < 0.8),
                           rng.choice([pre_tokenizers.ByteLevel.alphabet()] * 3 + [[]]), rng.randrange(300, 700))
    pre = rng.choice([
        lambda: dict(type="Sequence", pretokenizers=[split(rng), byte_level(rng, use_regex=False)]),
        lambda: dict(type="Sequence", pretokenizers=[split(rng), byte_level(rng, use_regex=False)]), lambda: byte_level(rng),
        lambda: dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=rng.random() < 0.5), byte_level(rng)]),
        lambda: dict(type="Sequence", pretokenizers=[delimiter(rng), byte_level(rng)])])()
    normal = rng.choice([None, None, dict(type="NFC"), dict(type="NFC"), dict(type="Sequence", normalizers=[dict(type="NFC"), dict(type="Lowercase")]),
                         dict(type="Sequence", normalizers=[dict(type="NFD"), dict(type="NFC")])])
    model = dict(unk_token=rng.choice([None, None, "<unk>"]), fuse_unk=rng.random() < 0.3, byte_fallback=False,
                 ignore_merges=rng.random() < 0.5)
    return vocab, merges, pre, normal, model, maybe(rng, 0.95, lambda: byte_level(rng))


def step(rng):
    return rng.choice([
        dict(type="Replace", pattern=dict(String=rng.choice(["▁", "▁", "e ", "aa"])), content=rng.choice([" ", "", "xyz"])),
        dict(type="ByteFallback"), dict(type="Fuse"), dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True),
        dict(type="Strip", content=rng.choice([" ", "e"]), start=rng.randrange(3), stop=rng.choice([0, 0, 1, 2])), metaspace(rng),
        dict(type="WordPiece", prefix="e", cleanup=rng.random() < 0.5)])


def fallback_file(rng):
    vocab, merges = learnt(rng, pre_tokenizers.Metaspace(prepend_scheme="always", split=rng.random() < 0.7), [], rng.randrange(200, 500))
    for byte in range(256):
        if rng.random() < rng.choice([1, 1, 1, 0.8]):
            vocab[f"<0x{byte:02X}>"] = len(vocab)
    llama2 = dict(type="Sequence", normalizers=[dict(type="Prepend", prepend="▁"), dict(type="Replace", pattern=dict(String=" "), content="▁")])
    normal = rng.choice([llama2, llama2, llama2, None, dict(type="Replace", pattern=dict(String=rng.choice([" ", "  ", "ee", "."])), content=rng.choice(["▁", "", "ab"])),
                         dict(type="Sequence", normalizers=[dict(type="Strip", strip_left=True, strip_right=True), dict(type="NFC")]), dict(type="Prepend", prepend="ab")])
    pre = rng.choice([lambda: None, lambda: None, lambda: metaspace(rng), lambda: metaspace(rng), lambda: delimiter(rng), lambda: dict(
        type="Sequence", pretokenizers=[dict(type=rng.choice(["WhitespaceSplit", "Punctuation"])), metaspace(rng)])])()
    model = dict(unk_token=rng.choice(["<unk>", "<unk>", None]), fuse_unk=rng.random() < 0.7, byte_fallback=rng.random() < 0.7,
                 ignore_merges=rng.random() < 0.2)
    usual = [dict(type="Replace", pattern=dict(String="▁"), content=" "), dict(type="ByteFallback"), dict(type="Fuse"),
             dict(type="Strip", content=" ", start=1, stop=0)]
    decoder = rng.choice([lambda: dict(type="Sequence", decoders=usual), lambda: metaspace(rng), lambda: None, lambda: dict(
        type="Sequence", decoders=[step(rng) for _ in range(rng.randrange(1, 5))])])()
    return vocab, merges, pre, normal, model, decoder


def tokenizer(rng):
    is_bytewise = rng.random() < 0.55
    vocab, merges, pre, normal, model, decoder = (byte_level_file if is_bytewise else fallback_file)(rng)
    added, next_id = [], len(vocab)
    for content in ["<unk>", "<s>", "</s>"] + rng.sample(CONTENTS, rng.randrange(0, 4)):
        if any(t["content"] == content for t in added):
            continue
        id = vocab.get(content)
        if id is None:
            id, next_id = next_id, next_id + 1
        added.append(dict(id=id, content=content, normalized=content[0] != "<" and rng.random() < 0.5, special=rng.random() < 0.5,
                          **{k: content[0] != "<" and rng.random() < 0.3 for k in ("single_word", "lstrip", "rstrip")}))
    if rng.random() < 0.3:
        merges = [" ".join(m) for m in merges] if all(" " not in a + b for a, b in merges) else merges
    return dict(version="1.0", added_tokens=added, truncation=None, padding=None, normalizer=normal, pre_tokenizer=pre,
                post_processor=post_processor(rng, vocab, is_bytewise), decoder=decoder,
                model=dict(type="BPE", dropout=None, continuing_subword_prefix=rng.choice([None, ""]), end_of_word_suffix=rng.choice([None, ""]),
                           **model, vocab=vocab, merges=merges))


def is_clear(file, peer):
    """Whether no added token is lost or hidden by the normaliser: there the library is at a loss."""
    names = [peer.normalizer.normalize_str(t["content"]) if peer.normalizer else t["content"]
             for t in file["added_tokens"] if t["normalized"]]
    return len(set(names)) == len(names) and all(names)


def write_cases(rng, peer, file, count, make_text):
    """Prints what the library makes of random texts."""
    vocab = peer.get_vocab()
    words = sorted(rng.sample(sorted(vocab), min(len(vocab), 2000))) + ["the quick", "it's", "o'clock"]
    contents, ids = [t["content"] for t in file["added_tokens"]], sorted(vocab.values())
    for _ in range(count):
        case = dict(text=make_text(rng, words, contents), special=rng.random() < 0.8)
        if rng.random() < 0.15:
            case["pair"] = make_text(rng, words, contents)
        numbers = [rng.choice(ids) for _ in range(rng.randrange(0, 12))]
        try:
            e = peer.encode(case["text"], case.get("pair"), add_special_tokens=case["special"])
            case.update(ids=e.ids, type_ids=e.type_ids, tokens=e.tokens, offsets=e.offsets, mask=e.special_tokens_mask,
                        attention=e.attention_mask, decoded=peer.decode(e.ids), random_ids=numbers,
                        decoded_whole=peer.decode(e.ids, skip_special_tokens=False), random_decoded=peer.decode(numbers))
        except BaseException as panic:  # of the library's own, as where Strip finds a token too short
            if isinstance(panic, KeyboardInterrupt):
                raise
            continue
        print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizers", type=int, default=40)
    parser.add_argument("--texts", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", help="a tokenizer.json that is used in place of random ones")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    for _ in range(1 if options.file else options.tokenizers):
        file = json.load(open(options.file)) if options.file else tokenizer(rng)
        peer = Tokenizer.from_str(json.dumps(file))
        if not is_clear(file, peer):
            continue
        print(json.dumps(dict(tokenizer=file), ensure_ascii=False, separators=(",", ":")))
        write_cases(rng, peer, file, options.texts, long_text)


if __name__ == "__main__":
    sys.exit(main())
