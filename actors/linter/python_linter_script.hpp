// The Python side of a persistent linter: started as `python -I -c SCRIPT TOOL LIMIT_S RULES` in a private
// folder of ours. It loads the tool as a library, without any configuration file, and then leaves nothing but
// the standard library on sys.path, so that a linted file whose name is that of a module is never imported.
#pragma once

namespace mendel::linter {

// Frames, little-endian. To it: u32 count, then per file u32 size and path, u32 size and text. From it, at
// its start (the tool's version) and for each batch: u8 status (0: done, 1: failed), u32 size and a text. The
// text of a batch is one JSON array: for each file the rows [rule, severity, message, line, column, end_line,
// end_column] in order of place, 1-based and in characters, or a string that says why the tool gave the file up.
inline constexpr char kPythonLinterScript[] = R"PYTHON(
import ast, gc, io, json, os, re, resource, select, signal, struct, sys, time, warnings
warnings.simplefilter('ignore')
source, sink = os.fdopen(os.dup(0), 'rb', 0), os.fdopen(os.dup(1), 'wb')
os.dup2(os.open(os.devnull, os.O_RDWR), 0)
os.dup2(2, 1)
tool, limit_s, rules = sys.argv[1], float(sys.argv[2]), sys.argv[3].split(',')
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
SEVERITY = {'E': 'error', 'F': 'error', 'H': 'error', 'W': 'warning', 'M': 'warning', 'R': 'info', 'C': 'info', 'L': 'info'}
UNPARSABLE = 'invalid-syntax'
QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|#.*')
PACKAGE = '_mendel.a.b.c.d.'  # of texts for mypy: a relative import leads nowhere
COMMON = ('abc argparse ast asyncio bisect calendar codecs collections collections.abc contextlib copy dataclasses datetime decimal email.message '
          'email.utils enum errno fnmatch functools glob hashlib http.client importlib importlib.util inspect io itertools json logging math operator os '
          'pathlib pickle platform queue random re select shutil signal socket ssl stat string struct subprocess sys tempfile textwrap threading time '
          'traceback types typing unicodedata unittest urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree zipfile').split()
WARM_UP = [(b'warm_up.py', ('import ' + ', '.join(COMMON) + '\n').encode())]
class Pylint:
    def __init__(self):
        import astroid, isort, pylint
        from pylint.lint import PyLinter
        from pylint.reporters import CollectingReporter
        self.reporter, self.linter = CollectingReporter(), PyLinter()
        self.linter.load_default_plugins()
        self.linter.set_reporter(self.reporter)
        self.linter.disable('all')
        for rule in rules:
            self.linter.enable(rule)
        self.linter.enable('E0001')
        self.version = pylint.__version__
    def get_ready(self):
        self.check(WARM_UP)
    def check(self, files):
        places, out = [], [[] for _ in files]
        first = 'w' if files is WARM_UP else 'f'  # astroid keeps modules by name: what is linted here must not be seen again below
        for i, (path, text) in enumerate(files):
            place = first + '%05d.py' % i
            if os.path.basename(path) == b'__init__.py':
                os.makedirs(first + '%05d' % i, exist_ok=True)
                place = first + '%05d/__init__.py' % i
            with open(place, 'wb') as file:
                file.write(text)
            places.append(place)
        index = {os.path.abspath(place): i for i, place in enumerate(places)}
        self.reporter.messages.clear()
        self.linter.check(places)
        for place in places:
            os.unlink(place)
        for m in self.reporter.messages:
            i = index.get(os.path.abspath(m.path))
            if i is None:
                continue
            if m.msg_id in ('F0001', 'F0002', 'F0010', 'F0011'):
                out[i] = m.symbol + ': ' + m.msg.split('\n')[0]
            elif isinstance(out[i], list):
                out[i].append([UNPARSABLE if m.msg_id == 'E0001' else m.msg_id, SEVERITY.get(m.msg_id[0], 'warning'), m.symbol + ': ' + m.msg,
                               m.line, m.column, m.end_line, m.end_column])
        return out
class Mypy:
    def __init__(self):
        from mypy import build, errors, modulefinder, nativeparse, options, version
        import ast_serialize
        self.build, self.errors, self.modulefinder, self.options, self.version = build, errors, modulefinder, options, version.__version__
        self.cached, self.built = False, []
    def settings(self, native):
        out = self.options.Options()
        out.follow_imports, out.ignore_missing_imports, out.no_site_packages, out.python_executable = 'skip', True, True, None
        out.check_untyped_defs, out.namespace_packages = True, False
        out.strict_equality, out.warn_redundant_casts = True, True
        out.native_parser, out.incremental, out.cache_dir = native, True, ('native' if native else 'ast') if self.cached else os.devnull
        out.per_module_options[PACKAGE + '*'] = {'cache_dir': os.devnull}
        out.output, out.show_column_numbers, out.show_error_end = 'json', True, True
        out.enable_error_code = [rule for rule in rules if rule not in ('syntax', 'misc')]
        out.process_error_codes(error_callback=lambda message: None)
        return out
    def get_ready(self):
        self.cached = True  # what the standard library's types are; for one batch writing it down costs more than it saves
    def check(self, files):
        out = [[] for _ in files]
        self.build_all(files, range(len(files)), True, out)
        again = [i for i, (_, text) in enumerate(files) if not text.isascii() and not put_right(out[i], text)]
        for i in again:
            out[i] = []
        self.build_all(files, again, False, out)
        return out
    def build_all(self, files, left, native, out):
        """Builds without those that stop mypy, one by one; those that do not parse alone, because it stops at the first."""
        while left:
            told = self.build_once(files, left, native, out)
            left = [i for i in left if i not in told] if told else []
            broken = [i for i in left if not parses(files[i][1])]
            if len(left) > 1 and broken:
                left = [i for i in left if i not in broken]
                for i in broken:
                    self.build_all(files, [i], native, out)
    def build_once(self, files, left, native, out):
        """Rows of all into out, or of those that stop the build; these are the answer."""
        names = {'f%05d.py' % i: i for i in left}
        sources = [self.modulefinder.BuildSource(name, PACKAGE + name[:-3], files[i][1].decode()) for name, i in names.items()]
        try:
            self.built.append(self.build.build(sources, self.settings(native)))  # kept: the process ends before it has to be taken apart
            found, stopped = self.built[-1].errors, False
        except self.errors.CompileError as error:
            found, stopped = error.messages, True
        told = set()
        for line in found:
            m = json.loads(line) if line.startswith('{') else None
            i = names.get(m['file']) if m else None
            if i is None:
                continue
            row = [m['code'], 'error', m['message'].replace(PACKAGE + 'f%05d.' % i, ''), m['line'], m['column'], m['end_line'], m['end_column']]
            if stopped:
                told.add(i)
                out[i] = [[UNPARSABLE] + row[1:]] if m['code'] == 'syntax' else 'stops at line %d: %s' % (m['line'], m['message'])
            elif m['severity'] == 'error' and m['code']:
                out[i].append(row)
        if stopped and not told:
            raise RuntimeError('; '.join(found[:3]) or 'mypy stopped without a word')
        return told
def parses(text):
    try:
        compile(text, 'f.py', 'exec', ast.PyCF_ONLY_AST)
        return True
    except Exception:
        return False
def put_right(found, text):
    """Columns of mypy's native parser as bytes. False where one cannot be told."""
    lines = lines_of(text)
    for row in found if isinstance(found, list) else ():
        for line, column in (3, 4), (5, 6):
            if 0 < row[line] <= len(lines):
                row[column] = true_column(lines[row[line] - 1], row[column])
        if None in row:
            return False
    return True
def true_column(line, column):
    """mypy's native parser takes off twice what makes a character longer than a byte, so one of two bytes counts nothing. None if longer ones
    stand there, or if one is outside a plain string: names have further rules."""
    if line.isascii():
        return column
    code = QUOTED.sub(lambda found: b'' if found[0][:1] == b'#' else found[0], line)
    plain = QUOTED.sub(b'', line).isascii() and not re.search(rb'\'\'\'|"""|[fF][rR]?["\']', code)
    counted = [i for i, byte in enumerate(code) if byte < 0x80] + [len(code)]
    return counted[column] if plain and max(code) < 0xE0 and 0 <= column < len(counted) else None
class Bandit:
    def __init__(self):
        import logging
        logging.disable(logging.CRITICAL)
        import bandit
        from bandit.core import config, manager
        self.manager = manager.BanditManager(config.BanditConfig(), 'file')
        self.version = bandit.__version__
    def get_ready(self):
        self.check(WARM_UP)
    def check(self, files):
        out = []
        for path, text in files:
            self.manager.results, self.manager.skipped = [], []
            self.manager._parse_file('module.py', io.BytesIO(text), ['module.py'])
            if self.manager.skipped:
                why = self.manager.skipped[0][1]
                out.append([[UNPARSABLE, 'error', why, 1, 0, None, None]] if why.startswith('syntax error') else why)
                continue
            found = []
            for r in self.manager.results:
                last = r.linerange[-1] if r.linerange else r.lineno
                found.append([r.test_id, SEVERITY[r.severity[0]], r.text, r.lineno, r.col_offset, max(last, r.lineno), r.end_col_offset])
            out.append(found)
        return out
def lines_of(text):
    return re.split(rb'\r\n|\r|\n', text.removeprefix(b'\xef\xbb\xbf'))
def in_characters(lines, line, column):
    """The 1-based place of a byte offset: tools count bytes of UTF-8 as ast does, we count characters."""
    line, column = max(line, 1), max(column, 0)
    return [line, len(lines[line - 1][:column].decode('utf-8', 'ignore')) + 1 if line <= len(lines) else 1]
def placed(found, text):
    """Rows [rule, severity, message, line, column, end_line, end_column] in order of place; places that a tool does not tell are filled in."""
    if not isinstance(found, list) or not found:
        return found
    lines = lines_of(text)
    rows = []
    for rule, severity, message, line, column, end_line, end_column in found:
        begin = in_characters(lines, line, column if column is not None else 0)
        end = in_characters(lines, end_line, end_column) if end_line and end_column is not None else begin
        rows.append([rule, severity, message, *begin, *max(begin, end)])
    return sorted(rows, key=lambda row: (row[3], row[4], row[0], row[5], row[6], row[2]))
def read(size):
    out = b''
    while len(out) < size:
        more = source.read(size - len(out))
        if not more:
            sys.exit(0)
        out += more
    return out
def number():
    return struct.unpack('<I', read(4))[0]
def answer(status, text):
    data = text.encode('utf-8', 'replace')
    sink.write(struct.pack('<BI', status, len(data)) + data)
    sink.flush()
def work(pipe, files):
    try:
        said = '0' + json.dumps([placed(found, text) for found, (_, text) in zip(linter.check(files), files)])
    except BaseException as error:
        said = '1' + type(error).__name__ + ': ' + str(error).split('\n')[0][:300]
    with os.fdopen(pipe, 'w', encoding='utf-8', errors='replace') as file:
        file.write(said)
def batch(files):
    """The batch is linted in a child, so that every batch starts from the same state and a crash costs the batch alone."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            work(theirs, files)
        finally:
            os._exit(0)
    os.close(theirs)
    deadline, said, why = time.monotonic() + limit_s, [], ''
    while True:
        ready = select.select([ours, source], [], [], max(0, deadline - time.monotonic()))[0]
        if ours in ready:
            piece = os.read(ours, 1 << 16)
            if not piece:
                break
            said.append(piece)
        elif source in ready or not ready:
            os.kill(child, signal.SIGKILL)
            if source in ready:
                sys.exit(0)
            why = 'ran longer than %d ms' % (limit_s * 1000)
            break
    os.close(ours)
    status = os.waitpid(child, 0)[1]
    text = b''.join(said).decode('utf-8', 'replace')
    if why or not text:
        return 1, why or 'died of signal %d' % (status & 127)
    return int(text[0]), text[1:]
try:
    linter = {'pylint': Pylint, 'mypy': Mypy, 'bandit': Bandit}[tool]()
except Exception as error:
    answer(1, type(error).__name__ + ': ' + str(error))
    sys.exit(1)
sys.path[:] = [path for path in sys.path if not path.endswith(('site-packages', 'dist-packages'))]
answer(0, linter.version)
batches = 0
while True:
    files = [(read(number()), read(number())) for _ in range(number())]
    if batches == 1:
        linter.get_ready()
        gc.collect()
        gc.freeze()
    batches += 1
    answer(*batch(files))
)PYTHON";

}  // namespace mendel::linter
