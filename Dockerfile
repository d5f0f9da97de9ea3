# Digest as pinned by the public repository n24q02m/better-code-review-graph (Dockerfile).
ARG BASE_IMAGE=python:3.13-slim-bookworm@sha256:a58daefb915e1e03ad48f3ca4df8832065412c5c35cacb9d39f4229184de12b6
FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.lock /
RUN pip install --require-hashes --only-binary=:all: --no-compile --target /opt/driftgate -r /requirements.lock \
    && find /opt/driftgate -type d -name tests -prune -exec rm -r {} + \
    && rm -r /opt/driftgate/bin
COPY entrypoint.py /opt/driftgate/
COPY gate /opt/driftgate/gate
# Unchecked: layers round times, and bytecode that is held against them would be made anew in each run.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/driftgate

FROM ${BASE_IMAGE}
# Safe path: `python -m gate` in a workspace must never import what lies there.
ENV PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/driftgate
COPY --from=build /opt/driftgate /opt/driftgate
# No USER: a container action must run as root to write the runner's files.
ENTRYPOINT ["python", "/opt/driftgate/entrypoint.py"]
