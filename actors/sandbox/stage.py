# Plays calls of the code in subject.py where what it does not define is played by ghosts: objects that answer
# everything, always the same way, and note what is done to them. The same calls on two texts that differ in
# one of these answers show that the texts do not mean the same.
import ast, builtins, collections, importlib, io, opcode, sys, types, zlib

LINES_MAX, ITEMS_MAX, PATH_MAX, SHOWN_MAX = 10000, 40, 300, 300
NOTES, ERRORS, DEPTH_MAX, LOADING = [], [], 5, [False]
UNPACK = opcode.opmap["UNPACK_SEQUENCE"]


class TooLong(BaseException):
    """More lines than LINES_MAX were run: a count, not a clock, so that it is the same on every machine."""


class Interrupted(BaseException):
    """What a ghost raises that no `except Exception` catches."""


def crc(text):
    mixed = zlib.crc32(text.encode('utf-8', 'replace')) * 0x9E3779B97F4A7C15
    return (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 >> 32 & 0xFFFFFFFF


class Ghost:
    def __init__(self, path, seed=0):
        if len(path) > PATH_MAX:
            path = path[:PATH_MAX // 2] + '~%08x' % crc(path)
        self.__dict__.update(_path=path, _seed=seed, _number=crc(f'{seed} {path}') >> 8, _kept={})

    def _new(self, path): return Ghost(path, self._seed)
    def _note(self, text):
        if len(NOTES) < 500: NOTES.append(text)
        return self._new(text)
    def _maybe_raise(self, what):
        """With one seed in four, one call in four raises something that the code names in a handler, or something that it does not."""
        chance = crc(f'{what} raises {self._seed}')
        if self._seed % 4 == 3 and chance % 4 == 0: raise ERRORS[chance // 4 % len(ERRORS)]('raised by a ghost')
    def __getattr__(self, name):
        if name[:2] == '__': raise AttributeError(name)
        return self._kept.setdefault(name, self._new(f'{self._path}.{name}'))
    def __setattr__(self, name, value):
        self._note(f'{self._path}.{name} = {show(value)}')
        self._kept[name] = value
    def __delattr__(self, name): self._note(f'del {self._path}.{name}')
    def __call__(self, *args, **kwargs):
        if LOADING[0] and len(args) == 1 and isinstance(args[0], (types.FunctionType, type)): return args[0]  # a decorator
        shown = [show(a) for a in args] + [f'{k}={show(v)}' for k, v in kwargs.items()]
        called = f'{self._path}({", ".join(shown)})'
        self._maybe_raise(called)
        return self._note(called)
    def __getitem__(self, key):
        shown = f'[{show(key)}]'
        self._maybe_raise(self._path + shown)
        return self._kept[shown] if shown in self._kept else self._new(self._path + shown)
    def __setitem__(self, key, value):
        self._note(f'{self._path}[{show(key)}] = {show(value)}')
        self._kept[f'[{show(key)}]'] = value
    def __delitem__(self, key): self._note(f'del {self._path}[{show(key)}]')
    def __contains__(self, key): return bool(crc(f'{show(key)} in {self._path} {self._seed}') & 64)
    def __len__(self): return self._number % 4
    def __iter__(self):
        caller = sys._getframe(1)
        code, at = caller.f_code.co_code, caller.f_lasti
        count = code[at + 1] if code[at] == UNPACK else self._number % 4  # as many as are unpacked
        return iter([self._new(f'{self._path}[{i}]') for i in range(count)])
    def __next__(self): raise StopIteration
    def __bool__(self): return bool(self._number & 64)
    def __int__(self):
        self._maybe_raise(f'int {self._path}')
        return self._number % 7
    __index__ = __int__
    def __float__(self): return float(int(self))
    def __str__(self): return f'<{self._path}>'
    __repr__ = __str__
    def __format__(self, spec): return f'<{self._path}:{spec}>' if spec else str(self)
    def __divmod__(self, other): return self // other, self % other
    def __rdivmod__(self, other): return other // self, other % self
    def __round__(self, digits=None): return self._new(f'round({self._path}, {digits})')
    def __bytes__(self): return str(self).encode()
    def __hash__(self): return crc(self._path)
    def __eq__(self, other): return isinstance(other, Ghost) and other._path == self._path or isinstance(other, (int, float)) and int(self) == other
    def __ne__(self, other): return not self == other
    def __enter__(self): return self._note(f'{self._path}.__enter__()')
    def __exit__(self, *error): self._note(f'{self._path}.__exit__({show(error[0])})')
    async def __aenter__(self): return self._note(f'{self._path}.__aenter__()')
    async def __aexit__(self, *error): self._note(f'{self._path}.__aexit__({show(error[0])})')
    def __await__(self):
        return self._note(f'await {self._path}')
        yield
    async def __aiter__(self):
        for item in self: yield item
    def __instancecheck__(self, value): return bool(crc(f'{self._path} {type(value).__name__} {self._seed}') & 64)
    def __mro_entries__(self, bases): return ()


class Super(Ghost):
    """Plays super() in a method that was cut out of its class."""
    def __getattribute__(self, name):
        return Ghost(f'super().{name}', self._seed) if name[:2] == '__' and name not in ('__dict__', '__class__') else super().__getattribute__(name)


def value_of(other): return int(other) if isinstance(other, Ghost) else other if isinstance(other, (int, float)) else crc(show(other)) % 7
def _compared(sign, compare):
    return lambda a, b: compare(int(a), value_of(b))
def _combined(sign):
    return lambda a, b: a._new(f'({show(a)} {sign} {show(b)})')
def _swapped(sign):
    return lambda a, b: a._new(f'({show(b)} {sign} {show(a)})')
for _name, _compare in (('lt', int.__lt__), ('le', int.__le__), ('gt', int.__gt__), ('ge', int.__ge__)):
    setattr(Ghost, f'__{_name}__', _compared(_name, lambda a, b, c=_compare, n=_name: bool(c(a, b)) if isinstance(b, int) else getattr(float(a), f'__{n}__')(b)))
for _name, _sign in (('add', '+'), ('sub', '-'), ('mul', '*'), ('truediv', '/'), ('floordiv', '//'), ('mod', '%'), ('pow', '**'), ('and', '&'),
                     ('or', '|'), ('xor', '^'), ('lshift', '<<'), ('rshift', '>>'), ('matmul', '@')):
    setattr(Ghost, f'__{_name}__', _combined(_sign))
    setattr(Ghost, f'__r{_name}__', _swapped(_sign))
for _name, _sign in (('neg', '-'), ('pos', '+'), ('invert', '~'), ('abs', 'abs ')):
    setattr(Ghost, f'__{_name}__', lambda a, s=_sign: a._new(f'({s}{a._path})'))


def show(value, depth=0):
    """A text that is equal for values that a caller cannot tell apart; no addresses, no order of sets."""
    kind = type(value)
    if issubclass(kind, Ghost): return f'<{value._path}>'
    if value is None or kind in (bool, int, float, complex): return repr(value) if kind is not int or abs(value) < 1 << 256 else f'int {value % (1 << 61)}'
    if kind in (str, bytes, bytearray):
        return repr(value) if len(value) <= SHOWN_MAX else f'{value[:SHOWN_MAX]!r}~{len(value)}~{crc(repr(value)):08x}'
    if depth > DEPTH_MAX: return kind.__name__
    if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        items = [show(item, depth + 1) for item in list(value)[:ITEMS_MAX]]
        return f'{kind.__name__}({", ".join(sorted(items) if isinstance(value, (set, frozenset)) else items)}; {len(value)})'
    if isinstance(value, (dict, types.MappingProxyType)):
        return f'{kind.__name__}({", ".join(f"{show(k, depth + 1)}: {show(v, depth + 1)}" for k, v in list(value.items())[:ITEMS_MAX])}; {len(value)})'
    if isinstance(value, BaseException): return f'{kind.__name__}{show(value.args, depth + 1)}'
    if isinstance(value, type): return f'class {value.__name__}'
    if isinstance(value, types.ModuleType): return f'module {value.__name__}'
    if isinstance(value, (range, slice)): return repr(value)
    if callable(value): return f'{kind.__name__} {getattr(value, "__name__", "")}'
    if isinstance(value, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)): return kind.__name__
    try:
        return f'{kind.__name__}({show(dict(vars(value)), depth + 1)})'
    except BaseException:
        pass
    return f'{kind.__name__} {value!r}'.split(' at 0x')[0] if kind.__module__ in ('datetime', 'decimal', 'fractions', 're', 'pathlib', 'uuid') else kind.__name__


def walk(thing):
    """Drives coroutines and generators to their end; functions that are given back are called once with ghosts."""
    if isinstance(thing, types.CoroutineType):
        try:
            while True: thing.send(None)
        except StopIteration as end:
            return end.value
    if isinstance(thing, types.AsyncGeneratorType):
        async def collect():
            return [item async for item in thing]
        return 'async generator', walk(collect())
    if isinstance(thing, types.GeneratorType):
        items = []
        for item in thing:
            items.append(item)
            if len(items) >= ITEMS_MAX: break
        return 'generator', items
    if type(thing).__name__ == '_GeneratorContextManager': return 'context', walk(thing.gen)
    if isinstance(thing, types.FunctionType) and thing.__code__.co_filename == 'subject.py':
        return 'function', walk(thing(*(Ghost(f'inner{i}', 1) for i in range(thing.__code__.co_argcount))))
    return thing


def counted(call):
    left = [LINES_MAX]
    def line(frame, event, _):
        left[0] -= 1
        if left[0] < 0: raise TooLong
        return line
    def enter(frame, event, _):
        return line if frame.f_code.co_filename == 'subject.py' else None
    sys.settrace(enter)
    try:
        return call()
    finally:
        sys.settrace(None)


def play(text, calls, modules, ghosts, errors):
    """Plays calls (seed, expression) in order in one namespace; answers for each (call, what could be seen, its value in a list)."""
    space = {'__name__': 'subject', 'Ghost': Ghost}
    for name in ghosts:
        error = name.endswith(('Error', 'Exception', 'Warning', 'Exit', 'Interrupt')) or name == 'error'
        space[name] = type(name, (Exception,), {}) if error else Ghost(name) if name != 'super' else lambda *args: Super('super()')
    ERRORS[:] = [KeyError, ValueError, LookupError, Interrupted]
    for name, (module, attribute) in modules.items():
        space[name] = getattr(importlib.import_module(module), attribute) if attribute else importlib.import_module(module)
    out, played = sys.stdout, []
    try:
        sys.stdout = io.StringIO()
        LOADING[0] = True
        exec(compile(text, 'subject.py', 'exec'), space)
        LOADING[0] = False
        for name in errors:
            kind = space.get(name, getattr(builtins, name, None))
            if isinstance(kind, type) and issubclass(kind, BaseException): ERRORS.append(kind)
        for seed, expression in calls:
            NOTES.clear()
            values = []
            sys.stdout = io.StringIO()
            for name in ghosts:
                if isinstance(space.get(name), Ghost): space[name].__dict__['_seed'] = seed
            scene = ast.parse(expression, mode='eval').body
            scope = dict(space, G=lambda path, seed=seed: Ghost(path, seed))
            try:
                made = [eval(compile(ast.Expression(a.value if isinstance(a, ast.Starred) else a), 'call', 'eval'), scope) for a in scene.args]
                named = {k.arg: eval(compile(ast.Expression(k.value), 'call', 'eval'), scope) for k in scene.keywords}
                target = eval(compile(ast.Expression(scene.func), 'call', 'eval'), space)
                if not callable(target):  # a property, a class method on its own
                    target = getattr(target, 'fget', None) or getattr(target, 'func', None) or getattr(target, '__func__', target)
                values.append(counted(lambda: walk(target(*made, **named))))
                how = 'gives ' + show(values[-1])
            except TooLong:
                how = 'does not end'
            except BaseException as error:
                how = 'raises ' + show(error)
            played.append(((seed, expression), f'{how} | {show(made)} {show(named)} | {show(sys.stdout.getvalue())} | {"; ".join(NOTES)}', values))
    finally:
        sys.stdout, LOADING[0] = out, False
    return played
