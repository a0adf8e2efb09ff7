"""The Python part of DebugBench as pairs with tests: `python tests/acceptance/debugbench.py BENCHMARK [--swapped] [--history REPOSITORY] > pairs.jsonl`.

BENCHMARK is the folder `benchmark` of a copy of https://github.com/thunlp/DebugBench (Apache-2.0); the data is not part of Mendel.
Each pair's test plays the examples of its exercise on the side under test. --swapped exchanges the sides, which a
validator must not accept. --history writes the pairs as fix commits of a git repository for `mendel mine git` instead.
"""
import argparse
import ast
import json
import re
import sys
from pathlib import Path

from fix_history import write_history
from foreign_pairs import pair

# What the judge of the exercises has imported, and the two node types that exercises speak of.
PREAMBLE = '''
import bisect, collections, copy, functools, heapq, itertools, json, math, operator, random, re, statistics, string, sys, types
SPACE = {'__name__': 'subject'}
for module in (collections, functools, heapq, itertools, math, bisect, operator, string, re, copy):
    SPACE.update((name, value) for name, value in vars(module).items() if name[0] != '_')
for module in (bisect, collections, copy, functools, heapq, itertools, json, math, operator, random, re, statistics, string, sys):
    SPACE[module.__name__] = module
exec('from typing import *\\nfrom collections import deque, defaultdict, Counter, OrderedDict\\nfrom math import *\\nfrom statistics import median\\nfrom functools import cache, lru_cache, reduce\\n', SPACE)
SPACE['pow'] = pow
class ListNode:
    def __init__(self, val=0, next=None): self.val, self.next = val, next
class TreeNode:
    def __init__(self, val=0, left=None, right=None): self.val, self.left, self.right = val, left, right
SPACE.update(ListNode=ListNode, TreeNode=TreeNode)
def chain(values):
    head = None
    for value in reversed(values): head = ListNode(value, head)
    return head
def tree(values):
    nodes = [None if value is None else TreeNode(value) for value in values]
    rest = iter(nodes)
    root, waiting = next(rest, None), []
    waiting = [root] if root else []
    while waiting:
        node = waiting.pop(0)
        for side in ('left', 'right'):
            child = next(rest, None)
            setattr(node, side, child)
            if child: waiting.append(child)
    return root
def plain(value, wanted=None):
    if isinstance(value, ListNode):
        out = []
        while value and len(out) < 10000: out.append(value.val); value = value.next
        return out
    if isinstance(value, TreeNode):
        out, waiting = [], [value]
        while waiting and len(out) < 10000:
            node = waiting.pop(0)
            out.append(node.val if node else None)
            if node: waiting += [node.left, node.right]
        while out and out[-1] is None: out.pop()
        return out
    if value is None and wanted == []: return []
    if isinstance(value, (list, tuple, types.GeneratorType)):
        beside = wanted if isinstance(wanted, list) else []
        return [plain(item, beside[at] if at < len(beside) else None) for at, item in enumerate(value)]
    if isinstance(value, (set, frozenset)): return sorted(value)
    return value
def unordered(value):
    return sorted((unordered(item) for item in value), key=repr) if isinstance(value, list) else value
def same(got, wanted, any_order):
    got = plain(got, wanted)
    if isinstance(wanted, float) and isinstance(got, (int, float)): return abs(got - wanted) < 1e-4
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got) and any(isinstance(one, float) for one in wanted):
        return all(same(a, b, any_order) for a, b in zip(got, wanted))
    return got == wanted or any_order and unordered(got) == unordered(wanted)
def argument(value, hint):
    if 'ListNode' in hint: return [chain(one) for one in value] if 'List[' in hint else chain(value)
    if 'TreeNode' in hint: return tree(value)
    return value
exec(compile(open('subject.py', encoding='utf-8').read(), 'subject.py', 'exec'), SPACE)
'''
CALL = '''
for arguments, wanted in {cases!r}:
    made = [argument(one, hint) for one, hint in zip(arguments, {hints!r})]
    got = SPACE['Solution']().{method}(*made)
    got = made[0] if {in_place!r} else got
    assert same(got, wanted, {any_order!r}), (arguments, plain(got, wanted), wanted)
'''
PLAY = '''
for (names, arguments), wanted in {cases!r}:
    thing = SPACE[names[0]](*arguments[0])
    got = [None] + [getattr(thing, name)(*given) for name, given in zip(names[1:], arguments[1:])]
    assert all(same(a, b, False) for a, b in zip(got, wanted)), (got, wanted)
'''


def value_of(text):
    text = re.sub(r'\bnull\b', 'None', re.sub(r'\btrue\b', 'True', re.sub(r'\bfalse\b', 'False', text.strip())))
    return ast.literal_eval(text)


def arguments_of(text):
    """`nums = [1,2], target = 9` in order of names."""
    names = list(re.finditer(r'(?:^|,\s*)([A-Za-z_]\w*)\s*=\s*', text))
    if not names:
        return [value_of(text)]
    ends = [name.start() for name in names[1:]] + [len(text)]
    return [value_of(text[name.end():end]) for name, end in zip(names, ends)]


def examples_of(exercise):
    """(input, output) texts; an example that cannot be read is left out."""
    for example in exercise['examples']:
        found = re.match(r'\s*Input:?\s*(.*?)\s*Output:?\s*(.*?)\s*(?:Explanation.*)?$', example, re.S)
        if found:
            yield found[1], found[2]


def test_of(exercise):
    """The script, or why there is none."""
    tree = ast.parse(exercise['oracle_code'].strip('\n'))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    cases = []
    if 'Solution' not in classes:
        for given, wanted in examples_of(exercise):
            try:
                names, arguments = given.split('\n', 1)
                cases.append(((value_of(names), value_of(arguments)), value_of(wanted)))
            except (ValueError, SyntaxError):
                continue
        return (PREAMBLE + PLAY.format(cases=cases), '') if cases and cases[0][0][0][0] in classes else ('', 'no class Solution')
    methods = [node for node in classes['Solution'].body if isinstance(node, ast.FunctionDef) and not node.name.startswith('_')]
    for given, wanted in examples_of(exercise):
        try:
            cases.append((arguments_of(given), value_of(wanted)))
        except (ValueError, SyntaxError):
            continue
    if not cases:
        return '', 'examples that are no literals'
    fitting = [m for m in methods if len(m.args.args) - 1 - len(m.args.defaults) <= len(cases[0][0]) <= len(m.args.args) - 1]
    if not fitting:
        return '', 'no method with as many parameters as the examples have'
    wanted = re.sub('[^a-z0-9]', '', exercise['slug'].lower())
    hinted = [m for m in fitting if any(a.annotation for a in m.args.args)] or fitting
    method = next((m for m in fitting if m.name.lower() in wanted or wanted in m.name.lower()), hinted[-1])
    hints = [ast.unparse(a.annotation) if a.annotation else '' for a in method.args.args[1:]]
    in_place = isinstance(method.returns, ast.Constant) and method.returns.value is None
    any_order = 'any order' in exercise['description']
    return PREAMBLE + CALL.format(cases=cases, hints=hints, method=method.name, in_place=in_place, any_order=any_order), ''


def exercises(folder):
    """(label, exercise) in a fixed order; several bugs in one pair have a label that names all of them."""
    for file in sorted(Path(folder).glob('python3_*.json')):
        label = file.stem.removeprefix('python3_')
        for exercise in json.loads(file.read_text()):
            yield label, exercise


def pair_of(label, exercise, swapped):
    buggy, fixed = exercise['buggy_code'].strip('\n') + '\n', exercise['oracle_code'].strip('\n') + '\n'
    test, why = test_of(exercise)
    if swapped:
        buggy, fixed = fixed, buggy
    source = {'repository': 'DebugBench', 'path': label, 'symbol': exercise['slug'], 'license': 'Apache-2.0'}
    tests = [{'kind': 'script', 'code': test, 'timeout_ms': 2000}] if test else []
    return pair(buggy, fixed, 'debugbench', source, tests), why


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('benchmark')
    parser.add_argument('--swapped', action='store_true')
    parser.add_argument('--history', metavar='REPOSITORY')
    options = parser.parse_args()
    if options.history:
        write_history(options.history, (('Fix bug', {f'{label.replace(" ", "_")}/{n}.py': (e['buggy_code'].strip('\n') + '\n', e['oracle_code'].strip('\n') + '\n')})
                                        for n, (label, e) in enumerate(exercises(options.benchmark))))
        return
    untested = {}
    for label, exercise in exercises(options.benchmark):
        line, why = pair_of(label, exercise, options.swapped)
        untested[why] = untested.get(why, 0) + 1
        print(json.dumps(line))
    print(f'with a test: {untested.pop("", 0)}; without: {untested}', file=sys.stderr)


if __name__ == '__main__':
    main()
