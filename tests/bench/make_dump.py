"""A dump like Stack Overflow's for benchmarks: invented posts with the sizes, tags, scores and share of code of real ones.

Prose comes from a chain of words over the docstrings of the standard library, code from its functions with names
changed, so that nothing repeats as it would if texts were copied (the archive packs about as well as a real one).
Usage: make_dump.py MEGABYTES OUT.xml
"""
import ast
import collections
import keyword
import os
import random
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

TAGS = [("javascript", 11), ("python", 3), ("java", 8), ("c#", 7), ("php", 6), ("html", 5), ("android", 6), ("c++", 4), ("jquery", 4), ("css", 3),
        ("sql", 3), ("ios", 3), ("r", 3), ("node.js", 2), ("arrays", 2), ("c", 2), ("asp.net", 2), ("ruby-on-rails", 2), ("git", 1), ("excel", 2)]
SLIPS = [("==", "="), (" + 1", ""), ("range(", "range(1, "), (" not ", " "), ("self.", ""), ("):", ")"), (" < ", " <= "), ("return ", ""), ("[0]", "[1]")]
ANSWERED = 1.5  # answers a question
CODE_SHARE = 0.75


def material():
    """Word chains and functions."""
    chain, functions = collections.defaultdict(list), []
    for path in sorted(Path(os.__file__).parent.glob("*.py")) + sorted(Path(os.__file__).parent.glob("[a-h]*/*.py")):
        try:
            text = path.read_text()
            tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
                words = ast.get_docstring(node).split()
                for a, b in zip(words, words[1:]):
                    chain[a].append(b)
            if isinstance(node, ast.FunctionDef) and 3 <= node.end_lineno - node.lineno <= 40:
                functions.append("\n".join(line[node.col_offset:] for line in text.splitlines()[node.lineno - 1:node.end_lineno]))
    return chain, functions


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.chain, self.functions = material()
        self.starts = list(self.chain)

    def prose(self, words):
        out = [self.random.choice(self.starts)]
        while len(out) < words:
            follow = self.chain.get(out[-1])
            out.append(self.random.choice(follow) if follow and self.random.random() > 0.05 else self.random.choice(self.starts))
        return escape(" ".join(out))

    def renamed(self, code):
        names = sorted(set(re.findall(r"\b[a-z_]{3,}\b", code)) - set(keyword.kwlist))
        changed = {n: self.random.choice(self.starts).strip(".,()`'\"").lower() + str(self.random.randrange(999)) for n in names if self.random.random() < 0.6}
        changed = {n: c for n, c in changed.items() if c.isidentifier() and not keyword.iskeyword(c)}
        return re.sub(r"\b[a-z_]{3,}\b", lambda m: changed.get(m[0], m[0]), code)

    def body(self, code, words):
        parts = []
        for _ in range(self.random.randint(1, 4)):
            parts.append(f"<p>{self.prose(words)}</p>\n\n")
        if code is not None:
            parts.insert(self.random.randint(1, len(parts)), f"<pre><code>{escape(code)}\n</code></pre>\n\n")
        return "".join(parts)

    def slipped(self, code):
        slips = [s for s in SLIPS if s[0] in code]
        return code.replace(*self.random.choice(slips), 1) if slips else code


def row(**attributes):
    return "  <row " + " ".join(f'{n}="{escape(str(v), {chr(34): "&quot;", chr(10): "&#xA;"})}"' for n, v in attributes.items()) + " />\n"


def write(megabytes, out, seed=7):
    writer = Writer(seed)
    rand = writer.random
    names, weights = zip(*TAGS)
    written, number = 0, 0
    waiting = []
    with open(out, "w", encoding="utf-8") as file:
        file.write('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        while written < megabytes << 20:
            number += rand.randint(1, 3)
            date = f"20{8 + number // 100000:02d}-{rand.randint(1, 12):02d}-{rand.randint(1, 28):02d}T{rand.randint(0, 23):02d}:11:22.{rand.randint(0, 999):03d}"
            common = dict(CreationDate=date, Score=int(rand.paretovariate(1.1)) - 1)
            owner = dict(OwnerUserId=rand.randint(1, 9_000_000), LastEditorUserId=rand.randint(1, 9_000_000), LastEditDate=date, LastActivityDate=date)
            if waiting and rand.random() < ANSWERED / (1 + ANSWERED):
                of, code = waiting.pop(rand.randrange(len(waiting)))
                text = row(Id=number, PostTypeId=2, ParentId=of, **common, Body=writer.body(code if rand.random() < CODE_SHARE else None, 45), **owner,
                           CommentCount=rand.randint(0, 5), ContentLicense="CC BY-SA 4.0")
            else:
                code = writer.renamed(rand.choice(writer.functions))
                tags = list(dict.fromkeys(rand.choices(names, weights, k=rand.randint(1, 4))))
                if "python" in tags and rand.random() < 0.2:
                    tags.append("python-3.x")
                asked = writer.body(writer.slipped(code) if rand.random() < CODE_SHARE else None, 60)
                accepted = dict(AcceptedAnswerId=number + 1) if rand.random() < 0.5 else {}
                text = row(Id=number, PostTypeId=1, **accepted, **common, ViewCount=rand.randint(10, 99999), Body=asked, **owner, Title=writer.prose(9),
                           Tags="|" + "|".join(tags) + "|" if rand.random() < 0.5 else "".join(f"<{t}>" for t in tags), AnswerCount=rand.randint(0, 4),
                           CommentCount=rand.randint(0, 9), ContentLicense="CC BY-SA 4.0")
                waiting += [(number, code)] * rand.choice((0, 1, 1, 2, 3))
                del waiting[:-2000]
            file.write(text)
            written += len(text)
        file.write("</posts>")


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2])
