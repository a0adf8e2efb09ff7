"""The fork-server: one warm interpreter in namespaces of its own, which runs no code of others itself.

Descriptor 0 is a socket. Each message brings five descriptors (request, output, errors, report, status), and a sixth where the
run has a control group: its folder. It is answered by a run in a process of its own, cloned into fresh user, process, mount, IPC and host name namespaces, with its own empty folders.
The first process in them waits; the second gives up all power and becomes the run. Runs see nothing of each other.
"""
import asyncio, base64, collections, ctypes, dataclasses, datetime, decimal, doctest, enum, functools, gc, itertools, math, random, re, select, signal  # noqa: F401 warm
import socket, string, traceback, typing, unittest  # noqa: F401 warm for the runs

WARM_KIB = 0  # what the server held before it forked
CLONE_FLAGS = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000  # mount, uts, ipc, user, pid
SYS_CLONE = {'x86_64': 56, 'aarch64': 220}.get(os.uname().machine)
CLONE_NEWCGROUP, CLONE_INTO_CGROUP, SYS_CLONE3 = 0x02000000, 0x200000000, 435
MS_NOSUID_NODEV, MS_NOEXEC = 2 | 4, 8
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def put(path, text):
    with open(path, 'w') as file:
        file.write(text)


def enter_own_world(user, group, disk_mib):
    """In the first process of new namespaces: be somebody there, and cover all that could be written to."""
    put('/proc/self/setgroups', 'deny')
    put('/proc/self/uid_map', f'{user} {user} 1')
    put('/proc/self/gid_map', f'{group} {group} 1')
    size = f'size={disk_mib}m,nr_inodes=4096,mode=0755'.encode()
    for folder in (WORK, '/tmp'):
        must(libc.mount(b'tmpfs', folder.encode(), b'tmpfs', MS_NOSUID_NODEV, size), 'mount ' + folder)
    must(libc.mount(b'proc', b'/proc', b'proc', MS_NOSUID_NODEV | MS_NOEXEC, None), 'mount /proc')


class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]


def give_up_power(filter_bytes):
    """No capabilities, none to be had, and the system call filter: all inherited by whatever is started."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    must(libc.capset(header, data), 'capset')
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'no_new_privs')
    buffer = ctypes.create_string_buffer(filter_bytes, len(filter_bytes))
    program = Program(len(filter_bytes) // 8, ctypes.addressof(buffer))
    must(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0), 'seccomp')


def resident_kib(page_kib=os.sysconf('SC_PAGESIZE') // 1024):
    """What all processes of the run hold beyond the memory that they share with the server."""
    total = 0
    for name in os.listdir('/proc'):
        if name.isdigit() and name != '1':
            try:
                with open(f'/proc/{name}/statm', 'rb') as file:
                    total += max(0, int(file.read().split()[1]) * page_kib - WARM_KIB)
            except OSError:
                pass  # it has ended
    return total


def supervise(child, status, memory_mib):
    """The first process of the run's own namespace: its end is the end of every process in it. A limit on address space holds
    for one process; that all together stay below it is looked at here, twenty times a second."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(status, select.POLLIN | select.POLLHUP)  # the judge hung up: enough
    events = {}
    while not events:
        events = dict(poll.poll(50))
        if not events and resident_kib() > memory_mib * 1024:
            os.write(status, b'{"memory": true}')
            os._exit(0)
    if ended in events:
        _, how, usage = os.wait4(child, 0)
        text = json.dumps({'status': os.waitstatus_to_exitcode(how), 'cpu_us': int((usage.ru_utime + usage.ru_stime) * 1e6), 'peak_kib': usage.ru_maxrss})
        os.write(status, text.encode())
    os._exit(0)


class CloneArguments(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ('flags', 'pidfd', 'child_tid', 'parent_tid', 'exit_signal', 'stack', 'stack_size', 'tls', 'set_tid', 'set_tid_size', 'cgroup')]


def clone(groups):
    """fork into new namespaces and, where there is one, into the control group."""
    if not groups:
        return libc.syscall(SYS_CLONE, CLONE_FLAGS | signal.SIGCHLD, 0, 0, 0, 0)
    arguments = CloneArguments(flags=CLONE_FLAGS | CLONE_INTO_CGROUP, exit_signal=signal.SIGCHLD, cgroup=groups[0])
    return libc.syscall(SYS_CLONE3, ctypes.byref(arguments), ctypes.sizeof(arguments))


def first_process(request, user, group, filter_bytes):
    incoming, out, errors, report, status, *groups = request
    try:
        for folder in groups:
            must(libc.unshare(CLONE_NEWCGROUP), 'unshare cgroup')
            os.close(folder)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = read_request(incoming)
        enter_own_world(user, group, request['limits']['disk_mib'])
        child = os.fork()
        if child == 0:
            os.setsid()
            null = os.open('/dev/null', os.O_RDONLY)
            for wanted, descriptor in enumerate((null, out, errors)):
                os.dup2(descriptor, wanted)
            for descriptor in (null, out, errors, status):
                os.close(descriptor)
            put('/proc/self/oom_score_adj', '1000')
            give_up_power(filter_bytes)
            run(request, report, report)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        for descriptor in (0, out, errors, report):
            os.close(descriptor)
        supervise(child, status, request['limits']['memory_mib'])
    except BaseException as error:
        os.write(status, json.dumps({'fault': sentence(error)}).encode())
    os._exit(1)


def serve(encoded_filter):
    filter_bytes = base64.b64decode(encoded_filter)
    server = socket.socket(fileno=0)
    user, group = os.getuid(), os.getgid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    observer()
    stage_code()
    gc.collect()
    gc.freeze()
    global WARM_KIB
    WARM_KIB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    server.sendall(b'ready')
    while True:
        said, descriptors, _, _ = socket.recv_fds(server, 64, 6)
        if not said:
            os._exit(0)
        child = clone(descriptors[5:])
        if child == 0:
            first_process(descriptors, user, group, filter_bytes)
        if child < 0:
            os.write(descriptors[4], json.dumps({'fault': 'no new namespaces: ' + os.strerror(ctypes.get_errno())}).encode())
        for descriptor in descriptors:
            os.close(descriptor)
