"""Runs code of others inside the sandbox: this text is built into Mendel and started there by `python3 -c`.

once:  one run in the namespaces that bubblewrap made. Descriptors: 0 request, 1 and 2 output, 3 report.
piped: one run in a container that has no more than stdin (request as one line), stdout (report) and stderr (all output).
serve: the fork-server of server.py, which stands behind this text then.
A request is one JSON object, the report JSON lines (report.cpp). What was begun by user code is never trusted again:
whatever is needed after it was bound before it, and the judge outside decides.
"""
import functools
import json
import os
import resource
import sys
import types

WORK, MIB = '/box', 1 << 20

# What must fail after a test has passed, in the very interpreter that it leaves behind: one failure a method.
PLANTED_UNITTEST = """
import unittest
class Planted(unittest.TestCase):
    def test_assert(self): assert 1 == 2
    def test_equal(self): self.assertEqual(1, 2)
    def test_not_equal(self): self.assertNotEqual(1, 1)
    def test_true(self): self.assertTrue(False)
    def test_false(self): self.assertFalse(True)
    def test_is(self): self.assertIs(None, 0)
    def test_none(self): self.assertIsNone(0)
    def test_not_none(self): self.assertIsNotNone(None)
    def test_in(self): self.assertIn(1, [])
    def test_raises(self): self.assertRaises(ValueError, int, '1')
    def test_fail(self): self.fail()
"""
PLANTED_PYTEST = """
import pytest
def test_assert(): assert 1 == 2
def test_raises():
    with pytest.raises(ValueError): int('1')
def test_error(): raise ValueError
def test_fail(): pytest.fail('planted')
"""


def apply_limits(limits):
    resource.setrlimit(resource.RLIMIT_CPU, (limits['cpu_s'], limits['cpu_s'] + 1))  # a signal that tells, then one that nobody can ignore
    for name, value in (('AS', limits['memory_mib'] * MIB), ('FSIZE', limits['disk_mib'] * MIB),
                        ('NOFILE', limits['descriptors']), ('NPROC', limits['processes']), ('CORE', 0)):
        resource.setrlimit(getattr(resource, 'RLIMIT_' + name), (value, value))


def sentence(error):
    try:
        return f'{type(error).__name__}: {error}'[:300]
    except BaseException:
        return type(error).__name__


def names_of_subject(packages):
    """What the side under test defines. One that cannot be imported defines nothing; the test meets that by itself."""
    sys.path[:0] = [WORK]
    sys.path += packages
    try:
        import subject
    except BaseException:
        return {}
    return {name: value for name, value in vars(subject).items() if not (name.startswith('__') and name.endswith('__'))}


def module_of(name, names):
    module = types.ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    return module.__dict__


def run_script(code, names):
    namespace = module_of('__main__', names)
    if code.startswith(STAGE):  # a witness: the stage was compiled before the fork
        exec(stage_code(), namespace)
        code = code[len(STAGE):]
    exec(compile(code, 'test.py', 'exec'), namespace)

    def planted():
        try:
            exec('assert 1 == 2', namespace)
        except AssertionError:
            return 1, 1
        return 1, 0
    return '', planted


def run_suite(suite):
    import unittest
    count, result = suite.countTestCases(), unittest.TestResult()
    suite.run(result)
    return count, result


def suite_of(code, module):
    import unittest
    exec(compile(code, module['__name__'] + '.py', 'exec'), module)
    return unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module['__name__']])


def run_unittest(code, names):
    return judged_suite(suite_of(code, module_of('test_subject', names)))


def judged_suite(suite):
    count, result = run_suite(suite)
    broken = result.failures + result.errors
    if broken:
        return broken[0][1].strip().splitlines()[-1], None
    if result.unexpectedSuccesses or result.testsRun != count or len(result.skipped) >= count:
        return f'{count} tests found, {result.testsRun} run, {len(result.skipped)} skipped', None

    def planted():
        count, result = run_suite(suite_of(PLANTED_UNITTEST, module_of('planted', {})))
        return count, len(result.failures)
    return '', planted


class Reports:
    """Counts what pytest says of each test, and keeps how the first came to fail."""

    def __init__(self):
        self.passed, self.failed, self.why = 0, [], ''

    def pytest_exception_interact(self, call):
        last = [line[1:].strip() for line in str(call.excinfo.value).splitlines() if line.startswith('E ')][-1:]  # of a file that cannot be imported
        self.why = self.why or (last and last[0][:300]) or sentence(call.excinfo.value)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == 'call' and report.passed:
            self.passed += 1


def ask_pytest(arguments):
    import pytest
    sys.dont_write_bytecode = True
    reports = Reports()
    status = pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', WORK, *arguments], plugins=[reports])
    return int(status), reports


def run_file(name, code):
    os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'
    put_file(name, code)
    return ask_pytest(['--noconftest', name])


def planted_pytest():
    _, reports = run_file('test_planted.py', PLANTED_PYTEST)
    return PLANTED_PYTEST.count('def '), len(reports.failed)


def judged_pytest(status, reports, least):
    if status or reports.failed or reports.passed < least:
        return reports.why or f'status {status}, {reports.passed} passed, failed: {", ".join(reports.failed[:3])}', None
    return '', planted_pytest


def run_pytest(code, names):
    import builtins
    for name, value in names.items():
        if not hasattr(builtins, name):
            setattr(builtins, name, value)
    return judged_pytest(*run_file('test_subject.py', code), 1)


def put_file(path, text):
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with open(path, 'w', encoding='utf-8', newline='') as file:
        file.write(text)


def root_of(path):
    """The folder that holds the outermost package of a file: what pytest puts on the path too."""
    folder = os.path.dirname(path)
    while folder and os.path.exists(os.path.join(folder, '__init__.py')):
        folder = os.path.dirname(folder)
    return folder


def restore_names():
    """What Python 3.10 and 3.11 took out of the library: most fixes are older. The same for both sides."""
    import collections.abc
    import inspect
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(inspect, 'getargspec'):
        inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]


def run_project(request):
    """A test of the fix in its project. Where pytest is not at hand, what needs none of its fixtures can be run all the same."""
    import importlib.util
    restore_names()
    project = request['project']
    for path, text in project['files'].items():
        put_file(path, text)
    test_path, tests = project['test_path'], project['tests']
    sys.path[:0] = dict.fromkeys([os.path.join(WORK, root_of(project['subject_path'])).rstrip('/'), WORK])
    sys.path += request['packages']
    if importlib.util.find_spec('pytest'):
        return judged_pytest(*ask_pytest(['::'.join([test_path, *test.split('.')]) for test in tests]), len(tests))
    root = root_of(test_path)
    sys.path.insert(0, os.path.join(WORK, root))
    module = importlib.import_module(os.path.relpath(test_path, root or '.')[:-len('.py')].replace('/', '.'))
    return judged_suite(suite_of_names(module, tests))


def suite_of_names(module, tests):
    import unittest
    suite = unittest.TestSuite()
    for test in tests:
        *owner, name = test.split('.')
        if not owner:
            suite.addTest(unittest.FunctionTestCase(getattr(module, name)))
            continue
        owner = getattr(module, owner[0])
        if issubclass(owner, unittest.TestCase):
            suite.addTest(owner(name))
            continue
        case = owner()
        before = getattr(case, 'setup_method', None) or getattr(case, 'setup', None)
        suite.addTest(unittest.FunctionTestCase(getattr(case, name), before))
    return suite


def run_command(code, names):
    pid = os.posix_spawn('/bin/sh', ['/bin/sh', '-c', code], os.environ)
    _, status = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(status)
    return '' if status == 0 else f'status {status}', lambda: (1, 1)


KINDS = {'script': run_script, 'unittest': run_unittest, 'pytest': run_pytest, 'command': run_command}


def judge_asks(report, ask, planted, write=os.write, read=os.read, dumps=json.dumps, loads=json.loads):
    """The test ended well, and only now the judge says what it wants to know: whether this interpreter still can fail."""
    write(report, b'{"outcome":"passed"}\n')
    asked = loads(read(ask, 4096))
    count, failed = planted()
    write(report, dumps({'nonce': asked['nonce'], 'planted': count, 'failed': failed}).encode() + b'\n')


def run(request, report, ask, leave=os._exit, settrace=sys.settrace, setprofile=sys.setprofile, write=os.write, dumps=json.dumps):
    """Never returns: the process ends with 0 after a report, whatever it says."""
    write(report, b'{"started":true}\n')
    os.chdir(WORK)
    os.umask(0o022)
    apply_limits(request['limits'])
    try:
        if request['kind'] == 'observe':
            said = observer()(request['request']).encode()
            while said:
                said = said[write(report, said):]
            leave(0)
        if request['kind'] == 'project':
            why, planted = run_project(request)
        else:
            put_file('subject.py', request['subject'])
            names = {} if request['kind'] == 'command' else names_of_subject(request['packages'])
            why, planted = KINDS[request['kind']](request['code'], names)
        settrace(None)
        setprofile(None)
        if why:
            write(report, dumps({'outcome': 'failed', 'why': why}).encode() + b'\n')
        else:
            judge_asks(report, ask, planted)
    except BaseException as error:
        write(report, dumps({'outcome': 'failed', 'why': sentence(error)}).encode() + b'\n')
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        pass
    leave(0)


def read_request(descriptor):
    with os.fdopen(descriptor, 'rb') as file:
        return json.loads(file.read())


@functools.cache
def stage_code():
    return compile(STAGE, 'stage.py', 'exec')


@functools.cache
def observer():
    """The function that answers a request of the kind observe; the fork-server makes it before it forks."""
    scope = {'__name__': 'observer', 'STAGE': STAGE}
    exec(compile(OBSERVER, 'observer.py', 'exec'), scope)
    return scope['observe']


def main():
    sys.argv, arguments = ['test.py'], sys.argv
    sys.path[:] = [folder for folder in sys.path if folder]
    if arguments[1] == 'serve':
        serve(arguments[2])
    if arguments[1] == 'piped':
        line, ask, report = b'', os.dup(0), os.dup(1)
        while not line.endswith(b'\n'):
            line += os.read(ask, 1 << 16) or b'\n'
        request = json.loads(line)
        os.dup2(2, 1)
    else:
        request, ask, report = read_request(os.dup(0)), 3, 3
    os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
    run(request, report, ask)
