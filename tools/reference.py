#!/usr/bin/env python3
"""The reference page of the C harness, made from its headers: what stands in a comment there is what
the page says.

    tools/reference.py [--check] PAGE

--check prints TAP and writes nothing."""

import difflib
import os
import re
import sys
import textwrap

HEADERS = ["harness", "response", "events", "asserts", "fixtures", "errors", "cmocka", "criterion"]

PUBLIC = "ASSAY_PUBLIC "
# Lines that are C but nothing that anybody looks up.
NOISE = re.compile(r'#(ifndef|ifdef|endif|include|undef)\b|#define ASSAY_[A-Z]+_H$|extern "C"|}$')


def comment_text(comment):
    """The words of a /* */ comment: paragraphs as they are, what is indented as a block."""
    lines = [re.sub(r"^\s*(/\*|\*/|\*)\s?", "", line) for line in comment]
    lines = [re.sub(r"\s*\*/$", "", line) for line in lines]
    out, block = [], []
    for line in lines + ["", "."]:
        if re.match(r" {2,}\S", line) or (block and not line):
            block.append(line)
            continue
        if block:
            text = textwrap.dedent("\n".join(block)).strip("\n")
            language = "c" if ";" in text else "text"
            out += ["", f"```{language}"] + text.split("\n") + ["```", ""]
            block = []
        out.append(re.sub(r"(<assay/\w+\.h>)", r"`\1`", line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out[:-1])).strip()


def name_of(code):
    """What a declaration declares."""
    for pattern in (r"\A(?:struct|enum) (\w+)(?: \{|;)", r"\A#define (\w+)",
                    r"\Atypedef \w+ (\w+)\(", r"\b(assay_\w+)\("):
        found = re.search(pattern, code, re.M)
        if found:
            return found.group(1)
    return None


def blocks(text):
    """(comment, code) for each part of a header that blank lines set apart. A blank line within a
    comment or a pair of braces sets nothing apart."""
    part, depth, in_comment = [], 0, False
    for line in text.split("\n") + [""]:
        if not line.strip() and depth == 0 and not in_comment:
            if part:
                yield split(part)
            part = []
            continue
        if not in_comment:
            depth += re.sub(r"/\*.*?(\*/|$)", "", line).count("{")
            depth -= re.sub(r"/\*.*?(\*/|$)", "", line).count("}")
        opened, closed = line.rfind("/*"), line.rfind("*/")
        in_comment = opened > closed if opened >= 0 else in_comment and closed < 0
        part.append(line)


def split(part):
    """A leading comment, and the code below it without what is noise at the top level."""
    end = 0
    if part[0].startswith("/*"):
        while not part[end].rstrip().endswith("*/"):
            end += 1
        end += 1
    code = [line for line in part[end:] if not NOISE.match(line) or line.startswith("}")]
    return part[:end], code


def header_page(name):
    path = os.path.join("include/assay", name + ".h")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.replace('#ifdef __cplusplus\nextern "C" {\n#endif\n', "\n")
    text = text.replace("#ifdef __cplusplus\n}\n#endif\n", "\n")
    out = [f"## assay/{name}.h", ""]
    for number, (comment, code) in enumerate(blocks(text)):
        section = re.match(r"/\* -+ (.*?) -+ \*/$", comment[0]) if len(comment) == 1 else None
        declared = "\n".join(code).rstrip()
        if declared.startswith(PUBLIC):
            declared = declared.replace(PUBLIC, "").replace("\n" + " " * len(PUBLIC), "\n")
        if section:
            out += [f"**{section.group(1)[0].upper() + section.group(1)[1:]}**", ""]
        elif number > 0 and declared:
            heading = name_of(declared)
            out += [f"### {heading}", ""] if heading and comment else []
            out += ["```c", declared, "```", ""]
        if comment and not section:
            out += [comment_text(comment), ""]
    return "\n".join(out)


def page():
    head = ["# C harness", "",
            "<!-- Made by tools/reference.py from include/assay. -->", "",
            "Integration tests of LLM workers, in C. To begin, see "
            "[Test your worker in ten minutes](../test-your-worker.md); this page is the contract of "
            "every function, as the headers have it.", ""]
    return "\n".join(head) + "\n" + "\n".join(header_page(name) for name in HEADERS)


def main():
    check, path = sys.argv[1] == "--check", sys.argv[-1]
    made = page().rstrip() + "\n"
    if not check:
        with open(path, "w", encoding="utf-8") as file:
            file.write(made)
        return 0
    with open(path, encoding="utf-8") as file:
        shown = file.read()
    for line in difflib.unified_diff(shown.split("\n"), made.split("\n"), path, "made", lineterm=""):
        print("# " + line)
    right = shown == made
    print(f"{'ok' if right else 'not ok'} - {path} is as the headers say"
          + ("" if right else f" (tools/reference.py {path} writes it)"))
    print("1..1")
    return 0 if right else 1


sys.exit(main())
