#!/usr/bin/env python3
"""One side of a side-by-side: PyTorch trains an encoder as a classifier on the CPU, in one process.

    python3 peer_encoder.py --make FOLDER [--family deberta-v2] [--layers 12 --width 768 --inner 3072 --heads 12 --vocabulary 8192]
    python3 peer_encoder.py --model FOLDER --threads 1 --dtype float32 --batch 8 --length 128 --steps 6

With --make it writes an encoder of random weights, for both sides: by default the shape of DeBERTa-v3-base (256
buckets of distances to 512, keys shared) with a small vocabulary. Otherwise it prints one JSON line: median step
seconds, samples/s in training and inference, peak resident MiB. Full-length random rows, dropout on, AdamW (fused),
clipping to 1.0: the work that a training step of ours does. bfloat16 is autocast. Needs: pip install torch transformers
"""
import argparse
import json
import resource
import statistics
import time

import torch
import transformers


def make(a):
    torch.manual_seed(0)
    shape = dict(
        vocab_size=a.vocabulary, hidden_size=a.width, intermediate_size=a.inner, num_hidden_layers=a.layers,
        num_attention_heads=a.heads, num_labels=6)
    relative = dict(
        relative_attention=True, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0, max_relative_positions=-1,
        max_position_embeddings=512, pooler_hidden_size=a.width)
    own = {
        "bert": dict(max_position_embeddings=512),
        "roberta": dict(max_position_embeddings=514, type_vocab_size=1, pad_token_id=1),
        "deberta-v2": relative}[a.family]
    config = transformers.AutoConfig.for_model(a.family, **shape, **own)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    model.save_pretrained(a.make)
    print(json.dumps(dict(folder=a.make, weights=sum(p.numel() for p in model.parameters()))))


def train(a):
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        a.model, num_labels=6, dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=True)
    vocabulary = model.config.vocab_size
    ids = torch.randint(min(1000, vocabulary // 2), vocabulary, (a.batch, a.length))
    labels, mask = torch.randint(0, 6, (a.batch,)), torch.ones_like(ids)

    def forward(**inputs):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bfloat16"):
            return model(input_ids=ids, attention_mask=mask, **inputs)

    def step():
        optimizer.zero_grad(set_to_none=True)
        forward(labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def median(body, count):
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            body()
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds)

    step(), step()
    seconds = median(step, a.steps)
    model.eval()
    with torch.inference_mode():
        forward()
        inference = median(forward, max(4, a.steps // 2))
    print(json.dumps(dict(
        peer="pytorch " + torch.__version__, ranks=1, threads=a.threads, dtype=a.dtype, batch=a.batch,
        length=a.length, tokens=a.batch * a.length, step_s=round(seconds, 4),
        train_samples_per_s=round(a.batch / seconds, 2), infer_samples_per_s=round(a.batch / inference, 2),
        peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)), flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--make")
parser.add_argument("--model")
parser.add_argument("--family", default="deberta-v2", choices=["bert", "roberta", "deberta-v2"])
parser.add_argument("--layers", type=int, default=12)
parser.add_argument("--width", type=int, default=768)
parser.add_argument("--inner", type=int, default=3072)
parser.add_argument("--heads", type=int, default=12)
parser.add_argument("--vocabulary", type=int, default=8192)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--length", type=int, default=128)
parser.add_argument("--steps", type=int, default=6)
arguments = parser.parse_args()
if arguments.make:
    make(arguments)
elif arguments.model:
    train(arguments)
else:
    parser.error("give --make FOLDER or --model FOLDER")
