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


def run_cases(code, module):
    import unittest
    exec(compile(code, module['__name__'] + '.py', 'exec'), module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module['__name__']])
    count, result = suite.countTestCases(), unittest.TestResult()
    suite.run(result)
    return count, result


def run_unittest(code, names):
    count, result = run_cases(code, module_of('test_subject', names))
    broken = result.failures + result.errors
    if broken:
        return broken[0][1].strip().splitlines()[-1], None
    if result.unexpectedSuccesses or result.testsRun != count or len(result.skipped) >= count:
        return f'{count} tests found, {result.testsRun} run, {len(result.skipped)} skipped', None

    def planted():
        count, result = run_cases(PLANTED_UNITTEST, module_of('planted', {}))
        return count, len(result.failures)
    return '', planted


class Reports:
    """Counts what pytest says of each test."""

    def __init__(self):
        self.passed, self.failed = 0, []

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == 'call' and report.passed:
            self.passed += 1


def run_file(name, code):
    import pytest
    with open(name, 'w', encoding='utf-8') as file:
        file.write(code)
    reports = Reports()
    status = pytest.main(['-q', '-p', 'no:cacheprovider', '--noconftest', '--rootdir', WORK, name], plugins=[reports])
    return int(status), reports


def run_pytest(code, names):
    import builtins
    os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'
    sys.dont_write_bytecode = True
    for name, value in names.items():
        if not hasattr(builtins, name):
            setattr(builtins, name, value)
    status, reports = run_file('test_subject.py', code)
    if status or reports.failed or not reports.passed:
        return f'status {status}, {reports.passed} passed, failed: {", ".join(reports.failed[:3])}', None

    def planted():
        _, reports = run_file('test_planted.py', PLANTED_PYTEST)
        return PLANTED_PYTEST.count('def '), len(reports.failed)
    return '', planted


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
        with open('subject.py', 'w', encoding='utf-8') as file:
            file.write(request['subject'])
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
