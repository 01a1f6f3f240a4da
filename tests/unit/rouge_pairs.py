"""500 pairs of texts: rests of starter questions, and the same with words changed or moved."""

import random

from solver.problems import load


def pairs() -> list[tuple[str, str]]:
    """The same 500 pairs each time: a target and a prediction."""
    draw = random.Random(0)
    texts = [problem.question for problem in load("starter").problems]
    words = sorted({word for text in texts for word in text.split()})
    found = []
    for number in range(500):
        target = texts[number % len(texts)]
        target = target[int(len(target) * draw.choice([0, 0.4, 0.6, 0.8])) :].strip()
        prediction = target.split() if number % 10 else draw.choice(texts).split()
        for _ in range(draw.randint(0, 6)):
            place = draw.randrange(len(prediction) + 1)
            match draw.randrange(4):
                case 0:
                    prediction.insert(place, draw.choice(words))
                case 1:
                    del prediction[place : place + 2]
                case 2:
                    prediction[place : place + 1] = [draw.choice(words).upper()]
                case 3:
                    prediction = prediction[place:] + prediction[:place]
        found.append((target, " ".join(prediction)))
    return found
