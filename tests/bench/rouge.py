"""Compare ROUGE-L with the package rouge-score on 500 pairs, and write its scores for the tests.

pip install rouge-score && python -m tests.bench.rouge [--write]
"""

import json
import sys
from pathlib import Path

from solver.stats.rouge import rouge_l
from tests.unit.rouge_pairs import pairs

SCORES = Path(__file__).parents[1] / "unit" / "rouge_scores.json"


def main() -> int:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    theirs = [scorer.score(*pair)["rougeL"].fmeasure for pair in pairs()]
    worst = max(abs(rouge_l(*pair) - score) for pair, score in zip(pairs(), theirs, strict=True))
    print(
        f"{len(theirs)} pairs, {len(set(theirs))} different scores, largest difference {worst:.1e}"
    )
    if "--write" in sys.argv:
        SCORES.write_text(json.dumps(theirs) + "\n", "utf-8")
    return int(worst > 1e-9)


if __name__ == "__main__":
    sys.exit(main())
