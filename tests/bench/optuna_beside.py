#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Optuna's samplers and ours on the same problem: the paper's predictor under a latency limit.

    optuna_beside.py VOXARCH PREDICTOR.safetensors TABLE.csv [--limit 15] [--evaluations 200] [--seeds 10] [--optimum V]

Needs Debian's python3-optuna; without it, this says so and does nothing. An evaluation is one network within the
limit whose EER is asked for, each once: what a sampler suggests beyond the limit or again is answered for free (with
the excess as a constraint, and the value known), as ours never proposes it. Random draws are such, too.
"""
import argparse
import json
import math
import struct
import subprocess
import sys

try:
    import numpy as np
    import optuna
except ImportError as missing:
    print(f'optuna_beside.py: skipped, {missing}')
    sys.exit(0)

DEPTHS, WIDTHS, KERNELS, CATS = [2, 3, 4], [128, 176, 256, 384, 512], [1, 3, 5], [384, 536, 768, 1152, 1536]
SUGGESTIONS_MAX = 50  # for each evaluation; then the sampler is stuck


class Predictor:
    def __init__(self, path):
        with open(path, 'rb') as f:
            header = json.loads(f.read(struct.unpack('<Q', f.read(8))[0]))
            data = f.read()
        self.t = {name: np.frombuffer(data[slice(*t['data_offsets'])], '<f4').reshape(t['shape'])
                  for name, t in header.items() if name != '__metadata__'}

    def eer(self, depth, widths, kernels, cat):
        t, one = self.t, [float(d == depth) for d in DEPTHS]
        for layer in range(5):
            one += [float(layer <= depth and w == widths[layer]) for w in WIDTHS]
        for layer in range(5):
            one += [float(layer <= depth and k == kernels[layer]) for k in KERNELS]
        x = np.array(one + [float(c == cat) for c in CATS])
        x = (x - t['0.running_mean']) / np.sqrt(t['0.running_var'] + 1e-5) * t['0.weight'] + t['0.bias']
        for layer in ('1', '3', '5'):
            x = np.maximum(t[layer + '.weight'] @ x + t[layer + '.bias'], 0)
        y = float((t['7.weight'] @ x + t['7.bias'])[0])
        n = {k: float(t['ynorm.' + k][0]) for k in ('weight', 'bias', 'running_mean', 'running_var')}
        return (y - n['bias']) / (n['weight'] + 1e-5) * math.sqrt(n['running_var'] + 1e-5) + n['running_mean']


class Table:
    def __init__(self, path):
        self.ms = {}
        for line in open(path):
            if not line.startswith(('#', 'section')):
                section, a, b, c, ms = line.strip().split(',')
                self.ms[section, int(a), int(b), int(c)] = float(ms)

    def latency(self, depth, widths, kernels, cat):
        ms, w = self.ms, widths[0]
        blocks = sum(ms['blocks', w, kernels[i], widths[i]] for i in range(1, depth + 1))
        return (ms['layer1', 80, kernels[0], w] + blocks + ms['catconv', depth * w, cat, 0] + ms['pool', cat, 0, 0] +
                ms['embed', 2 * cat, 192, 0])


def suggest(trial):
    depth = trial.suggest_categorical('depth', DEPTHS)
    widths = [trial.suggest_categorical(f'width{i}', WIDTHS) for i in range(depth + 1)]
    kernels = [trial.suggest_categorical(f'kernel{i}', KERNELS) for i in range(depth + 1)]
    return depth, tuple(widths), tuple(kernels), trial.suggest_categorical('cat', CATS)


def run(sampler, predictor, table, options):
    """The best EER within the limit after so many evaluations."""
    study, known = optuna.create_study(sampler=sampler), {}
    for _ in range(options.evaluations * SUGGESTIONS_MAX):
        trial = study.ask()
        arch = suggest(trial)
        excess = table.latency(*arch) - options.limit
        trial.set_user_attr('excess', excess)
        if excess < 0 and arch not in known:
            known[arch] = predictor.eer(*arch)
        # Beyond the limit the value does not count; something is due.
        study.tell(trial, known[arch] if excess < 0 else 10 + excess)
        if len(known) == options.evaluations:
            break
    return min(known.values(), default=math.inf)


def constraints(trial):
    return (trial.user_attrs.get('excess', 0.0),)


SAMPLERS = {
    'optuna TPE': lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True,
                                                          constraints_func=constraints),
    'optuna TPE, defaults': lambda seed: optuna.samplers.TPESampler(seed=seed, constraints_func=constraints),
    'optuna NSGA-II': lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20,
                                                                 constraints_func=constraints),
    'optuna random': lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def ours(options, strategy):
    command = [options.voxarch, 'search', 'bench', '--space', 'coarse', '--predictor', options.predictor,
               '--latency-table', options.table, '--constraint', f'latency < {options.limit}ms', '--strategy', strategy,
               '--evaluations', str(options.evaluations), '--seeds', str(options.seeds), '--batch', '1', '--json']
    command += ['--optimum', str(options.optimum)] if options.optimum else ['--exact']
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said['optimum'], {s['strategy']: [r['best'] for r in s['runs']] for s in said['strategies']}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('voxarch'); p.add_argument('predictor'); p.add_argument('table')
    p.add_argument('--limit', type=float, default=15); p.add_argument('--evaluations', type=int, default=200)
    p.add_argument('--seeds', type=int, default=10); p.add_argument('--optimum', type=float)
    options = p.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    import warnings
    warnings.simplefilter('ignore', optuna.exceptions.ExperimentalWarning)
    predictor, table = Predictor(options.predictor), Table(options.table)
    optimum, results = ours(options, 'bayes')
    print(f'EER at latency < {options.limit:g} ms, {options.evaluations} evaluations, {options.seeds} seeds, '
          f'optimum {optimum:.4f}, optuna {optuna.__version__}', flush=True)
    results = {f'voxarch {name}': values for name, values in results.items()}
    for name, values in results.items():
        show(name, values, optimum)
    for name, sampler in SAMPLERS.items():
        show(name, [run(sampler(seed), predictor, table, options) for seed in range(1, options.seeds + 1)], optimum)


def show(name, values, optimum):
    regrets = [v - optimum for v in values]
    print(f'{name:<22} mean regret {sum(regrets) / len(regrets):.4f}  worst {max(regrets):.4f}', flush=True)


main()
