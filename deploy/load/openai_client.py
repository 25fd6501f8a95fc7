#!/usr/bin/env python3
"""The other side of a side-by-side: the Python `openai` client over asyncio against a server.

    python3 -m venv venv && venv/bin/pip install openai
    venv/bin/python deploy/load/openai_client.py --base-url http://127.0.0.1:PORT/v1 \
        --requests 8000 --concurrency 64 --processes 4 --labels ham,spam

Each process has its own event loop and client and asks its share of the requests, so many at a time:
chat completions with log-probabilities, each text asked once. Prints one JSON line; `requests_per_s`
counts from the moment at which every process has made its client and had an answer to one request.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import time


def prompt(number, labels):
    text = f"Message {number}: the printer on floor {number % 9} answers again, see ticket {number * 7919 % 100003}."
    return [
        {"role": "system", "content": f"Answer with one of: {', '.join(labels)}."},
        {"role": "user", "content": text + f" gold:{labels[number % len(labels)]}"},
    ]


async def ask_all(options, labels, rank, barrier, results):
    import openai

    client = openai.AsyncOpenAI(
        base_url=options.base_url, api_key=os.environ.get(options.api_key_env, "none"), max_retries=0,
        timeout=60)
    counts = {"answered": 0, "failed": 0, "tokens": 0}
    first_error = None

    async def ask(number):
        nonlocal first_error
        try:
            answer = await client.chat.completions.create(
                model=options.model, messages=prompt(number, labels), max_tokens=8, temperature=0,
                logprobs=True, top_logprobs=options.top_logprobs)
            choice = answer.choices[0]
            if choice.message.content not in labels or not choice.logprobs.content[0].top_logprobs:
                raise ValueError(f"no label or no log-probabilities: {choice}")
            counts["answered"] += 1
            counts["tokens"] += answer.usage.total_tokens
        except Exception as error:  # counted; the first is shown
            counts["failed"] += 1
            first_error = first_error or repr(error)[:300]

    await ask(10_000_000 + rank)
    counts = {"answered": 0, "failed": 0, "tokens": 0}
    numbers = iter(range(rank, options.requests, options.processes))
    barrier.wait()
    start = time.monotonic()

    async def worker():
        for number in numbers:
            await ask(number)

    await asyncio.gather(*(worker() for _ in range(options.concurrency)))
    end = time.monotonic()
    results.put({**counts, "start": start, "end": end, "error": first_error,
                 "cpu_s": sum(os.times()[:2])})


def run(options, labels, rank, barrier, results):
    asyncio.run(ask_all(options, labels, rank, barrier, results))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--requests", type=int, default=8000)
    parser.add_argument("--concurrency", type=int, default=64, help="requests in flight, each process")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--labels", default="positive,negative")
    parser.add_argument("--model", default="teacher-double")
    parser.add_argument("--top-logprobs", type=int, default=5)
    parser.add_argument("--api-key-env", default="OPENAI_API_KEY")
    options = parser.parse_args()
    labels = options.labels.split(",")

    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(options.processes), context.Queue()
    workers = [
        context.Process(target=run, args=(options, labels, rank, barrier, results))
        for rank in range(options.processes)
    ]
    for worker in workers:
        worker.start()
    parts = [results.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    # CLOCK_MONOTONIC is one clock for all processes of a machine.
    seconds = max(part["end"] for part in parts) - min(part["start"] for part in parts)
    answered = sum(part["answered"] for part in parts)
    print(json.dumps({
        "client": "openai-python", "requests": options.requests, "answered": answered,
        "failed": sum(part["failed"] for part in parts), "processes": options.processes,
        "concurrency": options.concurrency, "seconds": round(seconds, 3),
        "requests_per_s": round(answered / seconds, 1),
        "client_cpu_s": round(sum(part["cpu_s"] for part in parts), 2),
        "error": next((part["error"] for part in parts if part["error"]), None),
    }))


if __name__ == "__main__":
    main()
