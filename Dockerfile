# Dependencies are checked against the lock's hashes; what only builds and tests need stays in the first stage.
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/supportpulse
ENV PATH=/opt/supportpulse/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY streams streams
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes hatch-mypyc hatchling hypothesis mypy pytest pytest-asyncio pytest-timeout ruff testcontainers docker

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 supportpulse
COPY --from=build /opt/supportpulse /opt/supportpulse
ENV PATH=/opt/supportpulse/bin:$PATH PYTHONUNBUFFERED=1 SUPPORTPULSE_METRICS_HOST=0.0.0.0
USER supportpulse
WORKDIR /home/supportpulse
EXPOSE 9464
ENTRYPOINT ["supportpulse"]
CMD ["--help"]
