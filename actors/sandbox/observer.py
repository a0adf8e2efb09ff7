"""Proposes calls that may tell two texts apart, and plays them on one of the two. Built into the harness.

What a call does is seen by stage.py; whether a difference is one is decided outside, by runs of their own.
"""
import ast
import builtins
import json
import random
import re

CALLS_MAX, TEXTS_MAX = 120, 12

# Modules that a name alone may stand for, and names that are imported from one more often than not.
MODULES = """abc argparse array ast asyncio base64 binascii bisect calendar cmath codecs collections contextlib copy copyreg csv dataclasses
datetime decimal difflib enum errno fnmatch fractions functools glob hashlib heapq html inspect io ipaddress itertools json keyword locale
logging math mimetypes numbers operator os pickle platform posixpath pprint queue quopri random re reprlib shlex shutil signal socket
stat statistics string stringprep struct subprocess sys tempfile textwrap threading time token tokenize traceback types typing unicodedata
urllib uuid warnings weakref zlib""".split()
UNSAFE = {'logging', 'random', 'time', 'subprocess', 'socket', 'threading', 'shutil', 'tempfile', 'signal', 'uuid', 'asyncio', 'queue', 'glob'}
FROM = {'collections': 'defaultdict OrderedDict namedtuple deque Counter ChainMap', 'functools': 'partial wraps reduce lru_cache total_ordering cached_property',
        'itertools': 'chain islice groupby product permutations combinations zip_longest starmap takewhile dropwhile count cycle repeat accumulate',
        'datetime': 'timedelta timezone', 'decimal': 'Decimal', 'fractions': 'Fraction', 'io': 'StringIO BytesIO', 'copy': 'deepcopy',
        'pathlib': 'Path PurePath', 'operator': 'itemgetter attrgetter', 'math': 'sqrt ceil floor pi log exp gcd isnan isinf inf nan',
        'dataclasses': 'dataclass field', 'enum': 'Enum IntEnum auto', 'contextlib': 'contextmanager suppress closing', 'abc': 'abstractmethod ABC ABCMeta',
        'typing': 'Any Optional Union List Dict Tuple Set FrozenSet Iterable Iterator Sequence Mapping MutableMapping Callable Generator Type TypeVar '
                  'Generic Literal NoReturn cast overload Protocol NamedTuple ClassVar Final Awaitable Coroutine AsyncIterator AsyncGenerator Hashable Collection',
        'textwrap': 'dedent indent', 'urllib.parse': 'urlparse urljoin quote unquote urlencode parse_qs urlsplit urlunsplit', 'types': 'SimpleNamespace FunctionType ModuleType',
        'bisect': 'bisect_left bisect_right insort', 'heapq': 'heappush heappop heapify', 'string': 'ascii_letters digits', 'struct': 'pack unpack'}
FROM = {name: module for module, names in FROM.items() for name in names.split()}

TEXT, NUMBER, LIST, DICT, FLAG = (["'abc'", "''", "'a'", "'Hello, World 12'", "' a b '", "'a.b/c_d:1'", "'-7'", "'x\\ny'", "'  a  b\\n\\n\\tc '"],
                                  ['1', '0', '2', '-1', '3', '10', '7', '-5', '255'],
                                  ['[3, 1, 2]', '[]', '[1]', "['b', 'a', 'c']", '[0, 0]', '[(1, 2), (3, 4)]', '[1, None, 2]'],
                                  ["{'a': 1, 'b': 2}", '{}', "{'a': None}", "{1: 'x'}", "{'name': 'n', 'type': 't'}"], ['True', 'False'])
HINTS = {'int': NUMBER, 'str': TEXT, 'bool': FLAG, 'float': ['1.5', '0.0', '-2.25', '1e9'] + NUMBER, 'bytes': ["b'abc'", "b''", "b'\\x00\\xff'"],
         'list': LIST, 'List': LIST, 'Sequence': LIST, 'Iterable': LIST, 'Collection': LIST, 'tuple': ['(1, 2)', '()', "('a', 1)"], 'Tuple': ['(1, 2)', '()', "('a', 1)"],
         'dict': DICT, 'Dict': DICT, 'Mapping': DICT, 'set': ['{1, 2}', 'set()'], 'Set': ['{1, 2}', 'set()'], 'None': ['None'], 'object': ['1', "'a'", 'None'],
         'Path': ["'a/b.txt'"], 'Number': NUMBER}
METHODS = {'text': (TEXT, 'startswith endswith strip lstrip rstrip split rsplit lower upper replace encode join format splitlines partition isdigit title isalpha find casefold'),
           'list': (LIST, 'append extend insert sort reverse'), 'dict': (DICT, 'items keys values get setdefault update popitem'),
           'bytes': (HINTS['bytes'], 'decode hex')}
METHODS = {method: values for values, methods in METHODS.values() for method in methods.split()}
WORDS = {'text': (TEXT, 'name text string str s line word path key msg message prefix suffix filename value title label url pattern source data content sep fmt format encoding mode tag host'),
         'number': (NUMBER, 'n i j k x y count num size length index idx width height depth level start end stop limit offset port total max min low high step a b m lo hi year month day'),
         'list': (LIST, 'items values list lst xs seq array arr args lines words nodes rows data elements tokens parts names keys numbers nums iterable'),
         'dict': (DICT, 'd dict mapping kwargs options config settings params attrs env headers context info meta'),
         'flag': (FLAG, 'flag force verbose strict recursive reverse quiet debug inclusive')}
FRACTIONS = ['0.5', '0.25', '0.9', '0.0', '1.0', '0.1', '-0.5']
KNOWN = set(dir(str) + dir(list) + dir(dict) + dir(set) + dir(bytes))
NAMED = {}
for _values, _words in WORDS.values():
    for _word in _words.split():
        NAMED.setdefault(_word, []).extend(_values)
ANYTHING = ["G('{}')", '2', "'abc'", 'None', '[1, 2]', '0', "G('{}')"]


class Reader(ast.NodeVisitor):
    """What a function does with its parameters, and the literals in it."""

    def __init__(self):
        self.methods, self.numbers, self.texts, self.used, self.fractions = {}, [], [], {}, False

    def say(self, node, values):
        if isinstance(node, ast.Name):
            self.used.setdefault(node.id, []).extend(values)

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            self.methods.setdefault(node.value.id, []).append(node.attr)
        self.generic_visit(node)

    def visit_Constant(self, node):
        if type(node.value) is int and abs(node.value) < 1 << 40:
            self.numbers += [node.value + d for d in (0, 1, -1)]
        elif type(node.value) is str and 0 < len(node.value) <= 40:
            self.texts.append(node.value)
        elif type(node.value) is float:
            self.numbers.append(node.value)
            self.fractions = True

    def visit_BinOp(self, node):
        self.fractions = self.fractions or isinstance(node.op, ast.Div)
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(other, ast.Constant) and type(other.value) in (int, float):
                self.say(one, NUMBER)
            elif isinstance(other, ast.Constant) and type(other.value) is str and isinstance(node.op, ast.Add):
                self.say(one, TEXT)
        self.generic_visit(node)

    def visit_Compare(self, node):
        for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if isinstance(other, ast.Constant):
                self.say(one, [repr(other.value)] + {int: NUMBER, str: TEXT, float: HINTS['float']}.get(type(other.value), []))
        self.generic_visit(node)

    def visit_For(self, node):
        self.say(node.iter, LIST)
        self.generic_visit(node)

    def visit_Subscript(self, node):
        key = node.slice
        self.say(node.value, LIST + TEXT[:4] if isinstance(key, (ast.Slice, ast.UnaryOp)) or isinstance(key, ast.Constant) and type(key.value) is int else
                 [f'{{{key.value!r}: {value}}}' for value in ('1', "'x'", 'None')] + ['{}'] if isinstance(key, ast.Constant) else [])
        self.generic_visit(node)

    def visit_Call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else ''
        for argument in node.args[:1]:
            self.say(argument, {'len': LIST + TEXT, 'sum': [LIST[0], '[]', '[1, 2]'], 'sorted': LIST, 'enumerate': LIST, 'range': NUMBER, 'int': TEXT[:1] + ["'12'", '3'], 'abs': NUMBER,
                                'ord': ["'a'", "'Z'"], 'chr': ['65', '97'], 'min': LIST, 'max': LIST, 'set': LIST, 'list': LIST, 'tuple': LIST}.get(name, []))
            if name == 'isinstance' and len(node.args) == 2:
                kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
                for kind in kinds:
                    self.say(argument, HINTS.get(getattr(kind, 'id', ''), [])[:3])
        self.generic_visit(node)


def hinted(node):
    if node is None:
        return []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return hinted(ast.parse(node.value, mode='eval').body)
        except SyntaxError:
            return []
    if isinstance(node, ast.Constant):
        return [repr(node.value)]
    if isinstance(node, ast.BinOp):
        return hinted(node.left) + hinted(node.right)
    if isinstance(node, ast.Subscript):
        outer, inner = getattr(node.value, 'id', getattr(node.value, 'attr', '')), node.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if outer in ('Optional', 'Union'):
            return [value for part in parts for value in hinted(part)] + (['None'] if outer == 'Optional' else [])
        if outer in ('List', 'list', 'Sequence', 'Iterable', 'Collection'):
            some = hinted(parts[0])
            return [f'[{", ".join(some[:3])}]', '[]', f'[{", ".join(some[1:2])}]', f'[{", ".join(some[2:6])}]'] if some else LIST
        return HINTS.get(outer, [])
    return HINTS.get(getattr(node, 'id', getattr(node, 'attr', '')), [])


def candidates(parameter, default, reader):
    """Expressions to try for one parameter, the likeliest first."""
    name = parameter.arg
    hints = hinted(parameter.annotation)
    out = list(hints)
    if isinstance(default, ast.Constant):
        out = out + [repr(default.value)] + HINTS.get(type(default.value).__name__, [])[:4]
    methods = reader.methods.get(name, [])
    if not hints and any(method not in KNOWN for method in methods):  # some object of their own
        return [f"G('{name}')"] * 4 + ['None']
    for method in methods:
        out = out + METHODS.get(method, [])
    out = out + reader.used.get(name, [])
    if not out:
        out = NAMED.get(name.lower().strip('_'), []) or [v for word, values in NAMED.items() if len(word) > 3 and name.lower().rstrip('s').endswith(word) for v in values]
        out = out if not methods else [f"G('{name}')"] + out
    kinds = {value[:1] for value in out}
    if kinds & set('0123456789-'):
        out = out[:4] + [str(number) for number in reader.numbers] + (FRACTIONS if reader.fractions else []) + out[4:]
    if kinds & set('\'"'):
        out = out[:3] + [repr(text) for text in reader.texts[:TEXTS_MAX]] + out[3:]
    return list(dict.fromkeys([v.format(name) if v[:2] == 'G(' else v for v in out or ANYTHING])) + ([] if hints else ['None', f"G('{name}')"])


def call_of(owner, function, method, number, seed, reader):
    spec, chooser = function.args, random.Random(f'{seed} {owner}{function.name} {number}')
    positional = spec.posonlyargs + spec.args
    defaults = [None] * (len(positional) - len(spec.defaults)) + spec.defaults
    given = []

    alone = len(positional) - (1 if owner or positional and positional[0].arg in ('self', 'cls') else 0) + len(spec.kwonlyargs) <= 1

    def pick(parameter, default, place=0):
        """In turn where there is one parameter; else every other call goes through the values side by side, the rest mix them."""
        values = candidates(parameter, default, reader)
        if alone:
            return values[number % len(values)]
        return chooser.choice(values) if number % 2 else values[(number // 2 + (place if number > 8 else 0)) % len(values)]
    for place, (parameter, default) in enumerate(zip(positional, defaults)):
        if place == 0 and (method or parameter.arg in ('self', 'cls')):
            if not owner:
                given.append(f"G('{parameter.arg}')")
            continue
        if default is not None and chooser.random() < 0.3:
            break
        given.append(pick(parameter, default, place))
    else:
        if spec.vararg and number % 2:
            given += [pick(spec.vararg, None) for _ in range(chooser.randrange(3))]
    for parameter, default in zip(spec.kwonlyargs, spec.kw_defaults):
        if default is None or chooser.random() < 0.6:
            given.append(f'{parameter.arg}={pick(parameter, default)}')
    if spec.kwarg and number % 3 == 2:
        given.append('extra=1')
    return number % 32, f'{owner}{function.name}({", ".join(given)})'


def definitions(tree):
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}


def targets(fixed, buggy):
    """Functions whose text differs, each with the expression of its owner and whether it is a method."""
    theirs, out = definitions(buggy), []
    for name, node in definitions(fixed).items():
        if name in theirs and ast.dump(node) == ast.dump(theirs[name]):
            continue
        if not isinstance(node, ast.ClassDef):
            out.append(('', node, False))
            continue
        members = definitions(theirs[name]) if isinstance(theirs.get(name), ast.ClassDef) else {}
        for key, member in definitions(node).items():
            if isinstance(member, ast.ClassDef) or key in members and ast.dump(member) == ast.dump(members[key]):
                continue
            plain = any(getattr(d, 'id', '') == 'staticmethod' for d in member.decorator_list)
            out.append((f'{name}.' if plain else f'{name}.__new__({name}).', member, not plain))
    return out


def free_names(trees):
    """Names that are read somewhere and bound nowhere, in order."""
    bound, read = set(dir(builtins)), {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (read.setdefault(node.id) if isinstance(node.ctx, ast.Load) else bound.add(node.id))
    for tree in trees:
        bound |= set(definitions(tree))
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                bound |= {(alias.asname or alias.name).split('.')[0] for alias in node.names}
    inner = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.arg):
                inner.add(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner.add(node.name)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                inner.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                inner |= {(alias.asname or alias.name).split('.')[0] for alias in node.names}
    if 'super' in read and not any(isinstance(node, ast.ClassDef) for tree in trees for node in ast.walk(tree)):
        bound.discard('super')
    return [name for name in read if name not in bound and name not in inner and name not in ('Ghost', 'G')]


def plain_check(expression, how, values):
    """The same call as one readable statement, where it needs no ghost and is seen in value or exception alone."""
    if 'G(' in expression:
        return ''
    raised = re.match(r'raises (\w+)', how)
    if raised and isinstance(getattr(builtins, raised[1], None), type):
        return f'try:\n    {expression}\nexcept {raised[1]}:\n    pass\nelse:\n    raise AssertionError("no {raised[1]}")\n'
    return f'assert {expression} == {literal(values[-1])}\n' if values and how.startswith('gives ') and literal(values[-1]) else ''


def literal(value):
    """The value as text that gives it back; empty if there is none."""
    try:
        text = repr(value)
        return text if len(text) < 200 and ast.literal_eval(text) == value else ''
    except BaseException:
        return ''


def handled(trees):
    """Names of exceptions that some handler or raise mentions, in order."""
    out = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and node.type:
                for kind in node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]:
                    out.setdefault(getattr(kind, 'id', ''))
    return [name for name in out if name]


def plan(request):
    fixed, buggy = ast.parse(request['fixed']), ast.parse(request['buggy'])
    calls = []
    for owner, function, method in targets(fixed, buggy):
        reader = Reader()
        for tree in (function, *(n for n in ast.walk(buggy) if getattr(n, 'name', None) == function.name)):
            reader.visit(tree)
        for number in range(request['calls']):
            calls.append(call_of(owner, function, method, number, request['seed'], reader))
    missing = free_names([fixed, buggy])
    modules = {name: (name, '') if name in MODULES else (FROM[name], name) for name in missing if name in FROM or name in MODULES and name not in UNSAFE}
    return list(dict.fromkeys(calls))[:CALLS_MAX], modules, [name for name in missing if name not in modules], handled([fixed, buggy])


STAGE_CODE = compile(STAGE, 'stage.py', 'exec')


def observe(text):
    """What the calls planned for a pair of texts show on one of the two, as JSON; or what kept them from being played."""
    request = json.loads(text)
    stage = {'__name__': 'stage'}
    exec(STAGE_CODE, stage)
    try:
        calls, modules, ghosts, errors = plan(request)
        if not calls:
            return json.dumps({'fault': 'no function with a change in it'})
    except BaseException as error:
        return json.dumps({'fault': f'{type(error).__name__}: {error}'[:200]})
    shown = []
    try:
        for call, seen, values in stage['play'](request[request['side']], calls, modules, ghosts, errors):
            plain = '' if modules or ghosts else plain_check(call[1], seen.split(' | ')[0], values)
            shown.append({'seed': call[0], 'call': call[1], 'seen': seen, 'plain': plain})
    except BaseException as error:
        return json.dumps({'fault': f'{type(error).__name__}: {error}'[:200]})
    return json.dumps({'calls': shown, 'modules': modules, 'ghosts': ghosts, 'errors': errors})
