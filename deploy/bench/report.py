#!/usr/bin/env python3
"""The page of deploy/bench.sh: medians and ratios out of its raw JSON lines. Standard library only.

    python3 report.py FOLDER --date YYYY-MM-DD --rounds N --steps N --raw NAME

FOLDER has raw.jsonl, facts.tsv (key, value), parts.tsv (part, load averages, seconds) and notes.txt.
Writes page.md there, and prints its tables.

A ratio is ours over the peer's of the same round; its least, median and greatest over the rounds are given.
Ours and the peer's are medians over the rounds. A line that has no counterpart still gives ours.
"""
import argparse
import json
import statistics
import sys
from pathlib import Path

NONE = "-"


class Lines:
    """The raw lines, asked by what they have in common."""

    def __init__(self, lines):
        self.lines = lines

    def where(self, **wanted):
        return Lines([line for line in self.lines if all(line.get(key) == value for key, value in wanted.items())])

    def values(self, metric):
        """round -> value; the last line of a round counts."""
        return {line["round"]: line[metric] for line in self.lines if isinstance(line.get(metric), (int, float))}

    def distinct(self, *keys):
        """The values of these keys, in the order of their first line."""
        return list(dict.fromkeys(tuple(line.get(key) for key in keys) for line in self.lines))


def ratios(ours, other):
    """Ours over the other's, of the rounds that have both."""
    return [ours[number] / other[number] for number in sorted(ours) if other.get(number)]


def spread(values, form):
    """Least, median, greatest."""
    if not values:
        return [NONE] * 3
    return [form.format(value) for value in (min(values), statistics.median(values), max(values))]


def middle(values, form):
    return form.format(statistics.median(values.values())) if values else NONE


def table(head, rows):
    """Markdown whose columns stand straight in a terminal too: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(cells):
        return "| " + " | ".join([cells[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(cells[1:], widths[1:])]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (w + 1) + ":" for w in widths[1:]]) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def comparison(first, ours_name, other_name, rows):
    """A table of rows (label, ours, other, metric, form, share metric); one without a line of ours is left out."""
    cells = []
    for label, ours, other, metric, form, share in rows:
        mine, theirs = ours.values(metric), other.values(metric)
        if mine:
            cells.append([
                label, *spread(ratios(mine, theirs), "{:.2f}"), middle(mine, form), middle(theirs, form),
                middle(ours.values(share), "{:.1%}") if share else NONE,
            ])
    return table([first, "ratio min", "median", "max", ours_name, other_name, "share of peak"], cells) if cells else ""


# Label, key of the JSON line, form, key of the share that belongs to it.
STEP_METRICS = [
    ("training samples/s", "train_samples_per_s", "{:.2f}", "share"),
    ("inference samples/s", "infer_samples_per_s", "{:.2f}", "infer_share"),
    ("peak resident MiB (less is better)", "peak_rss_mib", "{:.0f}", None),
]


def step_rows(pairs, metrics=None):
    """Rows of `comparison` for pairs (name, ours, other)."""
    return [
        (f"{name}, {label}", ours, other, metric, form, share)
        for name, ours, other in pairs for label, metric, form, share in (metrics or STEP_METRICS)
    ]


def gemm(lines):
    ours, sections = lines.where(side="ours"), []
    for dtype, peer, title in [("float32", "pytorch", "PyTorch"), ("float32", "openblas", "OpenBLAS"), ("bfloat16", "pytorch", "PyTorch")]:
        other = lines.where(side="peer", peer=peer, dtype=dtype)
        if not other.lines and peer == "openblas":
            continue
        shapes = list(dict.fromkeys(ours.where(dtype=dtype).distinct("m", "n", "k") + other.distinct("m", "n", "k")))
        rows = []
        for m, n, k in shapes:
            rows.append((
                f"{m} x {n} x {k}", ours.where(dtype=dtype, m=m, n=n, k=k), other.where(m=m, n=n, k=k), "gflops", "{:.1f}", "share",
            ))
        sections.append((f"Matrix products, {dtype}, beside {title}", "One thread, gflop/s; y = x Wᵀ with x m x k and W n x k; the best of 15 products in each process.",
                         comparison("m x n x k", "ours", title, rows)))
    return sections


def train(lines):
    pairs = [(dtype, lines.where(side="ours", dtype=dtype), lines.where(side="peer", dtype=dtype)) for dtype in ("float32", "bfloat16")]
    return [("Training", "A BERT classifier, global batch 32, 128 tokens each, 2 ranks x 1 thread; the share is the training step's.",
             comparison("what", "ours", "PyTorch", step_rows(pairs)))]


def infer(lines):
    pairs = [(dtype, lines.where(side="ours", dtype=dtype), lines.where(side="peer", dtype=dtype)) for dtype in ("float32", "bfloat16")]
    return [("Inference alone", "The same batch, 2 ranks x 1 thread; the median of four batches.",
             comparison("what", "ours", "PyTorch", step_rows(pairs, [("inference samples/s", "infer_samples_per_s", "{:.2f}", "share")])))]


def threads(lines):
    pairs = [
        (dtype, lines.where(dtype=dtype, ranks=1, threads=2), lines.where(dtype=dtype, ranks=2, threads=1))
        for dtype in ("float32", "bfloat16")
    ]
    return [("Threads against ranks, ours alone", "The same training step; the ratio is 1 rank x 2 threads over 2 ranks x 1 thread, the share the former's.",
             comparison("what", "1 rank x 2 threads", "2 ranks x 1 thread", step_rows(pairs)))]


def ragged(lines):
    padded = lines.where(side="peer", dtype="float32")
    pairs = [
        ("float32", lines.where(side="ours", dtype="float32"), padded),
        ("bfloat16 / peer's float32", lines.where(side="ours", dtype="bfloat16"), padded),
    ]
    batches = lines.where(side="ours").lines
    share = f" ours has {batches[0]['tokens'] / batches[0]['batch']:.1f} tokens a sample on average," if batches and batches[0].get("tokens") else ""
    return [("Ragged batches", f"Lengths drawn from 8 to 128 with a mean of 40:{share} and computes no padding; the peer's rows are float32, padded to 128.",
             comparison("what", "ours", "PyTorch, padded", step_rows(pairs)))]


def allreduce(lines):
    rows = [
        [f"{size} MiB", *spread(list(lines.where(mib=size).values("gb_per_s").values()), "{:.2f}"),
         middle({k: v * 1000 for k, v in lines.where(mib=size).values("seconds").items()}, "{:.2f}")]
        for (size,) in lines.distinct("mib")
    ]
    return [("Sum of a gradient, ours alone", "Reduce-scatter in the fixed tree, then all-gather, 2 ranks; GB/s of the gradient's size.",
             table(["size", "min GB/s", "median", "max", "median ms"], rows) if rows else "")]


def decoder(lines):
    pairs = [(dtype, lines.where(side="ours", dtype=dtype), lines.where(side="peer", dtype=dtype)) for dtype in ("float32", "bfloat16")]
    metrics = [("training tokens/s", "train_tokens_per_s", "{:.0f}", "share"), ("peak resident MiB (less is better)", "peak_rss_mib", "{:.0f}", None)]
    weights = [line["weights"] for line in lines.lines if line.get("weights")]
    size = f" of {weights[0] / 1e6:.1f} million weights" if weights else ""
    return [("Training a decoder", f"A Llama{size}, 8 texts of 256 tokens a step, every token but the first predicted, 1 rank x 1 thread.",
             comparison("what", "ours", "PyTorch", step_rows(pairs, metrics)))]


def encoder(lines):
    pairs = [(dtype, lines.where(side="ours", dtype=dtype), lines.where(side="peer", dtype=dtype)) for dtype in ("float32", "bfloat16")]
    metrics = [("training samples/s", "train_samples_per_s", "{:.2f}", "share"), ("inference samples/s", "infer_samples_per_s", "{:.2f}", None),
               ("peak resident MiB (less is better)", "peak_rss_mib", "{:.0f}", None)]
    return [("Training an encoder with relative positions", "The shape of DeBERTa-v3-base (12 layers x 768, 12 heads, a vocabulary of 8,192 on both "
             "sides), 8 texts of 128 tokens a step, 1 rank x 1 thread.", comparison("what", "ours", "PyTorch", step_rows(pairs, metrics)))]


PARTS = {
    "gemm": gemm, "train": train, "infer": infer, "threads": threads, "ragged": ragged, "allreduce": allreduce, "decoder": decoder, "encoder": encoder,
}


def read_table(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for option in ("--date", "--rounds", "--steps", "--raw"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    folder = options.folder

    records = []
    for number, text in enumerate((folder / "raw.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        try:
            records.append(json.loads(text))
        except ValueError as error:
            sys.exit(f"report.py: raw.jsonl, line {number}: {error}")
    lines, facts = Lines(records), read_table(folder / "facts.tsv")
    notes = (folder / "notes.txt").read_text(encoding="utf-8").splitlines()
    processor = dict((row[0], row[1]) for row in facts if len(row) > 1).get("CPU", "unknown processor")

    sections = []
    for name, make in PARTS.items():
        if lines.where(part=name).lines:
            sections += [section for section in make(lines.where(part=name)) if section[2]]

    out = [
        f"# Side by side on {processor}, {options.date}", "",
        f"Ratios are ours over the other's of the same round: least, median, greatest of {options.rounds} rounds; above 1 is faster than the other. "
        f"The figures beside them are medians over the rounds; {options.steps} timed training steps a measurement. How to read this: [README.md](README.md). Raw lines: [{options.raw}]({options.raw}).", "",
    ]
    for title, text, body in sections:
        print(f"\n{title}\n{text}\n\n{body}")
        out += [f"## {title}", "", text, "", body, ""]
    print()
    if notes:
        out += ["## Left out", "", *[f"- {note}" for note in notes], ""]
    out += ["## Load", "", "Load averages (1, 5, 15 minutes) right before each part; those of every measurement are in the raw lines.", "",
            table(["part", "load average", "seconds"], read_table(folder / "parts.tsv")), ""]
    out += ["## Machine", "", "| | |", "|---|---|", *[f"| {row[0]} | {' '.join(row[1:]).strip()} |" for row in facts], ""]
    (folder / "page.md").write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    main()
