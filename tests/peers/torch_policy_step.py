"""Policy steps a second: ours and the same network in PyTorch, one thread each, interleaved.

Forward, backward, gradient clipping and Adam on a batch of 64 ready-made 64x64 images.
Ours is `cargo bench --bench learn -- "gradient step"`; build it first, then run
    python tests/peers/torch_policy_step.py PATH_OF_THE_BENCH_BINARY [ROUNDS]
"""

import os
import re
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"

import torch
from torch import nn

torch.set_num_threads(1)
BATCH, BINS, PATCHES, PIXELS = 64, 7, 64, 64


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(PIXELS, 32)
        self.merge = nn.Linear(4 * 32, 64)
        self.dense = nn.Linear(16 * 64, 128)
        self.heads = nn.Linear(128, 3 * BINS)

    def forward(self, patches):
        x = torch.relu(self.embed(patches)).reshape(-1, 4 * 32)
        x = torch.relu(self.merge(x)).reshape(-1, 16 * 64)
        return self.heads(torch.relu(self.dense(x))).reshape(-1, 3, BINS)


def torch_steps_per_second(seconds=3.0):
    torch.manual_seed(1)
    policy = Policy()
    patches = torch.randn(BATCH * PATCHES, PIXELS)
    targets = torch.full((BATCH, 3, BINS), 1.0 / BINS)
    adam = torch.optim.Adam(policy.parameters(), lr=1e-3, fused=True)

    def step():
        loss = -(torch.log_softmax(policy(patches), dim=-1) * targets).sum() / BATCH
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 5.0)
        adam.step()

    for _ in range(50):
        step()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps / (time.perf_counter() - start)


UNIT = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def our_steps_per_second(binary):
    command = [binary, "--bench", "--noplot", "--warm-up-time", "1", "--measurement-time", "3", "gradient step"]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    low, mid, high = re.search(r"time:\s+\[(\S+ \S+) (\S+ \S+) (\S+ \S+)\]", out).groups()
    value, unit = mid.split()
    return 1.0 / (float(value) * UNIT[unit])


def main():
    binary, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    ratios = []
    for round in range(1, rounds + 1):
        ours, theirs = our_steps_per_second(binary), torch_steps_per_second()
        ratios.append(ours / theirs)
        print(f"round {round}: rmrl {ours:.0f}/s, PyTorch {torch.__version__} {theirs:.0f}/s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
