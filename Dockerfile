# One image for the API and the relay: the command decides which one runs. compose.yaml adds the stores.
FROM python:3.13-slim AS packages
COPY requirements/runtime.txt /tmp/runtime.txt
# The environment has no pip, so the image cannot install anything. Only wheels: nothing is compiled.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
       --only-binary=:all: --require-hashes -r /tmp/runtime.txt

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Holdfast" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 holdfast \
    && useradd --system --uid 10001 --gid holdfast --home-dir /app --shell /usr/sbin/nologin holdfast \
    && install -d -o holdfast -g holdfast /run/holdfast
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
RUN /venv/bin/python -m compileall -q /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PROMETHEUS_MULTIPROC_DIR=/run/holdfast
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# gunicorn reads its other settings from gunicorn.conf.py in the working directory.
CMD ["python", "-m", "gunicorn", "--bind", "0.0.0.0:8080"]
