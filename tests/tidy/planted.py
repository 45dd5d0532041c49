#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that tidy.py can fail: a small good tree passes, and each planted fault is found by the
check that is meant for it and by no other."""
import re
import sys
import tempfile
from pathlib import Path

import tidy

LINE = "// SPDX-License-Identifier: Apache-2.0\n"
GOOD = {
    "base/thing.h": LINE + '''
#include "base/other.h"

// Does it. Errors: RANGE. Spec: N-1.
assay_status assay_thing_do(int x, assay_error *err);

#define ASSAY_THING 1
''',
    "base/thing.c": LINE + '''
// P-2: time( and float in a comment, "strcpy(" in a text: no finding.
assay_status assay_thing_do(int x, assay_error *err) {
    return x ? ASSAY_OK : ASSAY_FAIL(err, RANGE, "no sprintf(");
}
''',
    "ledger/money.h": LINE + '''
#include "base/thing.h"

// Moves it. Errors: REJECTED. Spec: P-2.
assay_status assay_money_move(int x, assay_error *err);
''',
    "node/main.c": LINE + '''
#include "ledger/money.h"

int main(void) {
    return time(NULL) > 0.5;
}
''',
    "tests/base/test_thing.c": LINE + '''
#include <setjmp.h>
#include "base/thing.h"
// N-1, P-2
''',
    "spec/rules.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n# Rules\n\n"
                     "**N-1** A thing is one.\n\n**P-2** A thing is moved.\n",
    "tool": "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\nwork() {\n    true\n}\n",
}
LONG_C = "int long_one(int x,\n             int y) {\n" + "    x++;\n" * 70 + "}\n"
LONG_PY = "def long_one(x):\n" + "    x += 1\n" * 71
LONG_SH = "long_one() {\n" + "    true\n" * 70 + "}\n"
ROOT, HOME = "/" + "work", "/" + "home"

# check, file, text that is appended to it (a new file starts with the SPDX line).
PLANTED = [
    ("file-size", "node/big.c", "int x;\n" * 800),
    ("line-size", "node/main.c", "// " + "x" * 98 + "\n"),
    ("function-size", "node/main.c", LONG_C),
    ("function-size", "tests/tool.py", LONG_PY),
    ("function-size", "tool", LONG_SH),
    ("licence", "node/bare.c", None),
    ("licence", "docs/bare.md", None),
    ("include", "node/main.c", '#include "money.h"\n'),
    ("include", "node/main.c", '#include "../ledger/money.h"\n'),
    ("include", "node/main.c", '#include "other/money.h"\n'),
    ("layer", "base/thing.c", '#include "ledger/money.h"\n'),
    ("layer", "ledger/money.h", '#include "quant/model.h"\n'),
    ("layer", "ledger/money.h", '#include "kernels/types.h"\n'),
    ("layer", "ledger/money.h", '#  include <consensus/engine.h>\n'),
    ("layer", "quant/model.c", '#include "ledger/money.h"\n'),
    ("layer", "kernels/gemm.c", '#include "quant/model.h"\n'),
    ("layer", "consensus/solo.c", '#include "quant/model.h"\n'),
    ("layer", "attribution/spans.c", '#include "ledger/money.h"\n'),
    ("layer", "node/main.c", '#include "tests/skip.h"\n'),
    ("room", "ledger/state/smt.c", '#include "ledger/money.h"\n'),
    ("room", "node/http/server.c", '#include "node/api/api.h"\n'),
    ("room", "node/options.c", '#include "node/http/server.h"\n'),
    *[("banned", "node/main.c", f"void f(void) {{\n    {call} (a);\n}}\n") for call in
      ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "strtok", "rand",
       "srand", "alloca", "setjmp")],
    ("banned", "tests/base/test_thing.c", "int x = atoi(text);\n"),
    *[("float", f"{layer}/x.c", "static double x;\n")
      for layer in ("ledger", "consensus", "attribution")],
    ("float", "ledger/x.c", "#include <math.h>\n"),
    ("float", "ledger/x.c", "static int x = sqrt(2);\n"),
    ("libm", "kernels/ref/exp.c", "static float x = expf(2);\n"),
    ("libm", "kernels/ref/exp.c", "#include <math.h>\n"),
    *[("clock", f"{layer}/x.c", f"static long x = {call}(0);\n")
      for layer in ("base", "kernels", "quant", "attribution", "ledger")
      for call in ("time", "clock_gettime", "localtime", "setlocale")],
    ("type-name", "node/main.c", "typedef int money_t;\n"),
    ("type-name", "node/main.c", "typedef struct {\n    int x;\n} money_t;\n"),
    ("type-name", "node/main.c", "struct money_t {\n    int x;\n};\n"),
    ("errors", "ledger/money.h", "\n// Spends it.\nassay_status assay_money_spend(int x);\n"),
    ("errors", "ledger/money.h", "\nassay_status assay_money_spend(int x);\n"),
    ("spec", "ledger/free.h", "\n// Errors: RANGE.\nassay_status assay_free_do(int x);\n"),
    ("name", "ledger/money.h", "\nint money_count(const int *x);\n"),
    ("name", "ledger/money.h", "\nstruct money *money_get(int x,\n    int y);\n"),
    ("macro", "ledger/money.h", "\n#define MONEY 1\n"),
    ("unfinished", "spec/rules.md", "T" + "ODO: later\n"),
    ("machine", "docs/use.md", f"run {ROOT}/main/x\n"),
    ("machine", "tool", f"cd {HOME}/me\n"),
    ("registry", "tool", "pip install --inde" + "x-url http://mirror.example x\n"),
    ("registry", "docs/use.md", "https://registry.n" + "pmjs.org/ethers\n"),
    ("rule-code", "spec/rules.md", "\n**P-3** Said by nobody.\n"),
    ("rule-test", "spec/rules.md", "\n**P-3** Said by code.\n"),
    ("rule-twice", "spec/rules.md", "\n**P-2** Again.\n"),
    ("rule-unknown", "node/main.c", "// N-99\n"),
    ("rule-unknown", "tests/base/test_thing.c", "// A-4\n"),
]
# Where one line breaks two rules, both are expected.
ALSO = {("rule-code", "\n**P-3** Said by nobody.\n"): {"rule-test"}}


def tree_write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def checks_found(files):
    with tempfile.TemporaryDirectory() as folder:
        tree_write(Path(folder), files)
        findings = tidy.check(folder)
    return {re.search(r"\[([\w-]+)\]", f).group(1) for f in findings}, findings


def planted(check, name, text):
    files = dict(GOOD)
    if text is None:
        files[name] = "Nothing about a licence.\n" if name.endswith(".md") else "int x;\n"
        return files
    start = LINE if name.endswith((".c", ".h")) else LINE.replace("//", "#")
    if name.endswith(".md"):
        start = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
    files[name] = files.get(name, start) + text
    if check == "rule-test":
        files["base/thing.c"] += "// P-3\n"
    return files


def main():
    bad = 0
    found, findings = checks_found(GOOD)
    if found:
        bad += 1
        print("the good tree has findings:", *findings, sep="\n  ")
    for check, name, text in PLANTED:
        found, findings = checks_found(planted(check, name, text))
        expected = {check} | ALSO.get((check, text), set())
        if found != expected:
            bad += 1
            print(f"{check} in {name} ({text!r:.60}): found {sorted(found)}")
    source = Path(tidy.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'(?:found\(|check_words\(tree, |\s\()"([a-z-]+)", ', source))
    for check in named - {check for check, _, _ in PLANTED}:
        bad += 1
        print(f"no fault is planted for {check}")
    print(f"{len(PLANTED)} planted faults, {len(named)} checks, {bad} wrong")
    return 1 if bad or len(named) < 15 else 0


if __name__ == "__main__":
    sys.exit(main())
