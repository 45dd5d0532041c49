#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the tree and fails on what the house does not allow: usage tidy.py [ROOT].

Each finding is one line "file:line: [check] sentence". planted.py proves that every check can
fail. The checks look at text, not at meaning: cheap, and right on code that clang-format wrote."""
import ast
import re
import subprocess
import sys
from pathlib import Path

# A layer may include itself and these (README: where things are).
LAYERS = {
    "base": set(),
    "kernels": {"base"},
    "quant": {"base", "kernels"},
    "attribution": {"base", "kernels", "quant"},
    "ledger": {"base"},
    "consensus": {"base", "ledger"},
    "node": {"base", "kernels", "quant", "attribution", "ledger", "consensus"},
}
# A folder in a layer may include itself and these; "" is what stands in the layer's own folder.
ROOMS = {
    "quant": {
        "container": set(),
        "": {"container"},
        "tokenizer": {"", "container"},
        "import": {"", "container", "tokenizer"},
    },
    "ledger": {
        "state": set(),
        "tx": set(),
        "": {"state", "tx"},
    },
    "consensus": {
        "types": set(),
        "light": {"types"},
        "": {"types", "light"},
        "statesync": {"", "types", "light"},
        "abci": {"", "types", "light", "statesync"},
        "kvstore": {"types", "abci"},
    },
    "node": {
        "": set(),  # but for main.c, which calls the commands
        "http": {""},
        "inference": {""},
        "comet": {"", "http"},
        "wallet": {"", "http"},
        "home": {"", "http", "comet"},
        "api": {"", "http", "home"},
        "workshop": {"", "http", "wallet"},
        "provider": {"", "http", "wallet", "workshop"},
        "verifier": {"", "http", "wallet", "workshop"},
        "audit": {"", "http", "comet", "home", "api", "workshop", "verifier"},
        "bench": {"", "comet", "home", "api"},
        "cmd": {"", "http", "inference", "comet", "wallet", "home", "api", "workshop", "provider",
                "verifier", "audit", "bench"},
    },
}
CODE = {".c", ".h", ".cu", ".py", ".sh", ".mjs", ".js", ".cmake", ".css", ".html", ".sol"}
PROSE = {".md"}
SKIPPED_FOLDERS = {"build", ".git", "node_modules", "__pycache__"}
FILE_LINES_MAX, FUNCTION_LINES_MAX, LINE_MAX = 800, 70, 100

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|rand|srand"
                    r"|alloca|setjmp|longjmp)\s*\(")
# Money, verdicts and shares are integers; the ledger and the engines link no libm.
FLOAT_FREE = {"ledger", "consensus", "attribution"}
FLOAT = re.compile(r"\b(float|double)\b|<math\.h>|<fenv\.h>"
                   r"|(?<![\w.>])(sqrtf?|powf?|expf?|logf?|floor|ceil)\s*\(")
# The forward pass adds libm to what it must not call (N-2).
LIBM_FREE = {"kernels"}
LIBM = re.compile(r"<math\.h>|<tgmath\.h>"
                  r"|(?<![\w.>])(expf?|logf?|powf?|sinf?|cosf?|tanhf?|fmaf?)\s*\(")
# A clock or a locale may steer an operator's program, never a result.
CLOCK_FREE = {"base", "kernels", "quant", "attribution", "ledger"}
CLOCK = re.compile(r"(?<![\w.>])(time|clock|clock_gettime|gettimeofday|localtime(_r)?"
                   r"|gmtime(_r)?|strftime|setlocale|newlocale)\s*\(")
TYPE_NAME = re.compile(r"\btypedef\b[^;{}]*?\b(\w+_t)\s*;|\}\s*(\w+_t)\s*;"
                       r"|\b(?:struct|enum|union)\s+(?!json_t\b)(\w+_t)\b\s*[{;]")
PUBLIC = re.compile(r"^(?!typedef|static|#)[A-Za-z_][\w \*]*?[ \*](\w+)\s*\(", re.M)
# One letter in brackets, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
MACHINE = re.compile(r"(?<![\w.}/-])/(?:work|root|home|Users)/[\w.-]|(?<![\w.}/-])/(?:work|root)\b")
REGISTRY = re.compile(r"registry\.n[p]m|n[p]mmirror|files\.pythonhoste[d]|pypi\.o[r]g"
                      r"|--inde[x]-url|--registr[y]|extra-inde[x]|proxy\.golan[g]"
                      r"|deb\.debian\.o[r]g|unpkg\.c[o]m|jsdeliv[r]|artifactor[y]|_authToke[n]")
RULE = re.compile(r"\b([NPFACE]-\d+)\b")
RULE_RANGE = re.compile(r"\b([NPFACE])-(\d+) to \1-(\d+)\b")
RULE_DEFINED = re.compile(r"^\*\*([NPFACE]-\d+)\*\*")


class Tree:
    """The files of a checkout, and the findings about them."""

    def __init__(self, root):
        self.root = Path(root)
        self.findings = []
        self.texts = {}
        for name in sorted(self.names()):
            path = self.root / name
            if path.suffix in CODE | PROSE or path.name == "CMakeLists.txt" or is_script(path):
                self.texts[name] = path.read_text(encoding="utf-8", errors="replace")

    def names(self):
        git = subprocess.run(["git", "-C", str(self.root), "ls-files", "--cached", "--others",
                              "--exclude-standard", "-z", "."], capture_output=True, check=False)
        if git.returncode == 0 and (self.root / ".git").exists():
            names = git.stdout.decode().split("\0")
        else:
            names = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
        return [n for n in names if n and (self.root / n).is_file()
                and not SKIPPED_FOLDERS & set(Path(n).parts)]

    def found(self, check, name, line, sentence):
        self.findings.append(f"{name}:{line}: [{check}] {sentence}")

    def code(self, *suffixes):
        return [(n, t) for n, t in self.texts.items() if Path(n).suffix in suffixes]


def is_script(path):
    if "corpus" in path.parts:  # a fuzzer's inputs may begin with anything
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def layer_of(name):
    first = Path(name).parts[0]
    return first if first in LAYERS else None


def rooms_of(name):
    """A file's layer and its folder there, "" where it stands in none."""
    parts = Path(name).parts
    return parts[0], parts[1] if len(parts) > 2 else ""


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    """C text with comments blanked; lines and columns stay."""
    return re.sub(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|//[^\n]*|/\*.*?\*/',
                  lambda m: m.group() if m.group(1) else blank(m), text, flags=re.S)


def without_texts(text):
    """Comment-free C text with the inside of literals blanked, include lines kept."""
    def one(line):
        if line.startswith("#include"):
            return line
        return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, line)
    return "\n".join(one(line) for line in text.split("\n"))


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def check_sizes(tree):
    for name, text in tree.texts.items():
        if Path(name).suffix in PROSE:
            continue
        lines = text.split("\n")
        count = len(lines) - (lines[-1] == "")
        if count > FILE_LINES_MAX:
            tree.found("file-size", name, 1, f"{count} lines, limit {FILE_LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_MAX:
                tree.found("line-size", name, number, f"{len(line)} columns, limit {LINE_MAX}")


def c_functions(text):
    """First and last line of each function: a head in column 0 up to a brace in column 0."""
    first, head, inside = 0, "", False
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            if line.startswith("}"):
                yield first, number
                inside = False
            continue
        if not head and re.match(r"[A-Za-z_].*\(", line):
            first = number
        elif not head:
            continue
        head += line
        if "{" in head:
            # An initialiser is no function, and one line needs no counting.
            inside = "=" not in head.split("{")[0] and not line.rstrip().endswith("}")
            head = ""
        elif line.rstrip().endswith(";"):
            head = ""


def shell_functions(text):
    head = None
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"(function\s+|async function\s+|export function\s+)?[\w-]+\s*\(.*\{\s*(#.*)?$",
                    line) or re.match(r"(export )?(async )?function\b.*\{$", line):
            head = number
        elif head and line.startswith("}"):
            yield head, number
            head = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def check_functions(tree):
    for name, text in tree.texts.items():
        suffix = Path(name).suffix
        if suffix in {".c", ".h", ".cu"}:
            spans = c_functions(without_texts(without_comments(text)))
        elif suffix == ".py":
            spans = python_functions(text)
        elif suffix in {".sh", ".mjs", ".js", ""}:
            spans = shell_functions(text)
        else:
            continue
        for first, last in spans:
            if last - first + 1 > FUNCTION_LINES_MAX:
                tree.found("function-size", name, first,
                           f"function of {last - first + 1} lines, limit {FUNCTION_LINES_MAX}")


def check_licence(tree):
    wanted = "SPDX-License-Identifier: Apache-2.0"
    for name, text in tree.texts.items():
        lines = text.split("\n")
        first = 1 if lines[0].startswith("#!") else 0
        if len(lines) <= first or wanted not in lines[first]:
            tree.found("licence", name, first + 1, "no SPDX line")


def check_layers(tree):
    for name, text in tree.code(".c", ".h", ".cu"):
        layer = layer_of(name)
        for match in re.finditer(r'^\s*#\s*include\s+(["<])([^">]+)[">]', without_comments(text),
                                 re.M):
            line, target = line_at(text, match.start(2)), match.group(2)
            first = target.split("/")[0]
            if match.group(1) == '"' and (first not in LAYERS and first != "tests"
                                          or "/" not in target or ".." in target):
                tree.found("include", name, line, f'"{target}" does not start at the root')
            elif layer and first == "tests":
                tree.found("layer", name, line, f"{layer} includes tests")
            elif layer and first in LAYERS and first != layer and first not in LAYERS[layer]:
                tree.found("layer", name, line, f"{layer} includes {first}, which is not below it")
            elif not room_below(rooms_of(name), rooms_of(target)) and name != "node/main.c":
                tree.found("room", name, line, f"{target} is not below {Path(name).parent}")


def room_below(where, target):
    """Whether a file may include the target, as far as folders of one layer go."""
    rooms = ROOMS.get(where[0])
    return where[0] != target[0] or rooms is None or where[1] == target[1] \
        or target[1] in rooms.get(where[1], set())


def check_words(tree, check, pattern, layers, sentence):
    """Looks for a pattern in the comment-free code of some layers (None: all C code)."""
    for name, text in tree.code(".c", ".h", ".cu"):
        if layers is not None and layer_of(name) not in layers:
            continue
        code = without_texts(without_comments(text))
        for match in pattern.finditer(code):
            word = match.group().split("(")[0].strip()
            tree.found(check, name, line_at(code, match.start()), f"{word}: {sentence}")


def declarations(text):
    """Blocks of a header between blank lines, as (line, raw text, comment-free text)."""
    code, at = without_comments(text), 0
    for block in re.split(r"\n[ \t]*\n", text):
        start = text.index(block, at)
        at = start + len(block)
        yield line_at(text, start), block, code[start:at]


def check_headers(tree):
    for name, text in tree.code(".h"):
        layer = layer_of(name)
        if not layer:
            continue
        fails = False
        for line, block, code in declarations(text):
            if re.search(r"^assay_status assay_\w+\(", code, re.M):
                fails = True
                if not re.search(r"//.*\bErrors\b", block):
                    tree.found("errors", name, line, "a call that can fail, no comment on Errors")
        if fails and layer != "base" and not (RULE.search(text) or "Spec:" in text):
            tree.found("spec", name, 1, "calls that can fail, and no rule of spec/ named")


def check_names(tree):
    """Public functions, macros and types carry the prefix."""
    for name, text in tree.code(".h"):
        if not layer_of(name):
            continue
        code = without_texts(without_comments(text))
        code = re.sub(r"__attribute__\s*\(\(.*?\)\)", blank, code, flags=re.S)
        for match in PUBLIC.finditer(code):
            if not match.group(1).startswith(("assay_", "ASSAY_OP")):  # ASSAY_OP(x) is assay_x_SET
                tree.found("name", name, line_at(code, match.start()),
                           f"{match.group(1)} is public and does not start with assay_")
        for match in re.finditer(r"^#\s*define\s+(\w+)", code, re.M):
            if not match.group(1).startswith("ASSAY_") and match.group(1) != "X":
                tree.found("macro", name, line_at(code, match.start()),
                           f"macro {match.group(1)} does not start with ASSAY_")


def check_prose(tree):
    for name, text in tree.texts.items():
        for check, pattern, sentence in (
                ("unfinished", UNFINISHED, "unfinished work stands in an issue, not in the tree"),
                ("machine", MACHINE, "a path of one machine"),
                ("registry", REGISTRY, "a registry or mirror is the machine's choice")):
            for match in pattern.finditer(text):
                tree.found(check, name, line_at(text, match.start()),
                           f"{match.group()}: {sentence}")


def rules_defined(tree):
    defined = {}
    for name, text in tree.texts.items():
        if not name.startswith("spec/"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = RULE_DEFINED.match(line)
            if match and match.group(1) in defined:
                tree.found("rule-twice", name, number, f"{match.group(1)} is defined twice")
            elif match:
                defined[match.group(1)] = (name, number)
    return defined


def check_rules(tree):
    """Every rule is cited by code and by a test; every citation names a rule."""
    defined = rules_defined(tree)
    in_code, in_tests = set(), set()
    for name, text in tree.texts.items():
        if name.startswith("tests/tidy/"):
            continue
        cited = set(RULE.findall(text))
        if layer_of(name):
            in_code |= cited
            for letter, first, last in RULE_RANGE.findall(text):
                in_code |= {f"{letter}-{n}" for n in range(int(first), int(last) + 1)}
        elif name.startswith("tests/"):
            in_tests |= cited
        for rule in sorted(cited - defined.keys()):
            line = line_at(text, re.search(rf"\b{rule}\b", text).start())
            tree.found("rule-unknown", name, line, f"{rule} is not in spec/")
    for rule, (name, number) in defined.items():
        if rule not in in_code:
            tree.found("rule-code", name, number, f"{rule} is cited by no code")
        if rule not in in_tests:
            tree.found("rule-test", name, number, f"{rule} is cited by no test")


def check(root):
    """All findings about the tree at root, in a stable order."""
    tree = Tree(root)
    check_sizes(tree)
    check_functions(tree)
    check_licence(tree)
    check_layers(tree)
    check_words(tree, "banned", BANNED, None, "banned call")
    check_words(tree, "float", FLOAT, FLOAT_FREE, "no floating point in this layer")
    check_words(tree, "libm", LIBM, LIBM_FREE, "no libm in the forward pass")
    check_words(tree, "clock", CLOCK, CLOCK_FREE, "no clock and no locale in this layer")
    check_words(tree, "type-name", TYPE_NAME, None, "_t belongs to the system")
    check_headers(tree)
    check_names(tree)
    check_prose(tree)
    check_rules(tree)
    return tree.findings


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
