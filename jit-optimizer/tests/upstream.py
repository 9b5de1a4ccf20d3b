"""Write what CPython's own optimizer makes of the cases in this directory.

    python3 jit-optimizer/tests/upstream.py PATH/TO/CPYTHON/Tools/jit

cases/TRIPLE/NAME.s is the input, made by hand. This writes NAME.out, the output of
`_optimizers.py`, or NAME.err, the exception that it raised and the function that raised it. The
cases in cases/none go through the base class, `Optimizer`, which knows no instructions.
"""

import pathlib
import shutil
import sys
import tempfile
import traceback

sys.path.insert(0, sys.argv[1])
import _optimizers  # noqa: E402
import _targets  # noqa: E402

for source in sorted(pathlib.Path(__file__).parent.glob("cases/*/*.s")):
    triple = source.parent.name
    base = triple == "none"
    target = _targets.get_target("x86_64-unknown-linux-gnu" if base else triple)
    optimizer = _optimizers.Optimizer if base else target.optimizer
    for stale in (".out", ".err"):
        source.with_suffix(stale).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(shutil.copy(source, directory))
        try:
            optimizer(
                copy,
                label_prefix=target.label_prefix,
                symbol_prefix=target.symbol_prefix,
                re_global=target.re_global,
                frame_pointers=target.frame_pointers,
            ).run()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1].name
            text = f"{type(error).__name__} in {place}\n"
            source.with_suffix(".err").write_text(text)
        else:
            shutil.copy(copy, source.with_suffix(".out"))
