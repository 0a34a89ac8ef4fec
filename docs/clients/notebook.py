# A notebook in cells (VS Code, JupyterLab with jupytext): runs a job, waits, and shows its files.
# %%
import io
import os

import pandas as pd
import requests
from PIL import Image

server = os.environ.get("JOBFERRY_SERVER", "http://127.0.0.1:8888")
session = requests.Session()
if "JOBFERRY_TOKEN" in os.environ:
    session.headers["authorization"] = f"Bearer {os.environ['JOBFERRY_TOKEN']}"


def get(path, **parameters):
    answer = session.get(server + path, params=parameters, timeout=90)
    if not answer.ok:
        raise RuntimeError(answer.text)
    return answer

# %%
job_id = get("/job/deploy", job="showcase").json()["job_uuid"]
while (job := get(f"/job/{job_id}", wait=50).json())["phase"] in ("queued", "running"):
    print(job["state"])
assert job["state"] == "succeeded", job["message"]
# %%
files = pd.DataFrame(get(f"/job/{job_id}/result/list").json()["files"]).set_index("path")
files[["type", "size", "sha256"]]
# %%
text = get(f"/job/{job_id}/result", file="SHA256SUMS").text
sums = pd.read_csv(io.StringIO(text), sep=r"\s+", names=["sha256", "path"]).set_index("path")
sums.join(files["size"])
# %%
Image.open(io.BytesIO(get(f"/job/{job_id}/result", file="pictures/mandelbrot.png").content))
