"""400 samples on two arms against a simulated 200 ms endpoint, 64 at once: wall time over the ideal."""

import time

from gate.domain import ChatRequest, Message, Question
from gate.endpoints.transport import HttpEndpoint
from gate.endpoints.wire import Credentials
from gate.policy import Budget, EndpointRule
from gate.runner import Line, Runner
from gate.simulated import SimulatedEndpoint

DELAY, CONCURRENCY, SAMPLES = 0.2, 64, 400


def main() -> None:
    with SimulatedEndpoint(lambda *_: "ok", delay_s=DELAY) as server:
        rule = EndpointRule(protocol="openai-chat", base_url=server.base_url, max_concurrency=CONCURRENCY)
        line = Line(endpoint=HttpEndpoint(alias="e", rule=rule, credentials=Credentials()), max_concurrency=CONCURRENCY)
        request = ChatRequest(model="m", messages=(Message(role="user", content="hello"),))
        asked = [
            ("e", Question(config="c", family="f", sample_id=str(i), arm=arm, repeat=0, request=request))
            for i in range(SAMPLES)
            for arm in ("baseline", "candidate")
        ]
        begun = time.perf_counter()
        Runner(lines={"e": line}, budget=Budget()).ask_all(asked)
        wall = time.perf_counter() - begun
    ideal = len(asked) * DELAY / CONCURRENCY
    print(f"{len(asked)} calls: {wall:.2f} s, ideal {ideal:.2f} s, ratio {wall / ideal:.3f}")


main()
