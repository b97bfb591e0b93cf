"""A completions file as TRL's GRPOTrainer logs it: the same table by the same pandas call, with a reward that is missing.

    python3 test/oracle/trl_completions.py test/golden/dumps
"""
import json, pathlib, platform, sys
import pandas as pd, pyarrow

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
logs = {"prompt": ["2 + 2 =", "1 + 2 =", "naïve 🎉"], "completion": [" 4", " 5", ""],
        "rewards": {"accuracy_reward": [1.0, 0.0, None], "format_reward": [1.0, 1.0, 0.5]},
        "extra": {"request": [1, 2 ** 60, 3]}, "advantages": [0.5, -0.5, 0.0]}
# from GRPOTrainer.log, trl 1.13
table = {"step": [12] * len(logs["prompt"]), "prompt": logs["prompt"], "completion": logs["completion"], **logs["rewards"],
         **logs["extra"], "advantage": logs["advantages"]}
pd.DataFrame(table).to_parquet(folder / "completions_00012.parquet")
(folder / "completions_00012.json").write_text(json.dumps({
    "source": "test/oracle/trl_completions.py", "command": "python3 test/oracle/trl_completions.py test/golden/dumps",
    "versions": {"python": platform.python_version(), "pandas": pd.__version__, "pyarrow": pyarrow.__version__},
    "tolerance": "equal", "logs": {**logs, "extra": {"request": [1, str(2 ** 60), 3]}}}) + "\n")
