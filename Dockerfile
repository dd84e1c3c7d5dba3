# Setpoint with everything it needs, as a user who owns nothing but its data directory. Not built by continuous
# integration; tests/test_compose.py holds it against the code.
FROM python:3.11-slim

# The worker beside the server and the embedded database must not be started by root.
RUN useradd --create-home --uid 10001 setpoint && mkdir /data && chown setpoint:setpoint /data

WORKDIR /opt/setpoint
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

USER setpoint
# Without SETPOINT_DATABASE_URL the embedded database lives here.
ENV SETPOINT_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
# Long enough for what is under way to be answered, and for the worker to give back what it is at.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["setpoint", "serve", "--host", "0.0.0.0"]
