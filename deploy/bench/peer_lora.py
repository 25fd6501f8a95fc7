#!/usr/bin/env python3
"""The other side of `retort bench lora`: peft and PyTorch train adapters beside a frozen decoder on the CPU.

    python3 deploy/bench/peer_lora.py --make FOLDER            # a Qwen2 of 0.5B's shape, random weights, bfloat16
    python3 deploy/bench/peer_lora.py --model FOLDER --dtype float32 --threads 1
    retort bench lora --model FOLDER --dtype float32 --threads 1

Prints one JSON line: median seconds of a step (forward, loss of every next token, backward, clipping, AdamW),
the first and last loss, peak resident MiB. The texts are those of `retort bench lora`; A is drawn otherwise,
so only the first losses are equal. Needs: pip install torch transformers peft
"""
import argparse, json, resource, statistics, time
import torch
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--make")
parser.add_argument("--model")
parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rank", type=int, default=8)
parser.add_argument("--targets", default="all-linear")
parser.add_argument("--batch", type=int, default=2)
parser.add_argument("--length", type=int, default=128)
parser.add_argument("--steps", type=int, default=5)
a = parser.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)

if a.make:
    shape = Qwen2Config(
        vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
        num_key_value_heads=2, max_position_embeddings=32768, rope_theta=1e6, rms_norm_eps=1e-6,
        tie_word_embeddings=True, bos_token_id=151643, eos_token_id=151645)
    Qwen2ForCausalLM(shape).bfloat16().save_pretrained(a.make)
    raise SystemExit

from peft import LoraConfig, get_peft_model

base = AutoModelForCausalLM.from_pretrained(a.model, dtype=getattr(torch, a.dtype), attn_implementation="sdpa")
base.config.use_cache = False
targets = a.targets if a.targets == "all-linear" else a.targets.split(",")
model = get_peft_model(base, LoraConfig(
    r=a.rank, lora_alpha=2 * a.rank, lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM")).train()
trained = [p for p in model.parameters() if p.requires_grad]
optimiser = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0, fused=True)
vocabulary = base.config.vocab_size
ids = torch.tensor([[((row * a.length + place) * 7919 + 13) % vocabulary for place in range(a.length)]
                    for row in range(a.batch)])


def step():
    optimiser.zero_grad(set_to_none=True)
    loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimiser.step()
    return float(loss)


seconds, losses = [], []
for _ in range(a.steps + 2):
    start = time.perf_counter()
    losses.append(step())
    seconds.append(time.perf_counter() - start)
median = statistics.median(seconds[2:])
print(json.dumps(dict(
    peer="pytorch", dtype=a.dtype, threads=a.threads, batch=a.batch, length=a.length, rank=a.rank, targets=a.targets,
    weights=sum(p.numel() for p in base.parameters() if not p.requires_grad),
    trained=sum(p.numel() for p in trained), step_s=round(median, 4), tokens_per_s=round(a.batch * a.length / median, 1),
    first_loss=round(losses[0], 6), last_loss=round(losses[-1], 6),
    peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)))
