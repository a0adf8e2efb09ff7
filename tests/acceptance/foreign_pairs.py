"""Bug fixes that others collected, as pairs: `python tests/acceptance/foreign_pairs.py pyty|bugsinpy … > pairs.jsonl`, or `--history REPOSITORY`.

pyty INPUT: the folder `src/Input` of https://github.com/sola-st/PyTy (MIT); the 2,766 fixes that its authors train on. They come
  as a few lines; those that are no function become the body of one. A third of them cut a statement in two and cannot parse.
bugsinpy PROJECTS CLONES: the folder `projects` of https://github.com/soarsmu/BugsInPy, and a folder that has a clone of each project
  as OWNER+NAME/repo. The files are whole: the fixed commit's, and the same with the patch taken back. A pair is a file; `--history`
  is what gives functions. `--message TEXT` exchanges the messages of the fixed commits, so that the other rules are asked of all.
None of this data is part of Mendel.
"""
import argparse
import ast
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections import Counter
from pathlib import Path

from fix_history import write_history

warnings.simplefilter('ignore', SyntaxWarning)


def parses(code):
    try:
        compile(code, 'side', 'exec', ast.PyCF_ONLY_AST, dont_inherit=True)
        return True
    except (SyntaxError, ValueError):
        return False


def pair(buggy, fixed, bug_type, source, tests=()):
    """A pair as `mendel validate` reads it; the class is syntax if the buggy side alone does not parse."""
    bug_class = 'logic' if parses(buggy) else 'syntax'
    key = '\0'.join((source['repository'], source.get('commit', ''), source.get('path', ''), buggy, fixed))
    out = {'id': hashlib.sha256(key.encode()).hexdigest()[:32], 'buggy': buggy, 'fixed': fixed, 'bug': {'class': bug_class, 'type': bug_type}, 'source': {'kind': 'git', **source}}
    return {**out, 'tests': list(tests)} if tests else out


def pyty_fixes(folder):
    for file in sorted(Path(folder).glob('*.json')):
        for fix in json.loads(file.read_text()):
            if fix.get('fit_TFix'):
                yield fix


def completed(lines):
    """What a cut after a block's header or before its `else` took away, put in again."""
    first, last = lines[0], lines[-1]
    word = re.match(r' *(\w*)', first)[1]
    heads = {'elif': 'if True:', 'else': 'if True:', 'except': 'try:', 'finally': 'try:'}
    margin = ' ' * (len(first) - len(first.lstrip()))
    head = [margin + heads[word], margin + '    pass'] if word in heads else []
    tail = [' ' * (len(last) - len(last.lstrip()) + 4) + 'pass'] if last.rstrip().endswith(':') else []
    return [*head, *lines, *tail]


def as_function(lines):
    named = re.match(r'(async )?def |@', lines[0])
    return '\n'.join(lines if named else ['def snippet():'] + ['    ' + line for line in lines]) + '\n'


def as_code(*snippets):
    """The sides of a change as a function each; with their first and last block completed, where they do not parse as they are."""
    sides = [[line for line in side.splitlines() if line.strip()] for side in snippets]
    margin = min(len(line) - len(line.lstrip(' ')) for side in sides for line in side)
    sides = [[line[margin:] for line in side] for side in sides]
    texts = [as_function(side) for side in sides]
    return texts if parses(texts[1]) else [as_function(completed(side)) for side in sides]


def pyty(options):
    """(pair, message, {path: (before, after)}) of each fix."""
    for number, fix in enumerate(pyty_fixes(options.input)):
        hunk = fix['min_patch'][0]
        buggy, fixed = as_code(hunk['source_code'], hunk['target_code'])
        path = f'{number}/{Path(fix["filename"]).name}'
        source = {'repository': 'https://github.com/' + fix['project'], 'commit': fix['commit'], 'path': fix['filename']}
        yield pair(buggy, fixed, fix['rule_id'].split(' [')[0].lower().replace(' ', '_'), source), 'Fix ' + fix['message'].strip(), {path: (buggy, fixed)}


def git(repository, *arguments):
    done = subprocess.run(['git', '--git-dir', repository, *arguments], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def clone_of(clones, address):
    owner_name = '+'.join(address.rstrip('/').removesuffix('.git').split('/')[-2:])
    for git_folder in (Path(clones, owner_name, 'repo/.git'), Path(clones, owner_name, 'repo')):
        if (git_folder / 'HEAD').exists():
            return git_folder
    return None


def both_sides(repository, commit, patch):
    """{path: (before, after)} of the files of a patch; None if the clone lacks the commit or the patch does not fit it."""
    paths = re.findall(rb'^\+\+\+ b/(.*?)\r?$', patch, re.M)
    with tempfile.TemporaryDirectory() as folder:
        after = {}
        for path in (path.decode() for path in paths):
            after[path] = git(repository, 'show', f'{commit}:{path}')
            if after[path] is None:
                return None
            Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, path).write_bytes(after[path])
        done = subprocess.run(['git', 'apply', '--reverse', '--whitespace=nowarn', '-'], cwd=folder, input=patch, capture_output=True)
        if done.returncode or not paths:
            return None
        read = lambda path: Path(folder, path).read_bytes() if Path(folder, path).exists() else b''
        return {path: (read(path).decode(errors='replace'), text.decode(errors='replace')) for path, text in after.items()}


def bugsinpy(options):
    missing = Counter()
    for bug in sorted(Path(options.projects).glob('*/bugs/[0-9]*'), key=lambda folder: (folder.parts[-3], int(folder.name))):
        project = bug.parts[-3]
        said = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', (bug / 'bug.info').read_text(errors='replace') + (bug / '../../project.info').read_text()))
        repository = clone_of(options.clones, said['github_url'])
        commit = said['fixed_commit_id']
        files = both_sides(repository, commit, (bug / 'bug_patch.txt').read_bytes()) if repository else None
        if files is None:
            missing[project] += 1
            continue
        message = options.message or git(repository, 'log', '-1', '--format=%B', commit).decode(errors='replace')
        path, (before, after) = next(iter(files.items()))
        source = {'repository': said['github_url'], 'commit': commit, 'path': path}
        yield pair(before, after, 'bugsinpy', source), message, {f'{project}/{bug.name}/{name}': sides for name, sides in files.items()}
    print(f'without clone or commit: {dict(missing)}', file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_subparsers(required=True)
    for read, arguments in ((pyty, ('input',)), (bugsinpy, ('projects', 'clones'))):
        source = sources.add_parser(read.__name__)
        for name in arguments:
            source.add_argument(name)
        source.add_argument('--history', metavar='REPOSITORY')
        source.add_argument('--message')
        source.set_defaults(read=read)
    options = parser.parse_args()
    fixes = list(options.read(options))
    if options.history:
        write_history(options.history, ((options.message or message, files) for _, message, files in fixes))
        return
    for line, _, _ in fixes:
        print(json.dumps(line))


if __name__ == '__main__':
    main()
