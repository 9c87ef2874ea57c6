#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Widens the paper's predictor of the coarse space to one of the fine space.

    widen_predictor.py COARSE.safetensors FINE.safetensors

The predictor's first layer is linear in the one-hot genes. A width or cat between two
coarse values gets the mix of their two columns, by its place between them, so that the
wide predictor says of every coarse network exactly what the coarse one says, and
between them something in between. It has seen no fine network: it is for testing
searches over 10^13 networks, whose best can then be held against the coarse optimum.

Afterwards:  voxarch search bench --space fine --predictor FINE.safetensors ...
"""
import json
import math
import struct
import sys

DEPTHS, WIDTHS, KERNELS, CATS = [2, 3, 4], [128, 176, 256, 384, 512], [1, 3, 5], [384, 536, 768, 1152, 1536]
FINE_WIDTHS, FINE_CATS = list(range(128, 513, 8)), list(range(384, 1537, 8))
LAYERS, HIDDEN, EPS = 5, 400, 1e-5


def load(path):
    with open(path, 'rb') as f:
        header = json.loads(f.read(struct.unpack('<Q', f.read(8))[0]))
        data = f.read()
    tensors = {}
    for name, t in header.items():
        if name != '__metadata__':
            begin, end = t['data_offsets']
            tensors[name] = list(struct.unpack(f'<{(end - begin) // 4}f', data[begin:end]))
    return tensors


def save(path, tensors, metadata):
    header, body = {'__metadata__': metadata}, b''
    for name, (dtype, shape, values) in tensors.items():
        raw = struct.pack(f'<{len(values)}{"i" if dtype == "I32" else "f"}', *values)
        header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + body)


def mix(value, coarse, columns):
    """The column of a value: of its coarse neighbours, by its place between them."""
    above = next(i for i, c in enumerate(coarse) if c >= value)
    if coarse[above] == value:
        return columns[above]
    low, high = coarse[above - 1], coarse[above]
    part = (value - low) / (high - low)
    return [(1 - part) * a + part * b for a, b in zip(columns[above - 1], columns[above])]


def widen(t):
    """First layer's columns for the fine one-hot, and its bias, normalisation folded in."""
    scale = [g / math.sqrt(v + EPS) for g, v in zip(t['0.weight'], t['0.running_var'])]
    shift = [b - m * s for b, m, s in zip(t['0.bias'], t['0.running_mean'], scale)]
    n_in = len(scale)
    rows = [t['1.weight'][o * n_in:(o + 1) * n_in] for o in range(HIDDEN)]
    bias = [b + sum(w * s for w, s in zip(row, shift)) for b, row in zip(t['1.bias'], rows)]
    columns = [[row[i] * scale[i] for row in rows] for i in range(n_in)]
    at, fine = 0, []
    for coarse, values, repeats in ((DEPTHS, DEPTHS, 1), (WIDTHS, FINE_WIDTHS, LAYERS),
                                    (KERNELS, KERNELS, LAYERS), (CATS, FINE_CATS, 1)):
        for _ in range(repeats):
            fine += [mix(v, coarse, columns[at:at + len(coarse)]) for v in values]
            at += len(coarse)
    return fine, bias


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    t = load(sys.argv[1])
    columns, bias = widen(t)
    n = len(columns)
    out = {'space.depth': ('I32', [len(DEPTHS)], DEPTHS), 'space.cat': ('I32', [len(FINE_CATS)], FINE_CATS)}
    for layer in range(LAYERS):
        out[f'space.width{layer}'] = ('I32', [len(FINE_WIDTHS)], FINE_WIDTHS)
        out[f'space.kernel{layer}'] = ('I32', [len(KERNELS)], KERNELS)
    out['0.weight'] = ('F32', [n], [math.sqrt(1 + EPS)] * n)
    out['0.bias'] = ('F32', [n], [0.0] * n)
    out['0.running_mean'] = ('F32', [n], [0.0] * n)
    out['0.running_var'] = ('F32', [n], [1.0] * n)
    out['1.weight'] = ('F32', [HIDDEN, n], [columns[i][o] for o in range(HIDDEN) for i in range(n)])
    out['1.bias'] = ('F32', [HIDDEN], bias)
    shapes = {'3.weight': [HIDDEN, HIDDEN], '5.weight': [HIDDEN, HIDDEN], '7.weight': [1, HIDDEN]}
    for name, values in t.items():
        if name[0] not in '01':
            out[name] = ('F32', shapes.get(name, [len(values)]), values)
    save(sys.argv[2], out, {'format': 'voxarch predictor 1', 'kind': 'mlp'})


main()
