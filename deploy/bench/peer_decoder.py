#!/usr/bin/env python3
"""One side of a side-by-side: PyTorch trains a decoder on the CPU, in one process.

    python3 peer_decoder.py --make FOLDER [--layers 8 --width 512 --inner 1376 --heads 8 --vocabulary 8192]
    python3 peer_decoder.py --model FOLDER --threads 1 --dtype float32 --batch 8 --length 256 --steps 8

With --make it writes a Llama of random weights, for both sides. Otherwise it prints one JSON line: median step
seconds, tokens/s, the last loss, peak resident MiB. Full-length random rows of which every token but the first is
predicted, AdamW (fused), clipping to 1.0: the work that a training step of ours does. bfloat16 is autocast.
Needs: pip install torch transformers
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
    config = transformers.LlamaConfig(
        vocab_size=a.vocabulary, hidden_size=a.width, intermediate_size=a.inner, num_hidden_layers=a.layers,
        num_attention_heads=a.heads, num_key_value_heads=a.heads, max_position_embeddings=2048,
        tie_word_embeddings=False)
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(a.make)
    print(json.dumps(dict(folder=a.make, weights=sum(p.numel() for p in model.parameters()))))


def train(a):
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        a.model, dtype=torch.float32, attn_implementation="sdpa").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=True)
    vocabulary = model.config.vocab_size
    ids = torch.randint(min(1000, vocabulary // 2), vocabulary, (a.batch, a.length))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.dtype == "bfloat16"):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return float(loss)

    step(), step()
    seconds = []
    for _ in range(a.steps):
        start = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    print(json.dumps(dict(
        peer="pytorch " + torch.__version__, ranks=1, threads=a.threads, dtype=a.dtype, batch=a.batch,
        length=a.length, tokens=a.batch * a.length, step_s=round(median, 4),
        train_tokens_per_s=round(a.batch * a.length / median), loss=round(loss, 4),
        peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)), flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--make")
parser.add_argument("--model")
parser.add_argument("--layers", type=int, default=8)
parser.add_argument("--width", type=int, default=512)
parser.add_argument("--inner", type=int, default=1376)
parser.add_argument("--heads", type=int, default=8)
parser.add_argument("--vocabulary", type=int, default=8192)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--length", type=int, default=256)
parser.add_argument("--steps", type=int, default=8)
arguments = parser.parse_args()
if arguments.make:
    make(arguments)
elif arguments.model:
    train(arguments)
else:
    parser.error("give --make FOLDER or --model FOLDER")
