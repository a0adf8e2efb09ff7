"""Writes pairs of texts as a git history of bug fixes, so that `mendel mine git` can be tried on fixes that come as data."""
import subprocess


def write_history(folder, fixes):
    """`fixes`: (message, {path: (before, after)}). The first commit holds every `before`; each fix is a commit of its own."""
    fixes = list(fixes)
    subprocess.run(['git', 'init', '-q', '--bare', folder], check=True)
    stream = bytearray()

    def commit(mark, message, files):
        text = message.encode()
        stream.extend(b'commit refs/heads/main\nmark :%d\ncommitter Mendel <mendel@example.com> %d +0000\ndata %d\n%s\n' % (mark, 1700000000 + mark, len(text), text))
        if mark > 1:
            stream.extend(b'from :%d\n' % (mark - 1))
        for path, content in files:
            data = content.encode()
            stream.extend(b'M 100644 inline %s\ndata %d\n%s\n' % (path.encode(), len(data), data))

    commit(1, 'Begin', [(path, before) for _, files in fixes for path, (before, _) in files.items()])
    for number, (message, files) in enumerate(fixes):
        commit(number + 2, message, [(path, after) for path, (_, after) in files.items()])
    subprocess.run(['git', '-C', folder, 'fast-import', '--quiet'], input=bytes(stream), check=True)
    subprocess.run(['git', '-C', folder, 'symbolic-ref', 'HEAD', 'refs/heads/main'], check=True)
