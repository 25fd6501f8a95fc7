#!/usr/bin/env python3
"""Writes Resources/pair-cases.jsonl: pairs of texts cut to a length as `transformers` cuts them.

    python3 make_pair_cases.py > ../Resources/pair-cases.jsonl      # needs the Python package transformers

A line is {"tokenizer": {...}} or a case of the last tokenizer given. Where a strategy can't make the texts
fit, `transformers` raises an error or gives what is too long; such cases are left out. So is an empty second
text, which its call takes for none.
"""
import json
import random
import sys

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

WORDS = "the a cat sat on mat what is two plus question choice answer red blue x".split()


def template(second_type, middle):
    def special(name, kind=0):
        return {"SpecialToken": {"id": name, "type_id": kind}}

    def sequence(name, kind=0):
        return {"Sequence": {"id": name, "type_id": kind}}
    pair = [special("<s>"), sequence("A")] + [special("</s>")] * middle + [sequence("B", second_type), special("</s>", second_type)]
    return dict(type="TemplateProcessing", single=[special("<s>"), sequence("A"), special("</s>")], pair=pair,
                special_tokens={name: dict(id=name, ids=[id], tokens=[name]) for id, name in ((1, "<s>"), (2, "</s>"))})


def main():
    rng = random.Random(4)
    vocab = [[w, -1.0] for w in ["<unk>", "<s>", "</s>", "<pad>", "▁"]] + [["▁" + w, -2.0] for w in WORDS] + [[c, -3.0] for c in "abcdefghijklm"]
    roberta = dict(type="RobertaProcessing", sep=["</s>", 2], cls=["<s>", 1], trim_offsets=True, add_prefix_space=False)
    for post in (template(1, 1), template(0, 2), roberta):
        metaspace = dict(type="Metaspace", replacement="▁", prepend_scheme="always", split=True)
        file = dict(version="1.0", added_tokens=[], normalizer=None, pre_tokenizer=metaspace, post_processor=post, decoder=metaspace,
                    model=dict(type="Unigram", unk_id=0, vocab=vocab, byte_fallback=False), truncation=None, padding=None)
        print(json.dumps(dict(tokenizer=file), ensure_ascii=False))
        peer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(file)))
        for _ in range(60):
            text, pair = (" ".join(rng.choice(WORDS) for _ in range(rng.randrange(least, 14))) for least in (0, 1))
            strategy, maximum = rng.choice(["longest_first", "only_first", "only_second"]), rng.randrange(5, 24)
            try:
                got = peer(text, pair, truncation=strategy, max_length=maximum, return_token_type_ids=True)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                continue
            if len(got["input_ids"]) <= maximum:
                print(json.dumps(dict(text=text, pair=pair, strategy=strategy, maximum=maximum, ids=got["input_ids"],
                                      type_ids=got["token_type_ids"]), ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
