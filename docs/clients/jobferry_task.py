"""Runs a job and fetches its files: plain Python, for tasks of Airflow, Prefect and others."""
import json
import os
import tarfile
import time
import urllib.error
import urllib.request


def call(path, body=None, headers=None):
    """Answers of 2xx; what may pass (429, 502, 503, 504, no connection) is tried again for some minutes."""
    server = os.environ.get("JOBFERRY_SERVER", "http://127.0.0.1:8888")
    request = urllib.request.Request(server + path, body, headers or {})
    if "JOBFERRY_TOKEN" in os.environ:
        request.add_header("authorization", f"Bearer {os.environ['JOBFERRY_TOKEN']}")
    for seconds in (1, 2, 4, 8, 16, 32, 64, None):
        try:
            return urllib.request.urlopen(request, timeout=90)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504) or seconds is None:
                raise RuntimeError(f"{path}: {error.read().decode()}") from error
        except OSError:
            if seconds is None:
                raise
        time.sleep(seconds)


def run_job(request, folder, key):
    """Resolves once the files are in the folder. A task that is repeated with the same key finds its job again."""
    headers = {"content-type": "application/json", "idempotency-key": key}
    with call("/job/deploy", json.dumps(request).encode(), headers) as answer:
        job = json.load(answer)
    while job.get("state") not in ("succeeded", "failed", "canceled"):
        with call(f"/job/{job['job_uuid']}?wait=50") as answer:
            job = json.load(answer)
    if job["state"] != "succeeded":
        raise RuntimeError(f"job {job['job_uuid']} {job['state']}: {job['reason']}: {job['message']}")
    # A tar that was cut short ends with an error.
    with call(f"/job/{job['job_uuid']}/result") as answer, tarfile.open(fileobj=answer, mode="r|") as tar:
        tar.extractall(folder, filter="data")
    return job
