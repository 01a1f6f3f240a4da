"""Small logs in the formats of other tools, written as those tools write them."""

import json

QUESTIONS = {"p1": ("What is 1 + 1?", "2"), "p2": ("What is half of 1?", "\\frac{1}{2}")}
DATE = "2026-11-28T07-35-24.798742"
INSTRUCTION = "\nPut the final answer in \\boxed{}."


def lm_eval(folder, replies, *, task="adding", model="tiny", filters=("none",), wrong=(), **more):
    """Samples and results: `replies` by question; `wrong` says of whom the metric is 0."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in filters:
        for number, (key, texts) in enumerate(replies.items()):
            question, reference = QUESTIONS[key]
            prompt = json.dumps([{"role": "user", "content": question + INSTRUCTION}])
            lines.append(
                {
                    "doc_id": number,
                    "doc": {"id": key, "question": question, "level": 1, "domain": "Algebra"},
                    "target": reference,
                    "arguments": {"gen_args_0": {"arg_0": [prompt], "arg_1": {}}},
                    "resps": [texts],
                    "filtered_resps": texts[:1],
                    "filter": name,
                    "metrics": ["exact_match"],
                    "exact_match": 0.0 if key in wrong else 1.0,
                    **more,
                }
            )
    path = folder / f"samples_{task}_{DATE}.jsonl"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), "utf-8")
    results = {"model_name": model, "model_source": "local-completions", "config": {}}
    (folder / f"results_{DATE}.json").write_text(json.dumps(results), encoding="utf-8")
    return path


def inspect(path, samples, *, task="adding", model="openai/tiny"):
    """A `.json` log. Each sample: key, epoch, messages after the question, scores, error."""
    made = []
    for key, epoch, messages, scores, *error in samples:
        question, reference = QUESTIONS.get(key, QUESTIONS["p1"])
        asked = question + INSTRUCTION
        made.append(
            {
                "id": key,
                "epoch": epoch,
                "input": asked,
                "target": reference,
                "messages": [{"role": "user", "content": asked, "source": "input"}, *messages],
                "output": {"model": model, "choices": []},
                "scores": {name: {"value": value} for name, value in scores.items()},
                "events": [event for m in messages if (event := _event(m))],
                "attachments": {},
                "metadata": {"domain": "algebra", "level": 1},
                **({"error": {"message": error[0]}} if error else {}),
            }
        )
    log = {"version": 2, "status": "success", "eval": {"task": task, "model": model}}
    path.write_text(json.dumps({**log, "samples": made}), encoding="utf-8")
    return path


def said(text, *, thoughts="", stop="stop", code=None):
    """One message of the assistant, with how it stopped."""
    parts = [{"type": "reasoning", "reasoning": thoughts}] if thoughts else []
    message = {
        "role": "assistant",
        "id": text[:20],
        "content": [*parts, {"type": "text", "text": text}],
    }
    if code is not None:
        call = {"id": "call", "function": "python", "arguments": {"code": code}}
        message["tool_calls"] = [call]
    return {**message, "_stop": stop}


def printed(text, *, error=None):
    """What a tool answered."""
    kind = {"error": {"type": error, "message": text}} if error else {}
    return {"role": "tool", "tool_call_id": "call", "content": text, **kind}


def _event(message):
    if message["role"] != "assistant":
        return None
    usage = {"input_tokens": 11, "output_tokens": 7, "reasoning_tokens": 3}
    choice = {"message": {"id": message["id"]}, "stop_reason": message.get("_stop")}
    return {"event": "model", "output": {"choices": [choice], "usage": usage}, "working_time": 0.5}


def opencompass(path, replies, *, correct=None):
    """Predictions; results, with their verdicts, where `correct` is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {}
    for number, (key, reply) in enumerate(replies.items()):
        question, reference = QUESTIONS[key]
        prompt = [{"role": "HUMAN", "prompt": question + INSTRUCTION}]
        if correct is None:
            entries[str(number)] = {
                "origin_prompt": prompt, "prediction": reply, "gold": reference, "res_length": 9
            }  # fmt: skip
        else:
            entries[str(number)] = {
                "prompt": prompt, "origin_prediction": reply, "predictions": "x",
                "references": reference, "correct": correct[number],
            }  # fmt: skip
    whole = entries if correct is None else {"accuracy": 0.0, "details": {"type": "GEN", **entries}}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def nemo_skills(path, replies, *, correct=True):
    """One seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": key, "problem": QUESTIONS[key][0], "expected_answer": QUESTIONS[key][1],
            "generation": reply, "num_generated_tokens": 5, "symbolic_correct": correct,
            "predicted_answer": None,
        }
        for key, reply in replies.items()
    ]  # fmt: skip
    return jsonl(path, rows)


def jsonl(path, rows):
    """One object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
