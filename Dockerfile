# The first stage builds the wheel with the locked tools and installs it beside what it needs to run; the second has that
# environment and nothing else: no pip, no tools. Every download is checked against the hashes of a lock.
FROM python:3.11.16-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock requirements-runtime.lock ./
RUN python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-compile --require-hashes -r requirements.lock
RUN python -m venv --without-pip /opt/supportpulse \
    && /opt/tools/bin/pip --python /opt/supportpulse/bin/python install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY streams streams
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheel . \
    && /opt/tools/bin/pip --python /opt/supportpulse/bin/python install --no-deps --no-index /opt/wheel/*.whl

FROM python:3.11.16-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home supportpulse
COPY --from=build /opt/supportpulse /opt/supportpulse
# A worker's state is in Kafka: what it keeps on disk may go with the container.
ENV PATH=/opt/supportpulse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SUPPORTPULSE_METRICS_HOST=0.0.0.0 \
    SUPPORTPULSE_DATA_DIR=/tmp/supportpulse
USER supportpulse
WORKDIR /
EXPOSE 9464 9466 9470 9480
ENTRYPOINT ["supportpulse"]
CMD ["--help"]
