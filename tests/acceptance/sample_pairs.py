"""Pairs to read by eye, chosen by nobody: `python tests/acceptance/sample_pairs.py PAIRS.jsonl --count 50 --seed 7 [--history REPOSITORY…]`.

Prints the pairs whose id, hashed with the seed, comes first, each as a difference with its provenance; with the repositories at hand also
the message of the fix. --share K N prints the share K of N with its 95 % interval (Wilson) instead.
"""
import argparse
import difflib
import hashlib
import json
import subprocess
import sys


def share(hits, count, z=1.96):
    middle, half = (hits + z * z / 2) / (count + z * z), z * (hits * (count - hits) / count + z * z / 4) ** 0.5 / (count + z * z)
    return f'{hits} of {count}: {100 * hits / count:.0f} % ({100 * (middle - half):.0f}–{100 * (middle + half):.0f})'


def rank(pair, seed):
    return hashlib.sha256(f'{seed} {pair["id"]}'.encode()).digest()


def message_of(commit, repositories):
    for repository in repositories:
        found = subprocess.run(['git', '--git-dir', repository, 'log', '-1', '--format=%B', commit], capture_output=True, text=True, errors='replace')
        if found.returncode == 0:
            return found.stdout.strip()
    return ''


def shown(pair, repositories, context):
    source, bug = pair['source'], pair['bug']
    head = [f'{key}: {source[key]}' for key in ('repository', 'commit', 'release', 'path', 'symbol', 'url', 'note') if source.get(key)]
    head += [f'bug: {bug["class"]} {bug["type"]} {bug.get("operator", "")} {bug.get("rule", "")}'.rstrip()]
    if source.get('commit'):
        head += ['  > ' + line for line in message_of(source['commit'], repositories).splitlines()[:12]]
    difference = difflib.unified_diff(pair['buggy'].splitlines(), pair['fixed'].splitlines(), 'buggy', 'fixed', lineterm='', n=context)
    return '\n'.join(head + list(difference)[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pairs', nargs='?')
    parser.add_argument('--count', type=int, default=50)
    parser.add_argument('--seed', type=int, default=7)
    parser.add_argument('--context', type=int, default=4)
    parser.add_argument('--history', nargs='*', default=[])
    parser.add_argument('--share', nargs=2, type=int)
    options = parser.parse_args()
    if options.share:
        print(share(*options.share))
        return
    with open(options.pairs, encoding='utf-8') if options.pairs else sys.stdin as file:
        pairs = sorted(map(json.loads, file), key=lambda pair: rank(pair, options.seed))[:options.count]
    for number, pair in enumerate(pairs, 1):
        print(f'=== {number} {pair["id"]}\n{shown(pair, options.history, options.context)}\n')


if __name__ == '__main__':
    main()
