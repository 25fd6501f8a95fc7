#!/usr/bin/env python3
"""Figures of `retort attention` by transformers: attention_peer.py MODEL IDS.json [--threshold 0.1]

IDS.json is a list of lists of token ids. Prints one JSON object a layer.
"""
import argparse
import json

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("ids")
parser.add_argument("--threshold", type=float, default=0.1)
arguments = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(
    arguments.model, attn_implementation="eager", dtype=torch.float32).eval()
texts = json.load(open(arguments.ids))
layers = model.config.num_hidden_layers
entropy, itself, above, pairs, rows = ([0.0] * layers for _ in range(5))
cosine, cosines = [0.0] * layers, 0
for text in texts:
    with torch.no_grad():
        maps = model(torch.tensor([text]), output_attentions=True).attentions
    maps = [m[0].double() for m in maps]  # heads x T x T
    count = len(text)
    window = getattr(model.config, "sliding_window", None) or count
    places = torch.arange(count)
    visible = (places[:, None] >= places) & (places[:, None] - places < window)
    for index, weights in enumerate(maps):
        heads = weights.shape[0]
        entropy[index] += -torch.special.xlogy(weights, weights).sum().item()
        itself[index] += weights.diagonal(dim1=1, dim2=2).sum().item()
        above[index] += (weights > arguments.threshold).sum().item()
        pairs[index] += heads * visible.sum().item()
        rows[index] += heads * count
        if index + 1 < layers:
            pair = torch.nn.functional.cosine_similarity(
                weights.flatten(1), maps[index + 1].flatten(1), dim=1, eps=0)
            cosine[index] += pair.sum().item()
    cosines += heads
for index in range(layers):
    print(json.dumps({
        "layer": index,
        "entropy": entropy[index] / rows[index],
        "self_attention": itself[index] / rows[index],
        "share_above": above[index] / pairs[index],
        "cosine_to_next": cosine[index] / cosines if index + 1 < layers else None,
    }))
