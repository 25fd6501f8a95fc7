"""What `transformers` makes of an exported student, for deploy/e2e/export.sh.

    record_student.py STUDENT_FOLDER TEST_JSONL OUT_FOLDER

Loads the folder by from_pretrained (model, tokenizer, names of the classes), measures accuracy on the test
set, and writes OUT_FOLDER as `retort bench parity` reads it: the model with dropout off, and
golden.safetensors with the hidden states, logits, loss and gradients of one real batch and ten AdamW steps on it.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

student, test, out = sys.argv[1:]
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(student)
model, loading = AutoModelForSequenceClassification.from_pretrained(student, output_loading_info=True)
wrong = {kind: sorted(names) for kind, names in loading.items() if names}
if wrong:
    sys.exit(f"from_pretrained found tensors missing, unexpected or misshapen: {wrong}")
model.eval()

with open(test, encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
encode = lambda texts: tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
right = 0
with torch.inference_mode():
    for start in range(0, len(rows), 32):
        part = rows[start : start + 32]
        predicted = model(**encode([row["text"] for row in part])).logits.argmax(-1)
        right += sum(model.config.id2label[int(p)] == row["label"] for p, row in zip(predicted, part))

# One batch of every class, padded: dropout off, so that training and inference are the same function.
part = rows[:: max(1, len(rows) // 8)][:8]
inputs = dict(encode([row["text"] for row in part]))
inputs["labels"] = torch.tensor([model.config.label2id[row["label"]] for row in part])
model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
model.config.classifier_dropout = None
os.makedirs(out, exist_ok=True)
model.save_pretrained(out)
model = AutoModelForSequenceClassification.from_pretrained(out, attn_implementation="eager").train()

answer = model(**inputs, output_hidden_states=True)
answer.loss.backward()
copy = lambda tensor: tensor.detach().clone().contiguous()
tensors = {f"in.{name}": copy(value) for name, value in inputs.items()}
tensors |= {"out.logits": copy(answer.logits), "out.loss": copy(answer.loss).reshape(1)}
tensors |= {f"out.hidden.{layer}": copy(state) for layer, state in enumerate(answer.hidden_states)}
tensors |= {f"grad.{name}": copy(p.grad) for name, p in model.named_parameters() if p.grad is not None}
settings = dict(lr=1e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
optimiser = torch.optim.AdamW(model.parameters(), **settings)
losses, norms = [], []
for _ in range(10):
    optimiser.zero_grad()
    loss = model(**inputs).loss
    loss.backward()
    norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
    optimiser.step()
    losses.append(float(loss.detach()))
tensors["curve.loss"] = torch.tensor(losses, dtype=torch.float64)
tensors["curve.grad_norm"] = torch.tensor(norms, dtype=torch.float64)
save_file(tensors, os.path.join(out, "golden.safetensors"))
with open(os.path.join(out, "golden.json"), "w", encoding="utf-8") as file:
    json.dump({"optimiser": {"name": "AdamW", **settings, "clip_grad_norm": 1.0, "steps": 10}}, file)
with open(os.path.join(out, "measured.json"), "w", encoding="utf-8") as file:
    json.dump({"accuracy": right / len(rows)}, file)
